"""What the store holds of decisions, read at once and by column; the one module with a session."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from sqlalchemy import ColumnElement, Enum, Select, String, func, select, type_coerce
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import TypeDecorator, TypeEngine

from moderation.agreement import SecondOpinion
from moderation.comments import Comment
from moderation.desk import AUTOMATIC, SITE
from moderation.insight.decided import Decided, Integers
from moderation.past import Categories
from moderation.policy import Action
from moderation.review.stored import to_comment
from moderation.tables import Chain, Decision, Kind, StoredComment

READ_AT_ONCE: Final = 2048
"""More rows in memory at once are slower: the collector of garbage looks through them."""
_LOOKED_UP_AT_ONCE: Final = 500
_WORDS: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("us", tz="UTC")
_COLUMNS: Final = {
    Decision.id: pa.int64(),
    Decision.action: _WORDS,
    Decision.decided_at: _TIME,
    Decision.decided_by: _WORDS,
    Decision.house_rule: _WORDS,
    Decision.score: pa.float64(),
    Decision.model_version: _WORDS,
    Decision.policy_rule: _WORDS,
    Decision.weight: pa.float64(),
}


class History:
    """
    The decisions read so far: rows are only added, so only new ones have to be read again.

    Many threads may share one.
    """

    def __init__(self) -> None:
        self._table = _as_table([])
        self._end: tuple[int, str] | None = None
        """The number and digest of the last row read."""
        self._reading = Lock()

    def read(self, session: Session) -> Decided:
        """Return all decisions that were not taken back, by column, earliest first."""
        with self._reading:
            if self._end is not None and not _is_in(session, *self._end):
                self._table, self._end = _as_table([]), None  # another database than before
            chain = session.execute(select(Chain.last_id, Chain.digest)).one()
            new = _read_columns(session, after=self._end[0] if self._end else 0, until=chain[0])
            self._table = pa.concat_tables([self._table, new])
            self._end = (chain[0], chain[1]) if chain[0] else None
            return _decided(session, self._table)


@dataclass(frozen=True)
class OnComment:
    """A comment with the decision in force on it."""

    key: str
    comment: Comment
    action: Action
    house_rule: str | None
    decided_by: str

    @classmethod
    def of(cls, key: str, comment: Comment, decision: Decision) -> Self:
        """Return a comment labelled by a decision."""
        labelled = replace(comment, label=int(decision.action is Action.REMOVE))
        return cls(key, labelled, decision.action, decision.house_rule, decision.decided_by)


def count_in_force(session: Session) -> int:
    """Return on how many comments a decision is in force."""
    counted = select(func.count()).where(StoredComment.decision_id.is_not(None))
    return session.scalar(counted) or 0


def read_opinions(session: Session) -> list[SecondOpinion]:
    """Return second opinions with the moderators' decisions they are on, none taken back."""
    first, opinion = aliased(Decision), aliased(Decision)
    taken_back = select(Decision.undoes_id).where(Decision.undoes_id.is_not(None))
    rows = session.execute(
        select(
            opinion.comment_key,
            first.decided_by,
            first.action,
            opinion.decided_by,
            opinion.action,
            opinion.decided_at,
            first.house_rule,
            opinion.house_rule,
        )
        .join(first, first.id == opinion.opinion_on_id)
        .where(
            opinion.kind == Kind.OPINION,
            first.decided_by.not_like(f"{AUTOMATIC}%"),
            first.decided_by.not_like(f"{SITE}%"),
            opinion.id.not_in(taken_back),
            first.id.not_in(taken_back),
        )
        .order_by(opinion.id)
    )
    return [SecondOpinion(*row) for row in rows]


def read_latest(session: Session, *, limit: int) -> list[OnComment]:
    """Return, of the latest decisions of people, those in force on comments with words."""
    latest = (
        select(Decision.comment_key)
        .where(Decision.kind == Kind.DECISION, Decision.decided_by.not_like(f"{AUTOMATIC}%"))
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    keys = list(dict.fromkeys(session.scalars(latest)))
    found = find_comments(session, keys)
    return [found[key] for key in keys if key in found and found[key].comment.text]


def find_comments(session: Session, keys: Collection[str]) -> dict[str, OnComment]:
    """Return some comments by key; of those on which no decision is in force, nothing."""
    found: dict[str, OnComment] = {}
    for some in _portions(list(keys)):
        rows = session.execute(_on_comments().where(StoredComment.key.in_(some)))
        found.update(
            (row.key, OnComment.of(row.key, to_comment(row), decision)) for row, decision in rows
        )
    return found


def _in_force_on() -> ColumnElement[bool]:
    return Decision.id == StoredComment.decision_id


def _on_comments() -> Select[StoredComment, Decision]:
    return select(StoredComment, Decision).join(Decision, _in_force_on())


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), _LOOKED_UP_AT_ONCE):
        yield keys[begin : begin + _LOOKED_UP_AT_ONCE]


def _is_in(session: Session, number: int, digest: str) -> bool:
    return session.scalar(select(Decision.digest).where(Decision.id == number)) == digest


def _decided(session: Session, table: pa.Table) -> Decided:
    taken_back = select(Decision.undoes_id).where(Decision.undoes_id.is_not(None))
    overruled = select(Decision.overrules_id).where(
        Decision.overrules_id.is_not(None),
        Decision.kind.in_([Kind.DECISION, Kind.REOPENING]),
        Decision.id.not_in(taken_back),
    )
    numbers = np.array(table["id"], dtype=np.int64)
    actions = _categories(table["action"])
    is_removal = np.array([*(name == Action.REMOVE for name in actions.names), False])
    return Decided(
        removed=is_removal[actions.codes],
        in_force=~np.isin(numbers, _ids(session, overruled)),
        decided_at=np.array(table["decided_at"], dtype="datetime64[us]"),
        decided_by=_categories(table["decided_by"]),
        house_rules=_categories(table["house_rule"]),
        scores=np.array(table["score"], dtype=np.float64),
        models=_categories(table["model_version"]),
        rules=_categories(table["policy_rule"]),
        weights=np.array(table["weight"], dtype=np.float64),
    ).take(~np.isin(numbers, _ids(session, taken_back)))


def _ids(session: Session, query: Select[int | None]) -> Integers:
    return np.array(session.scalars(query).all(), dtype=np.int64)


def _read_columns(session: Session, *, after: int, until: int) -> pa.Table:
    """
    Read decisions column by column, a part at a time.

    As words and numbers: making enums and times of a million rows takes longer than reading them.
    """
    query = (
        select(*(type_coerce(column, _as_stored(column.type)) for column in _COLUMNS))
        .where(Decision.kind == Kind.DECISION, Decision.id > after, Decision.id <= until)
        .order_by(Decision.id)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    # Below the mapper, which makes an object of each row.
    with session.connection().execute(query) as rows:
        return _as_table(tuple(zip(*part, strict=True)) for part in rows.partitions())


def _as_stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return String() if isinstance(kind, Enum | TypeDecorator) else kind


def _as_table(parts: Iterable[Sequence[Sequence[Any]]]) -> pa.Table:
    """Return parts of all columns as one table."""
    chunks: list[list[pa.Array]] = [[] for _ in _COLUMNS]
    for part in parts:
        for chunk, values, kind in zip(chunks, part, _COLUMNS.values(), strict=True):
            chunk.append(_as_array(values, kind))
    return pa.table(
        {
            column.key: pa.chunked_array(chunk, kind)
            for chunk, (column, kind) in zip(chunks, _COLUMNS.items(), strict=True)
        }
    )


def _as_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind is _WORDS:
        return pa.array(values, pa.string()).dictionary_encode()
    if kind is _TIME and isinstance(values[0], str):  # SQLite has no times
        return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(_TIME)
    return pa.array(values, kind)


def _categories(found: pa.ChunkedArray) -> Categories:
    if not found.num_chunks:
        return Categories(np.empty(0, dtype=np.int32), ())
    unified = found.unify_dictionaries()
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in unified.chunks]
    return Categories(
        np.concatenate(codes).astype(np.int32), tuple(unified.chunk(0).dictionary.to_pylist())
    )
