"""Decisions: recorded, taken back, told as history and as labels; rows are only added."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES, Action, Verdict
from moderation.review.bulk import take_back_bulk
from moderation.review.checks import check_action, check_name
from moderation.review.held import can_wait, hold, let_go
from moderation.review.history import append, lock_history, stands
from moderation.review.stored import to_comment
from moderation.tables import Decision, Held, Kind, StoredComment

SETTLED: Final = (
    "that comment does not wait any longer: its source has settled it, or its words were erased"
)
CHANGED: Final = "not recorded: its words have changed since they were shown; read it anew"
NO_NOTE: Final = "an escalation says what the second moderator is to look at: write a note"
# Made once: making an alias takes SQLAlchemy longer than asking the database.
_later = aliased(Decision)


@dataclass(frozen=True)
class Evidence:
    """What the moderator saw when deciding: kept with the decision."""

    score: float | None = None
    model_version: str | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Action.APPROVE))
    text: str | None = None
    """The words on the screen, to be compared with those stored by then; not kept."""

    @property
    def columns(self) -> dict[str, float | str | None]:
        """As it is stored."""
        rule = self.verdict.rule
        return {
            "score": self.score,
            "model_version": self.model_version,
            "policy_rule": str(rule) if rule else None,
        }


def record_decision(
    session: Session,
    key: str,
    action: Action,
    *,
    decided_by: str,
    decided_at: datetime,
    house_rule: str | None = None,
    house_rules: Sequence[str] = HOUSE_RULES,
    evidence: Evidence | None = None,
    overrules: Decision | None = None,
    second_share: float = 0.0,
    note: str | None = None,
) -> Decision:
    """
    Add a decision to a comment's history; the caller commits.

    `overrules` is the decision in force that the moderator means to replace. Where another one
    is in force, somebody was faster, and nothing is overwritten. Where the comment waits for a
    blind second opinion, this is that opinion, and what is in force stays. Of first decisions the
    share `second_share` goes to a second moderator, chosen by digests that nobody can foresee.

    Raises:
        ReviewError: no such comment, or none that waits, nobody named, nothing decided, a removal
            without a house rule, one's own decision to be judged a second time, or a decision in
            force or words that the moderator has not seen.

    """
    moderator = check_name(decided_by)
    check_action(action, house_rule, house_rules)
    lock_history(session)
    held = session.get(Held, key, populate_existing=True)
    if overrules is None and held is not None and held.not_for == moderator:
        raise ReviewError("that comment waits for a second moderator, and you were the first")
    if overrules is None and held is None:
        raise ReviewError(_why_not(session, key))
    _check_words(session, key, evidence)
    decision = Decision(
        comment_key=key,
        kind=Kind.DECISION,
        action=action,
        house_rule=house_rule if action is Action.REMOVE else None,
        decided_by=moderator,
        decided_at=decided_at,
        note=note,
        **(evidence or Evidence()).columns,
    )
    if held is not None and held.opinion_on_id is not None and overrules is None:
        decision.kind, decision.opinion_on_id = Kind.OPINION, held.opinion_on_id
        append(session, [decision])
        let_go(session, [key])
        return decision
    decision.overrules_id = overrules.id if overrules else None
    _check_in_force(session, key, decision.overrules_id)
    append(session, [decision])
    put_in_force(session, key, decision.id, instead_of=decision.overrules_id)
    let_go(session, [key])
    if overrules is None and _is_drawn(decision.digest, second_share):
        _want_opinion(session, decision, held_at=decided_at)
    return decision


def escalate(
    session: Session,
    key: str,
    *,
    decided_by: str,
    decided_at: datetime,
    note: str,
    evidence: Evidence | None = None,
) -> Decision:
    """
    Hand a comment that waits to a second moderator, with a note; the caller commits.

    Raises:
        ReviewError: nobody named, no note, or the comment does not wait any longer.

    """
    moderator = check_name(decided_by)
    if not note.strip():
        raise ReviewError(NO_NOTE)
    lock_history(session)
    held = session.get(Held, key, populate_existing=True)
    if held is None or held.not_for == moderator:
        raise ReviewError(_why_not(session, key))
    if held.opinion_on_id is not None:  # of which the moderator is not to know
        raise ReviewError("that comment is not handed on: decide it, or pass it over")
    _check_words(session, key, evidence)
    escalation = Decision(
        comment_key=key,
        kind=Kind.ESCALATION,
        action=Action.HOLD,
        decided_by=moderator,
        decided_at=decided_at,
        note=note.strip(),
        **(evidence or Evidence()).columns,
    )
    append(session, [escalation])
    held.not_for, held.escalation_id = moderator, escalation.id
    held.claimed_by = held.claimed_until = None
    session.flush()
    return escalation


def reopen(session: Session, key: str, *, decided_by: str, decided_at: datetime) -> Decision:
    """
    Put a decided comment up for review again; the caller commits.

    Raises:
        ReviewError: nobody named, no decision is in force on the comment, or it would not wait:
            its source has settled it.

    """
    moderator = check_name(decided_by)
    lock_history(session)
    before = decision_in_force(session, key)
    if before is None:
        raise ReviewError("that comment waits already, or there is no such comment")
    if not _can_wait(session, key):
        raise ReviewError(SETTLED)
    reopening = Decision(
        comment_key=key,
        kind=Kind.REOPENING,
        action=Action.HOLD,
        decided_by=moderator,
        decided_at=decided_at,
        overrules_id=before.id,
    )
    append(session, [reopening])
    put_in_force(session, key, None, instead_of=before.id)
    hold(session, [key], held_at=decided_at)
    return reopening


def decision_in_force(session: Session, key: str) -> Decision | None:
    """Return the decision that counts on a comment's words, or None where it waits."""
    found = select(Decision).join(StoredComment, _in_force()).where(StoredComment.key == key)
    return session.scalars(found).first()


def undo(session: Session, *, decided_by: str, decided_at: datetime) -> list[Decision]:
    """
    Take a moderator's latest action back and return the rows that say so.

    Nothing is deleted: rows are added that repeat what was in force before, or hold the comment
    where nothing was. A bulk action is taken back as one, except where somebody has decided anew
    since. Empty where nothing is left to undo; the caller commits.

    Raises:
        ReviewError: nobody named.

    """
    moderator = check_name(decided_by)
    lock_history(session)
    last = last_undoable(session, decided_by=moderator)
    if last is None:
        return []
    if last.bulk_id is not None:
        return take_back_bulk(session, last.bulk_id, decided_by=moderator, decided_at=decided_at)
    row = _taking_back(session, last, moderator, decided_at)
    append(session, [row])
    _restore(session, last, row)
    return [row]


def last_undoable(session: Session, *, decided_by: str) -> Decision | None:
    """Return the latest action of a moderator that nobody has overruled or undone since."""
    found = (
        select(Decision)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .outerjoin(Held, Held.comment_key == Decision.comment_key)
        .where(Decision.decided_by == decided_by.strip(), stands(), _is_current())
        .order_by(Decision.id.desc())
        .limit(1)
    )
    return session.scalars(found).first()


def history(session: Session, key: str) -> list[Decision]:
    """Return all decisions on a comment, earliest first."""
    rows = select(Decision).where(Decision.comment_key == key).order_by(Decision.id)
    return list(session.scalars(rows))


def recent_decisions(
    session: Session, *, limit: int, decided_by: str | None = None
) -> list[tuple[Decision, Comment]]:
    """Return the latest decisions, of all moderators or of one, with the comments they are on."""
    query = (
        select(Decision, StoredComment)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    if decided_by is not None:
        query = query.where(Decision.decided_by == decided_by.strip())
    return [(decision, to_comment(row)) for decision, row in session.execute(query)]


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


def put_in_force(
    session: Session, key: str, decision_id: int | None, *, instead_of: int | None
) -> None:
    """
    Let a decision count, or none, where the one that was seen is still in force.

    Raises:
        ReviewError: another one is.

    """
    seen = StoredComment.decision_id.is_not_distinct_from(instead_of)
    found = session.scalars(
        update(StoredComment)
        .where(StoredComment.key == key, seen)
        .values(decision_id=decision_id)
        .returning(StoredComment.key)
    ).first()
    if found is None:
        raise ReviewError(_why_not(session, key))


def _check_words(session: Session, key: str, evidence: Evidence | None) -> None:
    """
    Refuse what is about words that the moderator has not seen.

    Raises:
        ReviewError: its source shows other words by now.

    """
    if evidence is not None and evidence.text is not None:
        stored = session.scalar(select(StoredComment.text).where(StoredComment.key == key))
        if stored != evidence.text:
            raise ReviewError(CHANGED)


def _check_in_force(session: Session, key: str, expected: int | None) -> None:
    query = select(StoredComment.decision_id).where(StoredComment.key == key)
    found = session.execute(query).first()
    if found is None or found[0] != expected:
        raise ReviewError(_why_not(session, key))


def _why_not(session: Session, key: str) -> str:
    """Return why nothing was recorded; of second opinions it tells nothing."""
    comment = session.execute(
        select(StoredComment.decision_id, StoredComment.words_after_id).where(
            StoredComment.key == key
        )
    ).first()
    if comment is None:
        return "no such comment in the store; add it first"
    if comment.decision_id is None and not _can_wait(session, key):
        return SETTLED
    decisions = [one for one in history(session, key) if one.kind is not Kind.OPINION]
    if not decisions or decisions[-1].id <= (comment.words_after_id or 0):
        return CHANGED
    last = decisions[-1]
    done = {
        Kind.UNDO: "undid a decision on",
        Kind.ESCALATION: "escalated",
        Kind.REOPENING: "reopened",
    }.get(last.kind, f"chose to {last.action}")
    return (
        f"not recorded: {last.decided_by} {done} that comment before; "
        "it can be decided anew after an undo"
    )


def _can_wait(session: Session, key: str) -> bool:
    found = select(StoredComment.key).where(StoredComment.key == key, can_wait())
    return session.scalar(found) is not None


def _in_force() -> ColumnElement[bool]:
    return (Decision.comment_key == StoredComment.key) & (Decision.id == StoredComment.decision_id)


def _is_drawn(digest: str, share: float) -> bool:
    """
    Tell whether a decision is of the share that gets a second opinion.

    >>> [_is_drawn("8" + 63 * "0", share) for share in (0.5, 0.51)]
    [False, True]
    """
    return int(digest[:16], 16) < share * 2**64


@cache
def _is_current() -> ColumnElement[bool]:
    """Return the condition that taking an action back would change something, and only that."""
    followed = (
        select(_later.id)
        .where(
            _later.comment_key == Decision.comment_key,
            _later.id > Decision.id,
            _later.kind != Kind.OPINION,
            stands(_later),
        )
        .exists()
    )
    force = StoredComment.decision_id
    return or_(
        (Decision.kind == Kind.DECISION) & (force == Decision.id),
        (Decision.kind == Kind.ESCALATION) & (Held.escalation_id == Decision.id),
        (Decision.kind == Kind.OPINION)
        & (force == Decision.opinion_on_id)
        & Held.comment_key.is_(None),
        (Decision.kind == Kind.REOPENING)
        & force.is_(None)
        & (Decision.id > func.coalesce(StoredComment.words_after_id, 0))
        & ~followed,
    )


def _taking_back(
    session: Session, decision: Decision, moderator: str, decided_at: datetime
) -> Decision:
    before_id = decision.overrules_id or decision.opinion_on_id
    before = None if before_id is None else session.get(Decision, before_id)
    return Decision(
        comment_key=decision.comment_key,
        kind=Kind.UNDO,
        action=before.action if before else Action.HOLD,
        house_rule=before.house_rule if before else None,
        decided_by=moderator,
        decided_at=decided_at,
        undoes_id=decision.id,
    )


def _restore(session: Session, undone: Decision, undo: Decision) -> None:
    """
    Bring the comment and the queue to where they were before the undone action.

    Except that an opinion that was wanted before a decision was overruled or reopened is not wanted
    again: others have seen it since.
    """
    key = undone.comment_key
    if undone.kind is Kind.OPINION:
        first = session.get_one(Decision, undone.opinion_on_id)
        _want_opinion(session, first, held_at=undo.decided_at)
        return
    if undone.kind is Kind.DECISION:
        put_in_force(session, key, undone.overrules_id, instead_of=undone.id)
    elif undone.kind is Kind.REOPENING:
        put_in_force(session, key, undone.overrules_id, instead_of=None)
    hold(session, [key], held_at=undo.decided_at)


def _want_opinion(session: Session, first: Decision, *, held_at: datetime) -> None:
    session.add(
        Held(
            comment_key=first.comment_key,
            held_at=held_at,
            not_for=first.decided_by,
            opinion_on_id=first.id,
        )
    )
    session.flush()
