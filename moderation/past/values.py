"""What the columns of a table hold, and how a value of each kind is read, from text or Arrow."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from moderation.comments import Status
from moderation.errors import DataError, ParseError
from moderation.frames import MODEL
from moderation.parsers.columns import read_label, read_status, read_string, read_time

CREATED_AT, DECIDED_AT, DECIDED_BY = "created_at", "decided_at", "decided_by"
SECTION, COMMUNITY, LANGUAGE = "section", "community", "language"
CHARACTERS, WEIGHT = "characters", "weight"

OUTCOMES: Final = {Status.REMOVED: 1, Status.PUBLISHED: 0}
UNKNOWN: Final = -1


@dataclass(frozen=True)
class Kind:
    """What a column holds: its type here, how a value is read, which types need no reading."""

    type: pa.DataType
    read: Callable[[Any], Any]
    is_plain: Callable[[pa.DataType], bool]
    expected: str | None = None
    """What to ask for instead of a value that cannot be read; without, such are counted."""


@dataclass
class Place:
    """Where in a table values stand, to say so, and what was left out of it."""

    table: str
    column: str
    rows_before: int
    left_out: Counter[str]


def _read_number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("yes and no are no numbers")
    return float(value)


def _is_number(held: pa.DataType) -> bool:
    return bool(pa.types.is_integer(held) or pa.types.is_floating(held))


def _is_text(held: pa.DataType) -> bool:
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))


def _read_outcome(value: Any) -> int:
    return OUTCOMES.get(read_status(value), UNKNOWN)


def _always_read(_: pa.DataType) -> bool:
    return False


NAME = Kind(pa.large_string(), read_string, _is_text)
TIME = Kind(pa.timestamp("us", tz="UTC"), read_time, pa.types.is_timestamp)
NUMBER = Kind(pa.float64(), _read_number, _is_number, "a number")
GIVEN_LABEL = Kind(pa.int8(), read_label, _always_read)
OUTCOME = Kind(pa.int8(), _read_outcome, _always_read)

FURTHER = {
    DECIDED_AT: TIME,
    DECIDED_BY: NAME,
    SECTION: NAME,
    COMMUNITY: NAME,
    LANGUAGE: NAME,
    MODEL: NAME,
    CHARACTERS: NUMBER,
    WEIGHT: NUMBER,
}
"""Columns that are no field of a comment."""


def read_arrow(values: pa.Array, kind: Kind, place: Place) -> pa.Array:
    """
    Return a column in the type of its kind; each distinct value is read once.

    Raises:
        DataError, ParseError: a value is not what the column can hold.

    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type) or kind.is_plain(values.type):
        return values.cast(kind.type, safe=False)
    if pa.types.is_nested(values.type):
        return read_list(values.to_pylist(), kind, place)
    encoded = values.dictionary_encode()
    indices = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
    return _read([*encoded.dictionary.to_pylist(), None], indices, kind, place)


def read_list(values: Sequence[Any], kind: Kind, place: Place) -> pa.Array:
    """Return values in the type of a kind, as `read_arrow` does."""
    return _read(values, np.arange(len(values)), kind, place)


def _read(
    distinct: Sequence[Any], indices: NDArray[np.integer[Any]], kind: Kind, place: Place
) -> pa.Array:
    found: list[Any] = []
    for position, value in enumerate(distinct):
        try:
            absent = value is None or value == "" or value != value  # which NaN alone is
            found.append(None if absent else kind.read(value))
        except (ParseError, ValueError, TypeError, OverflowError) as error:
            rows = np.flatnonzero(indices == position)
            _refuse(error, kind, place, int(rows[0]))
            place.left_out[f"values of {place.column!r} not understood"] += len(rows)
            found.append(None)
    return pa.array(found, kind.type).take(pa.array(indices))


def _refuse(error: Exception, kind: Kind, place: Place, row: int) -> None:
    """Refuse a value, unless its kind has such values counted; never says what it is."""
    row += place.rows_before + 1
    if isinstance(error, ParseError):
        raise ParseError(str(error), row=row) from error
    if kind.expected:
        raise DataError(
            f"{place.table}: row {row}: {place.column!r} is not {kind.expected}"
        ) from error
