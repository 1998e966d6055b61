"""What the values of an export mean: ids, counts, times and states, or that they are not known."""

from collections.abc import Mapping
from datetime import UTC, datetime

from moderation.comments import Status
from moderation.parsers.notes import Notes

Identifier = str | int | float
Number = int | float
Moment = int | float | str

_INT64 = 1 << 63


def read_id(value: Identifier | None) -> str | None:
    """
    Return an id as a string; tables make floats of ids where others are missing.

    >>> read_id(7), read_id("7.0"), read_id(7.0), read_id("")
    ('7', '7.0', '7', None)
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def read_number(value: Number | None) -> int | None:
    """
    Return a whole number of 64 bits, or None where it is none.

    >>> read_number(3), read_number(3.0), read_number(3.5), read_number(None)
    (3, 3, None, None)
    """
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if value is not None and -_INT64 <= value < _INT64 else None


def read_moment(value: Moment | datetime | None, notes: Notes) -> datetime | None:
    """
    Return a time in UTC: seconds since 1970, or ISO 8601, which without a zone is UTC.

    The year 1 is what systems written in Go say of a time that never was. A value that is no
    time is counted in the notes.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            moment = _read_spelled(value.strip())
        elif isinstance(value, datetime):
            moment = to_utc(value)
        else:
            moment = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        notes.left_out["times that are not understood"] += 1
        return None
    return moment if moment.year > 1 else None


def _read_spelled(value: str) -> datetime:
    if value.replace(".", "", 1).isdecimal() and len(value) > 8:
        return datetime.fromtimestamp(float(value), UTC)
    return to_utc(datetime.fromisoformat(value))


def to_utc(moment: datetime) -> datetime:
    """Return a time in UTC; one without a zone is in UTC."""
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_state(value: object, states: Mapping[str, Status], notes: Notes) -> Status | None:
    """Return the status that a state of the source's means; an unknown one is counted."""
    status = states.get(value) if isinstance(value, str) else None
    if status is None and value is not None:
        notes.left_out["comments in a state that is not known"] += 1
    return status
