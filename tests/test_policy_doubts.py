"""What a policy may say and is seldom meant to."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.policy import (
    Action,
    ErrorLimit,
    Evidence,
    Goal,
    Languages,
    MissLimit,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
    decide,
)
from moderation.policy.doubts import find_doubts, find_unsettled

GOAL = Goal.parse("maximum recall @ precision >= 0.5")
FOUND = Evidence("a7", 5000, 400, 3000, 12, 0.009)
HOLD = Rule("TOXICITY", 0.5, Action.HOLD, "look")


def clean(name="clean", **changes):
    given = {"goal": ErrorLimit(0.01), "audit": 0.02, "threshold": 0.1} | changes
    rule = Rule(attribute="TOXICITY", action=Action.APPROVE, name=name, **given)
    if "evidence" in changes:
        return rule
    return replace(rule, evidence=replace(FOUND, settled_for=rule.fingerprint))


def holding(*rules, **changes):
    return Policy(rules, **({"otherwise": Action.HOLD} | changes))


def test_a_policy_that_is_as_it_should_be_gives_no_doubt():
    assert find_doubts(holding(clean(), HOLD), model="a7") == []


@pytest.mark.parametrize(
    ("policy", "which"),
    [
        (Policy((HOLD,)), "that no rule matches"),
        (holding(HOLD, without_score=Action.APPROVE), "without a score"),
        (holding(HOLD, too_short=TooShort(3, Action.APPROVE)), "that are too short"),
        (holding(HOLD, languages=Languages(("en",), Action.APPROVE)), "in other languages"),
    ],
)
def test_what_is_approved_unseen_is_told(policy, which):
    assert find_doubts(policy) == [f"comments {which} are approved unseen, without any guarantee"]


@pytest.mark.parametrize(
    ("rule", "model", "says"),
    [
        (clean(audit=0.0), None, "'clean' has no audit: nobody would notice"),
        (clean(audit=0.0, evidence=None, threshold=None), None, "'clean' has no audit"),
        (clean(evidence=None), "a7", "'clean' has a threshold that nothing shows to keep"),
        (clean(evidence=FOUND), "a7", "'clean' has evidence that does not say what it is for"),
        (replace(clean(), threshold=0.2), "a7", "'clean' was changed since it was settled"),
        (clean(), "b8", "'clean' was settled on scores of model a7, not of b8: its promise says"),
        (clean(suspended="too much"), "a7", "'clean' is suspended, and holds what it matches: too"),
    ],
)
def test_a_promise_that_does_not_hold_or_would_break_unseen_is_told(rule, model, says):
    [doubt] = find_doubts(holding(rule), model=model)
    assert doubt.startswith(says)


@pytest.mark.parametrize(
    ("others", "otherwise", "says"),
    [
        ((), Action.HOLD, []),
        ((HOLD,), Action.HOLD, []),
        ((clean("fine", threshold=0.3),), Action.HOLD, ["'fine' approves unseen besides"]),
        ((), Action.APPROVE, ["without any guarantee", "matches passes unseen besides"]),
    ],
)
def test_what_passes_unseen_besides_a_promise_about_it_is_told(others, otherwise, says):
    policy = Policy((clean(goal=MissLimit(0.1)), *others), otherwise=otherwise)
    doubts = find_doubts(policy)
    assert [doubt.endswith(end) for doubt, end in zip(doubts, says, strict=True)] == [True] * len(
        says
    )


def test_a_doubt_of_one_place_alone_names_it():
    override = Override(("sport",), ("guests",), (clean("other", audit=0.0),), (), Action.APPROVE)
    assert find_doubts(holding(HOLD, overrides=(override,))) == [
        "in section sport and community guests: comments that no rule matches are approved "
        "unseen, without any guarantee",
        "in section sport and community guests: 'other' has no audit: nobody would notice that "
        "its promise is broken",
    ]


def test_what_is_not_settled_says_what_it_asks_for():
    asks = Rule("TOXICITY", None, Action.HOLD, "asks", goal=GOAL)
    promises = clean(threshold=None, evidence=None)
    policy = holding(HOLD, asks, overrides=(Override(("sport",), rules=(promises,)),))
    assert find_unsettled(policy) == [
        "'asks': maximum recall @ precision >= 0.5",
        "'clean': of what is approved without a person, at most 1% is what a person would have "
        "removed, with 95% confidence",
    ]
    assert find_doubts(policy) == []


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ((Rule("A", 0.7, Action.HOLD, "a"), Rule("A", 0.5, Action.REMOVE, "b")), "'b' does"),
        ((Rule("A", 0.7, Action.HOLD, "a"), Rule("A", 0.7, Action.REMOVE, "b")), "'b' does"),
        ((Rule("A", 0.7, Action.HOLD, "b"), Rule("A", 0.7, Action.HOLD, "a")), "'b' does"),
        ((Rule("A", 0.2, Action.APPROVE, "a"), Rule("A", 0, Action.REMOVE, "b")), "rules disag"),
        ((Rule("A", 0, Action.APPROVE, "a"),), "no score is below 0"),
    ],
)  # fmt: skip
def test_a_rule_that_never_decides_is_told(rules, says):
    where = "" if "score" in says else "where it matches, "
    [doubt] = [doubt for doubt in find_doubts(holding(*rules)) if doubt.startswith("'a'")]
    assert doubt.startswith(f"'a' can never decide: {where}{says}")


@pytest.mark.parametrize(
    "other",
    [
        Rule("B", 0.5, Action.REMOVE, "b"),
        Rule("A", 0.5, Action.REMOVE, "b", ScoreScale.EVEN),
        Rule("A", 0.71, Action.REMOVE, "b"),
        Rule("A", 0.5, Action.HOLD, "b"),
        Rule("A", None, Action.REMOVE, "b", goal=GOAL),
    ],
)
def test_a_rule_that_can_decide_is_not_doubted(other):
    assert find_doubts(holding(Rule("A", 0.7, Action.HOLD, "a"), other)) == []


tenths = st.integers(0, 10).map(lambda n: n / 10)
some_rules = st.lists(st.tuples(tenths, st.sampled_from(Action), st.just("") | st.just("x")))


@given(some_rules.filter(bool))
def test_the_rules_told_are_those_that_no_score_ever_names(drawn):
    """Independently: decide on every twentieth."""
    rules = tuple(
        Rule("A", at, action, str(number), suspended=suspended)
        for number, (at, action, suspended) in enumerate(drawn)
    )
    policy = holding(*rules)
    scores = [*(n / 10 for n in range(11)), *(math.nextafter(n / 10, 0) for n in range(1, 11))]
    named = {decide({"A": score}, policy).rule for score in scores}
    never = {doubt.split("'")[1] for doubt in find_doubts(policy) if "never decide" in doubt}
    assert never == {rule.name for rule in rules if rule not in named}
