"""Where a command does its work: in one process, or on the workers of a cluster."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from moderation.arguments import read_count, say
from moderation.errors import MissingPackage

if TYPE_CHECKING:
    from distributed import Client

LOCAL, DASK = "local", "dask"
READING = ("format", "encoding", "column", "article", "captured_at")
"""Options of reading that Parquet has no need of."""
_CLUSTER = ("workers", "worker_memory")


def add_engine_options(
    parser: argparse.ArgumentParser, description: str
) -> argparse._ArgumentGroup:
    """Add the options that say where the work is done; return their group, to add more to it."""
    group = parser.add_argument_group("more than one process or machine", description)
    group.add_argument("--engine", choices=(LOCAL, DASK), default=LOCAL)
    group.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that is running")
    group.add_argument("--workers", type=read_count, metavar="N", help="here; one a core without")
    group.add_argument("--worker-memory", metavar="SIZE", help="of each worker here, e.g. 4GB")
    return group


def find_engine_misuse(
    args: argparse.Namespace,
    *,
    only_dask: Sequence[str] = (),
    only_local: Sequence[str] = READING,
    streams: Sequence[str] = (),
) -> str | None:
    """
    Return what is wrong with options that do not go together; None if nothing is.

    `only_dask` and `only_local` name further options of one engine, `streams` the inputs and
    outputs given: "-" is local.
    """
    given = [name for name in ("scheduler", *_CLUSTER, *only_dask) if _is_given(args, name)]
    if args.engine == LOCAL:
        return f"{_option(given[0])}: only with --engine dask" if given else None
    refused = [_option(name) for name in only_local if _is_given(args, name)]
    if refused or "-" in streams:
        return (
            f"{[*refused, '-'][0]}: not with --engine dask, which reads and writes Parquet; make "
            "it with python -m moderation.parse INPUT -o FILE.parquet"
        )
    cluster = [name for name in _CLUSTER if name in given]
    if args.scheduler and cluster:
        return f"{_option(cluster[0])}: not with --scheduler, whose workers are as they were begun"
    counts = [_option(name) for name in ("workers", *only_dask) if getattr(args, name) == 0]
    return f"{counts[0]}: at least 1" if counts else None


def require_packages() -> None:
    """
    See that the packages of the cluster are installed.

    Raises:
        MissingPackage: says which is not.

    """
    try:
        import moderation.distributed.cluster  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"--engine dask needs {error.name}: pip install 'moderation[scale]'"
        ) from error


@contextlib.contextmanager
def open_engine(args: argparse.Namespace) -> Iterator["Client"]:
    """
    Open the cluster that the options ask for, and say where its dashboard is.

    Raises:
        ClusterError: it cannot be opened, or does not answer.

    """
    from moderation.distributed.cluster import connect, open_cluster

    opened = (
        connect(args.scheduler)
        if args.scheduler
        else open_cluster(workers=args.workers, memory=args.worker_memory)
    )
    with opened as client:
        say(f"dashboard: {client.dashboard_link}")
        yield client


def _is_given(args: argparse.Namespace, name: str) -> bool:
    return getattr(args, name) not in (None, [])


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
