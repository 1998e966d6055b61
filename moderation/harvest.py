"""Reads many inputs onto disk, in several processes where that pays, and gives them in order."""

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

from moderation.comments import Comment, Status
from moderation.errors import ModerationError, SourceError
from moderation.frames import BATCH_ROWS, SCHEMA, STATUS, Row, batched
from moderation.parsers import Options, Reading, Unread, leave_out, read_each
from moderation.parsers.sources import spell_name

SMALL_BYTES = 1 << 22
"""Up to this much in all, other processes take longer to start than one does to read."""
_NAMES = tuple(SCHEMA.names)
_VALUES: Callable[[Comment], tuple[Any, ...]] = attrgetter(*_NAMES)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What was found in a file, or in one of an archive, or what of it was left out and why."""

    file: str
    """The file itself, or the archive."""
    format: str | None = None
    """None of what was not read."""
    comments: int = 0
    removed: int = 0
    with_text: int = 0
    columns: tuple[str, ...] = ()
    summary: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What of a file that was read was not, by cause."""
    why: str = ""
    """Why it was not read."""
    number: int = 1
    """How many files were not read for that."""
    is_failure: bool = False
    """It should have been read, and could not."""


@dataclass(frozen=True)
class Haul:
    """What one input gave; its comments lie in a file of their own until it is removed."""

    parts: tuple[Part, ...]
    spool: Path

    def rows(self, extra: Sequence[str]) -> Iterator[Row]:
        """Yield the comments in their order as `frames.to_rows` does."""
        further = [name for name in extra if name not in _NAMES]
        for values, kept in self._kept():
            row = dict(zip(_NAMES, values, strict=True))
            row[STATUS] = None if row[STATUS] is None else str(row[STATUS])
            row.update((name, kept.get(name)) for name in further)
            yield row

    def comments(self) -> Iterator[Comment]:
        """Yield the comments in their order."""
        for values, kept in self._kept():
            row = dict(zip(_NAMES, values, strict=True))
            yield Comment(**row, extra=kept)

    def _kept(self) -> Iterator[tuple[tuple[Any, ...], dict[str, object]]]:
        with self.spool.open("rb") as stream:
            while True:
                try:
                    yield from pickle.load(stream)  # which only this run could write
                except EOFError:
                    return


@dataclass(frozen=True)
class Task:
    """A file to be read, and where its comments are to be kept."""

    file: Path | str
    spool: Path
    options: Options
    is_named: bool
    """Named by the user: that it is no comments is a failure, too."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return spell_name(self.file)


def harvest(tasks: Sequence[Task], *, jobs: int) -> Iterator[Haul]:
    """
    Read inputs and yield what each gave, in their order, whoever was ready first.

    A file that cannot be read to its end gives no comments, and the others are read. Up to `jobs`
    processes read; it is one where there is little to read, or standard input is among it.
    """
    jobs = min(jobs, len(tasks))
    if jobs < 2 or any(task.file == "-" for task in tasks) or _is_small(tasks):
        yield from map(read_file, tasks)
        return
    with _processes(jobs) as pool:
        with _uninterrupted():  # a process that is just being started would end with a traceback
            waiting = [pool.submit(read_file, task) for task in tasks]
        for ready in waiting:
            try:
                yield ready.result()
            except BrokenProcessPool as error:
                raise SourceError(
                    "a process that was reading ended, perhaps for want of memory; "
                    "try again with --jobs 1"
                ) from error


def read_file(task: Task) -> Haul:
    """Read one input; its comments go to the file that the task names."""
    parts: list[Part] = []
    with task.spool.open("wb") as stream:
        try:
            for found in read_each(task.file, task.options):
                if isinstance(found, Unread):
                    parts.append(_left_out(task, found))
                else:
                    parts.append(_take(task, found, stream))
        except ModerationError as error:  # of an archive that fails nothing is kept
            stream.seek(0)
            stream.truncate()
            parts = [_fail(task, task.name, error)]
    return Haul(tuple(parts), task.spool)


def _take(task: Task, reading: Reading, stream: BinaryIO) -> Part:
    """Write the comments of a reading, or none of them where it fails."""
    begin = stream.tell()
    try:
        for batch in _batches(reading):
            pickle.dump(batch, stream, protocol=5)
    except ModerationError as error:
        stream.seek(begin)
        stream.truncate()
        return _fail(task, reading.name, error)
    return Part(
        file=task.name,
        format=reading.format,
        comments=reading.count,
        removed=reading.by_status[Status.REMOVED],
        with_text=reading.with_text,
        columns=reading.notes.columns if reading.count else (),
        summary=reading.summary(),
        left_out=dict(reading.notes.left_out),
    )


def _fail(task: Task, name: str, error: ModerationError) -> Part:
    if task.is_named and name == task.name:
        return _left_out(task, Unread(name, str(error), error=error))
    return _left_out(task, leave_out(name, error))


def _batches(reading: Reading) -> Iterator[list[tuple[tuple[Any, ...], dict[str, object]]]]:
    """Yield the comments as values in the order of the schema: objects take longer to keep."""
    for batch in batched(reading, BATCH_ROWS):
        yield [(_VALUES(comment), dict(comment.extra)) for comment in batch]


def _left_out(task: Task, unread: Unread) -> Part:
    return Part(
        file=task.name,
        why=unread.why,
        number=unread.number,
        is_failure=unread.error is not None,
    )


def _is_small(tasks: Sequence[Task]) -> bool:
    sizes = (os.path.getsize(task.file) for task in tasks if os.path.isfile(task.file))
    return sum(sizes) <= SMALL_BYTES


@contextmanager
def _processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that end with the block, also in the middle of their work."""
    pool = ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_ctrl_c
    )
    others = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C have its effect after the block."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _leave_ctrl_c() -> None:
    """Ctrl-C is for the first process to answer, which ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
