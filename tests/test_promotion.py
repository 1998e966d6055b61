"""A new policy against the present one, checked by counting comment by comment."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from moderation.metrics import clopper_pearson
from moderation.past import PastComments
from moderation.past.comments import Categories
from moderation.policy import Action, ErrorLimit, Evidence, MissLimit, Override, Policy, Rule
from moderation.promotion import (
    Outcome,
    Side,
    choose_last,
    choose_to_read,
    compare,
    join_rows,
)
from moderation.verdicts import decide_all

FOUND = Evidence("m1", 5000, 400, 3000, 12, 0.009)


def clean(threshold, goal=None, name="clean", **changes):
    goal = goal or ErrorLimit(0.1, 0.9)
    given = {"goal": goal, "evidence": FOUND} | changes
    return Rule("LIKELY_TO_REJECT", threshold, Action.APPROVE, name, **given)


def sure(threshold):
    goal = ErrorLimit(0.1, 0.9)
    return Rule("LIKELY_TO_REJECT", threshold, Action.REMOVE, "sure", goal=goal, evidence=FOUND)


def holding(*rules, **changes):
    return Policy(rules, otherwise=Action.HOLD, **changes)


def make_past(scores, labels, *, weights=None, sections=None, model="m1", **times):
    scores = np.array(scores, dtype=np.float64)
    return PastComments(
        scores={"LIKELY_TO_REJECT": scores},
        labels=np.array(labels, dtype=np.int8),
        weights=np.ones(len(scores)) if weights is None else np.array(weights, dtype=np.float64),
        characters=np.full(len(scores), 9, dtype=np.int32),
        sections=sections,
        model=model,
        **times,
    )


def side(policy, past):
    return Side(policy, past, decide_all(past, policy))


def run(present, new, past, *, scored=None, seed=0, **options):
    rng = np.random.default_rng(seed)
    return compare(side(present, past), side(new, scored or past), rng=rng, **options)


tenths = st.integers(0, 10).map(lambda n: n / 10)
comments = st.lists(st.tuples(tenths, tenths, st.integers(0, 1)), min_size=1, max_size=60)


@given(comments, tenths, tenths, tenths, tenths)
def test_moves_and_errors_are_those_counted_one_by_one(drawn, low, high, new_low, new_high):
    old, new, labels = zip(*drawn, strict=True)
    past, scored = make_past(old, labels), make_past(new, labels)
    policies = holding(clean(low), sure(high)), holding(clean(new_low), sure(new_high))
    found = run(*policies, past, scored=scored)

    def act(score, low, high):
        approve, remove = score < low, score >= high
        return 1 if approve == remove else 0 if approve else 2

    pairs = [(act(a, low, high), act(b, new_low, new_high)) for a, b, _ in drawn]
    assert found.moves == tuple(tuple(pairs.count((i, j)) for j in range(3)) for i in range(3))
    assert found.to_wait.tolist() == [k for k, pair in enumerate(pairs) if pair == (0, 1)]
    assert found.to_pass.tolist() == [k for k, pair in enumerate(pairs) if pair == (1, 0)]
    for action, wrong, paired in ((0, 1, found.through), (2, 0, found.wrongly_removed)):
        errs = [
            (a == action, b == action)
            for (a, b), y in zip(pairs, labels, strict=True)
            if y == wrong
        ]
        only_present, only_new = errs.count((True, False)), errs.count((False, True))
        assert (paired.only_present, paired.only_new) == (only_present, only_new)
        assert (paired.present, paired.new) == tuple(map(sum, zip(*errs, strict=True))) or not errs
        if apart := only_present + only_new:
            test = stats.binomtest(only_new, apart, 0.5, alternative="greater")
            assert paired.more == pytest.approx(test.pvalue)
            test = stats.binomtest(only_new, apart, 0.5, alternative="less")
            assert paired.fewer == pytest.approx(test.pvalue)
    for check, action, wrong in ((found.rechecks[0], 0, 1), (found.rechecks[1], 2, 0)):
        acted = [y for (_, b), y in zip(pairs, labels, strict=True) if b == action]
        assert (check.acted, check.labelled) == (len(acted), len(acted))
        assert check.errors == acted.count(wrong)


def decided(errors, right):
    """Return comments below 0.5, so many of them wrong, and as many others above it."""
    labels = [1] * errors + [0] * right
    return make_past([0.1] * len(labels) + [0.9] * len(labels), labels + [1] * len(labels))


@pytest.mark.parametrize(
    ("errors", "right", "outcome", "more"),
    [
        (0, 22, Outcome.SHOWN, None),  # 0.9 ** 22 = 0.098
        (0, 21, Outcome.TOO_FEW, 2),
        (2, 20, Outcome.POSSIBLE, None),
        (6, 16, Outcome.BROKEN, None),
        (4, 4, Outcome.BROKEN, None),  # few are enough where they are bad
    ],
)
def test_a_promise_is_found_again(errors, right, outcome, more):
    [found] = run(holding(), holding(clean(0.5)), decided(errors, right)).rechecks
    assert (found.outcome, found.more, found.errors) == (outcome, more, errors)
    assert found.share == pytest.approx(errors / (errors + right))


def test_a_promise_that_acts_on_nothing_cannot_be_told():
    found = run(holding(), holding(clean(0.05)), decided(0, 30))
    assert found.rechecks[0].outcome is Outcome.TOO_FEW
    assert (found.rechecks[0].more, found.rechecks[0].share) == (None, None)
    assert found.decision.reasons == (
        "'clean': too few decisions to tell: 0 labels count; more decisions are needed",
    )


@pytest.mark.parametrize("changes", [{"suspended": "an alarm"}, {"evidence": None}])
def test_a_promise_that_acts_through_a_person_only_is_no_reason(changes):
    found = run(holding(), holding(clean(0.5, **changes)), decided(30, 0))
    assert [one.outcome for one in found.rechecks] == [Outcome.IDLE]
    assert found.decision.promote


def test_what_passes_is_a_share_of_what_is_to_be_removed_in_its_place():
    """At most one in five passes; the promise is about sport alone."""
    sections = Categories(np.array([0] * 60 + [1] * 40 + [-1], dtype=np.int32), ("sport", "city"))
    scores = [0.1] * 5 + [0.9] * 35 + [0.1] * 20 + [0.1] * 41
    labels = [1] * 40 + [0] * 20 + [1] * 41
    rule = clean(0.5, MissLimit(0.2))
    new = holding(overrides=(Override(("sport",), rules=(rule,)),))
    [found] = run(holding(), new, make_past(scores, labels, sections=sections)).rechecks
    assert (found.labelled, found.errors, found.acted) == (40, 5, 25)
    assert (found.low, found.high) == clopper_pearson(5, 40, doubt=1 - 0.95)
    assert found.outcome is Outcome.POSSIBLE


def test_a_place_is_one_of_a_section_and_a_community():
    names = Categories(np.array([0, 0, 1, -1], dtype=np.int32), ("a", "b"))
    past = make_past(
        [0.1] * 4, [1] * 4, sections=names, communities=names.take(np.array([0, 2, 2, 1]))
    )
    rule = clean(0.5, MissLimit(0.2, 0.5))
    new = holding(overrides=(Override(("a",), ("b",), (rule,)),))
    [found] = run(holding(), new, past).rechecks
    assert (found.labelled, found.errors) == (1, 1)


def test_promises_of_the_present_policy_stand_beside():
    found = run(holding(clean(0.5)), holding(), decided(6, 16))
    assert [one.outcome for one in found.present_rechecks] == [Outcome.BROKEN]
    assert found.decision.promote


def reasons(present, new, past, **options):
    decision = run(present, new, past, **options).decision
    assert decision.promote == (decision.reasons[0].startswith("no promise is contradicted"))
    return decision.reasons


def test_a_broken_promise_is_not_promoted():
    [broken] = reasons(holding(clean(0.5)), holding(clean(0.5)), decided(6, 16))
    assert broken == (
        "'clean' breaks its promise (at most 10% of what it acts on wrong, with 90% confidence): "
        "6 of 22, so at least 15.002%"
    )


@pytest.mark.parametrize(
    ("errors", "tolerated", "promoted"),
    [(4, 0, True), (5, 0, False), (5, 0.001, False), (5, 0.03, True), (30, 0.1, True)],
)
def test_more_getting_through_is_not_promoted_unless_tolerated(errors, tolerated, promoted):
    """
    Five in a row that the new one alone lets through: 1 / 32; four: 1 / 16.

    What is tolerated has to be shown: 5 of 600 may be 2.2% in the long run.
    """
    found = run(
        holding(), holding(clean(0.5, ErrorLimit(0.2))), decided(errors, 300 - errors),
        tolerated=tolerated,
    )  # fmt: skip
    assert found.decision.promote == promoted
    if not promoted:
        [reason] = found.decision.reasons
        more = "nothing shows that no more gets through than is tolerated"
        what = more if tolerated else "more gets through than now"
        assert reason == f"{what}: of 600 labelled comments {errors}, now 0"


def test_promises_settled_on_another_model_are_not_promoted():
    past = decided(0, 30)
    scored = make_past(past.scores["LIKELY_TO_REJECT"], past.labels, model="m2")
    [told] = reasons(holding(), holding(clean(0.5)), past, scored=scored)
    assert told.startswith("'clean' was settled on scores of model m1, not of m2: ")
    unknown = make_past(past.scores["LIKELY_TO_REJECT"], past.labels, model=None)
    assert run(holding(), holding(clean(0.5)), past, scored=unknown).decision.promote


def half_labelled():
    past = decided(0, 60)
    labels = past.labels.copy()
    labels[:30] = -1
    return make_past(past.scores["LIKELY_TO_REJECT"], labels)


def test_labels_that_are_no_sample_tell_nothing():
    """What was approved unseen has no label: the labelled ones are not like the others."""
    found = run(holding(), holding(clean(0.5)), half_labelled())
    assert found.rechecks[0].outcome is Outcome.NO_SAMPLE
    assert not found.decision.promote
    [told] = found.decision.reasons
    assert told.startswith("'clean': comments that it is about have no label, and nothing")
    assert run(holding(), holding(clean(0.5)), half_labelled(), plain_sample=True).decision.promote


def test_what_passes_without_a_promise_and_a_label_is_not_promoted():
    told, more = reasons(holding(), Policy(()), half_labelled())
    assert more.startswith("more gets through than now: ")
    assert told.startswith("30 comments that would newly pass unseen have no label, and nothing")


def test_without_labels_nothing_is_promoted():
    past = make_past([0.1] * 30, [-1] * 30)
    assert reasons(holding(), holding(), past) == ("too few decisions to tell: none has a label",)


def test_uneven_weights_leave_a_random_sample():
    """Each audited comment stands for ten: all of them count, and a tenth of the others."""
    scores, labels = [0.1] * 1000 + [0.9] * 9000, [0] * 1000 + [1] * 9000
    past = make_past(scores, labels, weights=[10.0] * 1000 + [1.0] * 9000)
    found = run(holding(), holding(clean(0.5)), past)
    assert found.labelled == 10_000
    assert found.rechecks[0].labelled == 1000
    assert 1780 < found.counted < 2020
    assert found.counted == run(holding(), holding(clean(0.5)), past).counted
    assert found.counted != run(holding(), holding(clean(0.5)), past, seed=1).counted


def test_weights_of_zero_and_unlabelled_ones_without_a_weight_count_for_nothing():
    past = make_past([0.1] * 4, [1, 0, -1, 0], weights=[0.0, 2.0, math.nan, 2.0])
    assert run(holding(), holding(clean(0.5)), past).counted == 2
    nothing = make_past([0.1] * 2, [1, 0], weights=[0.0, 0.0])
    assert run(holding(), holding(clean(0.5)), nothing).counted == 0


def test_labels_do_not_pass_for_all_there_is_where_heavier_comments_have_none():
    """One in fifty of them is audited, and here by chance none of the fifty was."""
    past = make_past([0.1] * 1050, [0] * 1000 + [-1] * 50, weights=[1.0] * 1000 + [50.0] * 50)
    assert run(holding(), holding(clean(0.5)), past).counted < 60


def test_two_tables_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1 comments beside 2: expected the same ones"):
        run(holding(), holding(), make_past([0.1], [1]), scored=make_past([0.1] * 2, [1] * 2))


def moments(*days):
    return np.array(
        ["NaT" if day is None else f"2026-01-{day:02d}" for day in days], dtype="datetime64[us]"
    )


@pytest.mark.parametrize(
    ("times", "last", "expected"),
    [
        ({}, 2, [2, 3]),
        ({}, None, [0, 1, 2, 3]),
        ({}, 9, [0, 1, 2, 3]),
        ({"created_at": moments(4, None, 1, 2)}, 2, [0, 3]),
        ({"created_at": moments(4, None, 1, 2)}, None, [0, 1, 2, 3]),
        ({"created_at": moments(4, 4, 4, 4)}, 2, [2, 3]),
        ({"created_at": moments(1, 2, 3, 4), "decided_at": moments(4, None, 2, 3)}, 2, [0, 3]),
        ({"decided_at": moments(4, None, 2, 3)}, None, [0, 2, 3]),
    ],
)  # fmt: skip
def test_the_last_decisions_are_chosen(times, last, expected):
    past = make_past([0.1] * 4, [0] * 4, **times)
    assert choose_last(past, last).tolist() == expected


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_comments_are_joined_where_each_table_has_them_once(present, new):
    rows, new_rows = join_rows(present, new)
    expected = [
        (row, new.index(key))
        for row, key in enumerate(present)
        if present.count(key) == new.count(key) == 1
    ]
    assert list(zip(rows.tolist(), new_rows.tolist(), strict=True)) == expected


def test_what_is_read_is_chosen_by_chance_and_again_the_same():
    rows = np.arange(100, 200)
    chosen = choose_to_read(rows, np.random.default_rng(1)).tolist()
    assert len(set(chosen)) == 20
    assert sorted(chosen) == chosen
    assert set(chosen) <= set(rows.tolist())
    assert choose_to_read(rows, np.random.default_rng(1)).tolist() == chosen
    assert choose_to_read(rows[:3], np.random.default_rng(1)).tolist() == [100, 101, 102]
