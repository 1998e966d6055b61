"""Log losses and gradients of several fits at once, summed over the comments of a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import iadd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from moderation.distributed.matrices import Piece, Store
from moderation.distributed.trees import join_leaves
from moderation.features import TfidfFeatures

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Of some comments, for each of k fits: the log loss, and its slope in all that is fitted."""

    losses: Floats
    """(k,)."""
    gradients: Floats
    """Of the weights, (k, d)."""
    slopes: Floats
    """Of the intercepts, (k,)."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.losses + other.losses,
            self.gradients + other.gradients,
            self.slopes + other.slopes,
        )

    def __iadd__(self, other: "Sums") -> "Sums":
        for mine, its in zip(self._arrays(), other._arrays(), strict=True):
            np.add(mine, its, out=mine)
        return self

    def _arrays(self) -> tuple[Floats, ...]:
        return self.losses, self.gradients, self.slopes


@dataclass(frozen=True)
class Fits:
    """At which weights (k, d) and intercepts (k,) the losses of k fits are asked for."""

    weights: Floats
    intercepts: Floats


def sum_losses(matrix: Any, labels: NDArray[np.int8], fits: Fits) -> Sums:
    """Return the sums over the rows of a matrix, (n, d), with labels 0 or 1, (n,), -1 for none."""
    # One after the other: SciPy takes half as long for a vector as for each column of a few.
    logits = np.stack([matrix @ weights for weights in fits.weights])
    logits += fits.intercepts[:, np.newaxis]
    meant, removed = labels >= 0, labels == 1
    excess = np.where(meant, expit(logits) - removed, 0.0)
    losses = np.where(meant, np.logaddexp(0.0, np.where(removed, -logits, logits)), 0.0)
    gradients = np.stack([matrix.T @ each for each in excess])
    return Sums(losses.sum(axis=1), gradients, excess.sum(axis=1))


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
    Return the sums of some of the leaves, by the node of the tree that they make.

    The features are those of a `name`, changed by ratios (d,) where there are some.
    """

    def sums(piece: Piece) -> Sums:
        matrix = store.for_fit(piece, name, features, ratios)
        return sum_losses(matrix, piece.chosen_labels, fits)

    each = ((number, reduce(iadd, map(sums, leaves[number]))) for number in numbers)
    return join_leaves(each, iadd, leaves=len(leaves))
