"""What a policy proposes for a score."""

import math

import pytest

from moderation.policy import Action, Cause, Policy, Rule, Verdict, decide, propose_policy

HOLD = Rule("TOXICITY", 0.5, Action.HOLD)
REMOVE = Rule("TOXICITY", 0.9, Action.REMOVE, "nine in ten")


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, Action.APPROVE),
        (0.49, Action.APPROVE),
        (math.nextafter(0.5, 0), Action.APPROVE),
        (0.50, Action.HOLD),
        (0.89, Action.HOLD),
        (0.90, Action.REMOVE),
        (1.0, Action.REMOVE),
    ],
)
@pytest.mark.parametrize("rules", [(HOLD, REMOVE), (REMOVE, HOLD)])
def test_decide_matches_at_the_threshold_and_above(score, expected, rules):
    """The strictest rule a score reaches decides, whatever the order; reaching is equalling too."""
    assert decide({"TOXICITY": score}, Policy(rules)).action is expected


def test_a_strict_rule_wins_over_a_higher_threshold():
    low_but_strict = Rule("SPAM", 0.2, Action.REMOVE)
    verdict = decide({"TOXICITY": 0.95, "SPAM": 0.3}, Policy((HOLD, low_but_strict)))
    assert (verdict.action, verdict.rule) == (Action.REMOVE, low_but_strict)


def test_of_two_rules_with_one_action_the_higher_threshold_is_named():
    higher = Rule("TOXICITY", 0.7, Action.HOLD, "top tenth")
    assert decide({"TOXICITY": 0.8}, Policy((higher, HOLD))).rule == higher


def test_nothing_matching_is_approval_without_a_rule():
    policy = Policy((HOLD, REMOVE))
    expected = Verdict(Action.APPROVE, None, Cause.NO_RULE, True, policy.version)
    assert decide({"TOXICITY": 0.1}, policy) == expected


def test_a_rule_nobody_scored_is_refused():
    """A missing score is a broken set-up, never a harmless comment."""
    with pytest.raises(KeyError, match="THREAT"):
        decide({"TOXICITY": 0.1}, Policy((Rule("THREAT", 0.5, Action.HOLD),)))


@pytest.mark.parametrize("score", [math.nan, -0.1, 1.1, math.inf])
def test_what_is_no_score_is_refused(score):
    """NaN is below every threshold: it would pass for harmless."""
    with pytest.raises(ValueError, match="score of TOXICITY"):
        decide({"TOXICITY": score}, Policy((HOLD,)))


@pytest.mark.parametrize("action", list(Action))
def test_without_scores_the_policy_says_what_to_do(action):
    verdict = decide(None, Policy((REMOVE,), without_score=action))
    assert (verdict.action, verdict.cause) == (action, Cause.NO_SCORE)


def test_without_scores_a_comment_is_held_unless_told_otherwise():
    assert decide(None, Policy(())).action is Action.HOLD


@pytest.mark.parametrize("threshold", [-0.01, 1.01, math.nan])
def test_a_threshold_that_is_no_score_is_refused(threshold):
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        Rule("TOXICITY", threshold, Action.HOLD)


def test_a_rule_says_itself():
    assert str(REMOVE) == "nine in ten: TOXICITY at or above 0.900, remove"
    assert str(HOLD) == "TOXICITY at or above 0.500, hold"


POINTS = {"nine in ten": 0.9, "one in two": 0.5, "top tenth": 0.4}


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        (POINTS, {"nine in ten": "remove", "one in two": "hold", "top tenth": "hold"}),
        ({"top tenth": 0.4}, {"top tenth": "hold"}),
        ({"unheard of": 0.4}, {}),
        ({}, {}),
    ],
)
def test_a_policy_is_proposed_from_the_points_there_are(thresholds, expected):
    """A target that no threshold reaches has no point; its rule is left out, not invented."""
    policy = propose_policy(thresholds, attribute="TOXICITY")
    assert {rule.name: rule.action.value for rule in policy.rules} == expected
    assert all(rule.threshold == thresholds[rule.name] for rule in policy.rules)
