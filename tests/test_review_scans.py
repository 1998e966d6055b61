"""No click looks through whole tables, as SQLite plans its questions."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from moderation import review
from moderation.policy import Action
from moderation.review import Filters, Order
from tests.desks import (
    NOON,
    FakeScorer,
    act,
    act_on_all,
    add,
    hand_on,
    in_force,
    judge,
    keys_of,
    listed,
    remark,
    remarks,
    reopen,
    shown,
    take_back,
)

LARGE = ("comment", "decision", "score")
"""The tables that grow for ever; what waits, people and settings may be looked through."""


@contextmanager
def watch(session) -> Iterator[list[str]]:
    """Collect the steps in which a large table is looked through, with the question."""
    scans: list[str] = []

    def explain(connection, _cursor, statement, parameters, _context, many) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            raw = connection.connection.driver_connection
            first = parameters[0] if many else parameters
            for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}", first):
                words = step.split()
                if words[0] == "SCAN" and words[1].rstrip("_123456789") in LARGE:
                    scans.append(f"{step}: {statement}")

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", explain)
    yield scans
    event.remove(engine, "before_cursor_execute", explain)


@pytest.fixture
def desk(session):
    """Open a desk with some of everything."""
    add(session, *remarks("123456789", "0.5 the bridge"))
    judge(session, FakeScorer())
    act(session, "1")
    act(session, "2", by="ben", second_share=1.0)
    hand_on(session, "3", by="ben")
    act(session, "4")
    reopen(session, "4", by="ben")
    act_on_all(session, "56", by="lea")
    session.commit()
    session.expunge_all()
    return session


def decide_and_go_on(desk) -> None:
    """Do what one click does, and what is drawn after it."""
    act(desk, "7")
    key = review.claim_next(desk, keys_of("789"), moderator="anna", now=NOON)
    waiting = review.get_waiting(desk, FakeScorer(), key)
    review.thread_of(desk, waiting.comment)
    review.find_record(desk, "kim", but=key)
    review.history(desk, key)
    review.last_undoable(desk, decided_by="anna")
    review.recent_decisions(desk, limit=8, decided_by="anna")


CLICKS = {
    "decide": decide_and_go_on,
    "overrule": lambda desk: act(desk, "1", by="ben", overrules=in_force(desk, "1")),
    "give an opinion": lambda desk: act(desk, "2", by="carl"),
    "hand on": lambda desk: hand_on(desk, "7"),
    "reopen": lambda desk: reopen(desk, "1"),
    "undo": take_back,
    "undo a reopening": lambda desk: take_back(desk, by="ben"),
    "decide many": lambda desk: act_on_all(desk, "789", Action.REMOVE, by="lea"),
    "undo many": lambda desk: take_back(desk, by="lea"),
    "add": lambda desk: add(desk, remark("1", "0.9 other words"), remark("a")),
    "judge": lambda desk: judge(desk, FakeScorer("second")),
    "show many": lambda desk: review.get_many(desk, FakeScorer(), keys_of("789")),
    "find severe ones": lambda desk: review.find_severe(
        desk, FakeScorer(), keys_of("789"), least=0.9
    ),
    "count arrivals": lambda desk: review.count_arrived(
        desk, FakeScorer(), moderator="anna", since=NOON, filters=Filters(words="x", least=0.5)
    ),
    "choose filters": review.find_choices,
    "list by article": lambda desk: listed(desk, FakeScorer(), article="x"),
    "list by author": lambda desk: listed(desk, FakeScorer(), author="x"),
}


@pytest.mark.parametrize("name", CLICKS)
def test_a_click_looks_through_no_large_table(desk, name):
    with watch(desk) as scans:
        CLICKS[name](desk)
    assert scans == []


@pytest.mark.parametrize("order", Order)
def test_a_list_looks_up_what_waits_and_nothing_else(desk, order):
    with watch(desk) as scans:
        assert listed(desk, FakeScorer(), order=order)
    assert [scan for scan in scans if "comment USING" not in scan] == []


def test_a_scan_is_found(desk):
    with watch(desk) as scans:
        list(review.decided_comments(desk))
    assert scans
    assert shown(desk, "7").comment.text == "0.5 the bridge"
