"""What a worker does: scores the rows of one part and puts the part in place."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from moderation.distributed.addresses import (
    digest,
    find_place,
    putting,
)
from moderation.distributed.manifest import Done
from moderation.distributed.model_on_workers import find_scorer
from moderation.distributed.partitions import Part
from moderation.distributed.reading import Layout, has_words, is_known, read_piece
from moderation.errors import ModerationError, OutputError
from moderation.frames import LANGUAGE, MODEL, SCORE, SCORE_TYPES, TEXT
from moderation.languages import detect_languages
from moderation.scorer import Scorer
from moderation.scoring import name_version

FULL = "the worker's memory is full; give more with --worker-memory, or fewer --workers"


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
    known: frozenset[str] = field(repr=False)
    """SHA-256 of the files that the model has learnt from."""
    layout: Layout
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
        return Failed(part.name, FULL, False)


def _score_part(job: Job, part: Part, paths: tuple[str, ...]) -> Done:
    scorer, source = find_scorer(job.model), find_place(job.input)
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    learnt_from: list[str] = []
    with putting(find_place(job.output), part.name) as aside:
        with pq.ParquetWriter(str(aside), job.schema, compression="zstd") as writer:
            for piece, path in zip(part.pieces, paths, strict=True):
                if is_known(source, path, piece, job.known):
                    learnt_from.append(path)
                for columns in read_piece(job.layout, source, path, piece, left_out):
                    texts = columns[job.layout.kept.get_field_index(TEXT)]
                    added = score_texts(scorer, texts, job.options)
                    batch = [*columns, *(added[name] for name in _added(job))]
                    writer.write_batch(pa.record_batch(batch, schema=job.schema))
                    counts["rows"] += len(texts)
                    counts["without words"] += added[SCORE].null_count
        sha256 = digest(aside)
    rows, without_words = counts["rows"], counts["without words"]
    return Done(part.name, rows, without_words, sha256, dict(left_out), learnt_from)


def _added(job: Job) -> list[str]:
    return list(job.schema.names[len(job.layout.kept) :])


def score_texts(scorer: Scorer, texts: pa.Array, options: Options) -> dict[str, pa.Array]:
    """Return the columns that scoring adds, (n,) each; null where there are no words to score."""
    worded = texts.filter(has_words(texts))
    chosen = has_words(texts).to_numpy(zero_copy_only=False)
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
