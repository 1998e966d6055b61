"""Tables of comments: CSV, JSON Lines and Parquet, row by row in bounded memory."""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from moderation.comments import Comment
from moderation.errors import ParseError, UnknownFormat
from moderation.formulas import MARKED, unmark
from moderation.parsers.columns import (
    ALIASES,
    Columns,
    Row,
    find_columns,
    has_text_column,
    show_names,
)
from moderation.parsers.limits import Limits, is_deeper
from moderation.parsers.notes import Notes
from moderation.parsers.quotation import Quotation
from moderation.parsers.sources import Source

FIELD_CHARACTERS = 1 << 24
"""The longest value of a CSV: beyond it a quotation mark was opened and never closed."""
PARQUET_ROWS = 2048
SAMPLE_ROWS = 1000
"""How many JSON objects are looked at to know a table's columns: each may have others."""
LINE_CHARACTERS = 1 << 26
"""The longest line: beyond it the file is something else."""
SNIFFED_ROWS = 20
_DELIMITERS = (",", "\t", ";", "|")


def parse_csv(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield the rows of a table with a header line; `given` maps fields to columns."""
    header, rows = open_csv(source, notes, expected=given.values())
    if MARKED in header:
        rows = map(_unmark_row, rows)
    names = [name for name in header if name != MARKED]
    columns = match_columns(names, notes, given, source.name)
    yield from _comments(rows, columns, "csv", notes)


def open_csv(
    source: Source, notes: Notes, *, expected: Iterable[str] = ()
) -> tuple[list[str], Iterator[Row | None]]:
    """
    Return the header of a CSV, and its rows by column; None for those of another length.

    Values are text but in tables that were written here, with all fields of a comment.

    Raises:
        ParseError: it is malformed; while iterating, too.

    """
    csv.field_size_limit(FIELD_CHARACTERS)
    head = source.head_text()
    delimiter = find_delimiter(head, expected) or _commonest_delimiter(head)
    quotation = Quotation(_lines(source))
    reader = csv.reader(quotation.lines(), delimiter=delimiter, strict=True)
    rows = _well_formed(reader, lambda: reader.line_num)
    header = next((row for row in rows if row), [])
    if ALIASES.keys() <= set(header) and quotation.has_texts_only(header):  # written here
        places = [place for place, name in enumerate(header) if name not in ALIASES]
        places.append(header.index("text"))
        rows = (quotation.read(row, places) for row in rows)
    else:
        quotation.forget()
    return header, _csv_rows(rows, header, notes)


def _well_formed(rows: Iterable[list[str]], line: Callable[[], int]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        found = str(error).replace("\t", "\\t")  # it may name the delimiter
        raise ParseError(
            f"line {line()}: malformed CSV ({found}); is a quotation mark left open?"
        ) from error


def parse_json_lines(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield one comment for each line, each a JSON object."""
    rows = open_json_lines(source)
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    names = list(dict.fromkeys(itertools.chain.from_iterable(sample)))
    columns = match_columns(names, notes, given, source.name)
    known = set(names)
    counted = _count_unknown(itertools.chain(sample, rows), known, notes)
    yield from _comments(counted, columns, "jsonl", notes)


def open_json_lines(source: Source) -> Iterator[dict[str, Any]]:
    """
    Yield the object of each line.

    Raises:
        ParseError: a line is no JSON object.

    """
    return _json_rows(_lines(source), source.limits)


def parse_parquet(source: Source, notes: Notes, given: Mapping[str, str]) -> Iterator[Comment]:
    """Yield the rows of a Parquet file."""
    with source.seekable() as spooled:
        try:
            table = pq.ParquetFile(spooled, pre_buffer=False)  # it would keep all it has read
            columns = match_columns(table.schema_arrow.names, notes, given, source.name)
            yield from _comments(_parquet_rows(table), columns, "parquet", notes)
        except (pa.ArrowException, OSError) as error:
            raise ParseError("damaged or incomplete Parquet; write or copy it again") from error


def open_parquet(source: Source) -> Iterator[Row]:
    """
    Yield the rows of a Parquet file.

    Raises:
        ParseError: it is none, or damaged.

    """
    with source.seekable() as spooled:
        try:
            yield from _parquet_rows(pq.ParquetFile(spooled, pre_buffer=False))
        except (pa.ArrowException, OSError) as error:
            raise ParseError("damaged or incomplete Parquet; write or copy it again") from error


def find_delimiter(head: str, expected: Iterable[str] = ()) -> str | None:
    """
    Return the delimiter of a table from its beginning, or None where it looks like no table.

    A table has a text column by name, or one of those expected, or several lines of the same
    number of short-headed fields.
    """
    samples = {delimiter: _sample(head, delimiter) for delimiter in _DELIMITERS}
    samples = {one: rows for one, rows in samples.items() if rows and not _is_drawn(rows[0])}
    columns = set(expected)
    for delimiter, rows in samples.items():
        if columns.intersection(rows[0]) or _is_named(rows):
            return delimiter
    return next((one for one, rows in samples.items() if _is_regular(rows)), None)


def match_columns(names: list[str], notes: Notes, given: Mapping[str, str], source: str) -> Columns:
    """
    Return which column is what; the notes say which others there are.

    Raises:
        ParseError: two columns have one name, or none holds the text.

    """
    repeated = [name for name, times in Counter(names).items() if times > 1 and name.strip()]
    if repeated:
        raise ParseError(f"two columns are called {show_names(repeated[:1])}; rename one of them")
    try:
        columns = find_columns(names, given=given, source=source)
    except UnknownFormat as error:
        raise UnknownFormat(f"{error}, or with --mapping, which --guess proposes") from error
    notes.columns = columns.extra
    for name in columns.hidden:
        notes.left_out[f"column {name!r}, in whose place another is read"] += 1
    return columns


def _commonest_delimiter(head: str) -> str:
    first = head.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows; the last is dropped where it may be cut off."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    rows = [row for row in itertools.islice(reader, SNIFFED_ROWS) if row]
    return rows[:-1] if len(rows) > 2 else rows


def _is_named(rows: list[list[str]]) -> bool:
    """Tell whether the header names a text, and three rows of five have as many fields as it."""
    header = rows[0]
    even = sum(len(row) == len(header) for row in rows)
    named = header == ["text"] or (len(header) > 1 and has_text_column(header))
    return named and even >= 0.6 * len(rows)


def _is_regular(rows: list[list[str]]) -> bool:
    """Tell whether rows without a known column still look like a table with short headings."""
    header = rows[0]
    if len(rows) < 3 or len(header) < 2 or len(set(header)) < len(header):
        return False
    if any(len(row) != len(header) for row in rows):
        return False
    is_prose = all(field.startswith(" ") for row in rows for field in row[1:])
    return not is_prose and all(len(name) <= 40 and name.strip()[:1].isalpha() for name in header)


def _is_drawn(header: list[str]) -> bool:
    """Tell a table drawn with bars, as in Markdown: its lines begin and end with one."""
    return len(header) > 2 and not (header[0] + header[-1]).strip()


def _comments(
    rows: Iterable[Row | None], columns: Columns, source: str, notes: Notes
) -> Iterator[Comment]:
    """Yield a comment for each row that could be read; None counts as a row, too."""
    for number, row in enumerate(rows, 1):
        if row is not None:
            yield columns.comment(row, number=number, source=source, notes=notes)


def _csv_rows(rows: Iterator[list[Any]], header: list[str], notes: Notes) -> Iterator[Row | None]:
    """Yield rows by column name; None for those of another length, which are counted."""
    width = len(header)
    for row in rows:
        if len(row) == width:
            yield dict(zip(header, row, strict=True))
        elif row:
            notes.left_out[f"rows without exactly {width} fields"] += 1
            yield None


def _unmark_row(row: Row | None) -> Row | None:
    """Take the marks off that keep spreadsheets from taking words for formulas."""
    return row and {
        name: unmark(held) if isinstance(held, str) else held for name, held in row.items()
    }


def _lines(source: Source) -> Iterator[str]:
    """Yield lines, of which one that never ends must not fill the memory."""
    stream = source.lines()
    while line := stream.readline(LINE_CHARACTERS):
        if len(line) == LINE_CHARACTERS:
            raise ParseError("a line longer than any comment; expected a row on each")
        yield line


def _json_rows(lines: Iterable[str], limits: Limits) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\ud" in line or "\\uD" in line:
                row = _mend_surrogates(row)
        except (ValueError, RecursionError) as error:
            raise ParseError(
                f"line {number}: malformed JSON; expected one object on each line"
            ) from error
        if not isinstance(row, dict):
            raise ParseError(
                f"line {number}: a JSON {type(row).__name__}; expected one object on each line"
            )
        if line.count("[") + line.count("{") > limits.depth and is_deeper(row, limits.depth):
            raise ParseError(f"line {number}: {limits.too_deep()}")
        yield row


def _count_unknown(rows: Iterable[Row], known: set[str], notes: Notes) -> Iterator[Row]:
    for row in rows:
        if unknown := row.keys() - known:
            notes.left_out[f"values of keys first seen after row {SAMPLE_ROWS}"] += len(unknown)
        yield row


def _mend_surrogates(row: object) -> Any:
    """Put U+FFFD for halves of characters: what cuts texts in UTF-16 leaves them, no file may."""
    spelled = json.dumps(row, ensure_ascii=False)
    return json.loads(spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _parquet_rows(table: pq.ParquetFile) -> Iterator[Row]:
    for batch in table.iter_batches(batch_size=PARQUET_ROWS):
        try:
            rows = batch.to_pylist()
        except (ValueError, OverflowError) as error:
            raise ParseError("a text that is not UTF-8, or a time out of range") from error
        yield from rows
