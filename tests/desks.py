"""A review desk in memory: its sessions, made-up comments, a fake model, and what is done there."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from moderation import review
from moderation.chain import BEGINNING, SEALED, seal
from moderation.comments import Comment
from moderation.database import _set_up_sqlite, open_store
from moderation.policy import Action, Policy, Rule
from moderation.review import AddCounts, Filters, Order, key_of
from moderation.tables import Bulk, Chain, Decision, Held, StoredComment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTICLE = "https://courier.example/news/bridge"
HOLD_HALF = Policy((Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "one in two"),))
EVERYBODY = "somebody who has done nothing"


class FakeScorer:
    """Gives each text the number it begins with."""

    attribute = "LIKELY_TO_REJECT"
    base_rates: ClassVar[dict[str, float]] = {}

    def __init__(self, version: str = "first") -> None:
        self.version = version
        self.asked: list[str] = []

    def score(self, texts):
        self.asked.extend(texts)
        return [float(text.split()[0]) for text in texts]

    def score_attributes(self, texts):
        return {"TOXICITY": [1 - score for score in self.score(texts)]}


@lru_cache(maxsize=1)
def _empty_database() -> sqlite3.Connection:
    """Migrate one database for all tests, which takes a while; they get copies."""
    store = open_store("sqlite://")
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    connection = store.engine.raw_connection()
    connection.driver_connection.backup(copy)
    connection.close()
    store.engine.dispose()
    return copy


@contextmanager
def open_desk() -> Iterator[Callable[[], Session]]:
    """Open an empty desk in memory and give what opens sessions on it."""

    def connect() -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        _empty_database().backup(copy)
        _set_up_sqlite(copy, None)
        copy.isolation_level = ""  # what is refused is rolled back
        copy.execute("PRAGMA foreign_keys = ON")
        return copy

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def remark(id: str = "1", text: str | None = "0.5 a quiet remark", **facts) -> Comment:
    return Comment(id, text, "csv", **{"article_id": ARTICLE, **facts})


def remarks(ids: str, text: str = "0.5 a quiet remark") -> list[Comment]:
    return [remark(id, text) for id in ids]


def keys_of(ids: str) -> list[str]:
    return [key_of(remark(id)) for id in ids]


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def add(session: Session, *comments: Comment, at: datetime = NOON) -> AddCounts:
    counts = review.add_comments(session, comments, added_at=at)
    session.commit()
    return counts


def judge(session: Session, scorer: FakeScorer, policy: Policy = HOLD_HALF) -> int:
    """Judge all that waits and return how many comments that were."""
    due = 0
    while found := review.judge_waiting(session, scorer, policy):
        due += found
    return due


def act(session, id: str, action: Action = Action.APPROVE, *, by: str = "anna", **more) -> Decision:
    rule = "spam" if action is Action.REMOVE else None
    facts = {"decided_by": by, "decided_at": NOON, "house_rule": rule, **more}
    return review.record_decision(session, key_of(remark(id)), action, **facts)


def act_on_all(
    session, ids: str, action: Action = Action.APPROVE, *, by: str = "lea", **more
) -> Bulk:
    rule = "spam" if action is Action.REMOVE else None
    facts = {"decided_by": by, "decided_at": NOON, "house_rule": rule, "chosen_by": "a search"}
    return review.decide_bulk(session, keys_of(ids), action, **(facts | more))


def hand_on(session, id: str, *, by: str = "anna", note: str = "is this spam?") -> Decision:
    return review.escalate(session, key_of(remark(id)), decided_by=by, decided_at=NOON, note=note)


def reopen(session, id: str, *, by: str = "anna") -> Decision:
    return review.reopen(session, key_of(remark(id)), decided_by=by, decided_at=NOON)


def take_back(session, *, by: str = "anna", at: datetime = NOON) -> list[Decision]:
    return review.undo(session, decided_by=by, decided_at=at)


def in_force(session, id: str) -> Decision | None:
    return review.decision_in_force(session, key_of(remark(id)))


def listed(
    session, scorer=None, *, by: str = EVERYBODY, order=Order.LIKELIEST, **filters
) -> list[str]:
    """Return the ids of the comments in a list, in their order."""
    found = review.list_waiting(
        session, scorer, moderator=by, now=NOON, order=order, filters=Filters(**filters)
    )
    waiting = review.get_many(session, scorer, found.keys)
    assert len(waiting) == len(found.keys)
    return [one.comment.id for one in waiting]


def shown(session, id: str = "1", scorer=None) -> review.Waiting:
    """Return a comment that waits as a moderator sees it."""
    waiting = review.get_waiting(session, scorer, key_of(remark(id)))
    assert waiting is not None
    return waiting


def claim(session, ids: str, *, by: str, at: datetime = NOON) -> str | None:
    """Claim the first free one of some comments and return its id."""
    key = review.claim_next(session, keys_of(ids), moderator=by, now=at)
    return None if key is None else dict(zip(keys_of(ids), ids, strict=True))[key]


def read_held(session) -> dict[str, Held]:
    """Return the rows of the queue as they are in the database now, by the comments' ids."""
    query = select(StoredComment.source_id, Held).join(Held, Held.comment_key == StoredComment.key)
    rows = session.execute(query.execution_options(populate_existing=True))
    return dict(iter(rows))


def read_history(session) -> list[Decision]:
    query = select(Decision).order_by(Decision.id).execution_options(populate_existing=True)
    return list(session.scalars(query))


def check_chain(session) -> None:
    """Seal the history anew from its beginning: every digest has to come out the same."""
    before = BEGINNING
    history = read_history(session)
    for place, decision in enumerate(history, start=1):
        assert decision.id == place
        before = seal({name: getattr(decision, name) for name in SEALED}, before=before)
        assert decision.digest == before
    end = session.scalars(select(Chain).execution_options(populate_existing=True)).one()
    assert (end.last_id, end.digest) == (len(history), before)
