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


def effective_number(weights: Floats, hits: Mask) -> float:
    """
    Return how many comments that weigh the same would tell a weighted share as well.

    The smaller of Kish's number (1965), for weights that have nothing to do with the outcome, and
    that which the variance of the weighted share has (Korn and Graubard 1998).

    >>> round(effective_number(np.ones(50), np.arange(50) < 7), 6)
    50.0
    """
    total = weights.sum()
    share = float(weights[hits].sum() / total)
    kish = total**2 / (weights**2).sum()
    spread = (weights**2 * (hits - share) ** 2).sum()
    if spread > 0 and 0 < share < 1:
        return float(min(kish, share * (1 - share) * total**2 / spread))
    return float(kish)


def measure_shares(
    group: Integers, number: int, chosen: Mask, hits: Mask, weights: Floats
) -> list[Share | None]:
    """
    Return, for each group, the share of the chosen comments that are hits; None where none is.

    Wilson's interval at the effective number of comments.
    """
    rows = np.flatnonzero(chosen & (weights > 0))
    groups, weight, hit = group[rows], weights[rows], hits[rows]
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=number))[:-1]
    shares: list[Share | None] = []
    for part in np.split(order, ends):
        if not len(part):
            shares.append(None)
            continue
        found, heavy = hit[part], weight[part]
        value = float(heavy[found].sum() / heavy.sum())
        low, high = wilson_bounds(value, effective_number(heavy, found))
        shares.append(Share(value, low, high, int(found.sum()), len(part)))
    return shares
