"""Takes the sample that a model is measured on from tables that the workers of a cluster read."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from distributed import Client, Future

from moderation.artifacts import read_manifest
from moderation.comments import Comment
from moderation.datasets import MIN_ARTICLES, GatherReport, gather
from moderation.distributed.addresses import Place, find_place, find_tables, open_file
from moderation.distributed.measuring import NO_ROWS, Bits, Rows, Task, Told, tell_part
from moderation.distributed.model_on_workers import sending_model
from moderation.distributed.partitions import PART_ROWS, Part, Table, cut_parts, read_footers
from moderation.distributed.places import find_tops
from moderation.distributed.reading import Layout, reaching_table
from moderation.distributed.scoring import Failed
from moderation.distributed.tasks import Died, Submit, Tasks, Watch
from moderation.errors import ClusterError, DataError
from moderation.fairness import IDENTITIES, Booleans
from moderation.frames import SCHEMA
from moderation.metrics import Integers
from moderation.parsers import find_files
from moderation.parsers.columns import find_columns
from moderation.parsers.sources import printable
from moderation.samples import CAPTURES, Sample
from moderation.samples import Part as Measured

FEWEST_ROWS = 10_000
"""Rows of a part where there are few for each worker: fewer cost more to give than to do."""
PARTS_EACH = 4
"""Parts for each thread, at least: that none waits long for the last one."""


@dataclass
class Gathered:
    """What the workers told of some tables, in the order of their rows."""

    name: str
    told: list[Told]
    other_files: int
    """Files of the folder that local reading would take, and that are no Parquet."""

    @property
    def learnt_from(self) -> bool:
        return any(one.learnt_from for one in self.told)

    @property
    def captures(self) -> list[Comment]:
        return [comment for one in self.told for comment in one.captures]

    @property
    def has_rows(self) -> bool:
        """Tell whether there is more than captures of pages, or nothing at all."""
        return not self.captures or any(len(rows.places) for rows in _rows(self))

    def lines(self) -> Iterator[str]:
        """Yield what was read and what was not."""
        yield f"parquet, {sum(one.read for one in self.told)} comments"
        not_read: Counter[str] = sum((one.not_read for one in self.told), Counter())
        for cause, number in sorted(not_read.items()):
            yield f"not read: {number} {cause}"
        if self.other_files:
            yield (
                f"not read: {self.other_files} files that are no Parquet; make it with "
                "python -m moderation.parse INPUT -o FILE.parquet"
            )


def take_parts(
    opened: AbstractContextManager[Client],
    model: Path,
    sources: Iterable[str],
    *,
    watch: Watch,
    given: Mapping[str, str] | None = None,
) -> list[Measured]:
    """
    Return the comments of each source, then the captures of pages of all, as local reading does.

    The cluster is opened once all inputs have been looked at. The client holds some 50 bytes of
    each labelled comment and 16 of each other one, and captures of pages as they are, but for their
    words. `given` maps fields to columns named unusually.

    Raises:
        ModelError: the model is not to be used, here or on a worker.
        SourceError: an input cannot be read.
        DataError: a table is damaged, or other than the first one of its input.
        ClusterError: the cluster was lost, or its workers die of a part.

    """
    manifest = read_manifest(model)
    sha256, known = str(manifest.facts["sha256"]), manifest.training_files
    inputs = [_look_at(source, given or {}) for source in sources]
    gathered = []
    with opened as client, sending_model(client, model, sha256):
        for one_input in inputs:
            one = _gather(client, one_input, sha256, known, watch)
            for line in one.lines():
                watch.say(f"{one.name}: {line}")
            gathered.append(one)
    return [*(_measured(one) for one in gathered if one.has_rows), *_join(gathered)]


@dataclass(frozen=True)
class _Input:
    """The tables of one place."""

    place: Place
    tables: list[Table]
    layout: Layout


def _look_at(address: str, given: Mapping[str, str]) -> _Input:
    """Return what is at an address: all that can be wrong there is told before workers begin."""
    place = find_place(address)
    paths = sorted(find_tables(place), key=lambda path: PurePosixPath(path).parts)
    tables = read_footers(place, paths)
    return _Input(place, tables, _find_layout(place, paths[0], given))


def _gather(
    client: Client, source: _Input, sha256: str, known: Collection[str], watch: Watch
) -> Gathered:
    """Return what the workers tell of the tables of an input."""
    place, tables = source.place, source.tables
    paths = [table.path for table in tables]
    task = Task(place.address, sha256, source.layout, frozenset(known))
    parts = cut_parts(tables, rows=_choose_rows(tables, sum(client.nthreads().values())))
    watch.begin(len(parts))
    told: dict[str, Told] = {}
    for result in Tasks(client, _submitting(client, task, paths), parts).run():
        if isinstance(result, Failed):
            raise DataError(result.reason)
        if isinstance(result, Died):
            raise ClusterError(f"{place.show()}, rows of {result.name}: {result.reason}")
        told[result.name] = result
        watch.advance()
    in_order = [told[part.name] for part in parts]
    return Gathered(printable(place.show()), in_order, _count_others(place, paths))


def _count_others(place: Place, tables: Collection[str]) -> int:
    """Return how many files of a folder here are no tables but would be read locally."""
    if not place.is_local or place.path in tables:
        return 0
    files = find_files([Path(place.path)])
    return sum(str(file) not in tables and file.name[0] not in "._" for file in files)


def _choose_rows(tables: Iterable[Table], threads: int) -> int:
    """Return how many rows a part has: enough parts for each thread, none too small or large."""
    rows = sum(table.rows or 0 for table in tables)
    return min(PART_ROWS, max(FEWEST_ROWS, rows // max(1, PARTS_EACH * threads)))


def _find_layout(place: Place, path: str, given: Mapping[str, str]) -> Layout:
    name = place.show(path)
    with reaching_table(name), open_file(place, path) as stream:
        names = pq.ParquetFile(stream).schema_arrow.names
    find_columns(names, given=given, source=name)
    return Layout(tuple(names), SCHEMA, given)


def _submitting(client: Client, task: Task, paths: list[str]) -> Submit:
    def submit(part: Part) -> "Future[Any]":
        own = tuple(paths[piece.table] for piece in part.pieces)
        return client.submit(tell_part, task, part, own, pure=False)

    return submit


def _rows(gathered: Gathered) -> Iterator[Rows]:
    for told in gathered.told:
        yield from told.rows


def _measured(gathered: Gathered) -> Measured:
    report = GatherReport(comments=sum(one.read for one in gathered.told))
    for one in gathered.told:
        report.left_out.update(one.left_out)
    return Measured(
        gathered.name,
        join_rows([NO_ROWS, *_rows(gathered)]),
        gathered.learnt_from,
        tuple(report.lines()),
    )


def join_rows(rows: list[Rows]) -> Sample:
    """Return rows as one sample, in groups as `gather` makes them."""
    articles = np.concatenate([one.articles for one in rows])
    by_article = len(np.unique(articles[articles != 0])) >= MIN_ARTICLES
    groups = articles
    if not by_article or (articles == 0).any():
        tops = find_tops(
            np.concatenate([one.places for one in rows]),
            np.concatenate([one.parents for one in rows]),
        )[np.concatenate([one.is_labelled for one in rows])]
        groups = np.where(articles == 0, tops, articles) if by_article else tops
    return Sample(
        np.concatenate([one.labels for one in rows]).astype(np.int64),
        np.concatenate([one.scores for one in rows]),
        _number(groups),
        split_bits(np.concatenate([one.mentioned for one in rows])),
    )


def _number(groups: Any) -> Integers:
    return np.asarray(pd.factorize(groups)[0], dtype=np.int64)


def split_bits(mentioned: Bits) -> dict[str, Booleans]:
    """Return for each group of people which comments mention it, (m,)."""
    return {
        name: (mentioned >> np.uint32(place) & np.uint32(1)).astype(np.bool_)
        for place, name in enumerate(IDENTITIES)
    }


def _join(gathered: list[Gathered]) -> Iterator[Measured]:
    """Yield the captures of pages, if any, joined as `gather` does: digests stand for words."""
    sources = [one for one in gathered if one.captures]
    if not sources:
        return
    comments = [comment for one in sources for comment in one.captures]
    report = GatherReport()
    dataset = gather(comments, report)
    scored: dict[str, tuple[float, int]] = {}
    for told in (told for one in sources for told in one.told):
        scored.update(told.scored)
    pairs = [scored[digest] for digest in dataset.texts]
    sample = Sample(
        dataset.labels,
        np.array([score for score, _ in pairs], dtype=np.float64),
        dataset.groups,
        split_bits(np.array([named for _, named in pairs], dtype=np.uint32)),
    )
    learnt_from = any(one.learnt_from for one in sources)
    yield Measured(CAPTURES, sample, learnt_from, tuple(report.lines()))
