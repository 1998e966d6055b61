"""Opens the cluster that learns: one that runs already, or one of processes on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster

from moderation.errors import ClusterError
from moderation.threads import count_cores

PATIENCE = "20s"
"""How long a scheduler may take to answer."""


@contextmanager
def open_cluster(
    scheduler: str | None, *, workers: int | None = None, memory: str | None = None
) -> Iterator[Client]:
    """
    Connect to a scheduler's address, or start workers of one thread each, one a core by default.

    `memory` is the limit of each worker that is started, as Dask spells it: "2GB".

    Raises:
        ClusterError: nobody answers at the address, or the memory is no size.

    """
    connect: Any = Client  # neither has types
    start: Any = LocalCluster
    if scheduler is not None:
        try:
            client: Any = connect(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"--scheduler {scheduler}: no Dask scheduler answers there; expected an address "
                "such as tcp://host:8786, or none, to start workers here"
            ) from error
        with client:
            yield client
        return
    try:
        limit = "auto" if memory is None else dask.utils.parse_bytes(memory)
    except ValueError as error:
        raise ClusterError(
            f"--worker-memory {memory}: not a size; expected one such as 2GB"
        ) from error
    with (
        start(
            n_workers=workers or count_cores(),
            threads_per_worker=1,
            memory_limit=limit,
            processes=True,
            dashboard_address=":0",
        ) as cluster,
        connect(cluster, set_as_default=False) as client,
    ):
        yield client
