"""Moving the threshold below which comments pass unseen."""

from dataclasses import replace

import numpy as np
import pytest

from moderation.desk import Desk, Pace
from moderation.past import PastComments
from moderation.policy import Action, ErrorLimit, Evidence, Policy, Rule, ScoreScale
from moderation.trade_offs import find_approving_rule, trade_off

OWN = "LIKELY_TO_REJECT"
FOUND = Evidence(model="m1", labels=400, removed=40, acted=300, errors=0, bound=0.01)
CLEAN = Rule(OWN, 0.2, Action.APPROVE, "clean", goal=ErrorLimit(0.01), evidence=FOUND)
CLEANER = Rule("TOXICITY", 0.1, Action.APPROVE, "tox", goal=ErrorLimit(0.01), evidence=FOUND)
PROPOSES = Rule(OWN, 0.4, Action.APPROVE, "proposes")
MILD = Rule(OWN, 0.5, Action.HOLD, "mild")
STRICT = Rule(OWN, 0.9, Action.REMOVE, "strict")
DESK = Desk(Pace(3600.0))


@pytest.mark.parametrize(
    ("rules", "otherwise", "expected"),
    [
        ((MILD, STRICT), Action.APPROVE, MILD),
        ((STRICT, CLEAN, MILD), Action.APPROVE, MILD),
        ((CLEAN,), Action.APPROVE, None),
        ((), Action.APPROVE, None),
        ((CLEANER, CLEAN, MILD), Action.HOLD, CLEAN),
        ((PROPOSES, MILD), Action.HOLD, None),
    ],
)
def test_the_rule_that_decides_what_passes_unseen_is_found(rules, otherwise, expected):
    assert find_approving_rule(Policy(rules, otherwise=otherwise)) is expected


def make_past(scores, labels):
    return PastComments(
        scores={OWN: np.array(scores)},
        labels=np.array(labels, dtype=np.int8),
        weights=np.ones(len(scores)),
        characters=np.full(len(scores), -1, dtype=np.int32),
    )


SCORES = np.linspace(0, 1, 101)
LABELS = np.tile([0, 0, 1, -1], 26)[:101]


@pytest.mark.parametrize(
    "policy",
    [
        Policy((MILD,), otherwise=Action.APPROVE),
        Policy((CLEAN,), otherwise=Action.HOLD),
    ],
)
def test_each_threshold_has_its_hours_and_misses(policy):
    """What scores below it passes; an hour a comment is spent on the others."""
    found = list(trade_off(make_past(SCORES, LABELS), policy, desk=DESK))
    assert [trade.threshold for trade in found] == sorted({trade.threshold for trade in found})
    assert (found[0].threshold, found[-1].threshold) == (0, 1)
    for trade in found:
        assert trade.work == (trade.threshold <= SCORES).sum()
        assert trade.missed.hits == (LABELS[trade.threshold > SCORES] == 1).sum()
        assert trade.missed.of == (LABELS == 1).sum()


def test_thresholds_are_on_the_scale_of_the_rule():
    rule = Rule(OWN, 0.5, Action.HOLD, scale=ScoreScale.EVEN)
    scores = [0.0, 0.1, np.nan]
    found = trade_off(make_past(scores, [1, 1, 1]), Policy((rule,)), desk=DESK, base_rate=0.1)
    assert [t.threshold for t in found][:: len(scores) * 10 - 1] == pytest.approx([0, 0.5])


def test_without_removals_or_such_a_rule_nothing_is_traded():
    kept = make_past(SCORES, np.zeros(101))
    assert list(trade_off(kept, Policy((MILD,)), desk=DESK)) == []
    past = make_past(SCORES, LABELS)
    weightless = replace(past, weights=np.zeros(101))
    assert list(trade_off(weightless, Policy((MILD,)), desk=DESK)) == []
    assert list(trade_off(past, Policy((), otherwise=Action.HOLD), desk=DESK)) == []
