"""Many comments decided at once, and taken back at once: wholly or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Row, and_, or_, select, true, update
from sqlalchemy.orm import Session

from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES, Action
from moderation.review.checks import check_action, check_name
from moderation.review.held import Scorer, has_score, hold, let_go
from moderation.review.history import append, lock_history
from moderation.tables import (
    CHOSEN_CHARACTERS,
    Bulk,
    Decision,
    Held,
    Kind,
    StoredComment,
    StoredScore,
)

MOST_AT_ONCE: Final = 10_000
"""More comments than this are decided in several goes: others wait meanwhile."""
_AT_ONCE: Final = 500


def decide_bulk(
    session: Session,
    keys: Sequence[str],
    action: Action,
    *,
    chosen_by: str,
    decided_by: str,
    decided_at: datetime,
    house_rule: str | None = None,
    house_rules: Sequence[str] = HOUSE_RULES,
    scorer: Scorer | None = None,
    note: str | None = None,
    shown_at: datetime | None = None,
) -> Bulk:
    """
    Decide on all of the comments that still wait, as one action; the caller commits.

    Left out, and told by `Bulk.comments`, is what somebody has decided meanwhile or has on
    screen, what was handed to a second moderator and what waits for a second opinion. `chosen_by`
    says how the comments were found; what came to wait, or got other words, after `shown_at` was
    not among what the moderator has seen of them, and is left out too.

    Raises:
        ReviewError: nobody named, nothing decided, a removal without a house rule, too many
            comments, or none that waits any longer.
        ValueError: `chosen_by` is longer than its column.

    """
    if len(chosen_by) > CHOSEN_CHARACTERS:
        raise ValueError(
            f"chosen_by has {len(chosen_by)} characters, expected at most {CHOSEN_CHARACTERS}"
        )
    moderator = check_name(decided_by)
    check_action(action, house_rule, house_rules)
    if len(keys) > MOST_AT_ONCE:
        raise ReviewError(
            f"{len(keys):,} comments at once; expected at most {MOST_AT_ONCE:,}: choose fewer"
        )
    lock_history(session)
    free = _is_free(moderator, decided_at, shown_at)
    waiting = list(_still_waiting(session, keys, scorer, free))
    if not waiting:
        raise ReviewError("none of these comments waits any longer: nothing was recorded")
    bulk = Bulk(chosen_by=chosen_by, comments=len(waiting), done_by=moderator, done_at=decided_at)
    session.add(bulk)
    session.flush()
    decisions = [
        Decision(
            comment_key=key,
            kind=Kind.DECISION,
            action=action,
            house_rule=house_rule if action is Action.REMOVE else None,
            decided_by=moderator,
            decided_at=decided_at,
            score=score,
            model_version=scorer.version if scorer and score is not None else None,
            policy_rule=rule,
            bulk_id=bulk.id,
            note=note,
        )
        for key, score, rule in waiting
    ]
    append(session, decisions)
    _put_all_in_force(session, decisions)
    for some in _some([key for key, _, _ in waiting]):
        let_go(session, some)
    return bulk


def take_back_bulk(
    session: Session, bulk_id: int, *, decided_by: str, decided_at: datetime
) -> list[Decision]:
    """Take back what is still in force of a bulk action, as one action; the caller commits."""
    undone = session.scalars(
        select(Decision)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .where(Decision.bulk_id == bulk_id, StoredComment.decision_id == Decision.id)
        .order_by(Decision.id)
    ).all()
    bulk = session.get(Bulk, bulk_id)
    assert bulk is not None
    undoing = Bulk(
        chosen_by=bulk.chosen_by,
        comments=len(undone),
        done_by=decided_by,
        done_at=decided_at,
        undoes_id=bulk_id,
    )
    session.add(undoing)
    session.flush()
    rows = [
        Decision(
            comment_key=one.comment_key,
            kind=Kind.UNDO,
            action=Action.HOLD,
            decided_by=decided_by,
            decided_at=decided_at,
            undoes_id=one.id,
            bulk_id=undoing.id,
        )
        for one in undone
    ]
    append(session, rows)
    for some in _some([one.comment_key for one in undone]):
        found = StoredComment.key.in_(some)
        session.execute(update(StoredComment).where(found).values(decision_id=None))
        hold(session, some, held_at=decided_at)
    return rows


def _is_free(moderator: str, now: datetime, shown_at: datetime | None) -> ColumnElement[bool]:
    return and_(
        Held.not_for.is_(None),
        Held.opinion_on_id.is_(None),
        or_(Held.claimed_by.is_(None), Held.claimed_by == moderator, Held.claimed_until <= now),
        true() if shown_at is None else Held.held_at <= shown_at,
    )


def _still_waiting(
    session: Session, keys: Sequence[str], scorer: Scorer | None, free: ColumnElement[bool]
) -> Iterator[Row[str, float, str | None]]:
    """Yield (key, score, rule) of what may be decided, in the order of the keys."""
    for some in _some(sorted(set(keys))):
        yield from session.execute(
            select(Held.comment_key, StoredScore.value, Held.rule)
            .outerjoin(StoredScore, has_score(Held.comment_key, scorer))
            .where(Held.comment_key.in_(some), free)
            .order_by(Held.comment_key)
        )


def _put_all_in_force(session: Session, decisions: Iterable[Decision]) -> None:
    session.execute(
        update(StoredComment),
        [{"key": one.comment_key, "decision_id": one.id} for one in decisions],
    )


def _some(keys: Sequence[str]) -> Iterator[list[str]]:
    return (list(keys[at : at + _AT_ONCE]) for at in range(0, len(keys), _AT_ONCE))
