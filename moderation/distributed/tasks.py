"""Has the workers of a cluster do parts of some work, a few at a time, and bears their deaths."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from distributed import CancelledError, Client, Future, KilledWorker, wait

from moderation.distributed.partitions import Part
from moderation.errors import ClusterError, ModerationError

WAITING = 2
"""Tasks that a thread has: one that runs and one that is next."""
ROUNDS = 11
"""
How often a part is given to the scheduler, which gives it back when two workers have died with it
(see `cluster.ATTEMPTS`): twenty deaths in a run are borne even where one part has met them all.
"""
MEMORY_ROUNDS = 2
"""The same where memory was full: what fills it alone will fill it again."""
LOOKS_EVERY = 10.0
"""Seconds of waiting after which it is looked whether there are workers at all."""
PATIENCE = 300.0
"""Seconds without any worker after which the work is given up: one begins within a minute or so."""
_MEMORY = "worker-restart-memory"
"""Where a worker's nanny tells the scheduler that it ends it for what it holds."""

Submit = Callable[[Part], "Future[Any]"]


@dataclass(frozen=True)
class Watch:
    """What is told of a run while it goes on."""

    say: Callable[[str], None]
    begin: Callable[[int], None]
    """Takes the number of parts to do."""
    advance: Callable[[], None]
    """Is called for each part done."""


@dataclass(frozen=True)
class Died:
    """Why a part was not done: its workers died, each time."""

    name: str
    reason: str


@dataclass
class Tasks:
    """Parts to be done, in order; those whose workers died are tried again, alone, at the end."""

    client: Client
    submit: Submit
    parts: Iterable[Part]
    _suspects: deque[Part] = field(default_factory=deque)
    _rounds: Counter[str] = field(default_factory=Counter)
    _running: dict["Future[Any]", Part] = field(default_factory=dict)

    def run(self, is_over: Callable[[], bool] = lambda: False) -> Iterator[Any]:
        """
        Yield what came of each part as it is done, or how its workers died.

        Begins no further part once `is_over`.

        Raises:
            ClusterError: the cluster was lost, has no workers, or one of them cannot do the work.
            ModerationError: what a worker raised.

        """
        try:
            yield from self._run(iter(self.parts), is_over)
        except (OSError, CancelledError) as error:  # of the scheduler: parts do not raise them
            raise _lost() from error
        finally:
            for future in self._running:
                future.release()

    def _run(self, waiting: Iterator[Part], is_over: Callable[[], bool]) -> Iterator[Any]:
        self._fill(waiting, is_over)
        while self._running:
            for future in self._wait():
                result = self._settle(future, self._running.pop(future))
                if result is not None:
                    yield result
            self._fill(waiting, is_over)

    def _fill(self, waiting: Iterator[Part], is_over: Callable[[], bool]) -> None:
        """Give the scheduler more to do; few tasks are with it, however many parts wait."""
        most = max(WAITING, WAITING * sum(self.client.nthreads().values()))
        while len(self._running) < most and not is_over():
            part = next(waiting, None)
            if part is None:
                break
            self._running[self.submit(part)] = part
        if self._suspects and not self._running and not is_over():
            part = self._suspects.popleft()
            self._running[self.submit(part)] = part

    def _wait(self) -> "list[Future[Any]]":
        """Return tasks that are done, once there are some."""
        alone_since = None
        while True:
            try:
                with self.client.as_current():
                    return list(wait(list(self._running), LOOKS_EVERY, "FIRST_COMPLETED").done)
            except TimeoutError:
                alone_since = None if self.client.nthreads() else alone_since or time.monotonic()
                if alone_since is not None and time.monotonic() - alone_since > PATIENCE:
                    raise ClusterError(
                        "the cluster has no workers any more; what is done is kept: begin some, "
                        "and run the command again"
                    ) from None

    def _settle(self, future: "Future[Any]", part: Part) -> Any:
        """Return what a task gave, or None where it is to be tried again."""
        if future.status == "cancelled":
            raise _lost()
        error: Any = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, KilledWorker):
            return self._bury(error, part)
        if isinstance(error, ModerationError):
            raise error
        raise ClusterError(
            f"a worker could not do its part ({type(error).__name__}): all need the same "
            "'moderation[scale]' as this machine; see the worker's log"
        ) from error

    def _bury(self, error: KilledWorker, part: Part) -> Died | None:
        self._rounds[part.name] += 1
        is_memory = self._was_full(error.last_worker.address)
        if self._rounds[part.name] < (MEMORY_ROUNDS if is_memory else ROUNDS):
            self._suspects.append(part)
            return None
        if is_memory:
            reason = (
                "the memory of each worker that had it was full; give more with --worker-memory, "
                "or fewer --workers"
            )
        else:
            reason = (
                "each worker that had it died; where the machine's memory was full, give fewer "
                "--workers, else see the system's log"
            )
        return Died(part.name, reason)

    def _was_full(self, address: str) -> bool:
        """Tell whether a worker was ended for what it held."""
        events: Any = self.client.get_events(_MEMORY)
        return any(event["worker"] == address for _, event in events)


def _lost() -> ClusterError:
    return ClusterError("the cluster was lost; what is done is kept: run the command again")
