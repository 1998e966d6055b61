"""Tables and JSON of any shape, read as a mapping says."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moderation.comments import Comment
from moderation.errors import ParseError
from moderation.parsers.columns import ALIASES, Columns, read_string, show_names
from moderation.parsers.documents import read_items
from moderation.parsers.mapping import HTML, ISO, MILLISECONDS, SECONDS, TableMapping
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.tabular import SAMPLE_ROWS, open_csv, open_json_lines, open_parquet
from moderation.text import markup_to_text

NAME = "mapping"
_TIMES = ("created_at", "captured_at")

Record = Mapping[str, Any]


def parse(source: Source, notes: Notes, mapping: TableMapping) -> Iterator[Comment]:
    """
    Yield a comment for each record; what no field takes of its outermost level is kept in `extra`.

    Raises:
        ParseError: the source is not of the mapping's kind, or has no records, or none of the first
            has a text where the mapping says.

    """
    records = read_records(source, notes, kind=mapping.kind, path=mapping.records)
    sample = list(itertools.islice(records, SAMPLE_ROWS))
    if not sample:
        raise ParseError(_tell_nothing(mapping))
    _check_text(sample, mapping)
    for name, path in mapping.fields.items():
        if all(find_part(record, path) is None for record in sample):
            notes.left_out[f"place of {name} in the mapping that no record has: {path!r}"] += 1
    notes.columns = _find_extra(sample, mapping)
    columns = Columns({name: name for name in mapping.fields}, extra=notes.columns)
    read = _Values(mapping, notes)
    for number, record in enumerate(itertools.chain(sample, records), 1):
        row = {name: record.get(name) for name in notes.columns} | read.of(record)
        yield columns.comment(row, number=number, source=mapping.name, notes=notes)


def read_records(source: Source, notes: Notes, *, kind: str, path: str) -> Iterator[Record]:
    """
    Yield the records of a source of a kind (`mapping.KINDS`).

    Raises:
        ParseError: it is not of that kind.

    """
    if kind == "csv":
        yield from (row for row in open_csv(source, notes)[1] if row is not None)
    elif kind == "jsonl":
        yield from open_json_lines(source)
    elif kind == "parquet":
        yield from open_parquet(source)
    else:
        where = f"{path}.item" if path else "item"
        for _, value in read_items(source.utf8(), {where}, notes.limits):
            if isinstance(value, dict):
                yield value
            else:
                notes.left_out["records that are no JSON object"] += 1


def find_part(record: Any, path: str) -> Any:
    """
    Return what is at a path of a record, None where there is nothing.

    >>> find_part({"a": {"b": [1, 2]}, "a.c": 3}, "a.b.1"), find_part({"a.c": 3}, "a.c")
    (2, 3)
    """
    if isinstance(record, dict) and path in record:
        return record[path]
    for key in path.split("."):
        if isinstance(record, dict):
            record = record.get(key)
        elif isinstance(record, list) and key.isdecimal() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record


class _Values:
    """Reads the parts of a record as a mapping says."""

    def __init__(self, mapping: TableMapping, notes: Notes) -> None:
        self._parts = [(name, path, self._reader(name)) for name, path in mapping.fields.items()]
        self._mapping = mapping
        self._notes = notes

    def of(self, record: Record) -> dict[str, Any]:
        """Return the parts that fields take, by field."""
        found: dict[str, Any] = {}
        for name, path, read in self._parts:
            value = find_part(record, path)
            if value is None or value == "":
                found[name] = value
                continue
            try:
                found[name] = read(value)
            except (ValueError, OverflowError, TypeError, OSError):
                self._notes.left_out[f"values of {path!r} not understood as {name}"] += 1
        return found

    def _reader(self, name: str) -> Callable[[Any], Any]:
        if name == "text":
            return self._read_text
        if name in _TIMES:
            return self._read_time
        return {"status": self._read_status, "label": self._read_label}.get(name, _as_it_is)

    def _read_text(self, value: Any) -> Any:
        is_html = self._mapping.markup == HTML and isinstance(value, str)
        return markup_to_text(value) if is_html else value

    def _read_time(self, value: Any) -> Any:
        written = self._mapping.time
        if written == ISO:
            return value
        if written in (SECONDS, MILLISECONDS):
            return datetime.fromtimestamp(
                float(value) / (1000 if written == MILLISECONDS else 1), UTC
            )
        return datetime.strptime(str(value).strip(), written)

    def _read_status(self, value: Any) -> Any:
        return self._look_up(value, self._mapping.status, "status")

    def _read_label(self, value: Any) -> Any:
        return self._look_up(value, self._mapping.label, "label")

    def _look_up(self, value: Any, meanings: Mapping[str, Any], name: str) -> Any:
        if not meanings:
            return value
        found = meanings.get(spell(value))
        if found is None:
            self._notes.left_out[f"values that [{name}] of the mapping does not name"] += 1
        return found


def spell(value: Any) -> str:
    """
    Return a value as a mapping spells it: JSON's true and false, whole numbers without a point.

    >>> spell(True), spell(2.0), spell(" spam ")
    ('true', '2', 'spam')
    """
    return str(value).lower() if isinstance(value, bool) else read_string(value).strip()


def _as_it_is(value: Any) -> Any:
    return value


def _tell_nothing(mapping: TableMapping) -> str:
    if mapping.kind != "json":
        return f"no records in it; the mapping says that it is {mapping.kind}"
    where = f"at {mapping.records!r}" if mapping.records else "in it"
    return f"no records {where}, where the mapping says that an array of them is"


def _check_text(sample: list[Record], mapping: TableMapping) -> None:
    path = mapping.fields["text"]
    if all(find_part(record, path) is None for record in sample):
        names = sorted({name for record in sample for name in record})
        raise ParseError(
            f"none of the first {len(sample)} records has a text at {path!r}; they have "
            f"{show_names(names)}"
        )


def _find_extra(sample: Iterable[Record], mapping: TableMapping) -> tuple[str, ...]:
    """Return the names that no field takes anything of, nor is called like a field."""
    names = dict.fromkeys(name for record in sample for name in record if name.strip())
    taken = {*mapping.fields.values(), *(path.split(".")[0] for path in mapping.fields.values())}
    return tuple(name for name in names if name not in taken and name not in ALIASES)
