"""Work on several cores at once, that ends soon when it is interrupted."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
    Yield what comes of each item, in order; so many are worked on at once, and few wait to be used.

    After an error or an interruption those that are begun are finished, the others left.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
