"""What a policy proposes for a score."""

import math
from dataclasses import replace

import pytest

from moderation.errors import PolicyError
from moderation.policy import (
    Action,
    Cause,
    Circumstances,
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
    Verdict,
    decide,
    is_audited,
    propose_policy,
)

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


FOUND = Evidence("a7fd7fc78958", labels=5000, removed=400, acted=3000, errors=12, bound=0.0093)
CLEAN = Rule(
    "TOXICITY", 0.1, Action.APPROVE, "clean", goal=ErrorLimit(0.01), audit=0.05, evidence=FOUND
)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, Action.APPROVE), (math.nextafter(0.1, 0), Action.APPROVE), (0.1, Action.HOLD)],
)
def test_an_approving_rule_matches_below_its_threshold(score, expected):
    verdict = decide({"TOXICITY": score}, Policy((CLEAN,), otherwise=Action.HOLD))
    assert verdict.action is expected
    assert verdict.automatic is (expected is Action.APPROVE)


@pytest.mark.parametrize(
    ("rule", "automatic"),
    [
        (CLEAN, True),
        (replace(CLEAN, evidence=None), False),
        (replace(CLEAN, goal=None, evidence=None, audit=0), False),
        (replace(CLEAN, suspended="broken"), False),
    ],
)
def test_only_a_promise_with_its_evidence_is_acted_on_without_a_person(rule, automatic):
    assert decide({"TOXICITY": 0.05}, Policy((rule,))).automatic is automatic


@pytest.mark.parametrize(("model", "acts"), [(None, True), ("a7fd7fc78958", True), ("b1", False)])
def test_a_promise_says_nothing_of_another_models_scores(model, acts):
    verdict = decide({"TOXICITY": 0.05}, Policy((CLEAN,)), model=model)
    assert (verdict.action, verdict.automatic) == (Action.APPROVE, acts)


def test_a_suspended_rule_holds_and_says_why():
    policy = Policy((replace(CLEAN, suspended="9 of 300 wrong"),))
    verdict = decide({"TOXICITY": 0.05}, policy)
    assert verdict.action is Action.HOLD
    assert str(verdict) == "hold: clean: TOXICITY below 0.100, hold (9 of 300 wrong)"


def test_rules_that_disagree_hold():
    calm = Rule("THREAT", 0.2, Action.APPROVE)
    verdict = decide({"TOXICITY": 0.95, "THREAT": 0.1}, Policy((REMOVE, calm)))
    assert (verdict.action, verdict.cause) == (Action.HOLD, Cause.DISAGREEMENT)
    assert str(verdict) == "hold: rules disagree"


def test_of_two_approving_rules_the_lower_threshold_is_named_and_the_one_that_acts_first():
    loose = Rule("TOXICITY", 0.3, Action.APPROVE, "loose")
    tight = Rule("TOXICITY", 0.05, Action.APPROVE, "tight")
    assert decide({"TOXICITY": 0.01}, Policy((loose, tight))).rule == tight
    assert decide({"TOXICITY": 0.01}, Policy((loose, tight, CLEAN))).rule == CLEAN


def test_a_verdict_names_the_version_of_its_policy():
    policy = Policy((HOLD,))
    assert decide({"TOXICITY": 0.5}, policy).policy == policy.version
    assert policy.version == Policy((HOLD,)).version
    assert policy.version != Policy((replace(HOLD, threshold=0.51),)).version


@pytest.mark.parametrize(("base_rate", "matches"), [(0.1, True), (0.5, False)])
def test_a_rule_on_the_even_scale_asks_for_the_base_rate(base_rate, matches):
    """Where a tenth is removed a score of 0.1 is 0.5 on the 50/50 scale."""
    rule = replace(HOLD, scale=ScoreScale.EVEN)
    verdict = decide({"TOXICITY": 0.1}, Policy((rule,)), base_rate=base_rate)
    assert (verdict.action is Action.HOLD) is matches
    with pytest.raises(ValueError, match="base rate of TOXICITY"):
        decide({"TOXICITY": 0.1}, Policy((rule,)))


def test_each_attribute_is_on_the_even_scale_by_its_own_base_rate():
    rules = [Rule(name, 0.5, Action.HOLD, name, scale=ScoreScale.EVEN) for name in ("A", "B")]
    rates = {"A": 0.3, "B": 0.1}
    scores = [{"A": 0.2, "B": 0.2}, {"A": 0.4, "B": 0.05}, {"A": 0.2, "B": 0.05}]
    fired = [decide(each, Policy(tuple(rules)), base_rate=rates).rule for each in scores]
    assert fired == [rules[1], rules[0], None]
    with pytest.raises(ValueError, match="base rate of B"):
        decide(scores[0], Policy(tuple(rules)), base_rate={"A": 0.3})


@pytest.mark.parametrize(
    ("about", "action", "cause"),
    [
        (Circumstances(characters=2, language="en"), Action.HOLD, Cause.TOO_SHORT),
        (Circumstances(characters=3, language="en"), Action.APPROVE, Cause.RULE),
        (Circumstances(characters=3, language="und"), Action.HOLD, Cause.LANGUAGE),
    ],
)
def test_short_texts_and_other_languages_are_not_decided_by_score(about, action, cause):
    policy = Policy((CLEAN,), too_short=TooShort(3), languages=Languages(("en",)))
    verdict = decide({"TOXICITY": 0.05}, policy, about=about)
    assert (verdict.action, verdict.cause) == (action, cause)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy((CLEAN,), too_short=TooShort(3)), "how long"),
        (Policy((CLEAN,), languages=Languages(("en",))), "language"),
    ],
)
def test_what_a_policy_asks_about_has_to_be_known(policy, said):
    """Unless there is no score anyway: then nothing else is asked."""
    with pytest.raises(ValueError, match=said):
        decide({"TOXICITY": 0.05}, policy)
    assert decide(None, policy).cause is Cause.NO_SCORE


def test_a_score_that_is_none_is_none_to_be_had():
    assert decide({"TOXICITY": None}, Policy((CLEAN,))).cause is Cause.NO_SCORE


@pytest.mark.parametrize(
    ("section", "community", "expected"),
    [
        (None, None, "hold"),
        ("news", None, "hold"),
        ("sport", None, "approve"),
        ("sport", "fans", "remove"),
        (None, "fans", "hold"),
    ],
)
def test_overrides_apply_where_they_fit_and_from_top_to_bottom(section, community, expected):
    policy = Policy(
        (replace(HOLD, name="look"),),
        overrides=(
            Override(sections=("sport", "cars"), without=("look",)),
            Override(
                sections=("sport",),
                communities=("fans",),
                rules=(Rule("TOXICITY", 0.4, Action.REMOVE, "look"),),
            ),
        ),
    )
    about = Circumstances(section=section, community=community)
    assert decide({"TOXICITY": 0.6}, policy, about=about).action == expected


def test_an_override_can_say_what_becomes_of_the_rest():
    policy = Policy((HOLD,), overrides=(Override(communities=("fans",), otherwise=Action.HOLD),))
    assert decide({"TOXICITY": 0.1}, policy).automatic
    fans = Circumstances(community="fans")
    assert decide({"TOXICITY": 0.1}, policy, about=fans).action is Action.HOLD


def test_a_threshold_that_was_not_found_yet_decides_nothing():
    goal = Goal.parse("maximum recall @ precision >= 0.9")
    policy = Policy((Rule("TOXICITY", None, Action.HOLD, "look", goal=goal),))
    with pytest.raises(PolicyError, match=r"'look' asks for maximum recall .*policy settle"):
        decide({"TOXICITY": 0.6}, policy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threshold": None, "goal": None}, "neither a threshold nor a goal"),
        ({"house_rule": "spam"}, "leave house_rule out"),
        ({"action": Action.HOLD}, "needs no guarantee"),
        ({"action": Action.REMOVE, "goal": MissLimit(0.1)}, "approving rule"),
        ({"audit": 1.5}, "audit is 1.5"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(change, said):
    with pytest.raises(PolicyError, match=said):
        replace(CLEAN, **change)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Override(rules=(HOLD,)), "sections or communities"),
        (lambda: ErrorLimit(0), "error is 0"),
        (lambda: ErrorLimit(0.1, 1), "confidence is 1"),
        (lambda: ErrorLimit(0.1, 0.9, 0), "ahead is 0"),
        (lambda: MissLimit(1), "missed is 1"),
        (lambda: MissLimit(0.1, 0), "confidence is 0"),
    ],
)
def test_a_promise_or_place_that_cannot_be_is_refused(make, said):
    with pytest.raises(PolicyError, match=said):
        make()


def test_promises_say_themselves():
    assert str(ErrorLimit(0.01)) == "at most 1% of what it acts on wrong, with 95% confidence"
    assert "in the next 5,000 comments" in str(ErrorLimit(0.01, 0.9, 5000))
    assert str(MissLimit(0.005)).endswith(
        "0.5% of what is to be removed passes unseen by it, on average"
    )


def audited(rule, *, secret="ours", keys=20_000, otherwise=Action.HOLD):
    verdict = decide({"TOXICITY": 0.05}, Policy((rule,), otherwise=otherwise))
    return {key for key in map(str, range(keys)) if is_audited(verdict, key, secret=secret)}


def test_the_share_that_a_rule_says_is_audited_and_the_same_comments_each_time():
    chosen = audited(CLEAN)
    assert len(chosen) / 20_000 == pytest.approx(0.05, abs=0.006)
    assert chosen == audited(CLEAN)


def test_nobody_foresees_audits_without_the_secret_nor_from_another_policy():
    chosen = audited(CLEAN)
    for other in (audited(CLEAN, secret="theirs"), audited(replace(CLEAN, threshold=0.2))):
        assert len(chosen & other) < len(chosen) / 4


@pytest.mark.parametrize(
    "rule",
    [
        replace(CLEAN, audit=0),
        replace(CLEAN, evidence=None),
        replace(CLEAN, suspended="broken"),
        replace(CLEAN, threshold=0.01),
    ],
)
def test_what_no_promising_rule_did_is_not_audited(rule):
    assert audited(rule, keys=500, otherwise=Action.APPROVE) == set()


def test_all_of_it_can_be_audited():
    assert len(audited(replace(CLEAN, audit=1), keys=500)) == 500
