"""Policies as files: what they say, their mistakes by line, and changes that keep the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import PolicyError
from moderation.policy import (
    HOUSE_RULES,
    MEASURES,
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
    propose_policy,
)
from moderation.policy.files import (
    parse_policy,
    write_policy,
)

WHOLE = """\
# What our desk does.
name = "our site"
otherwise = "hold"            # what no rule matches
without_score = "approve"
too_short = { characters = 3, action = "approve" }
languages = { known = ["en", "und"] }

[[rule]]
name = "clean"
attribute = "TOXICITY"
action = "approve"
guarantee = { error = 0.01, confidence = 0.9 }
audit = 0.02
threshold = 0.0123            # settled in May
evidence = { model = "a7", labels = 5000, removed = 400, acted = 3000, errors = 12, bound = 0.009 }

# The desk asked for this one.
[[rule]]
name = "look at it"
attribute = "TOXICITY"
scale = "50/50"
point = "maximum recall @ precision >= 0.5"
action = "hold"
house_rule = "personal abuse"
suspended = "the promise was broken"

[[override]]
section = "sport"
community = ["readers", "guests"]
without = ["look at it"]
otherwise = "approve"

[[override.rule]]
name = "sure"
attribute = "SPAM"
action = "remove"
threshold = 1

# the end
"""
CLEAN = Rule(
    "TOXICITY",
    0.0123,
    Action.APPROVE,
    "clean",
    goal=ErrorLimit(0.01, 0.9),
    audit=0.02,
    evidence=Evidence("a7", 5000, 400, 3000, 12, 0.009),
)
LOOK = Rule(
    "TOXICITY",
    None,
    Action.HOLD,
    "look at it",
    ScoreScale.EVEN,
    "personal abuse",
    Goal.parse("maximum recall @ precision >= 0.5"),
    suspended="the promise was broken",
)
SURE = Rule("SPAM", 1.0, Action.REMOVE, "sure")


def test_a_file_says_a_whole_policy():
    expected = Policy(
        rules=(CLEAN, LOOK),
        without_score=Action.APPROVE,
        otherwise=Action.HOLD,
        too_short=TooShort(3, Action.APPROVE),
        languages=Languages(("en", "und"), Action.HOLD),
        overrides=(
            Override(("sport",), ("readers", "guests"), (SURE,), ("look at it",), Action.APPROVE),
        ),
        name="our site",
    )
    assert parse_policy(WHOLE) == expected
    assert parse_policy(WHOLE).version == expected.version


shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
counts = st.lists(st.integers(0, 10**6), min_size=4, max_size=4).map(sorted)
words = st.text(min_size=1).filter(str.strip)
goals = st.builds(
    Goal,
    st.sampled_from(["maximum", "minimum"]),
    st.sampled_from(sorted(MEASURES)),
    st.sampled_from(sorted(MEASURES)),
    st.sampled_from([">=", "<="]),
    st.floats(0, 1),
)


@st.composite
def rules(draw):
    action = draw(st.sampled_from(Action))
    promises = [st.builds(ErrorLimit, shares, shares)] if action is not Action.HOLD else []
    if action is Action.APPROVE:
        promises.append(st.builds(MissLimit, shares, st.none() | shares))
    goal = draw(st.one_of(st.none(), goals, *promises))
    threshold = draw(st.floats(0, 1) if goal is None else st.none() | st.floats(0, 1))
    promised = isinstance(goal, ErrorLimit | MissLimit)
    evidence = None
    if promised and threshold is not None and draw(st.booleans()):
        errors, removed, acted, labels = draw(counts)
        bound = draw(st.floats(0, 1))
        evidence = Evidence(draw(words), labels, removed, acted, errors, bound, draw(st.text()))
    return Rule(
        attribute=draw(words),
        threshold=threshold,
        action=action,
        name=draw(words),
        scale=draw(st.sampled_from(ScoreScale)),
        house_rule=draw(st.none() | st.sampled_from(HOUSE_RULES))
        if action is not Action.APPROVE
        else None,
        goal=goal,
        audit=draw(st.floats(0, 1)) if promised else 0.0,
        evidence=evidence,
        suspended=draw(st.just("") | words),
    )


mild = st.sampled_from([Action.APPROVE, Action.HOLD])
rule_lists = st.lists(rules(), max_size=3, unique_by=lambda rule: rule.name).map(tuple)
places = st.lists(words, min_size=1, max_size=2).map(tuple)


@st.composite
def policies(draw):
    own = draw(rule_lists.filter(bool))
    overrides = st.builds(
        Override,
        places,
        st.just(()) | places,
        rule_lists.filter(lambda some: not {r.name for r in some} & {own[0].name}),
        st.just((own[0].name,)),
        st.none() | mild,
    )
    return Policy(
        own,
        draw(mild),
        draw(mild),
        draw(st.none() | st.builds(TooShort, st.integers(1, 99), mild)),
        draw(st.none() | st.just(Languages(("en", "und"))) | st.just(Languages(("de",)))),
        draw(st.lists(overrides, max_size=2).map(tuple)),
        draw(st.just("") | words),
    )


@given(policies())
def test_what_is_written_is_read_as_the_same_policy(policy):
    assert parse_policy(write_policy(policy)) == policy


def test_numbers_of_numpy_are_written_as_numbers():
    rule = Rule("TOXICITY", np.float64(0.25), Action.HOLD, "look")
    policy = Policy((rule,), too_short=TooShort(np.int64(3)))
    assert parse_policy(write_policy(policy)) == policy


def test_what_training_proposes_can_be_a_file():
    policy = propose_policy({"nine in ten": 0.9, "top tenth": 0.2}, attribute="TOXICITY")
    assert parse_policy(write_policy(policy)) == policy


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy((Rule("A", 0.5, Action.HOLD),)), "found no name, expected one, "),
        (Policy((SURE, SURE)), 'found name = "sure", expected a name that no other rule here has'),
        (Policy((SURE,), otherwise=Action.REMOVE), 'found otherwise = "remove"'),
        (Policy(()), "found no rule, expected at least one"),
        (Policy((SURE,), name="\ud800"), "surrogates not allowed"),
    ],
)
def test_what_no_file_says_is_not_written(policy, says):
    with pytest.raises(PolicyError, match="this policy cannot be a file: ") as refused:
        write_policy(policy)
    assert says in str(refused.value)
    assert refused.value.line is None
