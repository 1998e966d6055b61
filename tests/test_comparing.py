"""Two models on comments whose decisions are known, checked by counting one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation.artifacts import Manifest
from moderation.comments import Comment
from moderation.comparing import Contender, Effect, choose_unlearnt, compare, count_set_aside
from moderation.memory import remember
from moderation.metrics import compare_rankings
from moderation.policy import Action, Languages, Policy, Rule
from moderation.promotion import TO_READ


@dataclass(frozen=True)
class Fixed:
    """A scorer that knows the score of each text."""

    scores: dict[str, float]
    version: str = "m1"
    attribute: str = "LIKELY_TO_REJECT"
    base_rates: Mapping[str, float] = field(default_factory=lambda: {"LIKELY_TO_REJECT": 0.1})

    def score(self, texts):
        return np.array([self.scores[text] for text in texts])


def contender(scores, threshold=0.5):
    rule = Rule("LIKELY_TO_REJECT", threshold, Action.HOLD, "one in two")
    known = {f"remark {n}": score for n, score in enumerate(scores)}
    return Contender(Fixed(known), Policy((rule,)))


def decided(labels, *, articles=1, threads=1):
    return [
        Comment(str(n), f"remark {n}", "csv", label=label, article_id=f"a{n % articles}",
                parent_id=str(n % threads) if n >= threads else None)
        for n, label in enumerate(labels)
    ]  # fmt: skip


def test_rules_about_other_attributes_are_compared_by_their_own_scores():
    @dataclass(frozen=True)
    class TwoHeads(Fixed):
        def score_attributes(self, texts):
            own = self.score(texts)
            return {self.attribute: own, "TOXICITY": 1 - own}

    rule = Rule("TOXICITY", 0.8, Action.HOLD, "toxic")
    known = {"remark 0": 0.1, "remark 1": 0.9}
    found = compare(contender([0.1, 0.9]), Contender(TwoHeads(known), Policy((rule,))),
                    decided([0, 1]))  # fmt: skip
    assert (found.present.held, found.new.held) == (1, 1)
    assert (found.newly_held.rows.tolist(), found.newly_passed.rows.tolist()) == ([0], [1])


def test_a_policy_that_asks_for_languages_is_told_them():
    german = "Die Fähre fährt am Mittag ab, und wer zu spät kommt, wartet am Ufer auf die nächste."
    comments = [Comment("1", german, "csv", label=0)]
    rule = Rule("LIKELY_TO_REJECT", 0.9, Action.HOLD, "sure")
    asks = Contender(Fixed({german: 0.1}), Policy((rule,), languages=Languages(("en",))))
    found = compare(asks, Contender(Fixed({german: 0.1}), Policy((rule,))), comments)
    assert (found.present.held, found.new.held) == (1, 0)


tenths = st.integers(0, 10).map(lambda n: n / 10)


@settings(max_examples=20)  # each draws a thousand times
@given(st.lists(st.tuples(tenths, tenths, st.integers(0, 1)), min_size=1, max_size=30), tenths)
def test_moves_are_those_counted_one_by_one(drawn, threshold):
    before, after, labels = zip(*drawn, strict=True)
    found = compare(contender(before), contender(after, threshold), decided(labels))
    rows = list(enumerate((a >= 0.5, b >= threshold) for a, b, _ in drawn))
    held = [n for n, (was, is_) in rows if is_ and not was]
    passed = [n for n, (was, is_) in rows if was and not is_]
    assert (found.comments, found.removed) == (len(labels), sum(labels))
    for effect, place in ((found.present, 0), (found.new, 1)):
        holds = [pair[place] for _, pair in rows]
        both = list(zip(holds, labels, strict=True))
        assert effect == Effect(sum(holds), both.count((True, 0)), both.count((False, 1)))
    for moved, expected in ((found.newly_held, held), (found.newly_passed, passed)):
        assert moved.rows.tolist() == expected
        assert moved.removed == sum(labels[n] for n in expected)
        assert moved.approved == len(expected) - moved.removed
        assert set(moved.to_read) <= set(expected)
        assert len(moved.to_read) == min(TO_READ, len(expected))
    assert found.scores == (before, after)


def test_rankings_are_scikit_learns_and_differences_are_theirs():
    rng = np.random.default_rng(3)
    labels = (rng.random(300) < 0.3).astype(int)
    before, after = rng.random(300), labels * 0.4 + rng.random(300) * 0.6
    found = compare(contender(before), contender(after), decided(labels)).rankings
    assert found.roc_auc.present.value == pytest.approx(roc_auc_score(labels, before))
    assert found.average_precision.new.value == pytest.approx(
        average_precision_score(labels, after)
    )
    more = roc_auc_score(labels, after) - roc_auc_score(labels, before)
    assert found.roc_auc.more.value == pytest.approx(more)
    assert 0 < found.roc_auc.more.low < more < found.roc_auc.more.high


def test_the_difference_is_paired():
    """Two models that err alike differ by less than the intervals of each let expect."""
    rng = np.random.default_rng(4)
    labels = (rng.random(300) < 0.3).astype(int)
    before = labels * 0.2 + rng.random(300) * 0.6
    found = compare(contender(before), contender(before + 0.01), decided(labels)).rankings
    assert (found.roc_auc.more.low, found.roc_auc.more.high) == (0, 0)
    assert found.roc_auc.present.high - found.roc_auc.present.low > 0.05


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0]])
def test_of_one_outcome_nothing_is_ranked(labels):
    found = compare(contender([0.1] * 3), contender([0.9] * 3), decided(labels))
    assert found.rankings is None
    assert len(found.newly_held.rows) == len(labels)


def test_more_that_gets_through_speaks_against_it():
    labels = [1] * 20 + [0] * 20
    worse = compare(contender([0.9] * 40), contender([0.1] * 40), decided(labels))
    assert not worse.advice.promote
    assert "more gets through than now" in worse.advice.reasons[0]
    assert compare(contender([0.1] * 40), contender([0.9] * 40), decided(labels)).advice.promote


@pytest.mark.parametrize(
    ("kept_whole", "groups"),
    [({}, None), ({"articles": 12}, 12), ({"threads": 12}, 12), ({"articles": 9}, None)],
)
def test_articles_are_drawn_whole_else_threads_else_comments(kept_whole, groups):
    """Fewer than ten of either tell little of how such draws would vary."""
    rng = np.random.default_rng(5)
    labels, before, after = rng.integers(2, size=240), rng.random(240), rng.random(240)
    found = compare(contender(before), contender(after), decided(labels, **kept_whole), seed=7)
    drawn = groups and np.arange(240) % groups
    assert found.rankings == compare_rankings(labels, before, after, groups=drawn, seed=7)


def test_the_same_seed_chooses_the_same_to_read():
    labels = [0] * 60
    models = contender([0.1] * 60), contender([0.9] * 60)
    first, again, other = (
        compare(*models, decided(labels), seed=seed).newly_held.to_read.tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    "comments", [[], [Comment("1", "words", "csv")], [Comment("1", None, "csv", label=1)]]
)
def test_a_comment_without_words_or_a_decision_is_misuse(comments):
    with pytest.raises(ValueError, match="with words and a label each"):
        compare(contender([0.1]), contender([0.1]), comments)


def manifest(*, learnt=None, newest=None):
    data = {"newest": newest, "learnt_texts": learnt and remember(learnt)}
    return Manifest({"training_data": data})


def test_what_either_model_has_learnt_from_is_left_out_and_counted_once():
    comments = [*decided([0, 1, 0, 1, 0]), Comment("9", None, "csv", label=1)]
    found = choose_unlearnt(
        comments,
        present=manifest(learnt=["remark 1", "REMARK  2"]),
        new=manifest(learnt=["remark 2", "remark 3"]),
    )
    assert found.rows.tolist() == [0, 4]
    assert found.left_out == {
        "without words": 1,
        "the model in use has learnt from": 2,
        "the new model has learnt from": 1,
    }


def test_of_a_model_that_does_not_tell_only_what_is_newer_is_surely_new():
    moments = [None, *(datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))]
    comments = [
        replace(one, created_at=moment)
        for one, moment in zip(decided([0] * 4), moments, strict=True)
    ]
    new = manifest(learnt=["another"])
    found = choose_unlearnt(comments, present=manifest(newest="2026-03-02T00:00:00+00:00"), new=new)
    assert found.rows.tolist() == [3]
    [cause] = found.left_out
    assert cause.startswith("the model in use may have learnt from")
    assert not len(choose_unlearnt(comments, present=manifest(), new=new).rows)


def test_no_decisions_are_no_comments_to_compare_on():
    found = choose_unlearnt([], present=manifest(learnt=["a"]), new=manifest())
    assert (len(found.rows), found.left_out) == (0, {})


def test_a_fifth_of_the_decisions_is_set_aside_and_never_more_than_are_compared():
    assert [count_set_aside(n) for n in (0, 10, 4999, 5000, 9000)] == [0, 2, 999, 1000, 1000]
