"""The comments that wait for a person, scored and in the order in which they are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from moderation.comments import Comment, Status
from moderation.review.stored import to_comment
from moderation.tables import StoredComment, StoredScore

SCORED_AT_ONCE = 512


class Scorer(Protocol):
    """What the queue needs of a model."""

    @property
    def attribute(self) -> str: ...

    @property
    def version(self) -> str: ...

    def score(self, texts: Sequence[str]) -> Iterable[float]: ...


@dataclass(frozen=True)
class Waiting:
    """A comment in the queue with its score, where it has one."""

    key: str
    comment: Comment
    score: float | None


def score_waiting(session: Session, scorer: Scorer) -> int:
    """Score the comments that wait and have no score of this model yet; the caller commits."""
    scored = select(StoredScore.comment_key).where(
        StoredScore.model_version == scorer.version, StoredScore.attribute == scorer.attribute
    )
    unscored = select(StoredComment.key, StoredComment.text).where(
        *_waits(), StoredComment.key.not_in(scored)
    )
    rows = session.execute(unscored).all()
    for begin in range(0, len(rows), SCORED_AT_ONCE):
        batch = rows[begin : begin + SCORED_AT_ONCE]
        values = scorer.score([str(text) for _, text in batch])
        session.add_all(
            StoredScore(
                comment_key=key,
                attribute=scorer.attribute,
                model_version=scorer.version,
                value=float(value),
            )
            for (key, _), value in zip(batch, values, strict=True)
        )
    session.flush()
    return len(rows)


def next_waiting(
    session: Session, scorer: Scorer | None, *, skipped: Sequence[str] = ()
) -> Waiting | None:
    """
    Return the comment to review next: the likeliest to break the rules.

    Skipped ones (keys in the order of skipping) come last, the first skipped first.
    """
    found = _first(session, _queue(scorer).where(StoredComment.key.not_in(skipped)))
    if found is None and skipped:
        waiting = select(StoredComment.key).where(StoredComment.key.in_(skipped), *_waits())
        still = set(session.scalars(waiting))
        first = next((key for key in skipped if key in still), None)
        found = get_waiting(session, scorer, first) if first else None
    return found


def get_waiting(session: Session, scorer: Scorer | None, key: str) -> Waiting | None:
    """Return one comment of the queue, or None where it does not wait."""
    return _first(session, _queue(scorer).where(StoredComment.key == key))


def count_waiting(session: Session) -> int:
    """Return how many comments wait for a person."""
    return session.scalar(select(func.count()).select_from(StoredComment).where(*_waits())) or 0


def _waits() -> tuple[ColumnElement[bool], ...]:
    """What makes a stored comment wait: words, no known outcome, and no decision in force."""
    return (
        StoredComment.text != "",
        StoredComment.label.is_(None),
        or_(
            StoredComment.status.is_(None),
            StoredComment.status.in_([Status.PUBLISHED, Status.PENDING]),
        ),
        StoredComment.decision_id.is_(None),
    )


def _queue(scorer: Scorer | None) -> Select[StoredComment, float]:
    version, attribute = (scorer.version, scorer.attribute) if scorer else (None, None)
    return (
        select(StoredComment, StoredScore.value)
        .outerjoin(
            StoredScore,
            (StoredScore.comment_key == StoredComment.key)
            & (StoredScore.model_version == version)
            & (StoredScore.attribute == attribute),
        )
        .where(*_waits())
        .order_by(
            StoredScore.value.desc().nulls_first(), StoredComment.created_at, StoredComment.key
        )
        .limit(1)
    )


def _first(session: Session, query: Select[StoredComment, float]) -> Waiting | None:
    found = session.execute(query).first()
    return None if found is None else Waiting(found[0].key, to_comment(found[0]), found[1])
