"""The one table schema: column names, Arrow types, comments to rows and files."""

import contextlib
import csv
import gzip
import io
import itertools
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from moderation.comments import Comment
from moderation.errors import OutputError

ID = "id"
TEXT = "text"
STATUS = "status"
PARENT_ID = "parent_id"
ARTICLE_ID = "article_id"
LABEL = "label"
SOURCE = "source"
SCORE = "score"
MODEL = "model"
LANGUAGE = "language"
SCORE_TYPES = {SCORE: pa.float64(), MODEL: pa.string(), LANGUAGE: pa.string()}

_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        (ID, pa.string()),
        (PARENT_ID, pa.string()),
        ("number", pa.int64()),
        (ARTICLE_ID, pa.string()),
        ("article_title", pa.string()),
        ("author", pa.string()),
        ("created_at", _TIME),
        ("captured_at", _TIME),
        (TEXT, pa.string()),
        ("positive_votes", pa.int64()),
        ("negative_votes", pa.int64()),
        ("rating", pa.int64()),
        (STATUS, pa.string()),
        ("removal_reason", pa.string()),
        ("highlighted", pa.bool_()),
        (LABEL, pa.int64()),
        (SOURCE, pa.string()),
    ]
)
"""The columns of a table of comments, in order; further ones of a source follow them."""

BATCH_ROWS = 2048

# What turns the direction of all that follows, and what ends a line for some.
_MISLEADING = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x85]")

Row = dict[str, Any]
T = TypeVar("T")


def to_rows(comments: Iterable[Comment], *, extra: Sequence[str] = ()) -> Iterator[Row]:
    """Yield each comment as a mapping in the order of the schema, then the extra columns."""
    further = [name for name in extra if name not in SCHEMA.names]
    for comment in comments:
        row: Row = {name: getattr(comment, name) for name in SCHEMA.names}
        row[STATUS] = None if comment.status is None else str(comment.status)
        row.update((name, comment.extra.get(name)) for name in further)
        yield row


class RowWriter(Protocol):
    """Writes rows to an open binary file."""

    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


def write_rows(
    rows: Iterable[Row],
    path: Path | str,
    *,
    columns: Sequence[str] = SCHEMA.names,
    attributes: Sequence[str] = (),
    types: Mapping[str, pa.DataType] | None = None,
) -> int:
    """
    Write rows as Parquet, CSV or JSON Lines by the path's ending and return their number.

    All rows have the same keys; `columns` names them where there is no row, `attributes` those
    among them that hold scores, and `types` says what further ones hold. The file appears whole or
    not at all, and replaces what was there.
    "-" is standard output, as JSON Lines.

    Raises:
        OutputError: the ending is not known, or the file cannot be written.

    """
    types = {**SCORE_TYPES, **dict.fromkeys(attributes, SCORE_TYPES[SCORE]), **(types or {})}
    if str(path) == "-":
        return _write(rows, JsonLinesWriter, sys.stdout.buffer, columns, types)
    path = Path(path)
    open_writer = find_writer(path)
    with replacing(path) as stream:
        if path.suffix.lower() == ".gz":
            # No time and no name in the header: the same rows give the same bytes.
            with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
                return _write(rows, open_writer, packed, columns, types)
        return _write(rows, open_writer, stream, columns, types)


def find_writer(path: Path) -> Callable[[Any, pa.Schema], RowWriter]:
    """Return what writes the format that a path's ending names."""
    for ending, writer in WRITERS.items():
        if path.name.lower().endswith(ending):
            return writer
    raise OutputError(f"{path}: unknown ending; expected one of {', '.join(WRITERS)}")


def find_schema(
    rows: Sequence[Row],
    columns: Sequence[str] = SCHEMA.names,
    types: Mapping[str, pa.DataType] = SCORE_TYPES,
) -> pa.Schema:
    """
    Return the schema of rows: known columns as `SCHEMA` has them, others by their values.

    `types` are those of further columns, where the values are of them: a table of somebody else's
    may use such a name for something else.
    """
    return pa.schema(
        [
            (name, _find_type(name, [row[name] for row in rows], types))
            for name in (rows[0] if rows else columns)
        ]
    )


def _find_type(name: str, values: list[Any], types: Mapping[str, pa.DataType]) -> pa.DataType:
    if name in SCHEMA.names:
        return SCHEMA.field(name).type
    if name not in types:
        return _infer(values)
    try:
        return to_column(values, pa.field(name, types[name])).type
    except OutputError:
        return _infer(values)


def _infer(values: list[Any]) -> pa.DataType:
    """Return the type of a column; mixed and nested values, whose keys may vary, become text."""
    try:
        found = pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return pa.string()
    return pa.string() if pa.types.is_null(found) or pa.types.is_nested(found) else found


class ParquetWriter:
    """Rows as Parquet."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd")

    def write(self, rows: list[Row]) -> None:
        columns = [to_column([row[field.name] for row in rows], field) for field in self._schema]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class CsvWriter:
    """Rows as CSV in UTF-8: texts in quotation marks, numbers without; the unknown is empty."""

    def __init__(self, stream: Any, schema: pa.Schema) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
        # Python 3.11 quotes a value for a line end in it only where the writer ends lines so.
        self._writer = csv.writer(
            _LineFeeds(self._text), lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC
        )
        self._writer.writerow(schema.names)

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            self._writer.writerow(
                [_UNKNOWN if value is None else _as_cell(value) for value in row.values()]
            )

    def close(self) -> None:
        self._text.detach()


class JsonLinesWriter:
    """Rows as one JSON object a line, in UTF-8."""

    def __init__(self, stream: Any, schema: pa.Schema) -> None:
        self._stream = stream
        self._spell = json.JSONEncoder(ensure_ascii=False, default=_as_text).encode

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            line = self._spell(row)
            # The same to whoever parses it; to whoever looks at it, words keep to their place.
            if not line.isascii():
                line = _MISLEADING.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
            self._stream.write(line.encode() + b"\n")

    def close(self) -> None:
        self._stream.flush()


WRITERS: dict[str, Callable[[Any, pa.Schema], RowWriter]] = {
    ".parquet": ParquetWriter,
    ".csv": CsvWriter,
    ".csv.gz": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".jsonl.gz": JsonLinesWriter,
}


class _Unknown:
    """Written as nothing: as what can be a number it is not put in quotation marks."""

    def __float__(self) -> float:
        return float("nan")

    def __str__(self) -> str:
        return ""


_UNKNOWN = _Unknown()


class _LineFeeds:
    """Passes on the lines of a CSV, which end in CR LF, with LF alone."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        self._stream.write(line[:-2] + "\n")


def to_column(values: list[Any], field: pa.Field) -> pa.Array:
    """
    Return values as a column of a field's type; whatever goes into a column of text is spelled.

    Scores may be spelled: in CSV they are.

    Raises:
        OutputError: a value is not of the type.

    """
    spelled = pa.types.is_floating(field.type) and any(isinstance(v, str) for v in values)
    if spelled or pa.types.is_string(field.type):
        values = [v if v is None or isinstance(v, str) else str(_as_cell(v)) for v in values]
    try:
        if spelled:
            return pa.array([value or None for value in values], pa.string()).cast(field.type)
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError) as error:  # whose words may be those of a comment
        raise OutputError(
            f"a value of column {field.name!r} is no {field.type}, as those before were; "
            "write CSV or JSON Lines, which have no types"
        ) from error


def _as_cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_as_text)
    return _as_text(value) if isinstance(value, datetime | bytes) else value


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def check_output(path: Path | str, *, inputs: Iterable[Path | str] = ()) -> None:
    """
    Refuse an output that cannot be written, before the work and not after it.

    Raises:
        OutputError: its folder is missing or closed to us, or it is one of the inputs.

    """
    if str(path) == "-":
        return
    path = Path(path)
    if any(str(given) != "-" and Path(given).resolve() == path.resolve() for given in inputs):
        raise OutputError(f"{path}: is an input, too; name another output, to keep it")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot be written: there is no folder {path.parent}; make it")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: cannot be written: no permission in the folder {path.parent}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when all went well."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to `size` items, reading no further than the one being filled."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _write(
    rows: Iterable[Row],
    open_writer: Callable[[Any, pa.Schema], RowWriter],
    stream: Any,
    columns: Sequence[str],
    types: Mapping[str, pa.DataType],
) -> int:
    batches = batched(rows, BATCH_ROWS)
    first = next(batches, [])
    written = 0
    with contextlib.closing(open_writer(stream, find_schema(first, columns, types))) as writer:
        for batch in itertools.chain([first], batches):
            writer.write(batch)
            written += len(batch)
    return written
