"""The review queue: add, score, decide, undo, history, counts; takes a `Session` and a time."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from moderation.captures import article_key
from moderation.comments import Comment, Status, Thread, build_threads
from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES, Action, Verdict
from moderation.tables import KEY_CHARACTERS, Decision, StoredComment, StoredScore

SCORED_AT_ONCE = 512


class Scorer(Protocol):
    """What the queue needs of a model."""

    @property
    def attribute(self) -> str: ...

    @property
    def version(self) -> str: ...

    def score(self, texts: Sequence[str]) -> Iterable[float]: ...


@dataclass
class AddCounts:
    """What adding comments did to the store."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class Waiting:
    """A comment in the queue with its score, where it has one."""

    key: str
    comment: Comment
    score: float | None


@dataclass(frozen=True)
class Evidence:
    """What the moderator saw when deciding: kept with the decision."""

    score: float | None = None
    model_version: str | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Action.APPROVE))


def key_of(comment: Comment) -> str:
    """Return what names a comment in the store."""
    name = f"{article_key(comment)}\n{comment.id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(name).hexdigest()[:KEY_CHARACTERS]


def add_comments(session: Session, comments: Iterable[Comment]) -> AddCounts:
    """
    Store comments as their source shows them now; the caller commits.

    A comment that is stored already is updated, unless what is stored was captured later; words
    that are no longer shown are kept.
    """
    counts = AddCounts()
    for comment in comments:
        key = key_of(comment)
        known = session.get(StoredComment, key)
        if known is None:
            session.add(_to_row(key, comment))
            counts.new += 1
        elif _is_newer(comment, known):
            session.merge(_to_row(key, replace(comment, text=comment.text or known.text)))
            changed = session.is_modified(known)
            counts.updated += changed
            counts.unchanged += not changed
        else:
            counts.unchanged += 1
    session.flush()
    return counts


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
    session: Session, scorer: Scorer | None, *, skipped: Collection[str] = ()
) -> Waiting | None:
    """Return the comment to review next: the likeliest to break the rules, skipped ones last."""
    found = _first(session, _queue(scorer).where(StoredComment.key.not_in(skipped)))
    return found or (_first(session, _queue(scorer)) if skipped else None)


def get_waiting(session: Session, scorer: Scorer | None, key: str) -> Waiting | None:
    """Return one comment of the queue, or None where it does not wait."""
    return _first(session, _queue(scorer).where(StoredComment.key == key))


def count_waiting(session: Session) -> int:
    """Return how many comments wait for a person."""
    return session.scalar(select(func.count()).select_from(StoredComment).where(*_waits())) or 0


def thread_of(session: Session, comment: Comment) -> Thread:
    """Return the thread that a stored comment stands in."""
    rows = session.scalars(
        select(StoredComment)
        .where(StoredComment.article_key == article_key(comment))
        .order_by(StoredComment.number, StoredComment.created_at, StoredComment.key)
    )
    for thread in build_threads(_to_comment(row) for row in rows):
        if any(other.id == comment.id for _, other in thread.walk()):
            return thread
    raise ReviewError("the comment is not stored; add it first")


def record_decision(
    session: Session,
    key: str,
    action: Action,
    *,
    decided_by: str,
    decided_at: datetime,
    house_rule: str | None = None,
    evidence: Evidence | None = None,
) -> Decision:
    """
    Add a decision to a comment's history; the caller commits.

    Raises:
        ReviewError: no such comment, nobody named, or a removal without a house rule.

    """
    if session.get(StoredComment, key) is None:
        raise ReviewError("no such comment in the store; add it first")
    if not decided_by.strip():
        raise ReviewError("a decision names its moderator: type a name first")
    if action is Action.REMOVE and house_rule not in HOUSE_RULES:
        raise ReviewError(f"a removal names a house rule: one of {', '.join(HOUSE_RULES)}")
    seen = evidence or Evidence()
    decision = Decision(
        comment_key=key,
        action=action,
        house_rule=house_rule if action is Action.REMOVE else None,
        decided_by=decided_by.strip(),
        decided_at=decided_at,
        score=seen.score,
        model_version=seen.model_version,
        policy_rule=str(seen.verdict.rule) if seen.verdict.rule else None,
    )
    session.add(decision)
    session.flush()
    return decision


def undo(session: Session, *, decided_by: str, decided_at: datetime) -> Decision | None:
    """
    Take a moderator's latest decision back and return what is in force instead.

    Nothing is deleted: a decision is added that repeats the one before, or holds the comment
    where there was none. None where nothing is left to undo; the caller commits.
    """
    last = last_undoable(session, decided_by=decided_by)
    if last is None:
        return None
    earlier = _standing().where(Decision.comment_key == last.comment_key, Decision.id < last.id)
    before = session.scalars(
        select(Decision).where(Decision.id.in_(earlier)).order_by(Decision.id.desc()).limit(1)
    ).first()
    restored = Decision(
        comment_key=last.comment_key,
        action=before.action if before else Action.HOLD,
        house_rule=before.house_rule if before else None,
        decided_by=decided_by,
        decided_at=decided_at,
        undoes_id=last.id,
    )
    session.add(restored)
    session.flush()
    return restored


def last_undoable(session: Session, *, decided_by: str) -> Decision | None:
    """Return the latest decision of a moderator that nobody has overruled or undone since."""
    return session.scalars(
        select(Decision)
        .where(Decision.decided_by == decided_by, Decision.id.in_(_in_force()))
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()


def history(session: Session, key: str) -> list[Decision]:
    """Return all decisions on a comment, earliest first."""
    rows = select(Decision).where(Decision.comment_key == key).order_by(Decision.id)
    return list(session.scalars(rows))


def recent_decisions(session: Session, *, limit: int) -> list[tuple[Decision, Comment]]:
    """Return the latest decisions of all moderators with the comments they are on."""
    rows = session.execute(
        select(Decision, StoredComment)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    return [(decision, _to_comment(row)) for decision, row in rows]


def decided_comments(session: Session) -> Iterator[Comment]:
    """Yield the comments on which a moderator's decision is in force, labelled by it."""
    rows = session.execute(
        select(StoredComment, Decision)
        .join(Decision, Decision.comment_key == StoredComment.key)
        .where(Decision.id.in_(_in_force()), Decision.action != Action.HOLD)
        .order_by(Decision.id)
    )
    for row, decision in rows:
        removed = decision.action is Action.REMOVE
        yield replace(
            _to_comment(row),
            status=Status.REMOVED if removed else Status.PUBLISHED,
            removal_reason=decision.house_rule,
            label=int(removed),
        )


def _waits() -> tuple[ColumnElement[bool], ...]:
    """What makes a stored comment wait: words, no known outcome, and no decision in force."""
    settled = select(Decision.comment_key).where(
        Decision.id.in_(_in_force()), Decision.action != Action.HOLD
    )
    return (
        StoredComment.text.is_not(None),
        StoredComment.label.is_(None),
        StoredComment.status.in_([Status.PUBLISHED, Status.PENDING]),
        StoredComment.key.not_in(settled),
    )


def _standing() -> Select[int]:
    """Select the decisions that are neither undone nor an undoing."""
    undone = select(Decision.undoes_id).where(Decision.undoes_id.is_not(None))
    return select(Decision.id).where(Decision.undoes_id.is_(None), Decision.id.not_in(undone))


def _in_force() -> Select[int]:
    """Select the latest standing decision of each comment."""
    return (
        select(func.max(Decision.id))
        .where(Decision.id.in_(_standing()))
        .group_by(Decision.comment_key)
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
    return None if found is None else Waiting(found[0].key, _to_comment(found[0]), found[1])


def _is_newer(comment: Comment, known: StoredComment) -> bool:
    if comment.captured_at is None or known.captured_at is None:
        return True
    return comment.captured_at >= known.captured_at


_SHARED = (
    "number", "article_id", "article_title", "author", "text", "created_at", "captured_at",
    "positive_votes", "negative_votes", "rating", "status", "removal_reason", "highlighted",
    "label", "source",
)  # fmt: skip


def _to_row(key: str, comment: Comment) -> StoredComment:
    return StoredComment(
        key=key,
        article_key=article_key(comment),
        source_id=comment.id,
        source_parent_id=comment.parent_id,
        **{name: getattr(comment, name) for name in _SHARED},
    )


def _to_comment(row: StoredComment) -> Comment:
    return Comment(
        id=row.source_id,
        parent_id=row.source_parent_id,
        **{name: getattr(row, name) for name in _SHARED},
    )
