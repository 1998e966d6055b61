"""Spreads what is hard to read over a list, so that nobody reads only that; pure."""

from collections import deque
from collections.abc import Collection, Sequence


def spread_severe(keys: Sequence[str], severe: Collection[str], *, in_a_row: int) -> list[str]:
    """
    Return the keys with at most so many severe ones in a row, as far as others are left.

    After them the next other one is brought forward; nothing else changes its order. 0 changes
    nothing.

    >>> spread_severe(["a", "b", "c", "d"], {"a", "b", "c"}, in_a_row=2)
    ['a', 'b', 'd', 'c']
    """
    if in_a_row < 0:
        raise ValueError(f"in_a_row is {in_a_row}, expected 0 or more")
    if not in_a_row:
        return list(keys)
    rest, others = deque(keys), deque(key for key in keys if key not in severe)
    taken: set[str] = set()
    spread: list[str] = []
    row = 0
    while rest:
        if rest[0] in taken:
            taken.remove(rest.popleft())
            continue
        key = rest[0]
        if key in severe and row >= in_a_row and others:
            key = others[0]
            taken.add(key)
        else:
            rest.popleft()
        if key in severe:
            row += 1
        else:
            others.popleft()
            row = 0
        spread.append(key)
    return spread
