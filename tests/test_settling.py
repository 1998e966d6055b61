"""Thresholds of a policy found on labelled comments: on which of them, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from moderation.errors import DataError
from moderation.guarantees import find_threshold
from moderation.past import Categories, PastComments
from moderation.policy import (
    Action,
    ErrorLimit,
    Goal,
    Languages,
    MissLimit,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
)
from moderation.policy.files import RuleAt
from moderation.settling import Settled, Unsettled, check_plain, settle
from moderation.thresholds import find_point

PROMISE = ErrorLimit(0.1, 0.9)
POINT = Goal.parse("maximum recall @ precision >= 0.6")
FAR = Goal.parse("maximum recall @ accuracy >= 0.999")
CLEAN = Rule("TOXICITY", None, Action.APPROVE, "clean", goal=PROMISE)
LOOK = Rule("TOXICITY", None, Action.HOLD, "look", goal=POINT)


def comments(number=1200, seed=0, **changes):
    rng = np.random.default_rng(seed)
    scores, threats = rng.random(number), rng.random(number)
    past = PastComments(
        scores={"TOXICITY": scores, "THREAT": threats},
        labels=(rng.random(number) < scores**3).astype(np.int8),
        weights=np.ones(number),
        characters=rng.integers(1, 60, number).astype(np.int32),
        sections=Categories(rng.integers(0, 2, number).astype(np.int32), ("news", "sport")),
        languages=Categories(rng.integers(0, 2, number).astype(np.int32), ("en", "de")),
        model="a7fd7fc78958",
    )
    return replace(past, **changes)


def found_on(past, rows, promise=PROMISE, action=Action.APPROVE):
    return find_threshold(
        promise, action, past.labels[rows].astype(int), past.scores["TOXICITY"][rows]
    )


def test_a_promise_is_settled_with_what_it_stands_on():
    past = comments()
    [settled] = settle(Policy((CLEAN,)), past)
    expected = found_on(past, slice(None))
    assert (settled.at, settled.found) == (RuleAt(None, "clean"), expected)
    evidence = settled.rule.evidence
    assert (evidence.model, evidence.labels) == ("a7fd7fc78958", 1200)
    assert (evidence.acted, evidence.errors) == (expected.acted, expected.errors)
    assert settled.rule.automatic
    assert settled.changes["threshold"] == expected.threshold
    assert settled.changes["suspended"] is None


def test_a_promise_has_the_curve_of_its_errors_settled_or_not():
    past = comments(200)
    order = np.argsort(past.scores["TOXICITY"])
    for rule in (CLEAN, replace(CLEAN, goal=ErrorLimit(0.001))):
        [found] = settle(Policy((rule,)), past)
        assert found.curve.acted.tolist() == list(range(1, 201))
        assert found.curve.errors.tolist() == np.cumsum(past.labels[order]).tolist()
    weights = np.tile([1.0, 50.0], 100)
    [found] = settle(Policy((CLEAN,)), replace(past, weights=weights))
    assert found.curve.labels < 130


def test_a_point_is_settled_at_the_base_rate_of_the_site():
    past = comments()
    for rate in (None, 0.1):
        [settled] = settle(Policy((LOOK,)), past, site_base_rate=rate)
        expected = find_point(
            POINT, past.labels.astype(int), past.scores["TOXICITY"], base_rate=rate
        )
        assert settled.found == expected
        assert settled.rule.evidence is None


def test_a_rule_that_has_a_number_is_left_as_it_is():
    policy = Policy((replace(LOOK, goal=None, threshold=0.5), CLEAN))
    assert [one.at.name for one in settle(policy, comments())] == ["clean"]


def test_comments_without_a_label_or_a_weight_count_for_nothing():
    past = comments()
    past.labels[:300] = -1
    past.weights[300:500] = 0
    [settled] = settle(Policy((CLEAN,)), past)
    assert settled.rule.evidence.labels == 700
    assert settled.found == found_on(past, slice(500, None))


def test_comments_that_are_not_decided_by_score_are_none_of_a_rules():
    past = comments()
    past.scores["TOXICITY"][:100] = np.nan
    policy = Policy((CLEAN,), too_short=TooShort(20), languages=Languages(("en",)))
    [settled] = settle(policy, past)
    decided = (past.characters >= 20) & (past.languages.codes == 0)
    decided[:100] = False
    assert settled.found == found_on(past, decided)


def test_a_promise_is_about_what_other_rules_leave_to_it():
    """Where another rule holds, nothing is approved; one without a threshold yet holds nothing."""
    past = comments()
    threat = Rule("THREAT", 0.7, Action.HOLD, "threat")
    later = Rule("THREAT", None, Action.HOLD, "later", goal=POINT)
    settled, _ = settle(Policy((CLEAN, threat, later)), past)
    assert settled.found == found_on(past, past.scores["THREAT"] < 0.7)


def test_a_removing_promise_is_about_what_no_rule_approves():
    past = comments(4000)
    calm = Rule("THREAT", 0.3, Action.APPROVE, "calm")
    sure = Rule("TOXICITY", None, Action.REMOVE, "sure", goal=ErrorLimit(0.3, 0.9))
    [settled] = settle(Policy((calm, sure)), past)
    rest = past.scores["THREAT"] >= 0.3
    assert settled.found == found_on(past, rest, ErrorLimit(0.3, 0.9), Action.REMOVE)


def test_each_place_settles_its_own_rule():
    past = comments(3000)
    sport = Override(sections=("sport",), rules=(replace(CLEAN, goal=ErrorLimit(0.2, 0.9)),))
    everywhere, there = settle(Policy((CLEAN,), overrides=(sport,)), past)
    in_sport = past.sections.codes == 1
    assert (everywhere.at, there.at) == (RuleAt(None, "clean"), RuleAt(0, "clean"))
    assert everywhere.found == found_on(past, ~in_sport)
    assert there.found == found_on(past, in_sport, ErrorLimit(0.2, 0.9))


def test_a_rule_on_the_even_scale_gets_a_threshold_on_it():
    past = comments()
    [plain] = settle(Policy((LOOK,)), past)
    [even] = settle(Policy((replace(LOOK, scale=ScoreScale.EVEN),)), past, base_rate=0.2)
    at = plain.rule.threshold
    assert even.rule.threshold == pytest.approx(at * 0.8 / (at * 0.8 + (1 - at) * 0.2))


def test_weights_that_differ_are_drawn_by():
    past = comments()
    weights = np.random.default_rng(1).choice([1.0, 8.0], len(past))
    [settled] = settle(Policy((CLEAN,)), replace(past, weights=weights), seed=5)
    assert settled.found == find_threshold(
        PROMISE,
        Action.APPROVE,
        past.labels.astype(int),
        past.scores["TOXICITY"],
        weights=weights,
        seed=5,
    )


@pytest.mark.parametrize(
    ("rule", "rows", "said"),
    [
        (CLEAN, 10, "12 more"),
        (
            replace(LOOK, goal=Goal.parse("maximum recall @ accuracy >= 0.999")),
            1200,
            "out of reach",
        ),
        (LOOK, 1, "one class"),
    ],
)
def test_what_cannot_be_settled_says_why(rule, rows, said):
    [unsettled] = settle(Policy((rule,)), comments().take(np.arange(rows)))
    assert isinstance(unsettled, Unsettled)
    assert said in unsettled.reason


def test_the_evidence_tells_the_labels_whatever_their_order():
    past = comments()
    shuffled = past.take(np.random.default_rng(0).permutation(len(past)))
    other = comments(seed=1)
    digests = [
        settle(Policy((CLEAN,)), one)[0].rule.evidence.learnt_from
        for one in (past, shuffled, other)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_labels_that_depend_on_the_score_are_no_plain_sample():
    """What an earlier policy approved unseen has none."""
    past = comments()
    past.labels[(past.scores["TOXICITY"] < 0.3) & (np.arange(1200) % 20 > 0)] = -1
    with pytest.raises(DataError, match=r"of the lowest tenth have one, 100% of the highest"):
        check_plain(past)


def test_labels_that_are_missing_at_random_are_a_plain_sample():
    refused = 0
    for seed in range(200):
        past = comments(400, seed)
        past.labels[np.random.default_rng(seed + 1000).random(400) < 0.5] = -1
        try:
            check_plain(past)
        except DataError:
            refused += 1
    assert refused <= 2


@pytest.mark.parametrize("same", [True, False])
def test_where_all_have_a_label_or_one_score_nothing_depends_on_it(same):
    past = comments(50)
    if same:
        past.scores["TOXICITY"][:] = 0.5
        past.labels[:20] = -1
    check_plain(past)
    assert isinstance(settle(Policy((CLEAN,)), past)[0], Settled | Unsettled)


STALE = replace(CLEAN, threshold=0.9)


def test_thresholds_that_are_found_anew_count_for_nothing_before():
    """One of last year would take what another rule is about, and then be gone."""
    past = comments(3000)
    sure = Rule("TOXICITY", None, Action.REMOVE, "sure", goal=ErrorLimit(0.4, 0.9))
    fresh = settle(Policy((CLEAN, sure, LOOK)), past)
    again = settle(Policy((STALE, sure, replace(LOOK, threshold=0.01))), past)
    assert [one.rule for one in fresh] == [one.rule for one in again]


def test_a_promise_that_the_other_rules_break_is_refused():
    """On its own it errs on few; what the new point takes from it is what it did rightly."""
    past = comments(4000)
    right = (past.labels == 0) & (past.scores["TOXICITY"] < 0.6)
    past.scores["THREAT"][:] = np.where(right, 0.9, 0.1)
    blind = Rule("THREAT", None, Action.HOLD, "blind", goal=Goal.parse(
        "maximum threshold @ match_rate >= 0.5"))  # fmt: skip
    clean, _ = settle(Policy((CLEAN, blind)), past)
    assert isinstance(clean, Unsettled)


def test_of_what_another_rule_takes_nothing_is_missed():
    past = comments(2000)
    threat = Rule("THREAT", 0.5, Action.HOLD, "threat")
    missing = replace(CLEAN, goal=MissLimit(0.2))
    [alone] = settle(Policy((missing,)), past)
    [settled] = settle(Policy((missing, threat)), past)
    passes = (past.scores["TOXICITY"] < settled.rule.threshold) & (past.scores["THREAT"] < 0.5)
    missed = (passes & (past.labels == 1)).sum() / (past.labels == 1).sum()
    assert settled.rule.threshold > alone.rule.threshold
    assert 0.15 < missed <= 0.2


def test_where_another_rule_takes_all_to_be_removed_everything_else_may_pass():
    past = comments(500)
    past.scores["THREAT"][:] = past.labels
    threat = Rule("THREAT", 0.5, Action.HOLD, "threat")
    [settled] = settle(Policy((replace(CLEAN, goal=MissLimit(0.2)), threat)), past)
    assert settled.rule.threshold == 1.0


def test_a_place_without_labels_says_so():
    past = replace(comments(100), sections=None)
    sport = Override(sections=("sport",), rules=(replace(CLEAN, name="there"),))
    [there] = settle(Policy((), overrides=(sport,)), past)
    assert there.reason == "of 100 labels none is where the rule is asked"


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.4},
        {"goal": ErrorLimit(0.05, 0.9)},
        {"goal": ErrorLimit(0.1, 0.99)},
        {"attribute": "THREAT"},
        {"scale": ScoreScale.EVEN},
    ],
)
def test_evidence_says_nothing_of_a_rule_that_was_changed_since(change):
    [settled] = settle(Policy((CLEAN,)), comments())
    assert settled.rule.automatic
    assert not replace(settled.rule, **change).automatic


def test_the_heaviest_weight_is_that_of_any_comment_labelled_or_not():
    past = comments()
    past.labels[:200] = -1
    past.weights[:200] = 500
    assert isinstance(settle(Policy((CLEAN,)), past)[0], Unsettled)
    past.weights[:200] = np.nan
    assert isinstance(settle(Policy((CLEAN,)), past)[0], Settled)
    assert isinstance(settle(Policy((CLEAN,)), past, heaviest=500)[0], Unsettled)


def test_of_two_promises_of_one_action_the_second_is_about_what_the_first_leaves():
    past = comments(4000)
    calm = Rule("THREAT", None, Action.APPROVE, "calm", goal=ErrorLimit(0.2, 0.9))
    clean, after = settle(Policy((CLEAN, calm)), past)
    left = past.scores["TOXICITY"] >= clean.rule.threshold
    expected = find_threshold(
        calm.goal, Action.APPROVE, past.labels[left].astype(int), past.scores["THREAT"][left]
    )
    assert after.asked == left.sum()
    assert isinstance(after, Unsettled) or after.found == expected


def test_a_suspended_rule_does_not_act_again_on_the_labels_it_was_settled_on():
    past = comments()
    [settled] = settle(Policy((CLEAN,)), past)
    suspended = Policy((replace(settled.rule, suspended="broken"),))
    [again] = settle(suspended, past)
    assert "before it was suspended: take newer ones" in again.reason
    [newer] = settle(suspended, comments(seed=5))
    assert newer.rule.automatic
