"""Hours of moderators' time that each threshold would save, and what would get through there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from moderation.desk import ASSUMED, HOUR, Pace, measure_pace
from moderation.insight.decided import Decided, Floats, Mask
from moderation.metrics import wilson_bounds
from moderation.past import PastComments
from moderation.shares import Share, effective_number

STEPS: Final = 100
"""Thresholds tried, beside the operating points."""


@dataclass(frozen=True)
class Saving:
    """What comes of leaving out the comments below a threshold."""

    threshold: float
    below: int
    """Decided comments below it, which nobody would have had to read."""
    hours: float
    """That reading them takes, and those that they stand for."""
    missed: Share | None
    """Of the removed comments, those below it: they would have got through."""


@dataclass(frozen=True)
class Savings:
    """The trade between hours and what gets through, over the threshold."""

    curve: tuple[Saving, ...]
    """Lowest threshold first."""
    points: Mapping[str, Saving]
    """At the operating points, by name."""
    pace: Pace
    comments: int
    days: float
    """Between the first decision and the last."""


def save_hours(
    decided: Decided, points: Mapping[str, float], *, pace: Pace, steps: int = STEPS
) -> Savings:
    """
    Return hours saved and removals missed at thresholds all over the scores of one model.

    The comments are those that somebody decided: hours saved on others are not known. The grid is
    of quantiles, so that no part of the scores is drawn by one step. `points` are operating points
    by name.
    """
    scores, weights = decided.scores, decided.weights
    grid = np.quantile(scores, np.linspace(0, 1, steps)) if len(decided) else np.empty(0)
    thresholds = np.unique(np.concatenate([grid, list(points.values())]))
    order = np.argsort(scores, kind="stable")
    weighed = np.concatenate([[0.0], np.cumsum(weights[order])])
    places = np.searchsorted(scores[order], thresholds, side="left")
    missing = _Missing(scores[decided.removed], weights[decided.removed])
    at = {
        threshold: Saving(
            threshold,
            int(place),
            float(weighed[place] * pace.seconds / HOUR),
            missing.at(threshold),
        )
        for threshold, place in zip(thresholds.tolist(), places, strict=True)
    }
    return Savings(
        curve=tuple(at.values()),
        points={name: at[threshold] for name, threshold in points.items()},
        pace=pace,
        comments=len(decided),
        days=_days(decided),
    )


def find_pace(decided: Decided) -> Pace:
    """Return how long moderators take for a decision, or what is assumed where nothing tells."""
    rows = len(decided)
    past = PastComments(
        scores={},
        labels=decided.removed.astype(np.int8),
        weights=decided.weights,
        characters=np.full(rows, -1, dtype=np.int32),
        decided_at=decided.decided_at,
        decided_by=decided.decided_by,
    )
    return measure_pace(past) or ASSUMED


def _days(decided: Decided) -> float:
    if not len(decided):
        return 0.0
    first, last = decided.decided_at.min(), decided.decided_at.max()
    return float((last - first) / np.timedelta64(1, "D"))


@dataclass(frozen=True)
class _Missing:
    """Scores and weights of the removed comments."""

    scores: Floats
    weights: Floats

    def at(self, threshold: float) -> Share | None:
        if not len(self.scores):
            return None
        below: Mask = self.scores < threshold
        share = float(self.weights[below].sum() / self.weights.sum())
        low, high = wilson_bounds(share, effective_number(self.weights, below))
        return Share(share, low, high, int(below.sum()), len(below))
