"""Reads rows of the input's tables on a worker, column by column."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moderation.distributed.addresses import Place, digest_file, open_file, reaching
from moderation.distributed.columns import ColumnReader
from moderation.distributed.partitions import Piece
from moderation.errors import OutputError, ParseError
from moderation.parsers import find_time_in_name
from moderation.parsers.columns import find_columns, show_names

BATCH = 8192
"""Rows read at a time: memory is bounded by them, however large a part is."""
BATCH_BYTES = 8 << 20
"""
What they may take as the table's footer tells it: fewer rows are read where texts are long. Scoring
one text of 24 MB took 2.2 GB.
"""


@dataclass(frozen=True)
class Layout:
    """How all tables of an input are read."""

    names: tuple[str, ...] = field(repr=False)
    """The columns that each of them has."""
    kept: pa.Schema = field(repr=False)
    """Of the rows as they are read: fields of comments, then columns of the tables."""
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    """From a comment's field to the column, where that is named unusually."""


def read_piece(
    layout: Layout, source: Place, path: str, piece: Piece, left_out: Counter[str]
) -> Iterator[list[pa.Array]]:
    """
    Yield the columns of some rows of a table, batch by batch, as local reading gives them.

    Raises:
        SourceError: the table cannot be read.
        ParseError: it is damaged, or other than the input's first table.

    """
    name = source.show(path)
    try:
        with reaching_table(name), open_file(source, path) as stream:
            table = pq.ParquetFile(stream, pre_buffer=False)
            check_names(table.schema_arrow.names, layout.names)
            columns = find_columns(table.schema_arrow.names, given=layout.given, source=name)
            captured_at = find_time_in_name(PurePosixPath(path).name)
            reader = ColumnReader(columns, layout.kept, captured_at, left_out)
            end = table.metadata.num_rows if piece.end is None else piece.end
            for first, rows in _read_rows(table, piece.begin, end):
                yield reader.read(rows, first=first + 1)
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error
    except OutputError as error:  # of another type: the table's fault, not the output's
        raise ParseError(f"{name}: {error}") from error


def is_known(source: Place, path: str, piece: Piece, known: Collection[str]) -> bool:
    """Tell whether a table that begins with this piece is among the files of some SHA-256."""
    return bool(known) and piece.begin == 0 and digest_file(source, path) in known


@contextlib.contextmanager
def reaching_table(name: str) -> Iterator[None]:
    """Say of a table that it is damaged, or why the file system does not give it."""
    with reaching(name):
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ParseError(
                "no Parquet, or damaged; copy it again, or make one with python -m moderation.parse"
            ) from None


def check_names(found: list[str], expected: tuple[str, ...]) -> None:
    """
    Refuse a table that has other columns than the input's first one.

    Raises:
        ParseError: says which it lacks, or has beyond them.

    """
    lacking = [name for name in expected if name not in found]
    beyond = [name for name in found if name not in expected]
    if lacking or beyond:
        what = f"lacks {show_names(lacking)}" if lacking else f"has {show_names(beyond)} beyond"
        raise ParseError(f"{what}, unlike the first table; all have the same columns: write it so")


def _read_rows(table: pq.ParquetFile, begin: int, end: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield rows `[begin, end)` batch by batch, with the place of the first of each."""
    groups, skipped, at = [], 0, 0
    for number in range(table.metadata.num_row_groups):
        size = table.metadata.row_group(number).num_rows
        if at + size <= begin:
            skipped += size
        elif at < end:
            groups.append(number)
        at += size
    if at < end:
        raise ParseError("has fewer rows than when the work was planned; run the command again")
    at = skipped
    for batch in table.iter_batches(batch_size=_find_batch(table), row_groups=groups):
        low, high = max(begin - at, 0), min(end - at, len(batch))
        if low < high:
            yield at + low, batch.slice(low, high - low)
        at += len(batch)
        if at >= end:
            return


def _find_batch(table: pq.ParquetFile) -> int:
    """Return how many rows of a table are read at a time."""
    footer = table.metadata
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    longest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(BATCH, int(BATCH_BYTES // max(longest, 1))))


def has_words(texts: pa.Array) -> pa.Array:
    """Return which texts have something to score, (n,)."""
    return pc.not_equal(pc.utf8_trim(texts, _spaces()), "").fill_null(False)


@cache
def _spaces() -> str:
    """Return what Python takes for white space; Arrow leaves some of it."""
    return "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
