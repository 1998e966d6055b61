"""Whether the workers of a cluster run the same code as this process."""

import hashlib
import sys
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

from distributed import Client

import moderation
from moderation.errors import ClusterError

SHOWN = 3
"""Workers that a message names."""


@cache
def digest_code() -> str:
    """Return what tells this process's code from that of another version: a SHA-256."""
    return _make_digest()(str(Path(moderation.__file__).parent))


def check_workers(client: Client) -> None:
    """
    Refuse workers that would give other numbers, or none.

    Raises:
        ClusterError: names those that have another Python, no `moderation`, or another version.

    """
    here: Any = client
    found: dict[str, Any] = here.get_versions()["workers"]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = [one for one, facts in found.items() if not _runs(facts["host"], python)]
    _refuse(others, found, f"do not run Python {python} as this machine does: begin them with it")
    codes: dict[str, Any] = here.run(_make_probe(_make_digest()))
    absent = [one for one, code in codes.items() if code is None]
    _refuse(absent, codes, "lack the package: pip install 'moderation[scale]' there")
    other = [one for one, code in codes.items() if code != digest_code()]
    _refuse(other, codes, "have another version of moderation than this machine: install the same")


def _runs(host: dict[str, Any], python: str) -> bool:
    return str(host["python"]).startswith(f"{python}.")


def _refuse(workers: Collection[str], of: Collection[str], what: str) -> None:
    if workers:
        named = ", ".join(sorted(workers)[:SHOWN]) + (", ..." if len(workers) > SHOWN else "")
        raise ClusterError(f"{len(workers)} of {len(of)} workers ({named}) {what}")


# Both travel to workers that may lack this module: as functions in functions they do so whole.


def _make_digest() -> Callable[[str], str]:
    def digest(folder: str) -> str:
        whole = hashlib.sha256()
        for path in sorted(Path(folder).rglob("*.py")):
            whole.update(f"{path.relative_to(folder).as_posix()}\n".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    return digest


def _make_probe(digest: Callable[[str], str]) -> Callable[[], str | None]:
    def probe() -> str | None:
        from importlib.util import find_spec

        found = find_spec("moderation")
        folders = list(found.submodule_search_locations or []) if found else []
        return digest(folders[0]) if folders else None

    return probe
