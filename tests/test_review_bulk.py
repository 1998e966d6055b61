"""Bulk actions: what they take, what they leave and count, and that they are undone as one."""

import pytest
from sqlalchemy import select

from moderation import review
from moderation.chain import digest_note
from moderation.comments import Status
from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES, Action
from moderation.review import key_of
from moderation.tables import Bulk, Decision, Kind
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
    read_held,
    read_history,
    remark,
    remarks,
    reopen,
    take_back,
)


def actions_in_force(session, ids: str) -> dict[str, str | None]:
    decisions = {id: in_force(session, id) for id in ids}
    return {id: one.action.value if one else None for id, one in decisions.items()}


def test_all_are_decided_with_one_reason(session):
    scorer = FakeScorer()
    add(session, *(remark(id, f"0.{id} remark") for id in "123"))
    judge(session, scorer)
    add(session, remark("4", "0.4 not scored"))
    bulk = act_on_all(session, "1234", Action.REMOVE, by=" lea ", scorer=scorer, note="a wave")
    assert (bulk.comments, bulk.done_by, bulk.done_at) == (4, "lea", NOON)
    assert bulk.chosen_by == "a search"
    rows = {row.comment_key: row for row in read_history(session)}
    for id, score in zip("1234", (0.1, 0.2, 0.3, None), strict=True):
        row = rows[key_of(remark(id))]
        assert (row.kind, row.action, row.house_rule) == (Kind.DECISION, Action.REMOVE, "spam")
        assert (row.bulk_id, row.note, row.decided_by) == (bulk.id, "a wave", "lea")
        assert (row.score, row.model_version) == (score, None if score is None else "first")
        assert row.note_digest == digest_note("a wave")
    assert read_held(session) == {}
    check_chain(session)


def test_an_approval_of_many_names_no_house_rule(session):
    add(session, *remarks("12"))
    act_on_all(session, "12", house_rule="spam")
    assert {row.house_rule for row in read_history(session)} == {None}


def test_what_does_not_wait_for_anybody_is_left_out_and_counted(session):
    """Decided, settled, handed on, waiting for an opinion, on somebody's screen, and unknown."""
    add(session, *remarks("12345678"))
    act(session, "1", by="ben")
    add(session, remark("2", status=Status.REMOVED))
    hand_on(session, "3")
    act(session, "4", by="ben", second_share=1.0)
    claim(session, "5", by="ben", at=NOON)
    claim(session, "6", by="lea", at=NOON)
    before = len(read_history(session))
    bulk = act_on_all(session, "123456789", decided_at=after(1))
    assert bulk.comments == 3
    decided = {row.comment_key for row in read_history(session)[before:]}
    assert decided == set(keys_of("678"))


def test_what_oneself_or_nobody_has_on_screen_any_longer_is_taken(session):
    add(session, *remarks("123"))
    claim(session, "1", by="ben", at=NOON)
    claim(session, "2", by="lea", at=NOON)
    assert act_on_all(session, "123", decided_at=after(10)).comments == 3


def test_a_comment_named_twice_is_decided_once(session):
    add(session, *remarks("12"))
    assert act_on_all(session, "1212").comments == len(read_history(session)) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": " "}, "type a name first"),
        ({"action": Action.HOLD}, "waits until it is approved or removed"),
        ({"action": Action.REMOVE, "house_rule": "bad mood"}, "names a house rule"),
        ({"action": Action.REMOVE, "house_rules": ("shouting",)}, "one of shouting"),
        ({"ids": ""}, "none of these comments waits any longer"),
        ({"ids": "9"}, "none of these comments waits any longer"),
        ({"ids": "1" * 10_001}, "10,001 comments at once; expected at most 10,000: choose fewer"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bulk_action_that_is_none_is_refused_and_leaves_nothing(session, change, message):
    add(session, remark())
    ids = change.get("ids", "1")
    with pytest.raises(ReviewError, match=message):
        act_on_all(session, ids, **{name: value for name, value in change.items() if name != "ids"})
    session.commit()
    assert session.scalars(select(Bulk)).all() == read_history(session) == []
    assert list(read_held(session)) == ["1"]


def test_how_the_comments_were_chosen_fits_its_column(session):
    add(session, remark())
    with pytest.raises(ValueError, match="chosen_by has 65 characters, expected at most 64"):
        act_on_all(session, "1", chosen_by="x" * 65)


def test_more_than_are_looked_up_together_are_all_decided_and_taken_back(session, monkeypatch):
    monkeypatch.setattr(review.bulk, "_AT_ONCE", 3)
    add(session, *remarks("abcdefgh"))
    assert act_on_all(session, "abcdefgh", Action.REMOVE).comments == 8
    assert set(actions_in_force(session, "abcdefgh").values()) == {"remove"}
    assert len(take_back(session, by="lea")) == 8
    assert set(read_held(session)) == set("abcdefgh")
    check_chain(session)


# Taking back


def test_a_bulk_action_is_taken_back_as_one(session):
    add(session, *remarks("123"))
    act(session, "1", by="lea")
    bulk = act_on_all(session, "23", Action.REMOVE)
    rows = take_back(session, by="lea", at=after(2))
    assert [(row.kind, row.action) for row in rows] == [(Kind.UNDO, Action.HOLD)] * 2
    undoing = session.get(Bulk, rows[0].bulk_id)
    assert (undoing.undoes_id, undoing.comments, undoing.done_by) == (bulk.id, 2, "lea")
    assert {id: held.held_at for id, held in read_held(session).items()} == {
        "2": after(2), "3": after(2),
    }  # fmt: skip
    assert take_back(session, by="lea")[0].comment_key == key_of(remark("1"))
    assert take_back(session, by="lea") == []
    check_chain(session)


def test_nobody_else_takes_a_bulk_action_back(session):
    add(session, *remarks("12"))
    act_on_all(session, "12", by="lea")
    assert take_back(session, by="anna") == []


def test_what_somebody_overruled_since_is_left_as_it_is(session):
    add(session, *remarks("123"))
    act_on_all(session, "123", Action.REMOVE)
    act(session, "3", by="anna", overrules=in_force(session, "3"))
    assert len(take_back(session, by="lea")) == 2
    assert actions_in_force(session, "123") == {"1": None, "2": None, "3": "approve"}


def test_a_bulk_action_overruled_at_its_end_can_still_be_taken_back(session):
    """However many of its last decisions are in force no longer."""
    ids = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789αβγδεζηθικλμ"
    add(session, *remarks(ids))
    act_on_all(session, ids)
    for row in read_history(session)[1:]:
        facts = {"decided_by": "anna", "decided_at": NOON, "overrules": row, "house_rule": "spam"}
        review.record_decision(session, row.comment_key, Action.REMOVE, **facts)
    assert len(take_back(session, by="lea")) == 1


def test_what_comes_into_force_again_after_the_undo_can_be_taken_back_too(session):
    """Somebody overruled a part, the rest was undone, and then the overruling was."""
    add(session, *remarks("12"))
    act_on_all(session, "12", Action.REMOVE)
    act(session, "2", by="anna", overrules=in_force(session, "2"))
    take_back(session, by="lea")
    take_back(session, by="anna")
    assert actions_in_force(session, "12") == {"1": None, "2": "remove"}
    session.commit()
    assert [row.comment_key for row in take_back(session, by="lea")] == keys_of("2")
    assert actions_in_force(session, "12") == {"1": None, "2": None}
    check_chain(session)


def test_what_was_reopened_since_is_left_as_it_is(session):
    add(session, *remarks("12"))
    act_on_all(session, "12")
    reopen(session, "1", by="anna")
    assert [row.comment_key for row in take_back(session, by="lea")] == keys_of("2")
    take_back(session, by="anna")
    assert actions_in_force(session, "12") == {"1": "approve", "2": None}


def test_what_has_other_words_or_is_settled_since_does_not_come_back(session):
    add(session, *remarks("123"))
    act_on_all(session, "123")
    add(session, remark("1", "0.9 other words"), remark("2", status=Status.REMOVED))
    assert len(take_back(session, by="lea")) == 2
    assert set(read_held(session)) == {"1", "3"}
    assert actions_in_force(session, "123") == dict.fromkeys("123")


def test_only_what_was_shown_is_decided(session):
    """What came to wait, or got other words, after the sample was shown is left out."""
    add(session, *remarks("123"))
    act(session, "3", by="anna")
    add(session, remark("1", "0.9 other words"), at=after(2))
    take_back(session, by="anna", at=after(2))
    bulk = act_on_all(session, "123", shown_at=after(1), decided_at=after(3))
    assert (bulk.comments, actions_in_force(session, "2")) == (1, {"2": "approve"})


def test_every_house_rule_can_be_named(session):
    add(session, *remarks("1234567"))
    for id, rule in zip("1234567", HOUSE_RULES, strict=True):
        act_on_all(session, id, Action.REMOVE, house_rule=rule)
    named = session.scalars(select(Decision.house_rule).order_by(Decision.id))
    assert tuple(named) == HOUSE_RULES
