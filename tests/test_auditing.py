"""Audits: whose they are, what they found, in which order they count."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from moderation.auditing import (
    Audit,
    collect_audits,
    find_watched,
    order_audits,
    suspend,
    watch_rule,
)
from moderation.comments import Comment, Status
from moderation.errors import DataError, PolicyError
from moderation.policy import Action, ErrorLimit, Evidence, MissLimit, Override, Policy, Rule
from moderation.policy.files import RuleAt
from moderation.watching import Watch

EVIDENCE = Evidence("a7", 5000, 400, 3000, 12, 0.009)


LIMIT = ErrorLimit(0.01)


def rule(name, action=Action.APPROVE, *, goal=LIMIT, evidence=EVIDENCE, **others):
    threshold = 0.1 if action is Action.APPROVE else 0.9
    return Rule("TOXICITY", threshold, action, name, goal=goal, evidence=evidence, **others)


CLEAN, SURE = rule("clean", audit=0.02), rule("sure", Action.REMOVE, goal=ErrorLimit(0.1))
POLICY = Policy(
    (
        CLEAN,
        SURE,
        rule("tired", suspended="broken"),
        rule("blind", goal=MissLimit(0.05)),
        rule("unsettled", evidence=None),
        rule("plain", Action.HOLD, goal=None, evidence=None),
    )
)


def comment(name="clean", *, label=None, status=None, number="1", created_at=None, **extra):
    return Comment(
        number,
        "the ferry",
        "csv",
        status=status,
        label=label,
        created_at=created_at,
        extra={"rule": name, **extra},
    )


def test_rules_that_act_without_a_person_are_watched():
    watched = find_watched(POLICY)
    assert list(watched) == ["clean", "sure"]
    assert watched["clean"].places == (RuleAt(None, "clean"),)


def test_the_same_promise_in_several_places_is_one():
    sports = Override(("sport",), rules=(rule("clean", audit=0.02), rule("loud")))
    watched = find_watched(Policy(POLICY.rules, overrides=(sports,)))
    assert watched["clean"].places == (RuleAt(None, "clean"), RuleAt(0, "clean"))
    assert watched["loud"].places == (RuleAt(0, "loud"),)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ((rule(""),), "give it a name"),
        ((rule("clean", goal=ErrorLimit(0.05)),), r'write without = \["clean"\] there'),
        ((rule("clean", Action.REMOVE),), "an audit cannot tell which one acted"),
    ],
)
def test_a_name_that_does_not_tell_the_promise_is_refused(rules, message):
    policy = Policy((CLEAN,), overrides=(Override(("sport",), rules=rules),))
    with pytest.raises(PolicyError, match=message):
        find_watched(policy)


@pytest.mark.parametrize(
    ("name", "found", "wrong"),
    [
        ("clean", {"label": 1}, True),
        ("clean", {"label": 0}, False),
        ("sure", {"label": 0}, True),
        ("sure", {"label": 1}, False),
        ("clean", {"status": Status.REMOVED}, True),
        ("sure", {"status": Status.PUBLISHED}, True),
        ("sure", {"status": Status.PUBLISHED, "label": 1}, False),
    ],
)
def test_wrong_is_what_the_person_would_have_done_otherwise(name, found, wrong):
    audits = collect_audits([comment(name, **found)], POLICY, Counter())
    assert audits[name] == [Audit(wrong)]


@pytest.mark.parametrize(
    ("audit", "cause"),
    [
        (comment(None, label=1), "without a rule"),
        (comment("", label=1), "without a rule"),
        (comment("other", label=1), "of a rule that the policy does not have"),
        (comment("tired", label=1), "of a rule that is suspended"),
        (comment("blind", label=1), "of a rule that promises what passes unseen"),
        (comment("unsettled", label=1), "of a rule that does not act without a person"),
        (comment("plain", label=1), "of a rule that does not act without a person"),
        (comment(), "without a label"),
        (comment(status=Status.PENDING), "without a label"),
    ],
)
def test_what_tells_nothing_is_counted_by_its_cause(audit, cause):
    left_out = Counter()
    assert collect_audits([audit], POLICY, left_out) == {"clean": [], "sure": []}
    [(found, number)] = left_out.items()
    assert found.startswith(cause)
    assert number == 1


def test_where_some_audits_have_weights_those_without_are_left_out():
    """A missing weight is not a weight of one; another rule's audits need none."""
    left_out = Counter()
    comments = [comment(label=0, weight="50"), comment(label=0), comment("sure", label=0)]
    audits = collect_audits(comments, POLICY, left_out)
    assert audits == {"clean": [Audit(False, 50.0)], "sure": [Audit(True)]}
    assert +left_out == {"without a weight, which others of its rule have": 1}


@pytest.mark.parametrize("weight", ["0", 0, -1, "many", "nan", "inf", True])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(DataError, match=r"'clean' has a 'weight' that is no number above 0"):
        collect_audits([comment(label=0, weight=weight)], POLICY, Counter())


def at(day):
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("comments", "order", "column"),
    [
        ([], "", "the table"),
        ([comment(number="a"), comment(number="b")], "ab", "the table"),
        ([comment(number="a", created_at=at(2)), comment(number="b", created_at=at(1))],
         "ba", "created_at"),
        ([comment(number="a", created_at=at(2)), comment(number="b")], "ab", "the table"),
        ([comment(number="a", created_at=at(1), decided_at="2026-01-04T10:00Z"),
          comment(number="b", created_at=at(2), decided_at="2026-01-03T10:00Z"),
          comment(number="c", created_at=at(2), decided_at="2026-01-04T11:00+01:00")],
         "bac", "decided_at"),
        ([comment(number="a", created_at=at(2), decided_at="soon"),
          comment(number="b", created_at=at(1), decided_at="2026-01-03")], "ba", "created_at"),
    ],
)  # fmt: skip
def test_audits_count_in_the_order_of_a_time_that_all_have(comments, order, column):
    ordered, by = order_audits(comments)
    assert "".join(one.id for one in ordered) == order
    assert by == column


def test_the_heaviest_weight_is_what_the_audit_share_says():
    watched = find_watched(POLICY)["clean"]
    audits = [Audit(False, 50.0), Audit(True, 50.0), Audit(False, 1.0)]
    expected = Watch(CLEAN.goal, 50.0).after([False, True, False], [50, 50, 1])
    assert watch_rule(watched, audits) == expected
    assert watch_rule(watched, audits, heaviest=60.0).heaviest == 60


def test_weights_beyond_what_was_fixed_in_advance_are_refused():
    watched = find_watched(POLICY)
    with pytest.raises(DataError, match=r"'clean' weighs 51, more than 1 / its audit share, 50"):
        watch_rule(watched["clean"], [Audit(False, 51.0)])
    with pytest.raises(DataError, match=r"write audit = 0\.05 into the policy"):
        watch_rule(watched["sure"], [Audit(False, 50.0)])


def test_rules_of_which_the_watch_has_alarmed_are_suspended_in_all_places_with_the_reason():
    sports = Override(("sport",), rules=(CLEAN,))
    policy = Policy(POLICY.rules, overrides=(sports,))
    watches = {
        "clean": Watch(CLEAN.goal).after([True] * 3 + [False]),
        "sure": Watch(SURE.goal).after([False] * 9),
    }
    reason = (
        "the promise of at most 1% errors is broken: a person found 3 of 4 audited actions wrong, "
        "noticed at audit 2"
    )
    assert suspend(watches, policy) == {
        RuleAt(None, "clean"): {"suspended": reason},
        RuleAt(0, "clean"): {"suspended": reason},
    }
