"""The history that decisions are added to, each sealed with the digest of the one before it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from moderation.chain import SEALED, digest_note, seal
from moderation.review.checks import storable
from moderation.tables import Chain, Decision, Kind

# Made once: making an alias takes SQLAlchemy longer than asking the database.
_undoing = aliased(Decision)


def lock_history(session: Session) -> Chain:
    """
    Wait until nobody else adds to the history and return its end.

    Whatever decides or adds comments begins with it: two that lock comments in different orders
    would wait for each other for ever.
    """
    end = select(Chain).with_for_update().execution_options(populate_existing=True)
    return session.scalars(end).one()


def append(session: Session, decisions: Sequence[Decision]) -> None:
    """Add decisions to the history in their order: number and seal them; the caller commits."""
    end = lock_history(session)
    for decision in decisions:
        decision.id = end.last_id + 1
        decision.note = None if decision.note is None else storable(decision.note)
        decision.note_digest = digest_note(decision.note)
        # Sealed as they are read back: a 1 comes back as 1.0.
        decision.weight = 1.0 if decision.weight is None else float(decision.weight)
        decision.score = None if decision.score is None else float(decision.score)
        row = {name: getattr(decision, name) for name in SEALED}
        decision.digest = seal(row, before=end.digest)
        end.last_id, end.digest = decision.id, decision.digest
    session.add_all(decisions)
    session.flush()


def stands(decision: type[Decision] = Decision) -> ColumnElement[bool]:
    """Return the condition that a row is an action which nobody has taken back."""
    undone = select(_undoing.id).where(_undoing.undoes_id == decision.id).exists()
    return (decision.kind != Kind.UNDO) & ~undone
