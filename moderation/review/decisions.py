"""Decisions: recorded, taken back, told as history and as labels; rows are only added."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES, Action, Verdict
from moderation.review.stored import to_comment
from moderation.tables import Decision, StoredComment


@dataclass(frozen=True)
class Evidence:
    """What the moderator saw when deciding: kept with the decision."""

    score: float | None = None
    model_version: str | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Action.APPROVE))


def record_decision(
    session: Session,
    key: str,
    action: Action,
    *,
    decided_by: str,
    decided_at: datetime,
    house_rule: str | None = None,
    evidence: Evidence | None = None,
    overrules: Decision | None = None,
) -> Decision:
    """
    Add a decision to a comment's history; the caller commits.

    `overrules` is the decision in force that the moderator means to replace. Where another one
    is in force, somebody was faster, and nothing is overwritten.

    Raises:
        ReviewError: no such comment, nobody named, nothing decided, a removal without a house
            rule, or a decision in force that the moderator has not seen.

    """
    moderator = _name(decided_by)
    if action is Action.HOLD:
        raise ReviewError("a comment waits until it is approved or removed, or its decision undone")
    if action is Action.REMOVE and house_rule not in HOUSE_RULES:
        raise ReviewError(f"a removal names a house rule: one of {', '.join(HOUSE_RULES)}")
    replaced = overrules.id if overrules else None
    # Nothing moves yet: this locks the comment, so that of two at the same moment one is refused.
    _put_in_force(session, key, replaced, instead_of=replaced)
    seen = evidence or Evidence()
    decision = Decision(
        comment_key=key,
        action=action,
        house_rule=house_rule if action is Action.REMOVE else None,
        decided_by=moderator,
        decided_at=decided_at,
        score=seen.score,
        model_version=seen.model_version,
        policy_rule=str(seen.verdict.rule) if seen.verdict.rule else None,
        overrules_id=replaced,
    )
    session.add(decision)
    session.flush()
    _put_in_force(session, key, decision.id, instead_of=replaced)
    return decision


def undo(session: Session, *, decided_by: str, decided_at: datetime) -> Decision | None:
    """
    Take a moderator's latest decision back and return what is in force instead.

    Nothing is deleted: a decision is added that repeats the one before, or holds the comment
    where there was none. None where nothing is left to undo; the caller commits.

    Raises:
        ReviewError: nobody named, or the decision was overruled at this moment.

    """
    moderator = _name(decided_by)
    last = last_undoable(session, decided_by=moderator)
    if last is None:
        return None
    _put_in_force(session, last.comment_key, last.overrules_id, instead_of=last.id)
    before = session.get(Decision, last.overrules_id) if last.overrules_id else None
    restored = Decision(
        comment_key=last.comment_key,
        action=before.action if before else Action.HOLD,
        house_rule=before.house_rule if before else None,
        decided_by=moderator,
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
        .join(StoredComment, _in_force())
        .where(Decision.decided_by == decided_by.strip())
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
    return [(decision, to_comment(row)) for decision, row in rows]


def decided_comments(session: Session) -> Iterator[Comment]:
    """Yield the comments on which a moderator's decision is in force, labelled by it."""
    rows = session.execute(
        select(StoredComment, Decision).join(Decision, _in_force()).order_by(Decision.id)
    )
    for row, decision in rows:
        removed = decision.action is Action.REMOVE
        yield replace(
            to_comment(row),
            status=Status.REMOVED if removed else Status.PUBLISHED,
            removal_reason=decision.house_rule,
            label=int(removed),
        )


def _in_force() -> ColumnElement[bool]:
    return (Decision.comment_key == StoredComment.key) & (Decision.id == StoredComment.decision_id)


def _name(moderator: str) -> str:
    if not moderator.strip():
        raise ReviewError("a decision names its moderator: type a name first")
    return moderator.strip()


def _put_in_force(
    session: Session, key: str, decision_id: int | None, *, instead_of: int | None
) -> None:
    """Let a decision count, or none, refusing where another one is in force than was seen."""
    seen = StoredComment.decision_id.is_not_distinct_from(instead_of)
    found = session.scalars(
        update(StoredComment)
        .where(StoredComment.key == key, seen)
        .values(decision_id=decision_id)
        .returning(StoredComment.key)
    ).first()
    if found is None:
        raise ReviewError(_why_not(session, key))


def _why_not(session: Session, key: str) -> str:
    decisions = history(session, key)
    if not decisions:
        return "no such comment in the store; add it first"
    last = decisions[-1]
    done = "undid a decision on" if last.undoes_id else f"chose to {last.action}"
    return (
        f"not recorded: {last.decided_by} {done} that comment before; "
        "it can be decided anew after an undo"
    )
