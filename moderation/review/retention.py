"""Words and names that are no longer kept: erased after some days, or because somebody asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from moderation.errors import ReviewError
from moderation.review.history import lock_history
from moderation.tables import (
    BAND_COLUMNS,
    Decision,
    Held,
    Moment,
    StoredComment,
    StoredLabel,
    StoredScore,
)


@dataclass(frozen=True)
class Erased:
    """What is erased, in counts; of a dry run what would be."""

    comments: int = 0
    """Comments that lose their words, their author or both."""
    texts: int = 0
    authors: int = 0
    notes: int = 0
    """Moderators' notes on these comments."""
    waiting: int = 0
    """Comments among them that waited, and now do not."""
    too_early: int = 0
    """Comments that are old enough, but wait for a decision: they keep all until then."""
    undated: int = 0
    """Comments without a decision and a time: nothing tells their age, and they keep all."""


def erase_old(
    session: Session,
    *,
    now: datetime,
    texts_after_days: int | None,
    authors_after_days: int | None,
    dry_run: bool = False,
) -> Erased:
    """
    Erase the words and the authors of comments that were settled so many days ago; None keeps.

    A comment is settled when the decision in force was made; one that was never decided on, when
    it was captured, or else written. What waits for a decision keeps its words until then. The
    decisions and labels stay, without words, community and token. The caller commits.

    Raises:
        ValueError: less than a day.

    """
    for days in (texts_after_days, authors_after_days):
        if days is not None and days < 1:
            raise ValueError(f"{days} days; expected at least 1, or None to keep all")
    if not dry_run:
        lock_history(session)
    texts = and_(StoredComment.text.is_not(None), _settled_before(now, texts_after_days))
    authors = and_(StoredComment.author.is_not(None), _settled_before(now, authors_after_days))
    due = or_(texts, authors)
    found = _count(session, and_(due, ~_waits()), and_(texts, ~_waits()), and_(authors, ~_waits()))
    erasing = texts_after_days is not None or authors_after_days is not None
    kept = or_(StoredComment.text.is_not(None), StoredComment.author.is_not(None))
    erased = Erased(
        **found,
        too_early=_number(session, and_(due, _waits())),
        undated=_number(session, and_(kept, _settled_at().is_(None), ~_waits())) if erasing else 0,
    )
    if not dry_run:
        _erase(session, and_(texts, ~_waits()), and_(authors, ~_waits()), now)
    return erased


def forget_author(
    session: Session,
    author: str,
    *,
    now: datetime,
    article: str | None = None,
    dry_run: bool = False,
) -> Erased:
    """
    Erase the words and the name of an author, on all articles or on one; the caller commits.

    The name is compared as it stands over the comments, letter by letter. What waits is erased,
    too, and leaves the queue; the decisions and labels stay, without words, community and token.
    `article` is as the source names it.

    Raises:
        ReviewError: no name.

    """
    if not author.strip():
        raise ReviewError("whose comments are to be forgotten? expected a name")
    if not dry_run:
        lock_history(session)
    theirs = StoredComment.author == author.strip()
    if article is not None:
        theirs = and_(theirs, StoredComment.article_id == article)
    texts = and_(theirs, StoredComment.text.is_not(None))
    waiting = _number(session, and_(theirs, _waits()))
    erased = Erased(**_count(session, theirs, texts, theirs), waiting=waiting)
    if not dry_run:
        _erase(session, texts, theirs, now)
    return erased


def _erase(
    session: Session, texts: ColumnElement[bool], authors: ColumnElement[bool], now: datetime
) -> None:
    """Erase what is due; comments last, for they tell what is due."""
    without_words = select(StoredComment.key).where(texts)
    for table in (StoredScore, Held):
        _run(session, delete(table).where(table.comment_key.in_(without_words)))
    # As a table: a digest counts a note's digest only, so that its words are no history.
    decision = cast(Table, Decision.__table__)
    due = select(StoredComment.key).where(or_(texts, authors))
    _run(session, update(decision).where(decision.c.comment_key.in_(due)).values(note=None))
    labels = update(StoredLabel).where(StoredLabel.comment_key.in_(due))
    _run(session, labels.values(community=None, token=None))
    both = and_(texts, authors)
    forgotten = update(StoredComment)
    wordless: dict[str, Any] = {"text": None, "forgotten_at": now, **dict.fromkeys(BAND_COLUMNS)}
    _run(session, forgotten.where(both).values(author=None, **wordless))
    _run(session, forgotten.where(texts).values(**wordless))
    _run(session, forgotten.where(authors).values(author=None, forgotten_at=now))


def _run(session: Session, statement: Any) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})
    session.expire_all()


def _count(
    session: Session,
    due: ColumnElement[bool],
    texts: ColumnElement[bool],
    authors: ColumnElement[bool],
) -> dict[str, int]:
    notes = (
        select(func.count())
        .select_from(Decision)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .where(Decision.note.is_not(None), due)
    )
    return {
        "comments": _number(session, due),
        "texts": _number(session, texts),
        "authors": _number(session, authors),
        "notes": session.scalar(notes) or 0,
    }


def _number(session: Session, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(StoredComment).where(condition)
    return session.scalar(query) or 0


def _settled_before(now: datetime, days: int | None) -> ColumnElement[bool]:
    return false() if days is None else _settled_at() < now - timedelta(days=days)


def _settled_at() -> ColumnElement[datetime]:
    decided_at = (
        select(Decision.decided_at)
        .where(Decision.id == StoredComment.decision_id)
        .correlate(StoredComment)
        .scalar_subquery()
    )
    moment = func.coalesce(decided_at, StoredComment.captured_at, StoredComment.created_at)
    return type_coerce(moment, Moment)


def _waits() -> ColumnElement[bool]:
    """Whether a decision is waited for; a second opinion is none."""
    return exists().where(Held.comment_key == StoredComment.key, Held.opinion_on_id.is_(None))
