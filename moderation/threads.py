"""Work on several cores at once, that ends soon when it is interrupted."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import joblib

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def count_cores() -> int:
    """Return how many cores this process may use; finding out takes longer than a comment."""
    return int(joblib.cpu_count())


def work_on(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Iterator[Result]:
    """
    Yield what comes of each item, in order; so many are worked on at once.

    After an error or an interruption those that are begun are finished, the others left.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(work, items)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
