"""An author's record: what became of the comments that a name stands over."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation.policy import Action
from moderation.review.checks import storable
from moderation.tables import Decision, Held, StoredComment

LOOKED_AT: Final = 500
"""Comments of an author that are looked at: more would take long and say the same."""


@dataclass(frozen=True)
class Record:
    """The decisions so far on an author's other comments."""

    approved: int = 0
    removed: int = 0
    waiting: int = 0
    complete: bool = True
    """Whether these are all comments of the author."""


def find_record(session: Session, author: str, *, but: str) -> Record:
    """Return the record of an author, without the comment whose key is `but`."""
    own = select(StoredComment.key, StoredComment.decision_id).where(
        StoredComment.author == storable(author), StoredComment.key != but
    )
    some = own.limit(LOOKED_AT).subquery()
    rows = session.execute(
        select(Decision.action, func.count(some.c.key), func.count(Held.comment_key))
        .select_from(some)
        .outerjoin(Decision, Decision.id == some.c.decision_id)
        .outerjoin(Held, (Held.comment_key == some.c.key) & Held.opinion_on_id.is_(None))
        .group_by(Decision.action)
    ).all()
    decided = {action: number for action, number, _ in rows}
    cut = sum(decided.values()) == LOOKED_AT and session.scalar(own.offset(LOOKED_AT).limit(1))
    return Record(
        approved=decided.get(Action.APPROVE, 0),
        removed=decided.get(Action.REMOVE, 0),
        waiting=sum(waiting for _, _, waiting in rows),
        complete=not cut,
    )
