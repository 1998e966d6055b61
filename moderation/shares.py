"""Shares of comments with their intervals, weighted where comments stand for others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.metrics import wilson_bounds

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """
    A share with its 95% interval, and the comments behind it.

    Of weighted comments the share is the weighted one, and the counts are as they come.
    """

    value: float
    low: float
    high: float
    hits: int
    of: int

    def __str__(self) -> str:
        share = f"{self.value:.2%} [{self.low:.2%}, {self.high:.2%}]"
        return f"{share} ({self.hits:,} of {self.of:,})"


def measure_shares(
    group: Integers, number: int, chosen: Mask, hits: Mask, weights: Floats
) -> list[Share | None]:
    """
    Return, for each group, the share of the chosen comments that are hits; None where none is.

    Wilson's interval at the effective number of comments: the smaller of Kish's (1965), for weights
    that have nothing to do with the outcome, and the one that the variance of the weighted share
    has (Korn and Graubard 1998), for those that have.
    """
    rows = np.flatnonzero(chosen & (weights > 0))
    groups, weight, hit = group[rows], weights[rows], hits[rows]

    def add(values: Floats | Mask | None = None) -> Floats:
        return np.bincount(groups, values, number).astype(np.float64)

    counts, found = add(), add(hit)
    totals, squares = add(weight), add(weight**2)
    hit_totals, hit_squares = add(weight * hit), add(weight**2 * hit)
    shares: list[Share | None] = []
    for place in range(number):
        if not counts[place]:
            shares.append(None)
            continue
        value = hit_totals[place] / totals[place]
        effective = totals[place] ** 2 / squares[place]
        spread = hit_squares[place] * (1 - 2 * value) + squares[place] * value**2
        if spread > 0 and 0 < value < 1:
            effective = min(effective, value * (1 - value) * totals[place] ** 2 / spread)
        low, high = wilson_bounds(float(value), float(effective))
        shares.append(Share(float(value), low, high, int(found[place]), int(counts[place])))
    return shares
