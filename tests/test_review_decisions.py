"""Decisions: recorded, taken back, handed on, reopened, made a second time blind, and told."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from moderation import review
from moderation.captures import latest_states
from moderation.comments import Status
from moderation.database import open_store
from moderation.errors import ReviewError
from moderation.frames import to_rows, write_rows
from moderation.parsers import read_comments
from moderation.policy import HOUSE_RULES, Action, Rule, Verdict
from moderation.review import Evidence, key_of
from moderation.tables import Decision, Held, Kind
from moderation.train import main as train
from tests.desks import (
    NOON,
    FakeScorer,
    act,
    act_on_all,
    add,
    after,
    check_chain,
    claim,
    hand_on,
    in_force,
    judge,
    keys_of,
    listed,
    read_held,
    read_history,
    remark,
    remarks,
    reopen,
    shown,
    take_back,
)
from tests.samples import labelled_comments

PAGE = Path(__file__).parents[1] / "data/inbox/hospital-parking-20261118T1155Z.html"


def told(session, id: str = "1") -> list[tuple[str, str, str]]:
    """Return the history of a comment in words."""
    decisions = review.history(session, key_of(remark(id)))
    return [(one.kind.value, one.action.value, one.decided_by) for one in decisions]


# Deciding


def test_a_decision_is_kept_with_what_the_moderator_saw(session):
    add(session, remark())
    rule = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "top tenth")
    evidence = Evidence(0.7, "first", Verdict(Action.HOLD, rule))
    act(session, "1", Action.REMOVE, by=" anna ", evidence=evidence, note="seen twice")
    session.commit()
    session.expunge_all()
    [kept] = review.history(session, key_of(remark()))
    assert (kept.kind, kept.action, kept.house_rule) == (Kind.DECISION, Action.REMOVE, "spam")
    assert (kept.decided_by, kept.decided_at, kept.note) == ("anna", NOON, "seen twice")
    assert (kept.score, kept.model_version) == (0.7, "first")
    assert kept.policy_rule == "top tenth: LIKELY_TO_REJECT at or above 0.500, hold"
    assert kept.weight == 1
    check_chain(session)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decided_by": ""}, "type a name first"),
        ({"decided_by": " \t"}, "type a name first"),
        ({"action": Action.REMOVE}, "names a house rule: one of personal abuse"),
        ({"action": Action.REMOVE, "house_rule": "bad mood"}, "names a house rule"),
        ({"action": Action.HOLD}, "waits until it is approved or removed"),
        ({"key": "nobody"}, "no such comment in the store"),
    ],
)
def test_a_decision_that_is_not_one_is_refused_and_leaves_nothing(session, change, message):
    add(session, remark())
    facts = {"key": key_of(remark()), "action": Action.APPROVE, "decided_by": "anna", **change}
    key, action = facts.pop("key"), facts.pop("action")
    with pytest.raises(ReviewError, match=message):
        review.record_decision(session, key, action, decided_at=NOON, **facts)
    session.commit()
    assert review.count_waiting(session) == 1
    assert review.recent_decisions(session, limit=9) == []


@pytest.mark.parametrize("rule", HOUSE_RULES)
def test_a_removal_names_its_house_rule(session, rule):
    add(session, remark())
    assert act(session, "1", Action.REMOVE, house_rule=rule).house_rule == rule


def test_a_removal_names_one_of_the_rules_of_this_house(session):
    add(session, *remarks("12"))
    rules = {"house_rules": ("shouting",)}
    assert act(session, "1", Action.REMOVE, house_rule="shouting", **rules)
    with pytest.raises(ReviewError, match="names a house rule: one of shouting"):
        act(session, "2", Action.REMOVE, house_rule="spam", **rules)


def test_an_approval_names_no_house_rule(session):
    add(session, remark())
    assert act(session, "1", house_rule="spam").house_rule is None


def test_a_decided_comment_waits_no_longer(session):
    add(session, *remarks("12"))
    claim(session, "1", by="anna")
    decision = act(session, "1")
    assert list(read_held(session)) == ["2"]
    assert in_force(session, "1").id == decision.id
    assert in_force(session, "2") is None


@pytest.mark.parametrize("claimed_by", [None, "ben"])
def test_a_decision_needs_no_claim(session, claimed_by):
    """A claim keeps others from the comment while it lasts; a slow moderator's click counts."""
    add(session, remark())
    if claimed_by:
        claim(session, "1", by=claimed_by)
    assert act(session, "1", by="anna").kind is Kind.DECISION


def test_who_is_second_is_told_and_overwrites_nothing(session):
    """Two windows show the same comment; what the first decided was never on the second's."""
    add(session, remark())
    act(session, "1", Action.REMOVE, by="anna")
    with pytest.raises(ReviewError, match="anna chose to remove that comment before"):
        act(session, "1", Action.APPROVE, by="ben")
    session.commit()
    assert told(session) == [("decision", "remove", "anna")]


def test_a_decision_that_was_seen_can_be_overruled(session):
    add(session, remark())
    first = act(session, "1", Action.REMOVE, by="anna")
    second = act(session, "1", by="ben", overrules=first)
    assert second.overrules_id == first.id
    assert [c.label for c in review.decided_comments(session)] == [0]


def test_overruling_what_is_no_longer_in_force_is_refused(session):
    add(session, remark())
    first = act(session, "1", by="anna")
    take_back(session)
    with pytest.raises(ReviewError, match="anna undid a decision"):
        act(session, "1", by="ben", overrules=first)


def test_overruling_a_decision_on_other_words_is_refused(session):
    add(session, remark())
    first = act(session, "1")
    add(session, remark(text="0.9 other words"))
    with pytest.raises(ReviewError, match="its words have changed since they were shown"):
        act(session, "1", by="ben", overrules=first)


def test_what_is_in_force_gives_way_to_whoever_has_seen_it_only(session):
    """The last line of defence, below the lock on the history."""
    add(session, remark())
    first = act(session, "1")
    with pytest.raises(ReviewError, match="anna chose to approve"):
        review.decisions.put_in_force(session, first.comment_key, None, instead_of=None)


@pytest.mark.parametrize(
    "settled", [remark(status=Status.REMOVED), remark(label=1)], ids=["status", "label"]
)
def test_what_its_source_has_settled_meanwhile_is_not_decided(session, settled):
    """It was on screen when a capture arrived in which it is gone."""
    add(session, remark())
    claim(session, "1", by="anna")
    add(session, settled)
    with pytest.raises(ReviewError, match="does not wait any longer: its source has settled it"):
        act(session, "1")
    session.commit()
    assert read_history(session) == []
    assert list(review.decided_comments(session)) == []


def test_what_its_source_settled_after_an_undo_is_told_as_that(session):
    add(session, remark())
    act(session, "1")
    take_back(session)
    add(session, remark(label=1))
    with pytest.raises(ReviewError, match="its source has settled it"):
        act(session, "1")


def test_a_decision_on_words_that_have_changed_meanwhile_is_refused(session):
    """The moderator has not seen the new ones."""
    add(session, remark(text="0.2 mild"))
    seen = shown(session).comment.text
    add(session, remark(text="0.9 advertising instead"))
    with pytest.raises(ReviewError, match="its words have changed since they were shown; read it"):
        act(session, "1", evidence=Evidence(text=seen))
    session.commit()
    assert read_history(session) == []
    act(session, "1", evidence=Evidence(text=shown(session).comment.text))
    assert len(read_history(session)) == 1


@pytest.mark.parametrize("note", ["half \ud83d a pair", "nul \x00 inside"])
def test_a_note_is_stored_as_every_database_takes_it(session, note):
    add(session, *remarks("123"))
    act(session, "1", note=note)
    hand_on(session, "2", note=note)
    act_on_all(session, "3", note=note)
    session.commit()
    assert all("\ufffd" in one.note for one in read_history(session))
    check_chain(session)


@pytest.mark.parametrize("score", [0, 1, True])
def test_a_whole_score_is_sealed_as_it_is_read_back(session, score):
    """A 1 that comes back as 1.0 is no forgery."""
    add(session, remark())
    act(session, "1", evidence=Evidence(score, "first"))
    session.commit()
    session.expunge_all()
    check_chain(session)


def test_times_of_any_zone_are_sealed_as_they_are_read_back(session):
    add(session, remark())
    moment = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    act(session, "1", decided_at=moment)
    session.commit()
    session.expunge_all()
    check_chain(session)


def test_two_at_the_same_moment_cannot_both_decide(tmp_path):
    """Of many windows that show a comment, one decides; the others are told."""
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    with store.writing() as session:
        review.add_comments(session, [remark()], added_at=NOON)

    def decide_as(moderator: str) -> bool:
        try:
            with store.writing() as session:
                act(session, "1", by=moderator)
        except ReviewError as error:
            return "chose to approve that comment before" not in str(error)
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(decide_as, "abcdefgh"))
    with store.reading() as session:
        assert outcomes.count(True) == len(review.history(session, key_of(remark()))) == 1
        check_chain(session)
    store.engine.dispose()


# Taking back


def test_undo_goes_back_step_by_step(session):
    """Remove, approve, undo, undo: the removal is in force again, then the comment waits."""
    add(session, remark())
    first = act(session, "1", Action.REMOVE)
    act(session, "1", overrules=first)
    [restored] = take_back(session)
    assert (restored.kind, restored.action) == (Kind.UNDO, Action.REMOVE)
    assert restored.house_rule == "spam"
    assert [c.label for c in review.decided_comments(session)] == [1]
    [held] = take_back(session, at=after(1))
    assert held.action is Action.HOLD
    assert read_held(session)["1"].held_at == after(1)
    assert take_back(session) == []


def test_undo_takes_back_the_latest_of_several_comments(session):
    add(session, *remarks("12"))
    act(session, "1")
    act(session, "2")
    assert take_back(session)[0].comment_key == key_of(remark("2"))
    assert take_back(session)[0].comment_key == key_of(remark("1"))


def test_undo_takes_back_only_ones_own(session):
    add(session, remark())
    act(session, "1", by="anna")
    assert take_back(session, by="ben") == []
    assert take_back(session, by=" anna ")[0].action is Action.HOLD


def test_undo_leaves_alone_what_somebody_overruled(session):
    add(session, remark())
    first = act(session, "1", Action.REMOVE, by="anna")
    act(session, "1", by="ben", overrules=first)
    assert take_back(session, by="anna") == []
    assert take_back(session, by="ben")[0].action is Action.REMOVE
    assert take_back(session, by="anna")[0].action is Action.HOLD


def test_an_undone_comment_can_be_decided_anew(session):
    add(session, remark())
    act(session, "1", Action.REMOVE)
    take_back(session)
    act(session, "1", Action.APPROVE, by="ben")
    assert [c.label for c in review.decided_comments(session)] == [0]


def test_undo_names_its_moderator(session):
    with pytest.raises(ReviewError, match="type a name first"):
        take_back(session, by=" ")


def test_undo_reaches_behind_any_number_of_overruled_decisions(session):
    ids = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789αβγδεζηθικλμ"
    add(session, *remarks(ids))
    decisions = [act(session, id) for id in ids]
    for decision, id in zip(decisions[1:], ids[1:], strict=True):
        act(session, id, Action.REMOVE, by="ben", overrules=decision)
    assert len(decisions) > 70
    assert take_back(session)[0].undoes_id == decisions[0].id


def test_undo_does_not_bring_back_a_decision_on_other_words(session):
    add(session, remark(text="0.2 mild"))
    act(session, "1")
    add(session, remark(text="0.9 advertising instead"))
    act(session, "1", Action.REMOVE)
    assert take_back(session)[0].action is Action.HOLD
    assert review.count_waiting(session) == 1
    assert take_back(session) == []


def test_undo_does_not_let_wait_what_its_source_has_settled(session):
    add(session, remark())
    act(session, "1")
    add(session, remark(status=Status.REMOVED))
    assert take_back(session)[0].action is Action.HOLD
    assert read_held(session) == {}
    assert in_force(session, "1") is None


def test_the_last_that_can_be_undone_is_told_before_it_is(session):
    add(session, *remarks("12"))
    assert review.last_undoable(session, decided_by="anna") is None
    first, second = act(session, "1"), act(session, "2")
    for expected in (second, first):
        assert review.last_undoable(session, decided_by=" anna ").id == expected.id
        assert take_back(session)[0].undoes_id == expected.id


# Handing on


def test_what_is_handed_on_waits_for_another_moderator(session):
    add(session, remark())
    claim(session, "1", by="anna")
    escalation = hand_on(session, "1", note="  is this spam?\n")
    assert (escalation.kind, escalation.action) == (Kind.ESCALATION, Action.HOLD)
    assert escalation.note == "is this spam?"
    held = read_held(session)["1"]
    assert (held.not_for, held.escalation_id, held.claimed_by) == ("anna", escalation.id, None)
    assert (listed(session, by="anna"), listed(session, by="ben")) == ([], ["1"])


def test_what_is_handed_on_is_not_decided_by_oneself(session):
    add(session, remark())
    hand_on(session, "1")
    with pytest.raises(ReviewError, match="waits for a second moderator, and you were the first"):
        act(session, "1", by=" anna")
    assert act(session, "1", by="ben").kind is Kind.DECISION


@pytest.mark.parametrize("note", ["", " \n\t"])
def test_handing_on_needs_a_note(session, note):
    add(session, remark())
    with pytest.raises(ReviewError, match="write a note"):
        hand_on(session, "1", note=note)


def test_what_does_not_wait_is_not_handed_on(session):
    add(session, remark(), remark("2", label=1))
    act(session, "1", by="ben")
    with pytest.raises(ReviewError, match="ben chose to approve that comment before"):
        hand_on(session, "1")
    with pytest.raises(ReviewError, match="does not wait"):
        hand_on(session, "2")
    with pytest.raises(ReviewError, match="no such comment"):
        hand_on(session, "3")


def test_what_is_handed_on_is_not_handed_on_by_the_same_again(session):
    add(session, remark())
    hand_on(session, "1")
    with pytest.raises(ReviewError, match="anna escalated that comment before"):
        hand_on(session, "1")


def test_what_is_handed_on_twice_waits_for_anybody_but_the_second(session):
    add(session, remark())
    hand_on(session, "1", by="anna", note="spam?")
    hand_on(session, "1", by="ben", note="a threat, rather?")
    assert (listed(session, by="anna"), listed(session, by="ben")) == (["1"], [])
    assert shown(session).escalation.note == "a threat, rather?"
    assert take_back(session, by="anna") == []
    take_back(session, by="ben")
    assert (listed(session, by="anna"), listed(session, by="ben")) == ([], ["1"])
    assert shown(session).escalation.note == "spam?"
    take_back(session, by="anna")
    assert (listed(session, by="anna"), shown(session).escalation) == (["1"], None)


def test_a_decision_on_what_was_handed_on_gives_it_back_when_undone(session):
    add(session, remark())
    escalation = hand_on(session, "1", by="anna")
    act(session, "1", by="ben")
    assert take_back(session, by="anna") == []
    take_back(session, by="ben")
    held = read_held(session)["1"]
    assert (held.not_for, held.escalation_id) == ("anna", escalation.id)
    assert take_back(session, by="anna")[0].undoes_id == escalation.id
    assert read_held(session)["1"].not_for is None


def test_what_was_handed_on_with_other_words_waits_for_anybody(session):
    add(session, remark())
    hand_on(session, "1")
    add(session, remark(text="0.9 other words"))
    assert read_held(session)["1"].not_for is None
    assert take_back(session) == []
    act(session, "1", by="ben")
    take_back(session, by="ben")
    held = read_held(session)["1"]
    assert (held.not_for, held.escalation_id) == (None, None)


def test_what_was_handed_on_and_settled_by_its_source_waits_for_another_when_it_comes_back(session):
    add(session, remark())
    escalation = hand_on(session, "1")
    add(session, remark(status=Status.REMOVED))
    assert read_held(session) == {}
    add(session, remark(status=Status.PUBLISHED))
    held = read_held(session)["1"]
    assert (held.not_for, held.escalation_id) == ("anna", escalation.id)


# Reopening


def test_a_reopened_comment_waits_again_for_anybody(session):
    add(session, remark())
    decision = act(session, "1", by="anna")
    reopening = reopen(session, "1", by="lea")
    assert (reopening.kind, reopening.overrules_id) == (Kind.REOPENING, decision.id)
    assert in_force(session, "1") is None
    assert listed(session, by="anna") == listed(session, by="lea") == ["1"]
    assert take_back(session, by="anna") == []


def test_a_reopening_is_undone_by_the_decision_being_in_force_again(session):
    add(session, remark())
    decision = act(session, "1", Action.REMOVE)
    reopen(session, "1", by="lea")
    [row] = take_back(session, by="lea")
    assert (row.kind, row.action, row.house_rule) == (Kind.UNDO, Action.REMOVE, "spam")
    assert in_force(session, "1").id == decision.id
    assert read_held(session) == {}


def test_a_reopening_stays_undoable_after_others_have_come_and_gone(session):
    """A decision and an escalation since then were both taken back."""
    add(session, remark())
    decision = act(session, "1", by="anna")
    reopen(session, "1", by="lea")
    act(session, "1", by="ben")
    assert take_back(session, by="lea") == []
    take_back(session, by="ben")
    hand_on(session, "1", by="ben")
    assert take_back(session, by="lea") == []
    take_back(session, by="ben")
    assert read_held(session)["1"].not_for is None
    take_back(session, by="lea")
    assert in_force(session, "1").id == decision.id


def test_a_reopening_of_other_words_brings_no_decision_back(session):
    add(session, remark(text="0.2 mild"))
    act(session, "1")
    reopen(session, "1", by="lea")
    add(session, remark(text="0.9 advertising instead"))
    assert take_back(session, by="lea") == []
    assert in_force(session, "1") is None
    assert list(read_held(session)) == ["1"]


def test_a_reopened_comment_does_not_wait_for_whom_it_was_handed_to(session):
    """Handing it on was answered; reopened, it waits for anybody."""
    add(session, remark())
    hand_on(session, "1", by="anna")
    act(session, "1", by="ben")
    reopen(session, "1", by="lea")
    assert read_held(session)["1"].not_for is None
    take_back(session, by="lea")
    take_back(session, by="ben")
    assert read_held(session)["1"].not_for == "anna"


def test_what_waits_or_is_unknown_is_not_reopened(session):
    add(session, remark())
    for id in "12":
        with pytest.raises(ReviewError, match="waits already, or there is no such comment"):
            reopen(session, id)


def test_what_its_source_has_settled_is_not_reopened(session):
    """Nobody would be asked, and no decision would be in force."""
    add(session, remark())
    act(session, "1")
    add(session, remark(label=1))
    with pytest.raises(ReviewError, match="its source has settled it"):
        reopen(session, "1")
    session.commit()
    assert in_force(session, "1") is not None


# Second opinions


def test_the_share_of_second_opinions_is_kept(session):
    ids = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    add(session, *(remark(f"{one}{other}") for one in ids for other in ids[:20]))
    for one in ids:
        for other in ids[:20]:
            act(session, f"{one}{other}", second_share=0.25)
    drawn, decided = review.count_waiting(session), len(ids) * 20
    # Four standard errors: one run in 16,000 is further off, and every run is the same.
    assert abs(drawn / decided - 0.25) < 4 * (0.25 * 0.75 / decided) ** 0.5


@pytest.mark.parametrize(("share", "waiting"), [(0.0, 0), (1.0, 9)])
def test_none_or_all_decisions_get_a_second_opinion(session, share, waiting):
    add(session, *remarks("123456789"))
    for id in "123456789":
        act(session, id, second_share=share)
    assert review.count_waiting(session) == waiting


@pytest.fixture
def drawn(session):
    """A desk where anna's removal of comment 1 waits for a second opinion."""
    add(session, remark())
    act(session, "1", Action.REMOVE, by="anna", second_share=1.0)
    session.commit()
    return session


def test_a_second_opinion_is_asked_of_others_only(drawn):
    assert (listed(drawn, by="anna"), listed(drawn, by="ben")) == ([], ["1"])
    assert claim(drawn, "1", by="anna") is None
    assert claim(drawn, "1", by="ben") == "1"
    with pytest.raises(ReviewError, match="you were the first"):
        act(drawn, "1", by="anna")


def test_a_second_opinion_is_blind(drawn):
    """What the second sees tells nothing of what the first did."""
    judge(drawn, FakeScorer())
    waiting = shown(drawn, scorer=FakeScorer())
    assert waiting.escalation is None
    assert "anna" not in repr(waiting)
    assert "remove" not in repr(waiting)


def test_a_second_opinion_is_kept_and_changes_nothing(drawn):
    first = in_force(drawn, "1")
    opinion = act(drawn, "1", Action.APPROVE, by="ben", second_share=1.0)
    assert (opinion.kind, opinion.opinion_on_id) == (Kind.OPINION, first.id)
    assert (opinion.action, opinion.overrules_id) == (Action.APPROVE, None)
    assert in_force(drawn, "1").id == first.id
    assert read_held(drawn) == {}
    assert [c.label for c in review.decided_comments(drawn)] == [1]


def test_a_third_is_told_of_the_decision_in_force_and_not_of_the_opinion(drawn):
    act(drawn, "1", Action.APPROVE, by="ben")
    with pytest.raises(ReviewError, match="anna chose to remove that comment before"):
        act(drawn, "1", by="carl")


def test_a_second_opinion_is_not_handed_on_and_nothing_told_by_that(drawn):
    with pytest.raises(ReviewError) as refusal:
        hand_on(drawn, "1", by="ben")
    assert "anna" not in str(refusal.value)
    assert "remove" not in str(refusal.value)
    assert "decide it, or pass it over" in str(refusal.value)


def test_bulk_actions_leave_second_opinions_alone(drawn):
    add(drawn, remark("2"))
    bulk = act_on_all(drawn, "12")
    assert bulk.comments == 1
    assert list(read_held(drawn)) == ["1"]


def test_an_undone_opinion_is_asked_for_again(drawn):
    first = in_force(drawn, "1")
    opinion = act(drawn, "1", by="ben")
    [row] = take_back(drawn, by="ben")
    assert (row.kind, row.undoes_id) == (Kind.UNDO, opinion.id)
    held = read_held(drawn)["1"]
    assert (held.not_for, held.opinion_on_id) == ("anna", first.id)
    assert in_force(drawn, "1").id == first.id
    assert act(drawn, "1", by="carl").opinion_on_id == first.id


def test_an_undone_opinion_repeats_what_is_in_force(drawn):
    """The row says what counts after it: the first moderator's decision, as it did all along."""
    act(drawn, "1", Action.APPROVE, by="ben")
    [row] = take_back(drawn, by="ben")
    assert (row.action, row.house_rule) == (Action.REMOVE, "spam")


def test_the_first_may_undo_before_an_opinion_is_given(drawn):
    [row] = take_back(drawn, by="anna")
    assert row.action is Action.HOLD
    held = read_held(drawn)["1"]
    assert (held.not_for, held.opinion_on_id) == (None, None)
    assert act(drawn, "1", by="ben").kind is Kind.DECISION


def test_the_first_may_undo_after_an_opinion_was_given(drawn):
    """The opinion is on nothing any longer, and cannot be taken back."""
    act(drawn, "1", by="ben")
    take_back(drawn, by="anna")
    assert list(read_held(drawn)) == ["1"]
    assert in_force(drawn, "1") is None
    assert take_back(drawn, by="ben") == []


def test_the_first_may_overrule_oneself_while_an_opinion_is_wanted(drawn):
    """It was a slip; what is in force then needs no opinion on the slip."""
    slip = in_force(drawn, "1")
    mended = act(drawn, "1", Action.APPROVE, by="anna", overrules=slip, second_share=1.0)
    assert mended.kind is Kind.DECISION
    assert in_force(drawn, "1").id == mended.id
    assert read_held(drawn) == {}


def test_a_second_who_has_seen_the_first_decision_may_overrule_it(drawn):
    first = in_force(drawn, "1")
    second = act(drawn, "1", by="ben", overrules=first)
    assert second.kind is Kind.DECISION
    assert in_force(drawn, "1").id == second.id
    assert read_held(drawn) == {}


def test_no_opinion_is_wanted_on_words_that_have_changed(drawn):
    add(drawn, remark(text="0.9 other words"))
    held = read_held(drawn)["1"]
    assert (held.not_for, held.opinion_on_id) == (None, None)
    assert act(drawn, "1", by="anna").kind is Kind.DECISION


def test_an_opinion_on_other_words_is_not_asked_for_again(drawn):
    act(drawn, "1", by="ben")
    add(drawn, remark(text="0.9 other words"))
    assert take_back(drawn, by="ben") == []
    assert read_held(drawn)["1"].opinion_on_id is None


def test_an_opinion_is_given_also_where_the_source_has_removed_the_comment(drawn):
    """Its words are there to be judged, and the decision is in force."""
    add(drawn, remark(status=Status.REMOVED))
    assert act(drawn, "1", by="ben").kind is Kind.OPINION
    take_back(drawn, by="ben")
    assert read_held(drawn)["1"].not_for == "anna"


def test_an_opinion_on_what_was_reopened_is_not_wanted(drawn):
    reopen(drawn, "1", by="lea")
    held = read_held(drawn)["1"]
    assert (held.not_for, held.opinion_on_id) == (None, None)


# History and labels


def test_the_history_tells_everything_in_order(session):
    add(session, remark())
    hand_on(session, "1", by="carl")
    first = act(session, "1", Action.REMOVE)
    act(session, "1", by="ben", overrules=first)
    take_back(session, by="ben")
    reopen(session, "1", by="lea")
    act(session, "1", by="ben", second_share=1.0)
    act(session, "1", Action.REMOVE, by="anna")
    assert told(session) == [
        ("escalation", "hold", "carl"),
        ("decision", "remove", "anna"),
        ("decision", "approve", "ben"),
        ("undo", "remove", "ben"),
        ("reopening", "hold", "lea"),
        ("decision", "approve", "ben"),
        ("opinion", "remove", "anna"),
    ]
    check_chain(session)


def test_recent_decisions_are_the_latest_of_all_moderators_or_of_one(session):
    add(session, *remarks("123"))
    for id, moderator in zip("123", ("anna", "ben", "anna"), strict=True):
        act(session, id, by=moderator)

    def recent(**more) -> list[tuple[str, str]]:
        found = review.recent_decisions(session, **more)
        return [(decision.decided_by, comment.id) for decision, comment in found]

    assert recent(limit=2) == [("anna", "3"), ("ben", "2")]
    assert recent(limit=9, decided_by=" anna ") == [("anna", "3"), ("anna", "1")]
    assert recent(limit=9, decided_by="carl") == []


def test_decisions_become_labels(session):
    add(session, *(remark(id, status=Status.PENDING) for id in "123"))
    act(session, "1", Action.REMOVE, house_rule="hate")
    act(session, "2")
    told = {c.id: (c.label, c.status, c.removal_reason) for c in review.decided_comments(session)}
    assert told == {
        "1": (1, Status.REMOVED, "hate"),
        "2": (0, Status.PUBLISHED, None),
    }


def test_what_is_history_is_not_changed(session):
    add(session, remark())
    act(session, "1").action = Action.REMOVE
    with pytest.raises(ReviewError, match="is history: add another"):
        session.commit()


def test_training_takes_decisions_beside_other_data(tmp_path, capsys):
    """A decided comment of a page captured once, unlabelled as yet, is one more labelled text."""
    url, out = f"sqlite:///{tmp_path}/review.db", tmp_path / "model.joblib"
    store = open_store(url)
    with store.writing() as session:
        review.add_comments(session, latest_states(read_comments(PAGE)), added_at=NOON)
        waiting = session.scalars(select(Held.comment_key).order_by(Held.comment_key).limit(20))
        for place, key in enumerate(list(waiting)):
            action, rule = (Action.REMOVE, "spam") if place % 2 else (Action.APPROVE, None)
            facts = {"decided_by": "anna", "decided_at": NOON, "house_rule": rule}
            review.record_decision(session, key, action, **facts)
    store.engine.dispose()
    table = tmp_path / "table.csv"
    write_rows(to_rows(labelled_comments(removed=60, kept=140)), table)
    assert train([str(table), str(PAGE), "--decisions", url, "--out", str(out)]) == 0
    assert "20 decided comments" in capsys.readouterr().err
    facts = json.loads(out.with_suffix(".json").read_text())["training_data"]
    assert (facts["comments"], facts["removed"]) == (140 + 60 + 20, 60 + 10)


def test_the_rows_of_a_history_are_numbered_without_gaps(session):
    add(session, *remarks("12"))
    act(session, "1")
    with pytest.raises(ReviewError):
        act(session, "1", by="ben")
    session.commit()
    act(session, "2")
    assert list(session.scalars(select(Decision.id).order_by(Decision.id))) == [1, 2]
    check_chain(session)
    assert keys_of("12") == [decision.comment_key for decision in read_history(session)]
