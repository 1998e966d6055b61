"""A process killed in the middle of a bulk action: the action is there wholly or not at all."""

from datetime import UTC, datetime
from multiprocessing.connection import Connection
from random import Random
from time import monotonic

import pytest
from sqlalchemy import func, select

from moderation import review
from moderation.comments import Comment
from moderation.database import Store, open_store
from moderation.policy import Action
from moderation.review.audit import Account, follow
from moderation.tables import Bulk, Decision, Held, Kind, StoredComment
from tests.processes import PROCESSES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMENTS = 300
KILLED = 25
"""Times on each database."""


def act(address: str, began: Connection) -> None:
    """Approve all that waits at once or, where nothing does, take that back at once."""
    facts = {"decided_by": "anna", "decided_at": NOON}
    store = open_store(address)
    with store.reading() as session:
        keys = list(session.scalars(select(Held.comment_key)))
    began.send("began")
    with store.writing() as session:
        if keys:
            review.decide_bulk(session, keys, Action.APPROVE, chosen_by="all", **facts)
        else:
            review.undo(session, **facts)
    began.send("ended")
    began.recv()  # until it is killed


def kill(address: str, after: float) -> bool:
    """Kill an action so many seconds after it began; tell whether it was in the middle."""
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(target=act, args=(address, there))
    process.start()
    there.close()
    assert here.recv() == "began"
    ended = here.poll(after)
    process.kill()
    process.join()
    here.close()
    return not ended


def measure(address: str) -> float:
    """Return how many seconds an action takes that is killed only afterwards."""
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(target=act, args=(address, there))
    process.start()
    there.close()
    assert here.recv() == "began"
    began = monotonic()
    assert here.recv() == "ended"
    took = monotonic() - began
    process.kill()
    process.join()
    here.close()
    return took


def check(store: Store) -> None:
    """Look at the database as of one moment: a server may end what was begun after a kill."""
    with store.reading() as session:
        assert list(follow(session, Account())) == []
        rows = dict(
            session.execute(select(Decision.bulk_id, func.count()).group_by(Decision.bulk_id)).all()
        )
        bulks = session.scalars(select(Bulk)).all()
        assert rows == {bulk.id: COMMENTS for bulk in bulks}
        assert {bulk.comments for bulk in bulks} <= {COMMENTS}
        held = set(session.scalars(select(Held.comment_key)))
        waiting = select(StoredComment.key).where(StoredComment.decision_id.is_(None))
        assert held == set(session.scalars(waiting))
        last = session.scalar(select(Decision.kind).order_by(Decision.id.desc()).limit(1))
        assert len(held) == (0 if last is Kind.DECISION else COMMENTS)


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_a_bulk_action_that_is_killed_is_there_wholly_or_not_at_all(address):
    store = open_store(address)
    with store.writing() as session:
        comments = (Comment(str(n), f"remark number {n}", "csv") for n in range(COMMENTS))
        review.add_comments(session, comments, added_at=NOON)
    took = max(measure(address), measure(address))
    check(store)
    moments = Random(0)
    in_the_middle = 0
    for turn in range(KILLED):
        share = (turn + moments.random()) / KILLED
        in_the_middle += kill(address, share * 1.2 * took)
        check(store)
    assert in_the_middle > 0
    store.engine.dispose()
