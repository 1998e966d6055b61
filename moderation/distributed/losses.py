"""
Log losses and gradients of many weights at once, summed over parts in an order that stays.

The parts are cut into runs, the leaves of a binary tree. A worker adds up what its leaves make of
the tree, the client the rest: the same additions in the same order however many workers there are,
so that the sums are the same to the last bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from moderation.distributed.matrices import Piece, Store
from moderation.features import TfidfFeatures

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Of some comments, for each of k fits: the log loss, and its slope in all that is fitted."""

    losses: Floats
    """(k,)."""
    gradients: Floats
    """Of the weights, (d, k)."""
    slopes: Floats
    """Of the intercepts, (k,)."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.losses + other.losses,
            self.gradients + other.gradients,
            self.slopes + other.slopes,
        )


@dataclass(frozen=True)
class Fits:
    """At which weights (d, k) and intercepts (k,) the losses of k fits are asked for."""

    weights: Floats
    intercepts: Floats


def sum_losses(matrix: Any, labels: NDArray[np.int8], fits: Fits) -> Sums:
    """Return the sums over the rows of a matrix, (n, d), with labels 0 or 1, (n,), -1 for none."""
    logits = matrix @ fits.weights + fits.intercepts
    meant = (labels >= 0)[:, np.newaxis]
    removed = labels[:, np.newaxis] == 1
    excess = np.where(meant, expit(logits) - removed, 0.0)
    losses = np.where(meant, np.logaddexp(0.0, np.where(removed, -logits, logits)), 0.0)
    return Sums(losses.sum(axis=0), np.asarray(matrix.T @ excess), excess.sum(axis=0))


def sum_leaves(
    store: Store,
    numbers: Sequence[int],
    leaves: Sequence[Sequence[Piece]],
    name: str,
    features: TfidfFeatures,
    ratios: Floats | None,
    fits: Fits,
) -> dict[int, Sums]:
    """
    Return the sums of some of the leaves, by the node of the tree that they are of.

    The root is 1, and what lies under node n are 2 n and 2 n + 1; leaf i of m is node m + i, and m
    is a power of two. The features are `name`d, and changed by the ratios where there are some.
    """
    nodes: dict[int, Sums] = {}
    for number in numbers:
        pieces = (
            sum_losses(
                store.reweighed(piece, name, features, ratios), piece.chosen_labels, fits
            )
            for piece in leaves[number]
        )
        first = next(pieces)
        nodes = join_nodes({**nodes, len(leaves) + number: sum(pieces, first)})
    return nodes


def join_nodes(nodes: dict[int, Sums]) -> dict[int, Sums]:
    """Return the sums of nodes with those of two that lie under the same one added."""
    joined = dict(nodes)
    waiting = sorted(joined)
    while waiting:
        node = waiting.pop()
        left, right = node & ~1, node | 1
        if node > 1 and left in joined and right in joined:
            joined[node >> 1] = joined.pop(left) + joined.pop(right)
            waiting.append(node >> 1)
    return joined


def join_all(found: Iterable[dict[int, Sums]]) -> Sums:
    """Return the sums of the whole tree, of which each worker has told some nodes."""
    nodes: dict[int, Sums] = {}
    for some in found:
        nodes = join_nodes({**nodes, **some})
    [root] = nodes.values()
    return root
