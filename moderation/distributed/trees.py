"""
Results of runs of the data, put together two by two: always the same two in the same order.

The runs are the leaves of a binary tree. A worker puts together what its leaves make of the tree,
the client the rest: the result is the same to the last bit however many workers there are.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")
Join = Callable[[Result, Result], Result]

LEAVES = 64
"""Into so many runs the data are cut at most: more threads of workers than these have no work."""


def cut_leaves(items: Sequence[Item]) -> list[Sequence[Item]]:
    """
    Cut items into runs of like lengths, a power of two of them and none empty.

    >>> cut_leaves("abcde")
    ['a', 'b', 'c', 'de']
    """
    number = 1
    while 2 * number <= min(LEAVES, len(items)):
        number *= 2
    bounds = np.linspace(0, len(items), number + 1).astype(int).tolist()
    return [items[begin:end] for begin, end in pairwise(bounds)]


def join_leaves(
    results: Iterable[tuple[int, Result]], join: Join[Result], *, leaves: int
) -> dict[int, Result]:
    """
    Return what results of some leaves, by number, make of the tree, by the number of the node.

    The root is 1, and what lies under node n are 2 n and 2 n + 1; leaf i of m is node m + i.

    >>> join_leaves([(0, "a"), (1, "b"), (2, "c")], str.__add__, leaves=4)
    {2: 'ab', 6: 'c'}
    """
    nodes: dict[int, Result] = {}
    for number, result in results:
        _add(nodes, leaves + number, result, join)
    return nodes


def join_nodes(found: Iterable[dict[int, Result]], join: Join[Result]) -> Result:
    """
    Return the result of the whole tree, of which each worker has told some nodes.

    >>> join_nodes([{2: "ab", 6: "c"}, {7: "d"}], str.__add__)
    'abcd'
    """
    nodes: dict[int, Result] = {}
    for some in found:
        for node, result in some.items():
            _add(nodes, node, result, join)
    return nodes[1]


def _add(nodes: dict[int, Result], node: int, result: Result, join: Join[Result]) -> None:
    while node > 1 and node ^ 1 in nodes:
        other = nodes.pop(node ^ 1)
        result = join(other, result) if node & 1 else join(result, other)
        node >>= 1
    nodes[node] = result
