"""The workers of a cluster, each with the same parts at every step, and what goes wrong there."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from moderation.distributed.matrices import Store, forget_files
from moderation.errors import ClusterError

Result = TypeVar("Result")

AHEAD = 4
"""Tasks that wait at each worker: more only hold memory."""
RETRIES = 3


class Crew:
    """Runs work over shards of the data; the n-th shard goes to the same worker each time."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # half of it has no types
        self.store = Store(uuid4().hex)

    def share(self, value: object) -> "Future[Any]":
        """Give a value to every worker once."""
        shared: Future[Any] = self._client.scatter(value, broadcast=True, hash=False)
        return shared

    def over(
        self, work: Callable[..., Result], shards: Sequence[Any], *shared: Any
    ) -> Iterator[Result]:
        """
        Yield what `work(store, shard, *shared)` returns for each shard, in order.

        Raises:
            ClusterError: workers ended again and again, or there are none.

        """
        workers = sorted(self._client.nthreads())
        if not workers:
            raise ClusterError("the cluster has no workers; start some: dask worker ADDRESS")
        waiting: deque[Future[Any]] = deque()
        for place, shard in enumerate(shards):
            task = self._client.submit(
                work,
                self.store,
                shard,
                *shared,
                workers=[workers[place % len(workers)]],
                allow_other_workers=True,
                retries=RETRIES,
                pure=False,
            )
            waiting.append(task)
            if len(waiting) >= AHEAD * len(workers):
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())

    def forget(self, name: str = "") -> None:
        """Remove files of a name on all workers, or all of them."""
        self._client.run(forget_files, self.store, name)


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result()
    except KilledWorker as error:
        raise ClusterError(
            "workers ended again and again at the same part, most likely out of memory; give "
            "each more (--worker-memory) or start fewer (--workers)"
        ) from error
    except FutureCancelledError as error:
        raise ClusterError(
            "the cluster lost what the workers shared: all of them ended; give each more "
            "memory (--worker-memory) and run this again"
        ) from error
