"""
Carries thresholds over from an old score to a new one: equipercentile equating.

Of comments that have both scores, as many are to match by the new one as matched by the old one
(Kolen and Brennan, Test Equating, Scaling, and Linking, 2014). Which comments they are is another
matter: that is what the shares beside each threshold tell.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.metrics import RESAMPLES, Interval, number_groups, resample, wilson

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FEWEST = 30
"""Comments needed on either side of an old threshold: with fewer, resampling is too sure."""
MOST_OFF = 1.25
"""
How many times as many, or as few, comments as before may match within a threshold's interval.

A queue that grows by a quarter is still one that the same people can read. Drawn at random, two
scores that share half of their matches needed 110 of them for an interval that narrow, 60 where
they shared four in five, 160 where they shared one in five.
"""


@dataclass(frozen=True)
class Carried:
    """An old threshold with the new one that matches as many, and what changes by it."""

    old_threshold: float
    matches: int
    """How many comments were at or above the old threshold, of `comments`."""
    comments: int
    threshold: Interval
    """The lowest new score that matches; its interval is a 95% percentile bootstrap one."""
    same: Interval
    """
    The share of all comments of which both say the same.

    Alone it flatters: where two in a hundred match, scores that have nothing in common agree on 96.
    """
    still_matched: Interval
    """Of the comments that matched by the old threshold, the share that the new one matches."""
    kappa: float
    """Agreement beyond what chance gives at these match rates (Cohen 1960): 1 is all, 0 is none."""


@dataclass(frozen=True)
class Refused:
    """An old threshold of which the comments do not tell what its like would be."""

    old_threshold: float
    matches: int
    comments: int
    reason: str


def carry_over(
    old: Floats,
    new: Floats,
    thresholds: Sequence[float],
    *,
    groups: Integers | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Carried | Refused]:
    """
    Return for each threshold on the old scores, (n,), lowest first, that on the new ones, (n,).

    The new threshold is a score at or above which as many comments stand as at or above the old
    one, or as nearly as many as there can; of two that come equally near, the higher. For its
    interval whole groups (articles, threads) are resampled where they are given. The shares are
    measured on comments on which the threshold was not chosen: it is chosen on each half of the
    groups in turn, and decisions are compared on the other. That a half has fewer comments to
    choose on counts against it a little.

    >>> old = np.linspace(0, 1, 101)
    >>> [found] = carry_over(old, old**2, [0.5])
    >>> found.matches, found.threshold.value, str(found.same)
    (51, 0.25, '0.990 [0.946, 0.998]')
    """
    matches = {threshold: int((old >= threshold).sum()) for threshold in sorted(thresholds)}
    enough = [t for t, count in matches.items() if min(count, len(old) - count) >= FEWEST]
    carried = {}
    if enough:
        rng = np.random.default_rng(seed)
        group = number_groups(groups, len(old))
        scores = _Scores(old, new, np.array(enough))
        halves = rng.permutation(int(group.max()) + 1)[group] % 2
        intervals = list(_intervals(scores, resample(group, rng, resamples)))
        carried = dict(zip(enough, _compare(scores, intervals, halves), strict=True))
    return [
        carried.get(threshold) or Refused(threshold, count, len(old), _too_few(count, len(old)))
        for threshold, count in matches.items()
    ]


class _Scores:
    """Comments with both scores, sorted once, to be equated with any weights; thresholds ascend."""

    def __init__(self, old: Floats, new: Floats, thresholds: Floats) -> None:
        self.new = new
        self.thresholds = thresholds
        self.matched = old >= thresholds[:, np.newaxis]
        self._thresholds_matched = np.searchsorted(thresholds, old, side="right")
        descending, self._place = np.unique(-new, return_inverse=True)
        self._distinct = -descending

    def equate(self, weights: Floats) -> Floats:
        """Return the new threshold for each old one, comments counting by their weights."""
        counts = np.bincount(self._thresholds_matched, weights, len(self.thresholds) + 1)
        wanted = np.cumsum(counts[:0:-1])[::-1]
        reached = np.cumsum(np.bincount(self._place, weights, len(self._distinct)))
        enough = np.searchsorted(reached, wanted)
        fewer = np.searchsorted(reached, reached[np.maximum(enough - 1, 0)])
        nearer = wanted - reached[fewer] <= reached[enough] - wanted
        return self._distinct[np.where((enough > 0) & nearer, fewer, enough)]


def _intervals(scores: _Scores, resamples: Iterator[Floats]) -> Iterator[Interval]:
    """Yield the new threshold for each old one with its percentile interval."""
    values = scores.equate(np.ones(len(scores.new)))
    drawn = np.array([scores.equate(weights) for weights in resamples])
    lows, highs = np.percentile(drawn, [2.5, 97.5], axis=0)
    for value, low, high in zip(values, lows, highs, strict=True):
        yield Interval(float(value), float(low), float(high), len(scores.new))


def _compare(
    scores: _Scores, intervals: Sequence[Interval], halves: Integers
) -> Iterator[Carried | Refused]:
    """Yield what becomes of each threshold, judged on the half on which it was not chosen."""
    chosen = np.array([scores.equate((halves != half).astype(np.float64)) for half in (0, 1)])
    for number, interval in enumerate(intervals):
        threshold, before = float(scores.thresholds[number]), scores.matched[number]
        matches, comments = int(before.sum()), len(before)
        if (reason := _why_unsure(scores.new, interval, matches)) is not None:
            yield Refused(threshold, matches, comments, reason)
            continue
        now = scores.new >= chosen[halves, number]
        same, still = int((before == now).sum()), int((before & now).sum())
        yield Carried(
            threshold,
            matches,
            comments,
            threshold=interval,
            same=wilson(same, comments),
            still_matched=wilson(still, matches),
            kappa=_kappa(before, now),
        )


def _too_few(matches: int, comments: int) -> str:
    found = f"{matches} at or above" if matches < FEWEST else f"{comments - matches} below"
    return f"too few to tell: found {found}, at least {FEWEST} needed"


def _why_unsure(new: Floats, threshold: Interval, matches: int) -> str | None:
    """Return why a threshold is not to be relied on, or None."""
    if _times_off(new, [threshold.value], matches) > MOST_OFF:
        return "too many comments share one score here: no threshold matches about as many"
    off = _times_off(new, [threshold.low, threshold.high], matches)
    if off <= MOST_OFF:
        return None
    rarer, side = min((matches, "at or above"), (len(new) - matches, "below"))
    # An interval narrows with the root of the count, and its far end is the one below.
    needed = math.ceil(rarer * ((1 - 1 / off) / (1 - 1 / MOST_OFF)) ** 2)
    return f"too few to tell: found {rarer} {side}, about {needed} needed"


def _times_off(new: Floats, thresholds: Sequence[float], matches: int) -> float:
    """Return the largest factor by which either side of a threshold is not what it should be."""
    factors = []
    for threshold in thresholds:
        found = int((new >= threshold).sum())
        for count, wanted in ((found, matches), (len(new) - found, len(new) - matches)):
            factors.append(max(count / wanted, wanted / max(count, 1)))
    return max(factors)


def _kappa(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> float:
    same, was, matched = (before == now).mean(), before.mean(), now.mean()
    by_chance = was * matched + (1 - was) * (1 - matched)
    return float((same - by_chance) / (1 - by_chance))
