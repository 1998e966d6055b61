"""Training that the desk starts: one at a time, apart from it, with progress and an end to read.

Beside a model's releases, `training.json` says how far the last training is or how it ended,
`training.log` what it printed, and `training.lock` is held by the process that trains, however it
was started. Who starts it takes the lock and hands it over, so that nobody comes between.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from moderation.errors import ModelError, ModerationError, OutputError, SourceError
from moderation.locks import hold, inherits, is_held
from moderation.parsers import find_files
from moderation.releases import folder_of
from moderation.settings import Settings, as_environment

Item = TypeVar("Item")

STEPS: Final = {
    "starting": ("Starting", 0.0),
    "reading": ("Reading comments and decisions", 0.05),
    "learning words": ("Learning words", 0.15),
    "choosing C": ("Choosing how far to trust single words", 0.3),
    "saving": ("Measuring, and drawing the card", 0.9),
}
"""What training does, in words, and the share of its time that is over when it begins with it."""
SELDOM: Final = 0.2
"""Seconds between two reports within a step."""
PATIENCE: Final = 10.0
"""Seconds to wait for a training that was told to end."""
NICENESS: Final = 10
"""By how much training steps back where the desk wants the processor, too."""
BUSY: Final = (
    "a model is being trained already; wait until it is done, or cancel it on the model page"
)


class State(StrEnum):
    """How a training is, or how it ended."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its process ended without a word."""


@dataclass(frozen=True)
class Run:
    """A training."""

    state: State
    by: str
    started_at: datetime
    step: str = "starting"
    done: int = 0
    of: int = 0
    """Within the step; 0 where it does not count."""
    outcome: str = ""
    """What came of it, or why nothing did."""
    pid: int | None = None
    """Of the process that trains; None until it has begun."""

    @property
    def share(self) -> float:
        """How much of the work is done, about."""
        begins = [begin for _, begin in STEPS.values()]
        begin = STEPS[self.step][1]
        end = min((later for later in begins if later > begin), default=1.0)
        done = self.done / self.of if self.of else 0.0
        return begin * (1 - done) + end * done

    @property
    def doing(self) -> str:
        """What it is doing, in words."""
        words = STEPS[self.step][0]
        return f"{words}: {self.done} of {self.of}" if self.of else words


def start(settings: Settings, *, by: str, at: datetime) -> None:
    """
    Begin to train a candidate for the model in use, in a process of its own.

    It learns from the files of the data folder, if there are any, and from the decisions in the
    database, as `python -m moderation.train --candidate --decisions` does.

    Raises:
        ModelError: one is being trained already.
        OutputError: there is no writing beside the model, or no process to be had.

    """
    with hold(_lock_of(settings.model), patience=1.0) as lock:
        if lock is None:
            raise ModelError(BUSY)
        report = Report(settings.model, Run(State.RUNNING, by, at))
        report.begin("starting")
        try:
            process = _spawn(replace(settings, moderator=by), lock)
        except OSError as error:
            report.end(State.FAILED, f"no process to be had ({error.strerror})")
            raise OutputError(f"training cannot be started ({error.strerror})") from error
    # Somebody has to ask for how it ended, or it stays in the table of processes.
    threading.Thread(target=process.wait, daemon=True).start()


def read_run(in_use: Path) -> Run | None:
    """Return the last training of a model's candidate; None where there was none."""
    run = _read(in_use)
    if run is None or run.state is not State.RUNNING or is_held(_lock_of(in_use)):
        return run
    if (again := _read(in_use)) != run:  # it ended, or another began, while we looked
        return again
    log = folder_of(in_use) / "training.log"
    why = f"the training ended without a word: it was killed, or ran out of memory; see {log}"
    return replace(run, state=State.LOST, outcome=why)


def cancel(in_use: Path) -> None:
    """End the training that is running, if one is that has begun, and wait for that a little."""
    run = read_run(in_use)
    if run is None or run.state is not State.RUNNING or run.pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.pid, signal.SIGTERM)
    with hold(_lock_of(in_use), patience=PATIENCE):
        pass


class Report:
    """What a training tells of itself; is its `progress`."""

    def __init__(self, in_use: Path, run: Run) -> None:
        self.path = _run_of(in_use)
        self.run = run
        self._last = 0.0

    def begin(self, step: str) -> None:
        """Tell that another step begins."""
        self.write(step=step, done=0, of=0)

    def progress(self, items: Iterable[Item], number: int, what: str, /) -> Iterator[Item]:
        """Pass items on and tell how many are done; what follows the search is a step, too."""
        step = what if what in STEPS else self.run.step
        self.write(step=step, done=0, of=number)
        for done, item in enumerate(items, 1):
            yield item
            if time.monotonic() - self._last >= SELDOM:
                self.write(done=min(done, number))
        if step == "choosing C":
            self.begin("saving")

    def end(self, state: State, outcome: str) -> None:
        """Tell how it ended."""
        self.write(state=state, outcome=outcome)

    def write(self, **changed: Any) -> None:
        """Change what is told."""
        self.run = replace(self.run, **changed)
        self._last = time.monotonic()
        told = asdict(self.run) | {"started_at": self.run.started_at.isoformat()}
        aside = self.path.with_suffix(".part")
        try:
            aside.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
            aside.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error


@contextlib.contextmanager
def reporting(in_use: Path, *, by: str, at: datetime) -> Iterator[Report]:
    """
    Tell of a training while the block runs, and how it ends.

    Raises:
        ModelError: another one is running.

    """
    lock = _lock_of(in_use)
    from_desk = inherits(lock)
    if from_desk:
        os.nice(NICENESS)
    with contextlib.nullcontext(True) if from_desk else hold(lock, patience=1.0) as held:
        if not held:
            raise ModelError(BUSY)
        report = Report(in_use, Run(State.RUNNING, by, at, pid=os.getpid()))
        try:
            report.begin("reading")
            yield report
        except ModerationError as error:
            report.end(State.FAILED, str(error))
            raise
        except KeyboardInterrupt:
            report.end(State.CANCELLED, "cancelled")
            raise
        except BaseException as error:
            report.end(
                State.FAILED, f"an error in the program ({type(error).__name__}): see the log"
            )
            raise


def _spawn(settings: Settings, lock: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start the command in a session of its own: it outlives the desk, and Ctrl-C there."""
    with (folder_of(settings.model) / "training.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "moderation.train", *_data(settings.data), "--candidate",
             "--decisions"],
            stdin=lock,  # which the command so goes on holding
            stdout=log,
            stderr=subprocess.STDOUT,
            env=as_environment(settings),
            start_new_session=True,
        )  # fmt: skip


def _data(folder: Path) -> Sequence[str]:
    """Return what there is to learn from beside the decisions."""
    with contextlib.suppress(SourceError):
        if folder.is_dir() and find_files([folder]):
            return [str(folder)]
    return []


def _lock_of(in_use: Path) -> Path:
    return folder_of(in_use) / "training.lock"


def _run_of(in_use: Path) -> Path:
    return folder_of(in_use) / "training.json"


def _read(in_use: Path) -> Run | None:
    """Return what the file says; None where there is none, or none that can be read."""
    try:
        found = json.loads(_run_of(in_use).read_text(encoding="utf-8"))
        at = datetime.fromisoformat(found["started_at"]).astimezone(UTC)
        run = Run(**found | {"state": State(found["state"]), "started_at": at})
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return run if run.step in STEPS else None
