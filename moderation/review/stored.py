"""Comments in the store: added and updated from their sources, and in their threads."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session, aliased

from moderation.captures import article_key
from moderation.comments import Comment, Thread, build_threads
from moderation.errors import ReviewError
from moderation.review.bands import index_comments
from moderation.review.checks import storable
from moderation.review.held import hold_what_waits, let_go
from moderation.review.history import lock_history
from moderation.tables import KEY_CHARACTERS, Chain, StoredComment, StoredScore

LOOKED_UP_AT_ONCE = 512

_TEXTS = (
    "id", "parent_id", "text", "author", "article_id", "article_title", "removal_reason", "source",
)  # fmt: skip
_SHARED = (
    "number", "article_id", "article_title", "author", "text", "created_at", "captured_at",
    "positive_votes", "negative_votes", "rating", "status", "removal_reason", "highlighted",
    "label", "source",
)  # fmt: skip


_near = aliased(StoredComment)


@dataclass
class AddCounts:
    """What adding comments did to the store."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0


def key_of(comment: Comment) -> str:
    """Return what names a comment in the store."""
    article = article_key(comment)
    # With its length in front, no end of an article's name can pass for the beginning of an id.
    name = f"{len(article)}:{article}{comment.id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(name).hexdigest()[:KEY_CHARACTERS]


def stored_key(comment: Comment) -> str:
    """Return what names a comment in the store whose names may be such as no database stores."""
    return key_of(_storable(comment))


def add_comments(session: Session, comments: Iterable[Comment], *, added_at: datetime) -> AddCounts:
    """
    Store comments as their source shows them now, and hold what waits; the caller commits.

    A comment that is stored already is updated, unless what is stored was captured later. What
    the source no longer shows is kept: the words of a removed comment, and a known outcome while
    the status stays the same. New words make a comment wait again: nobody has judged them. What
    was erased stays erased (`retention`).
    """
    counts = AddCounts()
    end = lock_history(session)
    coming = iter(comments)
    while batch := [_storable(comment) for comment in islice(coming, LOOKED_UP_AT_ONCE)]:
        keys = [key_of(comment) for comment in batch]
        stored = select(StoredComment).where(StoredComment.key.in_(keys))
        known = {row.key: row for row in session.scalars(stored)}
        for key, comment in zip(keys, batch, strict=True):
            if key not in known:
                known[key] = StoredComment(key=key, **_values(comment))
                session.add(known[key])
                counts.new += 1
            elif _update(session, known[key], comment, end):
                counts.updated += 1
            else:
                counts.unchanged += 1
        session.flush()
        hold_what_waits(session, known.keys(), held_at=added_at)
    while index_comments(session):
        pass
    return counts


def count_comments(session: Session) -> int:
    """Return how many comments are stored, whatever became of them."""
    return session.scalar(select(func.count()).select_from(StoredComment)) or 0


def thread_of(session: Session, comment: Comment) -> Thread:
    """Return the thread that a stored comment stands in."""
    rows = session.scalars(
        select(StoredComment)
        .where(StoredComment.key.in_(_keys_of_thread(comment)))
        .order_by(StoredComment.number, StoredComment.created_at, StoredComment.key)
    )
    threads = build_threads(to_comment(row) for row in rows)
    if not threads:
        raise ReviewError("the comment is not stored; add it first")
    return threads[0]  # all are below one comment, or a circle of them


def to_comment(row: StoredComment) -> Comment:
    """Return a stored comment as a value."""
    return Comment(
        id=row.source_id,
        parent_id=row.source_parent_id,
        **{name: getattr(row, name) for name in _SHARED},
    )


def _storable(comment: Comment) -> Comment:
    clean: dict[str, Any] = {
        name: storable(text) for name in _TEXTS if (text := getattr(comment, name)) is not None
    }
    return replace(comment, **clean)


def _update(session: Session, known: StoredComment, comment: Comment, end: Chain) -> bool:
    """Bring a stored comment up to what its source shows and tell whether that changed it."""
    values: dict[str, Any] = {"text": known.text or comment.text}
    if _is_newer(comment, known):
        values = _values(comment)
        values["text"] = comment.text or known.text
        values["captured_at"] = comment.captured_at or known.captured_at
        if comment.label is None and comment.status is known.status:
            values["label"] = known.label
    if known.forgotten_at is not None:
        values |= {"text": known.text, "author": known.author}
    changed = {name: value for name, value in values.items() if getattr(known, name) != value}
    if "text" in changed:
        known.decision_id, known.words_after_id = None, end.last_id
        known.signed_with = 0
        let_go(session, [known.key])  # what is held of it is about other words
        session.execute(delete(StoredScore).where(StoredScore.comment_key == known.key))
    for name, value in changed.items():
        setattr(known, name, value)
    return bool(changed.keys() - {"captured_at"})


def _is_newer(comment: Comment, known: StoredComment) -> bool:
    if comment.captured_at is None or known.captured_at is None:
        return True
    return comment.captured_at >= known.captured_at


def _values(comment: Comment) -> dict[str, Any]:
    return {
        "article_key": article_key(comment),
        "source_id": comment.id,
        "source_parent_id": comment.parent_id,
        **{name: getattr(comment, name) for name in _SHARED},
    }


def _keys_of_thread(comment: Comment) -> Select[str]:
    """Select whoever a comment answers, directly or not, and all answers to those."""
    article = article_key(comment)
    above = (
        _place(StoredComment)
        .where(StoredComment.article_key == article, StoredComment.source_id == comment.id)
        .cte("above", recursive=True)
    )
    asked = _near.source_id == above.c.source_parent_id
    above = above.union(_place(_near).where(_near.article_key == article, asked))
    thread = select(above).cte("thread", recursive=True)
    answers = _near.source_parent_id == thread.c.source_id
    thread = thread.union(_place(_near).where(_near.article_key == article, answers))
    return select(thread.c.key)


def _place(comment: type[StoredComment]) -> Select[str, str, str | None]:
    return select(comment.key, comment.source_id, comment.source_parent_id)
