"""What is read of the store for insight: decisions by column, opinions, and comments to look at."""

import numpy as np
import pytest

from moderation import review
from moderation.database import open_store
from moderation.insight import queries
from moderation.insight.queries import History
from moderation.policy import Action
from moderation.tables import StoredComment
from tests.deciding import NOON, RULE, Deciding, key, remark

KEEP, REMOVE = Action.APPROVE, Action.REMOVE


def read(store, history=None):
    with store.reading() as session:
        return (history or History()).read(session)


def test_a_decision_is_read_with_all_that_is_known_of_it(store):
    desk = Deciding(store, number=2)
    desk.decide("1", REMOVE, score=0.75)
    desk.decide("2", by="policy:1a2b")
    found = read(store)
    assert found.removed.tolist() == [True, False]
    assert [found.decided_by.name(row) for row in (0, 1)] == ["anna", "policy:1a2b"]
    assert [found.house_rules.name(row) for row in (0, 1)] == ["spam", None]
    assert [found.models.name(row) for row in (0, 1)] == ["m1", None]
    assert [found.rules.name(row) for row in (0, 1)] == [str(RULE), None]
    assert found.scores.tolist() == [0.75, pytest.approx(np.nan, nan_ok=True)]
    assert found.weights.tolist() == [1, 1]
    assert found.decided_at[0] == np.datetime64("2026-03-01T12:01")
    assert found.automatic.tolist() == [False, True]


def test_an_empty_history_is_empty(store):
    assert len(read(store)) == 0


def test_what_was_taken_back_is_not_read(store):
    desk = Deciding(store, number=2)
    desk.decide("1", REMOVE)
    desk.undo()
    desk.decide("2")
    assert read(store).removed.tolist() == [False]


def test_what_was_overruled_or_reopened_is_not_in_force(store):
    desk = Deciding(store, number=3)
    for id in "123":
        desk.decide(id)
    desk.overrule("1")
    desk.reopen("2")
    assert read(store).in_force.tolist() == [False, False, True, True]


def test_a_reopening_that_was_undone_changes_nothing(store):
    desk = Deciding(store, number=1)
    desk.decide("1")
    desk.reopen("1")
    desk.undo()
    assert read(store).in_force.tolist() == [True]


def test_what_came_since_is_added_to_what_was_read(store):
    """And what was undone since is taken out of it."""
    desk, history = Deciding(store, number=4), History()
    desk.decide("1", REMOVE)
    desk.decide("2", by="ben")
    assert len(read(store, history)) == 2
    desk.undo(by="ben")
    desk.decide("3", by="clara", score=0.5)
    found, afresh = read(store, history), read(store)
    assert found.removed.tolist() == afresh.removed.tolist() == [True, False]
    assert [found.decided_by.name(row) for row in (0, 1)] == ["anna", "clara"]


def test_another_database_than_before_is_read_anew(store, tmp_path):
    """As where a backup was put back: nothing of the other history stays."""
    history, desk = History(), Deciding(store, number=2)
    desk.decide("1", REMOVE)
    desk.decide("2", REMOVE)
    read(store, history)
    other = open_store(f"sqlite:///{tmp_path}/other.db")
    Deciding(other, number=2).decide("2", by="clara")
    assert read(other, history).removed.tolist() == [False]
    other.engine.dispose()


def test_more_decisions_than_are_read_at_once(store, monkeypatch):
    monkeypatch.setattr(queries, "READ_AT_ONCE", 2)
    desk = Deciding(store, number=5)
    for id in "12345":
        desk.decide(id, (KEEP, REMOVE)[id > "3"], by=f"mo{id}")
    found = read(store)
    assert found.removed.tolist() == [False, False, False, True, True]
    assert [found.decided_by.name(row) for row in range(5)] == ["mo1", "mo2", "mo3", "mo4", "mo5"]


def test_second_opinions_are_read_with_the_decisions_they_are_on(store):
    desk = Deciding(store, number=2)
    for id, first, second in (("1", REMOVE, KEEP), ("2", KEEP, KEEP)):
        desk.decide(id, first, second_share=1.0)
        desk.decide(id, second, by="ben")
    with store.reading() as session:
        [one, other] = queries.read_opinions(session)
    assert (one.key, one.first_by, one.first, one.first_rule) == (key("1"), "anna", REMOVE, "spam")
    assert (one.second_by, one.second, one.second_rule) == ("ben", KEEP, None)
    assert (one.differs, other.differs) == (True, False)
    assert one.decided_at > NOON


def test_opinions_that_were_taken_back_and_on_automatic_decisions_are_left_out(store):
    desk = Deciding(store, number=2)
    desk.decide("1", second_share=1.0)
    desk.decide("1", by="ben")
    desk.undo(by="ben")
    desk.decide("2", by="policy:1a2b", second_share=1.0)
    desk.decide("2", by="ben")
    with store.reading() as session:
        assert queries.read_opinions(session) == []


def test_the_latest_decisions_of_people_come_with_their_label(store):
    """Not those of a policy, on comments without words, or that are not in force any longer."""
    gone = remark("4", None, status=None)
    desk = Deciding(store, gone, number=3)
    desk.decide("1", REMOVE)
    desk.decide("2")
    desk.decide("3", by="policy:1a2b")
    with store.reading() as session:
        found = queries.read_latest(session, limit=10)
        assert [(one.comment.id, one.comment.label) for one in found] == [("2", 0), ("1", 1)]
        assert [one.comment.id for one in queries.read_latest(session, limit=1)] == ["2"]
        assert queries.count_in_force(session) == 3
    desk.reopen("2")
    with store.reading() as session:
        [one] = queries.read_latest(session, limit=10)
        assert (one.comment.id, one.action, one.house_rule) == ("1", REMOVE, "spam")


def test_comments_are_found_by_key_as_long_as_a_decision_is_in_force(store, monkeypatch):
    monkeypatch.setattr(queries, "_LOOKED_UP_AT_ONCE", 2)
    desk = Deciding(store, number=5)
    for id in "1235":
        desk.decide(id)
    with store.reading() as session:
        found = queries.find_comments(session, [key(id) for id in "12345"])
    assert {one.comment.id for one in found.values()} == set("1235")


def test_a_stored_comment_keeps_its_key(store):
    """What `key` here returns is the key that the store has."""
    Deciding(store, number=1)
    with store.reading() as session:
        assert session.get(StoredComment, key("1")) is not None
        assert review.count_comments(session) == 1
