"""Opens a cluster on this machine, or connects to one."""

import contextlib
import logging
import re
from collections.abc import Iterator

import dask
import distributed
import psutil
from distributed import Client, LocalCluster

from moderation.distributed.addresses import mask
from moderation.distributed.versions import check_workers
from moderation.errors import ClusterError
from moderation.threads import count_cores

ATTEMPTS = 1
"""Workers that may die with a task before the scheduler gives it back; see `tasks`."""
STARTS = 5
"""How often workers are begun, all anew: one that dies before it has begun is not replaced."""
JOINS_WITHIN = 30
"""Seconds that a running cluster may take to have a worker."""
ROOM = 1.2
"""What a worker needs to begin, of what this process holds: one that is killed before it has begun
is begun again for ever."""
_ADDRESS = re.compile(r"((tcp|tls|ucx|wss?)://)?[^/@\s]*:[0-9]{1,5}/?")
_LOCAL = {
    "distributed.scheduler.allowed-failures": ATTEMPTS,
    # Workers hold no data: one that waits for memory to be freed would wait for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # It samples each worker's stack a hundred times a second, for one page of the dashboard: two
    # workers on two cores took a tenth longer.
    "distributed.worker.profile.enabled": False,
    # Its nanny begins a worker anew; who forgets the nanny after a slow start loses both.
    "distributed.deploy.lost-worker-timeout": "1 day",
}


@contextlib.contextmanager
def open_cluster(*, workers: int | None = None, memory: str | None = None) -> Iterator[Client]:
    """
    Open workers on this machine, one process of one thread for each core unless `workers` says.

    `memory` is what each may take, such as "4GB"; the machine's is shared out without it. A worker
    that dies is replaced. The dashboard is for this machine only. What this process holds by now,
    a loaded model, each worker will hold, too.

    Raises:
        ClusterError: the size is not one, or less than a worker needs to begin; or none begins.

    """
    number = workers or count_cores()
    limit = _read_size(memory) if memory else distributed.system.MEMORY_LIMIT // number
    needed = int(ROOM * psutil.Process().memory_info().rss)
    if limit < needed:
        raise ClusterError(
            f"{limit >> 20} MB for each of {number} workers: each needs {needed >> 20} MB to begin "
            "with this model; give more with --worker-memory, or fewer --workers"
        )
    with (
        dask.config.set(_LOCAL),
        _begin_workers(number, limit) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _begin_workers(number: int, limit: int, attempts: int = STARTS) -> LocalCluster:
    """Return workers that have begun; where one dies before it has, all are begun again."""
    try:
        return LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            memory_limit=limit,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
    except (RuntimeError, OSError) as error:
        if attempts > 1:
            return _begin_workers(number, limit, attempts - 1)
        raise ClusterError(
            f"workers died {STARTS} times before they had begun: give fewer --workers where memory "
            "is full, else see the system's log"
        ) from error


def _read_size(memory: str) -> int:
    try:
        return int(dask.utils.parse_bytes(memory))
    except ValueError as error:
        raise ClusterError(f"{memory!r} is not a size of memory, such as 4GB") from error


@contextlib.contextmanager
def connect(address: str) -> Iterator[Client]:
    """
    Connect to the scheduler at an address, such as tcp://scheduler.example:8786.

    Raises:
        ClusterError: it is no such address, nothing answers there, no worker joins it, or one runs
            other code.

    """
    if not _ADDRESS.fullmatch(address):
        raise ClusterError(
            f"{mask(address)}: not a scheduler's address; expected a host and a port, such as "
            "tcp://scheduler.example:8786"
        )
    with _silence(), _reach(address) as client:
        try:
            client.wait_for_workers(1, timeout=JOINS_WITHIN)
        except TimeoutError as error:
            raise ClusterError(
                f"{address}: no worker joined in {JOINS_WITHIN} s; "
                f"begin some: dask worker {address}"
            ) from error
        check_workers(client)
        yield client


def _reach(address: str) -> Client:
    try:
        return Client(address, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"{address}: no scheduler answers; is 'dask scheduler' running there?"
        ) from error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask from telling what we tell in a line of our own."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
