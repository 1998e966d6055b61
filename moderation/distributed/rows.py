"""Parts of Parquet files: labelled rows read on a worker, with the numbers that tell them apart."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from moderation.captures import article_key
from moderation.comments import Comment
from moderation.datasets import fold, outcome_of, why_unlabelled
from moderation.errors import DataError, ParseError
from moderation.frames import TEXT
from moderation.parsers.columns import Columns, find_columns
from moderation.parsers.notes import Notes

PART_ROWS = 10_000
"""Rows that are worked on together: small enough for a worker of 500 MB, whatever they hold."""
NEEDED = frozenset(
    {"text", "id", "parent_id", "article_id", "article_title", "created_at", "status", "label"}
)
ARTICLE, PLACE = "article", "place"

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Part:
    """Rows `[begin, end)` of a Parquet file; `given` maps fields to columns named unusually."""

    number: int
    path: str
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
    left_out: Counter[str]
    not_read: Counter[str]
    newest: datetime | None


def find_parts(
    paths: Sequence[Path], *, given: Mapping[str, str], rows: int = PART_ROWS
) -> list[Part]:
    """
    Cut Parquet files into parts of up to so many rows, in order.

    Raises:
        DataError: a file is no Parquet, or there is none.
        ParseError: a file has no text column.

    """
    parts: list[Part] = []
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                number, names = file.metadata.num_rows, file.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path}: no Parquet, or damaged; --engine dask learns from Parquet files and "
                "folders of them: write it with python -m moderation.parse"
            ) from error
        find_columns(names, given=given, source=path.name)
        for begin in range(0, number, rows):
            end = min(begin + rows, number)
            parts.append(Part(len(parts), str(path.resolve()), begin, end, tuple(given.items())))
    if not parts:
        raise DataError("no rows to learn from; name Parquet files or folders of them")
    return parts


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
        left_out=Counter(cause for cause in causes if cause is not None),
        not_read=notes.left_out,
        newest=max((c.created_at for c in comments if c.created_at), default=None),
    )
    columns = {TEXT: texts, ARTICLE: articles, PLACE: places}
    return pa.table({name: pa.array(held, pa.string()) for name, held in columns.items()}), known


def _comments(part: Part, notes: Notes) -> Iterator[Comment]:
    path = Path(part.path)
    try:
        with pq.ParquetFile(path) as file:
            found = find_columns(file.schema_arrow.names, given=dict(part.given), source=path.name)
            columns = _needed(found)
            table = _slice(file, part, list(columns.by_field.values()))
            rows = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path.name}, rows {part.begin + 1} to {part.end}: damaged, or no longer there; "
            "write or copy the file again"
        ) from error
    try:
        for number, row in enumerate(rows, part.begin + 1):
            yield columns.comment(row, number=number, source="parquet", notes=notes)
    except ParseError as error:
        raise DataError(f"{path.name}: {error}") from error


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
