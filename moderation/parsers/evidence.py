"""`Part`: what was seen at one place of the records of a table or JSON."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moderation.parsers.columns import read_time
from moderation.parsers.mapped import spell

DEEPEST = 6
"""Keys in a row that a path has at most."""
_FIRST_MOMENT, _LAST_MOMENT = 7e8, 4e9
"""Seconds since 1970 in which comments were written: 1992 to 2096."""


@dataclass
class Part:
    """What was seen at one path of the records."""

    path: str
    values: list[Any] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [value for value in self.values if isinstance(value, str)]

    @property
    def distinct(self) -> set[str]:
        return {spell(value) for value in self.values}

    @property
    def length(self) -> float:
        """The mean length of its texts."""
        return sum(map(len, self.texts)) / max(1, len(self.texts))


def find_parts(records: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Return what there is at each place of the records."""
    parts: dict[str, Part] = {}
    for record in records:
        for path, value in _walk(record, ""):
            parts.setdefault(path, Part(path)).values.append(value)
    return list(parts.values())


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what is in the objects of a record, by path; arrays are not looked into."""
    if isinstance(value, Mapping):
        if path.count(".") < DEEPEST:
            for key, inner in value.items():
                yield from _walk(inner, f"{path}.{key}" if path else str(key))
    elif value is not None and value != "" and not isinstance(value, list):
        yield path, value


def is_moment(value: Any, units: int) -> bool:
    """Tell a number that may be the time a comment was written, in so many units a second."""
    with contextlib.suppress(ValueError, TypeError):
        return not isinstance(value, bool) and (_FIRST_MOMENT < float(value) / units < _LAST_MOMENT)
    return False


def is_time(value: Any) -> bool:
    """Tell a time, or one spelled in ISO 8601."""
    if isinstance(value, datetime):
        return True
    with contextlib.suppress(ValueError, OverflowError, TypeError):
        return isinstance(value, str) and 1990 < read_time(value).year < 2100
    return False
