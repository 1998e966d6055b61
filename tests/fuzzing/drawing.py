"""
One reader given what Hypothesis draws: `python -m tests.fuzzing.drawing NAME SECONDS FOLDER SEED`.

`tests.fuzzing` starts it. It ends at the first finding, whose smallest input it writes to FOLDER.
"""

import hashlib
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import psutil
from hypothesis import HealthCheck, given, seed, settings

from tests.fuzzing.strategies import inputs
from tests.fuzzing.targets import INPUT_SECONDS, MEMORY_BYTES, check

AT_ONCE = 500
"""Examples that Hypothesis keeps in mind, and drops before it draws the next so many."""
MOST_GROWTH = 100 << 20
"""Bytes that a reader's process may hold in the end beyond what it held after a quarter."""
UNHURRIED = settings(
    max_examples=AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def main(arguments: list[str]) -> int:
    """Draw until the time is over, and print how many were read and what memory they took."""
    name, seconds, folder, first_seed = arguments
    begun, number = time.monotonic(), int(first_seed)
    counted: Counter[str] = Counter()
    quarter = 0
    signal.signal(signal.SIGALRM, _refuse_to_wait)
    while (gone := time.monotonic() - begun) < float(seconds):
        _draw(name, number, Path(folder), counted)
        number += 1
        if gone < float(seconds) / 4 or not quarter:
            quarter = psutil.Process().memory_info().rss
    end = psutil.Process().memory_info().rss
    print(f"{counted['read']} {quarter >> 20} {end >> 20}")
    assert end - quarter < MOST_GROWTH, "memory grows with what was read"
    return 0


def _draw(name: str, number: int, folder: Path, counted: Counter[str]) -> None:
    failing = b""

    @seed(number)
    @UNHURRIED
    @given(inputs(name))
    def holds(data: bytes) -> None:
        nonlocal failing
        counted["read"] += 1
        signal.alarm(INPUT_SECONDS)
        try:
            check(name, data)
        except BaseException:
            failing = data  # the last one is the smallest
            raise
        finally:
            signal.alarm(0)

    try:
        holds()
    except BaseException:
        digest = hashlib.sha1(failing, usedforsecurity=False).hexdigest()
        (folder / f"{name}-drawn-{digest}").write_bytes(failing)
        raise


def _refuse_to_wait(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"one input took {INPUT_SECONDS} seconds")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.exit(main(sys.argv[1:]))
