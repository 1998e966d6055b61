"""Whether the history is the one that was written: each row against the digest of the one before.

`follow(session, account)` walks it in the order of its rows, however many, and yields what is
wrong, a line each; `account` is then what was seen, and where the history ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from moderation.chain import BEGINNING, digest_note, seal
from moderation.progress import Progress, without_progress
from moderation.tables import Chain, Decision, Kind, StoredComment

Row = Mapping[str, Any]

READ_AT_ONCE: Final = 5000
_DECIDING: Final = (Kind.DECISION, Kind.UNDO, Kind.REOPENING)
"""What changes which decision is in force."""


@dataclass
class Account:
    """What an audit has seen."""

    decisions: int = 0
    erased_notes: int = 0
    """Notes of which only the digest is left."""
    last_id: int = 0
    digest: str = BEGINNING
    """With `last_id` what to note elsewhere: it stands for all rows up to there."""


def follow(
    session: Session,
    account: Account,
    *,
    noted: Mapping[int, str] | None = None,
    progress: Progress = without_progress,
) -> Iterator[str]:
    """
    Yield what is wrong with the history, a line each, in bounded memory; none where all is well.

    `noted` are digests that were written down elsewhere, by the number of their decision. Only by
    them can be found that somebody has cut off the end, or made all digests anew. Nothing may
    change meanwhile: a session that sees the database as of one moment is needed.
    """
    noted = noted or {}
    yield from _follow_rows(session, account, noted, progress)
    for number in sorted(noted):
        if number > account.last_id:
            yield f"decision {number}: missing, though its digest was noted"
    yield from _check_end(session, account)
    yield from _check_comments(session)


def _follow_rows(
    session: Session, account: Account, noted: Mapping[int, str], progress: Progress
) -> Iterator[str]:
    number = session.scalar(select(func.count()).select_from(Decision)) or 0
    rows = session.execute(
        select(*Decision.__table__.c).order_by(Decision.id),
        execution_options={"yield_per": READ_AT_ONCE},
    ).mappings()
    links = _Links()
    for row in progress(cast("Iterable[Row]", rows), number, "decisions"):
        yield from links.follow(row)
        yield from _check_note(row, account)
        expected = noted.get(row["id"])
        if expected is not None and expected != row["digest"]:
            yield f"decision {row['id']}: not the one whose digest was noted"
        yield from (
            f"decision {between}: missing, though its digest was noted"
            for between in _between(noted, account.last_id, row["id"])
        )
        account.decisions += 1
        account.last_id, account.digest = row["id"], row["digest"]
    yield from links.end()


def _between(noted: Mapping[int, str], last: int, number: int) -> list[int]:
    if number == last + 1:
        return []
    return sorted(other for other in noted if last < other < number)


class _Links:
    """Follows rows from digest to digest, and tells changed, missing and put-in ones apart."""

    def __init__(self) -> None:
        self._last_id = 0
        self._before = {BEGINNING}
        """The digests that the next row may follow on: the last one's as stored and as it is."""
        self._earlier: set[str] = set()
        """Those that the last row may have followed on."""
        self._doubt: str | None = None
        """What is wrong with the last row, unless the next one shows that it was put in."""

    def follow(self, row: Row) -> Iterator[str]:
        """Yield what is wrong with the row before, now that it is known, or with this one."""
        stored = row["digest"]
        made = {seal(row, before=before) for before in self._before}
        doubt = None
        if stored not in made:
            if stored in {seal(row, before=before) for before in self._earlier}:
                self._doubt = f"decision {self._last_id}: put in"
                made = {stored}
            else:
                doubt = self._name_doubt(row["id"])
        yield from self.end()
        self._doubt = doubt
        self._earlier, self._before = self._before, made | {stored}
        self._last_id = row["id"]

    def end(self) -> Iterator[str]:
        """Yield what is wrong with the last row."""
        if self._doubt is not None:
            yield self._doubt

    def _name_doubt(self, number: int) -> str:
        first, last = self._last_id + 1, number - 1
        if first <= last:
            return f"{_name_rows(first, last)}: missing, or decision {number} was changed"
        return f"decision {number}: changed, or the one before it was and given a digest to match"


def _name_rows(first: int, last: int) -> str:
    return f"decision {first}" if first == last else f"decisions {first} to {last}"


def _check_note(row: Row, account: Account) -> Iterator[str]:
    if row["note"] is not None and digest_note(row["note"]) != row["note_digest"]:
        yield f"decision {row['id']}: its note was changed"
    if row["note"] is None and row["note_digest"] is not None:
        account.erased_notes += 1


def _check_end(session: Session, account: Account) -> Iterator[str]:
    ends = session.scalars(select(Chain).order_by(Chain.id)).all()
    if len(ends) != 1:
        yield f"the end of the history is noted {len(ends)} times; expected once (table chain)"
        return
    noted, last = ends[0].last_id, account.last_id
    if noted > last:
        yield f"{_name_rows(last + 1, noted)}: missing at the end (table chain)"
    elif noted < last:
        yield f"{_name_rows(noted + 1, last)}: put in at the end (table chain)"
    elif ends[0].digest != account.digest:
        yield f"decision {last}: not the one with which the history ended (table chain)"


def _check_comments(session: Session) -> Iterator[str]:
    """Yield where a comment has another decision in force than its history says."""
    gone = select(Decision.id).outerjoin(StoredComment, StoredComment.key == Decision.comment_key)
    for number in _stream(session, gone.where(StoredComment.key.is_(None))):
        yield f"decision {number}: its comment is gone"
    for present, expected in _stream_pairs(session):
        if present is None:
            yield f"decision {expected}: no longer in force, though the history says it is"
        else:
            should = "none is" if expected is None else f"decision {expected} is"
            yield f"decision {present}: in force on a comment, though the history says {should}"


def _stream(session: Session, query: Select[Any]) -> Iterator[Any]:
    return iter(session.scalars(query, execution_options={"yield_per": READ_AT_ONCE}))


def _stream_pairs(session: Session) -> Iterator[tuple[int | None, int | None]]:
    """
    Yield (decision in force, decision that should be) where they differ.

    The latest that was decided, undone or reopened on the present words says what should be.
    """
    undone = aliased(Decision)
    latest = (
        select(Decision.comment_key, func.max(Decision.id).label("id"))
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .outerjoin(undone, undone.id == Decision.undoes_id)
        .where(
            Decision.id > func.coalesce(StoredComment.words_after_id, 0),
            Decision.kind.in_(_DECIDING),
            or_(undone.kind.is_(None), undone.kind != Kind.OPINION),
        )
        .group_by(Decision.comment_key)
        .subquery()
    )
    expected = case(
        (Decision.kind == Kind.DECISION, Decision.id),
        (Decision.kind == Kind.UNDO, undone.overrules_id),
    )
    query = (
        select(StoredComment.decision_id, expected)
        .outerjoin(latest, latest.c.comment_key == StoredComment.key)
        .outerjoin(Decision, Decision.id == latest.c.id)
        .outerjoin(undone, undone.id == Decision.undoes_id)
        .where(StoredComment.decision_id.is_distinct_from(expected))
        .order_by(StoredComment.decision_id, expected)
    )
    rows = session.execute(query, execution_options={"yield_per": READ_AT_ONCE})
    yield from ((present, should) for present, should in rows)
