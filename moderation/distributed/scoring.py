"""What a worker does: scores the rows of one part and puts the part in place."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moderation.distributed.addresses import (
    Place,
    digest,
    find_place,
    open_file,
    putting,
    reaching,
)
from moderation.distributed.columns import ColumnReader
from moderation.distributed.manifest import Done
from moderation.distributed.model_on_workers import find_scorer
from moderation.distributed.partitions import Part, Piece
from moderation.errors import ModerationError, OutputError, ParseError
from moderation.frames import LANGUAGE, MODEL, SCORE, SCORE_TYPES, TEXT
from moderation.languages import detect_languages
from moderation.parsers import find_time_in_name
from moderation.parsers.columns import find_columns, show_names
from moderation.scorer import Scorer
from moderation.scoring import name_version

BATCH = 8192
"""Rows scored at a time: memory is bounded by them, however large a part is."""


@dataclass(frozen=True)
class Options:
    """What the command was asked for; parts of two are not to be mixed."""

    base_rate: float | None = None
    attributes: bool = False
    languages: bool = False


@dataclass(frozen=True)
class Job:
    """What all tasks of a run share; it travels with each, and shows no address."""

    input: str = field(repr=False)
    output: str = field(repr=False)
    model: str
    options: Options
    names: tuple[str, ...] = field(repr=False)
    """The columns that every table of the input has."""
    kept: pa.Schema = field(repr=False)
    """The input's columns in the output."""
    schema: pa.Schema = field(repr=False)
    """All columns of the output."""


@dataclass(frozen=True)
class Failed:
    """Why a part could not be done, in one line."""

    name: str
    reason: str
    is_final: bool
    """Whether the others would fail the same way: the output cannot be written."""


def score_part(job: Job, part: Part, paths: tuple[str, ...]) -> Done | Failed:
    """
    Score a part; `paths` are those of its pieces.

    What is wrong with the input or output is returned and not raised: workers log what they raise.
    """
    try:
        return _score_part(job, part, paths)
    except ModerationError as error:
        return Failed(part.name, str(error), isinstance(error, OutputError))
    except MemoryError:
        reason = "the worker's memory is full; give more with --worker-memory, or fewer --workers"
        return Failed(part.name, reason, False)


def _score_part(job: Job, part: Part, paths: tuple[str, ...]) -> Done:
    scorer, source = find_scorer(job.model), find_place(job.input)
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    with putting(find_place(job.output), part.name) as aside:
        with pq.ParquetWriter(str(aside), job.schema, compression="zstd") as writer:
            for piece, path in zip(part.pieces, paths, strict=True):
                for columns in read_piece(job, source, path, piece, left_out):
                    texts = columns[job.kept.get_field_index(TEXT)]
                    added = score_texts(scorer, texts, job.options)
                    batch = [*columns, *(added[name] for name in _added(job))]
                    writer.write_batch(pa.record_batch(batch, schema=job.schema))
                    counts["rows"] += len(texts)
                    counts["without words"] += added[SCORE].null_count
        sha256 = digest(aside)
    return Done(part.name, counts["rows"], counts["without words"], sha256, dict(left_out))


def _added(job: Job) -> list[str]:
    return list(job.schema.names[len(job.kept) :])


def read_piece(
    job: Job, source: Place, path: str, piece: Piece, left_out: Counter[str]
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
            check_names(table.schema_arrow.names, job.names)
            columns = find_columns(table.schema_arrow.names, given={}, source=name)
            captured_at = find_time_in_name(PurePosixPath(path).name)
            reader = ColumnReader(columns, job.kept, captured_at, left_out)
            end = table.metadata.num_rows if piece.end is None else piece.end
            for first, rows in _read_rows(table, piece.begin, end):
                yield reader.read(rows, first=first + 1)
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error
    except OutputError as error:  # of another type: the table's fault, not the output's
        raise ParseError(f"{name}: {error}") from error


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
    for batch in table.iter_batches(batch_size=BATCH, row_groups=groups):
        low, high = max(begin - at, 0), min(end - at, len(batch))
        if low < high:
            yield at + low, batch.slice(low, high - low)
        at += len(batch)
        if at >= end:
            return


def score_texts(scorer: Scorer, texts: pa.Array, options: Options) -> dict[str, pa.Array]:
    """Return the columns that scoring adds, (n,) each; null where there are no words to score."""
    has_words = pc.not_equal(pc.utf8_trim(texts, _spaces()), "").fill_null(False)
    worded = texts.filter(has_words)
    chosen = has_words.to_numpy(zero_copy_only=False)
    places = pa.array(np.cumsum(chosen) - 1, mask=~chosen)

    def spread(values: Any, kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(places)

    number = SCORE_TYPES[SCORE]
    scores = scorer.score(worded, threads=1, base_rate=options.base_rate)
    version = pa.scalar(name_version(scorer, options.base_rate), SCORE_TYPES[MODEL])
    added = {SCORE: spread(scores, number), MODEL: pa.repeat(version, len(texts))}
    if options.attributes:
        each = scorer.score_attributes(worded, threads=1)
        added.update((name, spread(found, number)) for name, found in each.items())
    if options.languages:
        added[LANGUAGE] = spread(detect_languages(worded.to_pylist()), SCORE_TYPES[LANGUAGE])
    return added


@cache
def _spaces() -> str:
    """Return what Python takes for white space; Arrow leaves some of it."""
    return "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
