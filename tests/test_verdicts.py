"""Deciding all at once says of each comment what deciding on it alone does."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import DataError, PolicyError
from moderation.past import Categories, PastComments
from moderation.policy import (
    Action,
    Cause,
    Circumstances,
    ErrorLimit,
    Evidence,
    Goal,
    Languages,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
    decide,
)
from moderation.verdicts import decide_all

FOUND = Evidence(model="m1", labels=400, removed=40, acted=300, errors=0, bound=0.01)
PROMISE = ErrorLimit(0.01)
GRID = st.sampled_from([0.0, 0.1, 0.25, 0.5, math.nextafter(0.5, 0), 0.75, 1.0])
NAMES = st.sampled_from(["", "mild", "strict", "other"])
SECTIONS = st.sampled_from([None, "city", "sport", "arts"])
ATTRIBUTES = ("LIKELY_TO_REJECT", "TOXICITY")


@st.composite
def rules(draw):
    action = draw(st.sampled_from(Action))
    is_promise = action is not Action.HOLD and draw(st.booleans())
    return Rule(
        draw(st.sampled_from(ATTRIBUTES)),
        draw(GRID),
        action,
        draw(NAMES),
        scale=draw(st.sampled_from(ScoreScale)),
        goal=PROMISE if is_promise else None,
        evidence=FOUND if is_promise and draw(st.booleans()) else None,
        suspended=draw(st.sampled_from(["", "", "an alarm"])),
    )


def overrides():
    return st.builds(
        Override,
        sections=st.sampled_from([("city",), ("city", "sport")]),
        communities=st.sampled_from([(), ("north",)]),
        rules=st.lists(rules(), max_size=2).map(tuple),
        without=st.sampled_from([(), ("mild",), ("strict", "unheard of")]),
        otherwise=st.none() | st.sampled_from(Action),
    )


POLICIES = st.builds(
    Policy,
    st.lists(rules(), max_size=4).map(tuple),
    without_score=st.sampled_from(Action),
    otherwise=st.sampled_from(Action),
    too_short=st.none() | st.builds(TooShort, st.just(5), st.sampled_from(Action)),
    languages=st.none()
    | st.builds(Languages, st.sampled_from([("en",), ("en", "und")]), st.sampled_from(Action)),
    overrides=st.lists(overrides(), max_size=3).map(tuple),
)
COMMENTS = st.lists(
    st.tuples(
        st.none() | GRID | st.floats(0, 1),
        st.none() | GRID,
        SECTIONS,
        st.sampled_from([None, "north", "south"]),
        st.integers(1, 9),
        st.sampled_from(["en", "de", "und"]),
    ),
    min_size=1,
    max_size=30,
)


def categories(names):
    known = tuple(dict.fromkeys(name for name in names if name is not None))
    codes = [-1 if name is None else known.index(name) for name in names]
    return Categories(np.array(codes, dtype=np.int32), known) if known else None


def make_past(comments):
    own, toxicity, sections, communities, characters, languages = zip(*comments, strict=True)
    return PastComments(
        scores={
            "LIKELY_TO_REJECT": np.array(own, dtype=np.float64),
            "TOXICITY": np.array(toxicity, dtype=np.float64),
        },
        labels=np.full(len(comments), -1, dtype=np.int8),
        weights=np.ones(len(comments)),
        characters=np.array(characters, dtype=np.int32),
        sections=categories(sections),
        communities=categories(communities),
        languages=categories(languages),
    )


def decide_each(comments, policy, base_rate):
    """Return the verdicts one by one."""
    for own, toxicity, section, community, characters, language in comments:
        about = Circumstances(section, community, characters, language)
        scores = {"LIKELY_TO_REJECT": own, "TOXICITY": toxicity}
        yield decide(scores, policy, about=about, base_rate=base_rate)


@given(COMMENTS, POLICIES, st.floats(0.01, 0.99))
def test_the_verdicts_are_those_of_deciding_one_by_one(comments, policy, base_rate):
    verdicts = decide_all(make_past(comments), policy, base_rate=base_rate)
    expected = list(decide_each(comments, policy, base_rate))
    assert [verdicts.verdict(row) for row in range(len(verdicts))] == expected
    unseen = [v.action if v.automatic else None for v in expected]
    assert verdicts.approved_unseen.tolist() == [v is Action.APPROVE for v in unseen]
    assert verdicts.removed_unseen.tolist() == [v is Action.REMOVE for v in unseen]


ONE = (0.5, None, "city", None, 9, "en")
HOLD = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD)


def test_a_comment_without_a_score_needs_neither_length_nor_language():
    past = make_past([(None, None, None, None, -1, None)])
    policy = Policy((HOLD,), too_short=TooShort(5), languages=Languages(("en",)))
    [verdict] = [decide_all(past, policy).verdict(0)]
    assert (verdict.action, verdict.cause) == (Action.HOLD, Cause.NO_SCORE)


@pytest.mark.parametrize(
    ("policy", "comment", "message"),
    [
        (Policy((HOLD,), too_short=TooShort(5)), (0.5, None, None, None, -1, "en"), "'characters'"),
        (
            Policy((HOLD,), languages=Languages(("en",))),
            (0.5, None, None, None, 9, None),
            "1 scored comments tell none: add a column 'language'",
        ),
    ],
)
@pytest.mark.parametrize("others", [[], [ONE]])
def test_what_nobody_knows_of_a_comment_is_asked_for(policy, comment, message, others):
    with pytest.raises(DataError, match=message):
        decide_all(make_past([comment, *others]), policy)


def test_attributes_that_nobody_scored_are_refused():
    with pytest.raises(KeyError, match="THREAT"):
        decide_all(make_past([ONE]), Policy((Rule("THREAT", 0.5, Action.HOLD),)))


def test_a_rule_without_a_threshold_is_refused():
    goal = Goal.parse("maximum recall @ precision >= 0.9")
    rule = Rule("LIKELY_TO_REJECT", None, Action.HOLD, goal=goal)
    with pytest.raises(PolicyError, match="no threshold was found"):
        decide_all(make_past([ONE]), Policy((rule,)))


def test_the_even_scale_needs_a_base_rate():
    rule = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, scale=ScoreScale.EVEN)
    with pytest.raises(ValueError, match="50/50"):
        decide_all(make_past([ONE]), Policy((rule,)))


@pytest.mark.parametrize("score", [-0.1, 1.1, math.inf])
def test_what_is_no_score_is_refused(score):
    past = make_past([ONE, ONE])
    past.scores["TOXICITY"][1] = score
    with pytest.raises(ValueError, match="scores of TOXICITY"):
        decide_all(past, Policy((HOLD,)))


def test_a_promise_of_another_model_is_not_acted_on():
    clean = Rule(
        "TOXICITY",
        0.5,
        Action.APPROVE,
        goal=ErrorLimit(0.1),
        evidence=Evidence("m1", 100, 10, 50, 1, 0.1),
    )
    for model, automatic in (("m1", True), ("m2", False), (None, True)):
        past = PastComments(
            scores={"TOXICITY": np.array([0.1])},
            labels=np.array([0], dtype=np.int8),
            weights=np.ones(1),
            characters=np.array([5], dtype=np.int32),
            model=model,
        )
        assert decide_all(past, Policy((clean,))).automatic.tolist() == [automatic]
