"""The workers of a cluster, each with the same parts at every step, and what goes wrong there."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar
from uuid import uuid4

from distributed import Client, Future, KilledWorker, wait

from moderation.distributed import matrices
from moderation.distributed.matrices import Store
from moderation.errors import ClusterError

Result = TypeVar("Result")

AHEAD = 4
"""Tasks that wait at each thread of the workers: more only hold memory."""
RETRIES = 3
LOOKS_EVERY = 10.0
"""Seconds of waiting after which it is looked whether somebody works at all."""
LOST = (CancelledError, OSError)
"""What says that scheduler or workers are gone: the work itself raises none of these."""


def lost() -> ClusterError:
    """Return what to say where nobody is left who has the data."""
    return ClusterError(
        "the cluster was lost, or all workers that shared the work at once; where memory was "
        "full, give each more (--worker-memory); then run this again"
    )


class Crew:
    """Runs work over runs of the data; the n-th goes to the same worker each time."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # half of it has no types
        self._given: set[str] = set()
        self.store = Store(uuid4().hex)
        self.rounds = 0
        """How often all leaves were worked on at once."""

    def share(self, value: object) -> "Future[Any]":
        """Give a value to every worker once."""
        shared: Future[Any] = self._client.scatter(value, broadcast=True, hash=False)
        return shared

    def over(
        self, work: Callable[..., Result], leaves: Sequence[Any], *shared: Any
    ) -> Iterator[Result]:
        """
        Yield what `work(store, leaf, *shared)` returns for each leaf, in order.

        Raises:
            ClusterError: workers ended again and again, or there are none.

        """
        slots = self._slots()
        waiting: deque[Future[Any]] = deque()
        for place, leaf in enumerate(leaves):
            slot = slots[place * len(slots) // len(leaves)]
            waiting.append(self._submit(slot, work, self.store, leaf, *shared))
            if len(waiting) >= AHEAD * len(slots):
                yield self._result(waiting.popleft())
        while waiting:
            yield self._result(waiting.popleft())

    def at_once(self, work: Callable[..., Result], leaves: int, *shared: Any) -> list[Result]:
        """
        Return what `work(store, numbers, *shared)` returns for each worker's leaves, by number.

        Raises:
            ClusterError: workers ended again and again, or there are none.

        """
        slots = self._slots()
        of_slot: list[list[int]] = [[] for _ in slots]
        for place in range(leaves):
            of_slot[place * len(slots) // leaves].append(place)
        tasks = [
            self._submit(slot, work, self.store, numbers, *shared)
            for slot, numbers in zip(slots, of_slot, strict=True)
            if numbers
        ]
        self.rounds += 1
        return [self._result(task) for task in tasks]

    def reduce(
        self,
        work: Callable[..., Result],
        leaves: Sequence[Any],
        merge: Callable[[Result, Result], Result],
        *,
        done: Callable[[Iterator[Any], int], Iterable[Any]],
    ) -> Result:
        """
        Return what `merge` makes of the results of `work(store, leaf)`, two by two, on the workers.

        There are a power of two leaves. Two results are merged as soon as both are there: few are
        held at a time. `done` is shown that many leaves, one after the other.

        Raises:
            ClusterError: workers ended again and again, or there are none.

        """
        slots = self._slots()
        first: list[Future[Any]] = []
        waiting: list[tuple[int, Future[Any]]] = []
        for place, leaf in enumerate(leaves):
            node = self._submit(slots[place * len(slots) // len(leaves)], work, self.store, leaf)
            first.append(node)
            height = 0
            while waiting and waiting[-1][0] == height:  # what comes first in order is done first
                one = waiting.pop()[1]
                node = self._client.submit(merge, one, node, retries=RETRIES, pure=False)
                height += 1
            waiting.append((height, node))
        [(_, root)] = waiting
        for leaf in done(self._as_done(first, root), len(first)):
            if leaf is not root:
                leaf.release()  # held no longer than it takes to merge it
        merged: Result = self._result(root)
        return merged

    def forget(self, name: str = "") -> None:
        """Let all workers let go of the matrices of a name, or of all files."""
        self._client.run(matrices.forget, self.store, name)

    def leave(self) -> None:
        """Leave nothing behind, as far as workers are there to be told."""
        if self._client.status == "running":
            with contextlib.suppress(*LOST):
                self.forget()

    def _slots(self) -> list[str]:
        """Return the address of a worker for each of its threads."""
        threads = sorted(self._client.nthreads().items())
        slots = [worker for worker, number in threads for _ in range(number)]
        if not slots:
            raise ClusterError("the cluster has no workers; start some: dask worker ADDRESS")
        self._given = set(slots)
        return slots

    def _submit(self, slot: str, work: Callable[..., Any], *given: Any) -> "Future[Any]":
        task: Future[Any] = self._client.submit(
            work, *given, workers=[slot], allow_other_workers=True, retries=RETRIES, pure=False
        )
        return task

    def _as_done(
        self, tasks: Sequence["Future[Any]"], root: "Future[Any]"
    ) -> Iterator["Future[Any]"]:
        """Yield tasks as they end, as long as what is made of all of them has not failed."""
        waiting = set(tasks)
        while waiting and root.status != "error":
            try:
                with self._client.as_current():
                    done = wait(list(waiting), LOOKS_EVERY, "FIRST_COMPLETED").done
            except TimeoutError:
                self._look()
            else:
                waiting -= done
                yield from done

    def _result(self, future: "Future[Any]") -> Any:
        while True:
            try:
                return future.result(timeout=LOOKS_EVERY)
            except TimeoutError:
                if future.done():
                    raise
                self._look()
            except KilledWorker as error:
                raise ClusterError(
                    "workers ended again and again at the same part, most likely out of memory; "
                    "give each more (--worker-memory) or start fewer (--workers)"
                ) from error

    def _look(self) -> None:
        """
        See that work goes on.

        When no worker is left, the scheduler keeps tasks for ever that were given to certain ones,
        though others come.
        """
        working = self._client.processing()
        is_worked_on = any(key in self._client.futures for keys in working.values() for key in keys)
        if not is_worked_on and self._given.isdisjoint(working):
            raise lost()
