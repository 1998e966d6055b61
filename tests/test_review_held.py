"""What waits is scored and given the policy's verdict: once by each model and policy."""

import pytest

from moderation import review
from moderation.policy import Action, Cause, Languages, Policy, Rule, ScoreScale, TooShort
from tests.desks import (
    HOLD_HALF,
    FakeScorer,
    act,
    add,
    after,
    hand_on,
    judge,
    keys_of,
    read_held,
    remark,
    remarks,
    shown,
)


def hold_from(threshold: float, **more) -> Policy:
    return Policy((Rule("LIKELY_TO_REJECT", threshold, Action.HOLD, "some"),), **more)


def verdicts(session) -> dict[str, tuple]:
    return {id: (one.proposed, one.cause, one.rule) for id, one in read_held(session).items()}


def test_what_waits_is_given_the_verdict_of_the_policy(session):
    add(session, remark("1", "0.4 mild"), remark("2", "0.5 middling"))
    assert judge(session, FakeScorer()) == 2
    assert verdicts(session) == {
        "1": (Action.APPROVE, Cause.NO_RULE, None),
        "2": (Action.HOLD, Cause.RULE, "one in two"),
    }
    assert shown(session, "2", FakeScorer()).score == 0.5


def test_a_verdict_is_seen_by_whoever_looked_before(session):
    """In the same session, too, whose objects are older."""
    add(session, remark())
    old = shown(session)
    kept = read_held(session)
    judge(session, FakeScorer())
    assert (old.proposed, shown(session).proposed) == (None, Action.HOLD)
    assert kept["1"].proposed is Action.HOLD


def test_each_comment_is_scored_once_by_each_version(session):
    add(session, *(remark(str(n), f"0.{n} remark") for n in range(1, 8)))
    first, second = FakeScorer("first"), FakeScorer("second")
    assert [judge(session, scorer) for scorer in (first, first, second)] == [7, 0, 7]
    assert len(first.asked) == len(second.asked) == 7


def test_another_policy_judges_by_the_scores_there_are(session):
    add(session, remark(text="0.5 middling"))
    scorer = FakeScorer()
    judge(session, scorer, hold_from(0.5))
    assert judge(session, scorer, hold_from(0.6)) == 1
    assert verdicts(session)["1"][0] is Action.APPROVE
    assert judge(session, scorer, hold_from(0.5)) == 1
    assert verdicts(session)["1"][0] is Action.HOLD
    assert len(scorer.asked) == 1


def test_what_comes_to_wait_later_is_judged_alone(session):
    scorer = FakeScorer()
    add(session, remark("1"))
    judge(session, scorer)
    add(session, remark("2"))
    assert judge(session, scorer) == 1
    act(session, "1")
    assert judge(session, scorer) == 0


def test_only_so_many_are_judged_at_once(session):
    add(session, *remarks("12345"))
    scorer = FakeScorer()
    found = [review.judge_waiting(session, scorer, HOLD_HALF, limit=2) for _ in range(4)]
    assert found == [2, 2, 1, 0]
    assert len(scorer.asked) == 5


def test_the_ones_that_have_waited_longest_are_judged_first(session):
    for minutes, id in enumerate("312"):
        add(session, remark(id, f"0.{id} remark"), at=after(minutes))
    scorer = FakeScorer()
    review.judge_waiting(session, scorer, HOLD_HALF, limit=2)
    assert sorted(text[:3] for text in scorer.asked) == ["0.1", "0.3"]


def test_nothing_is_scored_where_nothing_waits(session):
    scorer = FakeScorer()
    assert judge(session, scorer) == 0
    assert scorer.asked == []


def test_what_was_handed_on_is_judged_and_stays_handed_on(session):
    add(session, remark())
    hand_on(session, "1")
    judge(session, FakeScorer())
    held = read_held(session)["1"]
    assert (held.not_for, held.proposed) == ("anna", Action.HOLD)


def test_other_attributes_are_scored_where_rules_ask_for_them(session):
    policy = Policy(
        (
            Rule("LIKELY_TO_REJECT", 0.9, Action.REMOVE, "likely"),
            Rule("TOXICITY", 0.75, Action.HOLD, "toxic"),
        )
    )
    add(session, remark("1", "0.2 remark"), remark("2", "0.3 remark"), remark("3", "0.9 remark"))
    judge(session, FakeScorer(), policy)
    assert [rule for _, _, rule in verdicts(session).values()] == ["toxic", None, "likely"]


def test_an_attribute_that_nobody_scores_is_an_error_and_no_verdict(session):
    add(session, remark())
    with pytest.raises(KeyError, match="THREAT"):
        judge(session, FakeScorer(), Policy((Rule("THREAT", 0.5, Action.HOLD),)))
    session.rollback()
    assert verdicts(session) == {"1": (None, None, None)}


def test_the_scale_of_50_50_asks_for_the_base_rate_of_the_model(session):
    rule = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "even", scale=ScoreScale.EVEN)
    add(session, remark("1", "0.09 remark"), remark("2", "0.1 remark"))
    scorer = FakeScorer()
    with pytest.raises(ValueError, match="base rate"):
        judge(session, scorer, Policy((rule,)))
    session.rollback()
    scorer.base_rates = {"LIKELY_TO_REJECT": 0.1}
    judge(session, scorer, Policy((rule,)))
    assert [rule for _, _, rule in verdicts(session).values()] == [None, "even"]


def test_short_texts_are_measured_without_the_space_around_them(session):
    add(session, remark("1", "0.9 abcd"), remark("2", "  0.9 abc\n\n"))
    judge(session, FakeScorer(), hold_from(0.95, too_short=TooShort(8)))
    assert [cause for _, cause, _ in verdicts(session).values()] == [Cause.NO_RULE, Cause.TOO_SHORT]


def test_languages_are_told_where_the_policy_asks_for_them(session):
    policy = hold_from(0.95, languages=Languages(("en",)))
    add(session, remark("1", "0.1 hello"), remark("2", "0.1 bonjour"))

    def detect(texts):
        return ["fr" if "bonjour" in text else "en" for text in texts]

    assert review.judge_waiting(session, FakeScorer(), policy, detect=detect) == 2
    assert [cause for _, cause, _ in verdicts(session).values()] == [Cause.NO_RULE, Cause.LANGUAGE]


def test_a_policy_that_asks_for_languages_needs_somebody_to_tell_them(session):
    add(session, remark())
    with pytest.raises(ValueError, match="asks for a text's language"):
        judge(session, FakeScorer(), hold_from(0.5, languages=Languages(("en",))))


def test_nobody_is_asked_for_languages_that_no_policy_asks_for(session):
    add(session, remark())
    found = review.judge_waiting(session, FakeScorer(), HOLD_HALF, detect=lambda texts: 1 / 0)
    assert found == 1


def test_what_is_not_stored_is_given_the_same_verdict(session):
    """For what a page shows before anything is written."""
    scorer = FakeScorer()
    proposed = review.propose(["0.4 a", "0.5 b"], [0.4, 0.5], scorer=scorer, policy=HOLD_HALF)
    assert [one.action for one in proposed] == [Action.APPROVE, Action.HOLD]
    assert review.name_judge(scorer, HOLD_HALF) == f"{HOLD_HALF.version}@first"
    add(session, remark("1", "0.4 a"))
    judge(session, scorer)
    assert read_held(session)["1"].policy == review.name_judge(scorer, HOLD_HALF)
    assert read_held(session)["1"].comment_key == keys_of("1")[0]
