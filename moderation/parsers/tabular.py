"""Tables of comments: CSV, JSON Lines and Parquet, row by row in bounded memory."""

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from moderation.comments import Comment
from moderation.errors import ParseError
from moderation.parsers.columns import Columns, Row, find_columns, has_text_column
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source

FIELD_CHARACTERS = 1 << 24
"""The longest value of a CSV: beyond it a quotation mark was opened and never closed."""
PARQUET_ROWS = 2048
SAMPLE_ROWS = 1000
"""How many JSON objects are looked at to know a table's columns: each may have others."""
LINE_CHARACTERS = 1 << 26
"""The longest line of JSON Lines: beyond it the file is something else."""
SNIFFED_ROWS = 20
_DELIMITERS = (",", "\t", ";", "|")


def parse_csv(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield the rows of a table with a header line; `given` maps fields to columns."""
    csv.field_size_limit(FIELD_CHARACTERS)
    delimiter = find_delimiter(source.head_text()) or ","
    rows = csv.reader(source.lines(), delimiter=delimiter, strict=True)
    try:
        header = next(rows)
        columns = _columns(header, notes, given, source.name)
        yield from _comments(_csv_rows(rows, header, notes), columns, "csv", notes)
    except csv.Error as error:
        raise ParseError(
            f"line {rows.line_num}: malformed CSV ({error}); is a quotation mark left open?"
        ) from error


def parse_json_lines(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield one comment for each line, each a JSON object."""
    rows = _json_rows(source.lines())
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    names = list(dict.fromkeys(itertools.chain.from_iterable(sample)))
    columns = _columns(names, notes, given, source.name)
    known = set(names)
    counted = _count_unknown(itertools.chain(sample, rows), known, notes)
    yield from _comments(counted, columns, "jsonl", notes)


def parse_parquet(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield the rows of a Parquet file."""
    with source.seekable() as spooled:
        try:
            table = pq.ParquetFile(spooled)
            columns = _columns(table.schema_arrow.names, notes, given, source.name)
            yield from _comments(_parquet_rows(table), columns, "parquet", notes)
        except pa.ArrowException as error:
            raise ParseError("damaged or incomplete Parquet; write or copy it again") from error


def find_delimiter(head: str) -> str | None:
    """
    Return the delimiter of a table from its beginning, or None where it looks like no table.

    A table has a text column by name, or several lines of the same number of short-headed fields.
    """
    for delimiter in _DELIMITERS:
        rows = _sample(head, delimiter)
        if rows and _names_a_text(rows[0]) and _is_even(rows):
            return delimiter
    for delimiter in _DELIMITERS:
        if _is_regular(_sample(head, delimiter)):
            return delimiter
    return None


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows; the last is dropped where it may be cut off."""
    try:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        rows = [row for row in itertools.islice(reader, SNIFFED_ROWS) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 2 else rows


def _names_a_text(header: list[str]) -> bool:
    return header == ["text"] or (len(header) > 1 and has_text_column(header))


def _is_even(rows: list[list[str]]) -> bool:
    """Tell whether at least four rows of five have as many fields as the header."""
    even = sum(len(row) == len(rows[0]) for row in rows)
    return even >= 0.8 * len(rows)


def _is_regular(rows: list[list[str]]) -> bool:
    """Tell whether rows without a known column still look like a table with short headings."""
    if len(rows) < 3 or len(rows[0]) < 2 or len(set(rows[0])) < len(rows[0]):
        return False
    named = all(0 < len(name.strip()) <= 40 for name in rows[0])
    return named and all(len(row) == len(rows[0]) for row in rows)


def _columns(names: list[str], notes: Notes, given: Mapping[str, str], source: str) -> Columns:
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ParseError(f"two columns are called {min(repeated)!r}; rename one of them")
    columns = find_columns(names, given=given, source=source)
    notes.columns = columns.extra
    return columns


def _comments(
    rows: Iterable[Row], columns: Columns, source: str, notes: Notes
) -> Iterator[Comment]:
    for number, row in enumerate(rows, 1):
        yield columns.comment(row, number=number, source=source, notes=notes)


def _csv_rows(rows: Iterator[list[str]], header: list[str], notes: Notes) -> Iterator[Row]:
    """Yield rows by column name; lines of another length are left out and counted."""
    width = len(header)
    for row in rows:
        if len(row) == width:
            yield dict(zip(header, row, strict=True))
        elif row:
            notes.left_out[f"rows without exactly {width} fields"] += 1


def _json_rows(stream: io.TextIOWrapper) -> Iterator[dict[str, Any]]:
    lines = iter(lambda: stream.readline(LINE_CHARACTERS), "")
    for number, line in enumerate(lines, 1):
        if len(line) == LINE_CHARACTERS:
            raise ParseError(f"line {number}: longer than any comment; expected JSON Lines")
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ParseError(
                f"line {number}: malformed JSON; expected one object on each line"
            ) from error
        if not isinstance(row, dict):
            raise ParseError(
                f"line {number}: a JSON {type(row).__name__}; expected one object on each line"
            )
        yield row


def _count_unknown(rows: Iterable[Row], known: set[str], notes: Notes) -> Iterator[Row]:
    for row in rows:
        if unknown := row.keys() - known:
            notes.left_out[f"values of keys first seen after row {SAMPLE_ROWS}"] += len(unknown)
        yield row


def _parquet_rows(table: pq.ParquetFile) -> Iterator[Row]:
    for batch in table.iter_batches(batch_size=PARQUET_ROWS):
        yield from batch.to_pylist()
