"""Cuts tables into parts: too large ones are split, too small ones joined."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from moderation.distributed.addresses import Place, measure, open_file
from moderation.threads import work_on

PART_ROWS = 250_000
"""
Rows of a part where nothing else is asked for: what a killed worker or client loses, at most.

A row group larger than a part is read once more for each further part, up to where that begins:
at 300 characters a comment a quarter of a million rows costs little, ten thousand would cost a lot.
"""
FOOTERS_AT_ONCE = 16


@dataclass(frozen=True)
class Table:
    """A Parquet file as its footer tells it; `groups` is None where that cannot be read."""

    path: str
    size: int
    groups: tuple[int, ...] | None
    """Rows of each row group."""
    unpacked: int = 0
    """Bytes that all columns take when they are read."""

    @property
    def rows(self) -> int | None:
        return None if self.groups is None else sum(self.groups)


@dataclass(frozen=True)
class Piece:
    """Rows `[begin, end)` of a table, by its place in the input; to its end where that is None."""

    table: int
    begin: int
    end: int | None


@dataclass(frozen=True)
class Part:
    """Pieces that one task scores and one file of the output holds."""

    name: str
    pieces: tuple[Piece, ...]


def read_footers(place: Place, paths: Sequence[str]) -> list[Table]:
    """Return what the footers of Parquet files say; one that is damaged says nothing."""

    def read(path: str) -> Table:
        size = measure(place, path)
        try:
            with open_file(place, path) as stream:
                footer = pq.ParquetFile(stream).metadata
                groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
        except (pa.ArrowException, OSError):  # its task says what is wrong, the others go on
            return Table(path, size, None)
        unpacked = sum(group.total_byte_size for group in groups)
        return Table(path, size, tuple(group.num_rows for group in groups), unpacked)

    return list(work_on(read, paths, threads=FOOTERS_AT_ONCE))


def cut_parts(tables: Sequence[Table], *, rows: int = PART_ROWS) -> list[Part]:
    """
    Return parts of up to so many rows, whole row groups where these are no larger.

    Every table is in a part, even one without rows: its columns are checked there.

    >>> [part.pieces for part in cut_parts([Table("a", 9, (5, 2)), Table("b", 9, (1,))], rows=3)]
    ... # doctest: +NORMALIZE_WHITESPACE
    [(Piece(table=0, begin=0, end=2),), (Piece(table=0, begin=2, end=5),),
     (Piece(table=0, begin=5, end=7), Piece(table=1, begin=0, end=1))]
    """
    parts: list[list[Piece]] = []
    held = rows  # of the part being filled: none is yet
    for piece in _cut_tables(tables, rows):
        size = rows if piece.end is None else piece.end - piece.begin
        if not parts or held + size > rows:
            parts.append([])
            held = 0
        _join(parts[-1], piece)
        held += size
    return [Part(f"part-{n:05d}.parquet", tuple(pieces)) for n, pieces in enumerate(parts)]


def cut_again(parts: Iterable[Part], table: int, rows: int | None) -> list[Part]:
    """Return the same parts where a table of the input has another number of rows now."""
    parts = list(parts)
    number = sum(piece.table == table for part in parts for piece in part.pieces)
    borders = [(rows or 0) * n // number for n in range(number + 1)]
    ranges = iter(pairwise(borders) if rows is not None else [(0, None)] * number)
    return [
        Part(
            part.name,
            tuple(
                Piece(table, *next(ranges)) if piece.table == table else piece
                for piece in part.pieces
            ),
        )
        for part in parts
    ]


def _cut_tables(tables: Sequence[Table], rows: int) -> Iterator[Piece]:
    for number, table in enumerate(tables):
        if not table.rows:
            yield Piece(number, 0, table.rows)
            continue
        begin = 0
        for group in table.groups or ():
            pieces = -(-group // rows)
            for n in range(pieces):
                yield Piece(number, begin + group * n // pieces, begin + group * (n + 1) // pieces)
            begin += group


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece to others; one that goes on where the last ends becomes one with it."""
    if pieces and pieces[-1].table == piece.table and pieces[-1].end == piece.begin:
        piece = Piece(piece.table, pieces.pop().begin, piece.end)
    pieces.append(piece)
