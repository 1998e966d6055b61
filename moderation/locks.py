"""`hold(path)`: a lock that ends with the process that holds it, however that ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from moderation.errors import OutputError

PATIENCE: Final = 10.0
"""Seconds to wait for who holds it."""
_PAUSE: Final = 0.02


@contextlib.contextmanager
def hold(path: Path, *, patience: float = PATIENCE) -> Iterator[IO[bytes] | None]:
    """
    Hold a lock while the block runs; None where somebody else holds it all the time.

    What is given is the open file: a process that inherits it goes on holding the lock. The file
    stays where it is, empty: whoever opened it before it was deleted would hold another lock.

    Raises:
        OutputError: the file cannot be made.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("ab")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    with stream:
        yield stream if _take(stream, fcntl.LOCK_EX, patience) else None


def is_held(path: Path) -> bool:
    """Tell whether any process holds a lock."""
    try:
        with path.open("rb") as stream:
            # A shared one: two that ask at the same moment do not take each other for the holder.
            return not _take(stream, fcntl.LOCK_SH, 0.0)
    except FileNotFoundError:
        return False


def inherits(path: Path) -> bool:
    """Tell whether this process holds a lock as its standard input, from who started it."""
    try:
        return os.path.samestat(os.fstat(0), path.stat())
    except OSError:
        return False


def _take(stream: IO[bytes], kind: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE)
