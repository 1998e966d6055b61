"""Chooses an operating point under a stated constraint."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.errors import UnreachableTarget
from moderation.policy import NINE_IN_TEN, ONE_IN_TWO, TOP_TENTH

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_MATCHES = 20
"""A precision seen on fewer matches is luck as often as not."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold with the precision, recall and match rate it gave where it was chosen."""

    name: str
    threshold: float
    precision: float
    recall: float
    match_rate: float


def choose_points(labels: Integers, scores: Floats) -> list[OperatingPoint]:
    """
    Return the operating points that can be reached, strictest first.

    `nine in ten`: of the comments at or above it nine of ten were removed, over all of them;
    just above the threshold it is fewer. `one in two`: every second one was.
    `top tenth`: the tenth of all comments that scores highest, whatever they deserve.
    """
    points = []
    for name, precision in ((NINE_IN_TEN, 0.9), (ONE_IN_TWO, 0.5)):
        try:
            points.append(max_recall_at_precision(labels, scores, precision=precision, name=name))
        except UnreachableTarget:
            continue  # the card says which points a model has; a missing one was out of reach
    points.append(highest_share(labels, scores, match_rate=0.1, name=TOP_TENTH))
    return points


def max_recall_at_precision(
    labels: Integers, scores: Floats, *, precision: float, name: str
) -> OperatingPoint:
    """
    Return the lowest threshold at which `precision` holds, over at least `MIN_MATCHES` matches.

    Raises:
        UnreachableTarget: no threshold reaches it; the error carries the best that one does.

    """
    thresholds, found, matched = _running_counts(labels, scores)
    reached = np.where(matched >= MIN_MATCHES, found / matched, 0.0)
    allowed = np.flatnonzero(reached >= precision)
    if not allowed.size:
        best = float(reached.max(initial=0.0))
        raise UnreachableTarget(
            f"no threshold with at least {MIN_MATCHES} matches reaches precision {precision}; "
            f"the best is {best:.2f}",
            best=best,
        )
    return _point(name, int(allowed[-1]), thresholds, found, matched, labels)


def highest_share(
    labels: Integers, scores: Floats, *, match_rate: float, name: str
) -> OperatingPoint:
    """Return the lowest threshold that at most `match_rate` of the comments reach."""
    thresholds, found, matched = _running_counts(labels, scores)
    within = np.flatnonzero(matched <= match_rate * len(labels))
    at = int(within[-1]) if within.size else 0
    return _point(name, at, thresholds, found, matched, labels)


def _running_counts(labels: Integers, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return distinct scores, highest first, with the removals and comments at or above each."""
    distinct, place = np.unique(-scores, return_inverse=True)
    found, matched = (
        np.cumsum(np.bincount(place, weights, len(distinct)), dtype=np.float64)
        for weights in (labels, np.ones(len(labels)))
    )
    return -distinct, found, matched


def _point(
    name: str, at: int, thresholds: Floats, found: Floats, matched: Floats, labels: Integers
) -> OperatingPoint:
    return OperatingPoint(
        name=name,
        threshold=float(thresholds[at]),
        precision=float(found[at] / matched[at]),
        recall=float(found[at] / labels.sum()),
        match_rate=float(matched[at] / len(labels)),
    )
