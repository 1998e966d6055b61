"""Scores a dataset on a cluster, part by part, and goes on where another run was cut off."""

import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, Future

from moderation.artifacts import Manifest as ModelManifest
from moderation.artifacts import load_model
from moderation.artifacts import read_manifest as read_model_manifest
from moderation.distributed.addresses import (
    Place,
    find_place,
    find_tables,
    open_file,
    prepare_folder,
)
from moderation.distributed.manifest import (
    Done,
    Manifest,
    go_on,
    read_manifest,
    write_manifest,
)
from moderation.distributed.model_on_workers import sending_model
from moderation.distributed.partitions import PART_ROWS, Part, cut_parts, read_footers
from moderation.distributed.reading import Layout, reaching_table
from moderation.distributed.scoring import Failed, Job, Options, score_part
from moderation.distributed.tasks import Died, Submit, Tasks, Watch
from moderation.errors import DataError, OutputError, ParseError
from moderation.frames import BATCH_ROWS, SCHEMA, SCORE, SCORE_TYPES, find_schema, to_rows
from moderation.parsers.columns import find_columns
from moderation.parsers.notes import Notes
from moderation.scoring import name_added

SAVED_EVERY = 2.0
"""Seconds between two writings of the manifest: what a killed client does twice, at most."""
SHOWN = 3
"""Failures that a message tells; all are said as they happen."""


@dataclass
class Summary:
    """What a run came to, with what earlier runs of it had done."""

    version: str
    rows: int = 0
    without_words: int = 0
    kept_parts: int = 0
    """Parts that an earlier run had done."""
    replaced: tuple[str, ...] = ()
    """Columns of the input that scores took the place of."""
    left_out: Counter[str] = field(default_factory=Counter)
    learnt_from: list[str] = field(default_factory=list)
    """Tables that the model has learnt from."""


def score_dataset(
    opened: AbstractContextManager[Client],
    model: Path,
    source: str,
    output: str,
    *,
    options: Options,
    watch: Watch,
    part_rows: int | None = None,
) -> Summary:
    """
    Score Parquet tables into a folder of parts; a run that was cut off is continued.

    The cluster is opened once the input has been looked at, where parts wait. `source` and
    `output` are paths or fsspec addresses. Parts have up to so many rows; those of a
    run that is continued stay as they were cut.

    Raises:
        ModelError: the model is not to be used, here or on a worker.
        SourceError: the input cannot be read.
        OutputError: the output cannot be written, or holds parts that are not to be mixed.
        DataError: some parts could not be done; the others are in place.
        ClusterError: the cluster was lost.

    """
    scorer, about = load_model(model), read_model_manifest(model)
    origin, target = find_place(source), find_place(output)
    if origin.holds(target):
        raise OutputError(f"{target.show()}: lies in the input; name a folder elsewhere")
    tables = read_footers(origin, find_tables(origin))
    known = scorer.attributes if options.attributes else ()
    job, replaced = _plan_job(origin, target, tables[0].path, about, options, known)
    manifest = Manifest(
        model=job.model,
        options=asdict(options),
        columns=[(column.name, str(column.type)) for column in job.schema],
        tables=tables,
        parts=cut_parts(tables, rows=part_rows or PART_ROWS),
        part_rows=part_rows or PART_ROWS,
    )
    prepare_folder(target)
    before = read_manifest(target)
    if before is not None:
        manifest = go_on(before, manifest, name=target.show())
        if part_rows not in (None, manifest.part_rows):
            watch.say(
                f"{target.show()}: goes on with its {len(manifest.parts)} parts as they were cut; "
                f"--part-rows {part_rows} is for a new folder"
            )
    write_manifest(target, manifest)
    kept = len(manifest.done)
    failed = _run(opened, job, manifest, target, model, watch)
    _check(failed, manifest, target)
    summary = Summary(scorer.version, kept_parts=kept, replaced=replaced)
    for done in manifest.done.values():
        summary.rows += done.rows
        summary.without_words += done.without_words
        summary.left_out.update(done.left_out)
        summary.learnt_from.extend(map(origin.show, done.learnt_from))
    return summary


def _plan_job(
    origin: Place,
    target: Place,
    path: str,
    about: ModelManifest,
    options: Options,
    attributes: tuple[str, ...],
) -> tuple[Job, tuple[str, ...]]:
    """Return what all tasks share, and the input's columns that scores take the place of."""
    name = origin.show(path)
    try:
        with reaching_table(name), open_file(origin, path) as stream:
            table = pq.ParquetFile(stream, pre_buffer=False)
            names = table.schema_arrow.names
            columns = find_columns(names, given={}, source=name)
            added = name_added(attributes, languages=options.languages)
            extra = [column for column in columns.extra if column not in added]
            first = next(table.iter_batches(batch_size=BATCH_ROWS), None)
            rows = [] if first is None else first.to_pylist()
            notes = Notes()
            comments = [
                columns.comment(row, number=number, source="parquet", notes=notes)
                for number, row in enumerate(rows, 1)
            ]
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error
    kept = find_schema(list(to_rows(comments, extra=extra)), [*SCHEMA.names, *extra])
    types = {**dict.fromkeys(attributes, SCORE_TYPES[SCORE]), **SCORE_TYPES}
    schema = pa.schema([*kept, *((name, types[name]) for name in added)])
    job = Job(
        origin.address,
        target.address,
        str(about.facts["sha256"]),
        options,
        frozenset(about.training_files),
        Layout(tuple(names), kept),
        schema,
    )
    return job, tuple(sorted(set(columns.extra) - set(extra)))


def _run(
    opened: AbstractContextManager[Client],
    job: Job,
    manifest: Manifest,
    target: Place,
    model: Path,
    watch: Watch,
) -> list[Failed]:
    """Do the parts that wait, a few at a time; return those that could not be done."""
    waiting = manifest.waiting()
    watch.begin(len(waiting))
    if not waiting:
        return []
    with opened as client, sending_model(client, model, job.model):
        return _do(client, job, manifest, target, watch)


def _do(client: Client, job: Job, manifest: Manifest, target: Place, watch: Watch) -> list[Failed]:
    failed: list[Failed] = []
    saved = time.monotonic()
    tasks = Tasks(client, _submitting(client, job, manifest), manifest.waiting())
    try:
        for result in tasks.run(is_over=lambda: any(one.is_final for one in failed)):
            watch.advance()
            if isinstance(result, Died):
                result = Failed(result.name, result.reason, False)
            if isinstance(result, Failed):
                failed.append(result)
                watch.say(f"{result.name}: not done: {result.reason}")
            else:
                manifest.done[result.name] = result
            if time.monotonic() - saved > SAVED_EVERY:
                write_manifest(target, manifest)
                saved = time.monotonic()
    finally:
        write_manifest(target, manifest)
    return failed


def _submitting(client: Client, job: Job, manifest: Manifest) -> Submit:
    paths = [table.path for table in manifest.tables]

    def submit(part: Part) -> "Future[Done | Failed]":
        own = tuple(paths[piece.table] for piece in part.pieces)
        return client.submit(score_part, job, part, own, pure=False)

    return submit


def _check(failed: list[Failed], manifest: Manifest, target: Place) -> None:
    if not failed:
        return
    shown = "; ".join(f"{one.name}: {one.reason}" for one in failed[:SHOWN])
    more = f"; and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    message = (
        f"{len(manifest.waiting())} of {len(manifest.parts)} parts not done: {shown}{more}. "
        f"The others are kept in {target.show()}: mend this and run the same command again"
    )
    raise (OutputError if any(one.is_final for one in failed) else DataError)(message)
