"""Parts of Parquet files: labelled rows read on a worker, with the numbers that tell them apart."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from moderation.captures import article_key, is_capture
from moderation.comments import Comment
from moderation.datasets import fold, outcome_of, why_unlabelled
from moderation.distributed.addresses import (
    digest_file,
    find_place,
    find_tables,
    open_file,
    reaching,
)
from moderation.distributed.partitions import read_footers
from moderation.errors import DataError, ParseError
from moderation.frames import TEXT
from moderation.parsers.columns import Columns, find_columns
from moderation.parsers.notes import Notes

PART_ROWS = 10_000
"""Rows that are worked on together, at most."""
PART_BYTES = 4 << 20
"""What they may take unpacked: their features weigh twenty times as much, for a moment thrice."""
NEEDED = frozenset(
    {
        *("text", "id", "parent_id", "article_id", "article_title", "created_at"),
        *("status", "label", "source"),
    }
)
ARTICLE, PLACE = "article", "place"

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class File:
    """A Parquet file in a place that workers reach, too; what it is called shows no secret."""

    address: str = field(repr=False)
    """Of the place."""
    path: str
    rows: int
    unpacked: int
    """Bytes that its columns take when they are read."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return find_place(self.address).show(self.path)


@dataclass(frozen=True)
class Part:
    """Rows `[begin, end)` of a Parquet file; `given` maps fields to columns named unusually."""

    number: int
    file: File
    begin: int
    end: int
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PartRows:
    """What the client knows of the labelled rows (m,) of a part: numbers, never words."""

    read: int
    labels: NDArray[np.int8]
    texts: Hashes
    """The same for copies of a text."""
    articles: Hashes
    """0 without an article."""
    places: Hashes
    """Of the row itself among all."""
    replies: int
    """How many answer another comment and tell no article."""
    answers: int
    """How many answer another comment."""
    captures: int
    """How many are captures of pages, whose outcome only other captures tell."""
    left_out: Counter[str]
    not_read: Counter[str]
    newest: datetime | None


def find_tables_of(addresses: Sequence[str]) -> list[File]:
    """
    Return the Parquet files that paths, folders and fsspec addresses name, in order.

    Raises:
        SourceError: there is none, or a place cannot be reached.
        DataError: one is no Parquet.

    """
    files = []
    for address in addresses:
        place = find_place(address)
        for table in read_footers(place, find_tables(place)):
            if table.rows is None:
                raise DataError(
                    f"{place.show(table.path)}: no Parquet, or damaged; --engine dask learns from "
                    "Parquet files and folders of them: write it with python -m moderation.parse"
                )
            files.append(File(address, table.path, table.rows, table.unpacked))
    return files


def cut_files(
    files: Sequence[File], *, given: Mapping[str, str], rows: int = PART_ROWS
) -> list[Part]:
    """
    Cut files into parts of up to so many rows, fewer where these are long, in order.

    Raises:
        DataError: there is no row.

    """
    parts: list[Part] = []
    for file in files:
        step = min(rows, max(1, PART_BYTES * file.rows // max(file.unpacked, 1)))
        for begin in range(0, file.rows, step):
            end = min(begin + step, file.rows)
            parts.append(Part(len(parts), file, begin, end, tuple(given.items())))
    if not parts:
        raise DataError("no rows to learn from; name Parquet files or folders of them")
    return parts


def digest_table(file: File) -> str:
    """Return the SHA-256 of a file."""
    return digest_file(find_place(file.address), file.path)


def read_part(part: Part) -> tuple[pa.Table, PartRows]:
    """Return the labelled rows of a part: their words and names, and what the client may know."""
    notes = Notes()
    comments = list(_comments(part, notes))
    causes = [why_unlabelled(comment) for comment in comments]
    rows = [comment for comment, cause in zip(comments, causes, strict=True) if cause is None]
    articles = [
        article_key(comment) if comment.article_id or comment.article_title else None
        for comment in rows
    ]
    places = [f"{article_key(comment)}/{comment.id}" for comment in rows]
    texts = [str(comment.text) for comment in rows]
    known = PartRows(
        read=len(comments),
        labels=np.array([outcome_of(comment) for comment in rows], dtype=np.int8),
        texts=_hash([fold(text) for text in texts]),
        articles=_hash(articles),
        places=_hash(places),
        replies=sum(
            comment.parent_id is not None and article is None
            for comment, article in zip(rows, articles, strict=True)
        ),
        answers=sum(comment.parent_id is not None for comment in rows),
        captures=sum(is_capture(comment) and comment.label is None for comment in comments),
        left_out=Counter(cause for cause in causes if cause is not None),
        not_read=notes.left_out,
        newest=max((c.created_at for c in comments if c.created_at), default=None),
    )
    columns = {TEXT: texts, ARTICLE: articles, PLACE: places}
    return pa.table({name: pa.array(held, pa.string()) for name, held in columns.items()}), known


def _comments(part: Part, notes: Notes) -> Iterator[Comment]:
    name = part.file.name
    where = f"{name}, rows {part.begin + 1} to {part.end}"
    try:
        with reaching(where), open_file(find_place(part.file.address), part.file.path) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False)
            found = find_columns(file.schema_arrow.names, given=dict(part.given), source=name)
            columns = _needed(found)
            rows = _slice(file, part, list(columns.by_field.values())).to_pylist()
    except ParseError as error:
        raise DataError(f"{name}: {error}") from error
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{where}: damaged; write or copy the file again") from error
    try:
        for number, row in enumerate(rows, part.begin + 1):
            yield columns.comment(row, number=number, source="parquet", notes=notes)
    except ParseError as error:
        raise DataError(f"{name}: {error}") from error


def _needed(columns: Columns) -> Columns:
    by_field = {field: name for field, name in columns.by_field.items() if field in NEEDED}
    return replace(columns, by_field=by_field, extra=(), hidden=())


def _slice(file: pq.ParquetFile, part: Part, columns: list[str]) -> pa.Table:
    """Return rows of a file, decoding the row groups only that hold some of them."""
    groups, first, at = [], None, 0
    for number in range(file.num_row_groups):
        size = file.metadata.row_group(number).num_rows
        if at < part.end and at + size > part.begin:
            groups.append(number)
            first = at if first is None else first
        at += size
    table = file.read_row_groups(groups, columns=columns)
    return table.slice(part.begin - (first or 0), part.end - part.begin)


def _hash(values: Sequence[str | None]) -> Hashes:
    """Return 64 bits of each value, 0 for None: of 10^8 texts, two collide once in 4,000 times."""
    digests = (
        bytes(8)
        if value is None
        else hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for value in values
    )
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
