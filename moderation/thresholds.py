"""Finds the operating point that words ask for, at the site's base rate."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.errors import DataError
from moderation.metrics import Interval, shift_share, wilson_bounds
from moderation.policy import NINE_IN_TEN, ONE_IN_TWO, TOP_TENTH, Goal
from moderation.shares import effective_number

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

MIN_MATCHES = 20
"""A precision seen on fewer matches is luck as often as not."""

TRAINING_POINTS = {
    NINE_IN_TEN: Goal("maximum", "recall", "precision", ">=", 0.9),
    ONE_IN_TWO: Goal("maximum", "recall", "precision", ">=", 0.5),
    TOP_TENTH: Goal("maximum", "match_rate", "match_rate", "<=", 0.1),
}
"""
The operating points that training chooses.

`nine in ten`: of the comments at or above it nine of ten were removed, over all of them; just above
the threshold it is fewer. `one in two`: every second one was. `top tenth`: the tenth of all
comments that scores highest, whatever they deserve.
"""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold with the precision, recall and match rate it gave where it was chosen."""

    name: str
    threshold: float
    precision: float
    recall: float
    match_rate: float


@dataclass(frozen=True)
class Answer:
    """What was found for a goal: the operating point, or the nearest there is to it."""

    goal: Goal
    reached: bool
    """Whether the goal's bound holds; else this is where its measure comes nearest to it."""
    value: float
    """What the bounded measure is at the threshold."""
    threshold: float
    base_rate: float
    """At which the shares below hold."""
    precision: Interval
    recall: Interval
    match_rate: Interval
    matches: int
    caught: int
    """Comments at or above the threshold, and the removed ones among them."""
    comments: int
    removed: int

    def lines(self) -> Iterator[str]:
        """Yield the answer in words."""
        yield f"{self.goal}: " + (
            f"at or above {self.threshold:.4f}"
            if self.reached
            else f"out of reach; the best is {self.goal.bounded} {self.value:.4f}, "
            f"at or above {self.threshold:.4f}"
        )
        yield f"  precision  {self.precision}  ({self.caught} removed of {self.matches} matches)"
        yield f"  recall     {self.recall}  ({self.caught} of {self.removed} removed)"
        yield f"  match rate {self.match_rate}  ({self.matches} of {self.comments} comments)"
        yield f"  where {self.base_rate:.2%} of comments are removed; intervals are 95%"


def find_point(
    goal: Goal,
    labels: Integers,
    scores: Floats,
    *,
    weights: Floats | None = None,
    base_rate: float | None = None,
    least: int = MIN_MATCHES,
) -> Answer:
    """
    Return the threshold that does what the goal asks for on labelled scores, shape (n,).

    Every score is tried as a threshold, if at least so many comments match, and for the measures
    with an exclamation mark at least so many do not. Of equally good ones the highest is taken.
    `weights` tell how many comments each one stands for (1 / probability of being in the sample).
    With a base rate the shares are those where it holds: recall and fpr carry over from one to
    another, the others follow (see `metrics.precision_at_base_rate`). Intervals are Wilson's, with
    weights at the effective number of comments (see `shares`); for the match rate at another base
    rate those of recall and fpr combined (Zou and Donner 2008). The threshold is an estimate: on
    other comments the measure that is bounded falls short of its bound about every second time.

    Raises:
        DataError: one class only, or too few comments to try a threshold.

    """
    tried = _Tried.count(labels, scores, weights)
    measures = tried.measure(base_rate)
    usable = tried.matches >= least
    if "!" in goal.measure + goal.bounded:
        usable &= len(labels) - tried.matches >= least
    value = np.where(usable, measures[goal.bounded], np.nan)
    if np.isnan(value).all():
        raise DataError(
            f"{len(labels)} labelled comments are too few to look for '{goal}': "
            f"no threshold has at least {least} on its side"
        )
    within = value >= goal.bound if goal.relation == ">=" else value <= goal.bound
    wanted = np.where(within, measures[goal.measure], np.nan)
    reached = not np.isnan(wanted).all()
    if not reached:
        at = _first_best(value, largest=goal.relation == ">=")
    else:
        at = _first_best(wanted, largest=goal.sense == "maximum")
    return tried.answer(goal, at, reached=reached, value=float(value[at]), base_rate=base_rate)


def choose_points(labels: Integers, scores: Floats) -> list[OperatingPoint]:
    """Return the operating points of training that can be reached, strictest first."""
    points = []
    for name, goal in TRAINING_POINTS.items():
        least = 1 if name == TOP_TENTH else MIN_MATCHES
        found = find_point(goal, labels, scores, least=min(least, len(labels)))
        # The card says which points a model has; a precision that is missing was out of reach.
        if found.reached or name == TOP_TENTH:
            points.append(_to_point(name, found))
    return points


def _to_point(name: str, found: Answer) -> OperatingPoint:
    return OperatingPoint(
        name=name,
        threshold=found.threshold,
        precision=found.precision.value,
        recall=found.recall.value,
        match_rate=found.match_rate.value,
    )


def _first_best(values: Floats, *, largest: bool) -> int:
    return int(np.nanargmax(values) if largest else np.nanargmin(values))


@dataclass(frozen=True)
class _Tried:
    """Every distinct score as a threshold, highest first, with what matches there."""

    thresholds: Floats
    matches: Integers
    caught: Integers
    found: Floats
    alarms: Floats
    """The weights of removed and kept comments that match."""
    labels: Integers
    scores: Floats
    weights: Floats

    @classmethod
    def count(cls, labels: Integers, scores: Floats, weights: Floats | None) -> "_Tried":
        if len(set(labels.tolist())) < 2:
            raise DataError(
                f"all {len(labels)} labelled comments are of one class; "
                "expected removed and kept ones"
            )
        weights = np.ones(len(labels)) if weights is None else weights
        descending, place = np.unique(-scores, return_inverse=True)

        def reached(by: NDArray[np.float64 | np.int64]) -> Floats:
            return np.cumsum(np.bincount(place, by, len(descending)), dtype=np.float64)

        return cls(
            thresholds=-descending,
            matches=reached(np.ones(len(labels))).astype(np.int64),
            caught=reached(labels).astype(np.int64),
            found=reached(weights * labels),
            alarms=reached(weights * (1 - labels)),
            labels=labels,
            scores=scores,
            weights=weights,
        )

    @property
    def base_rate(self) -> float:
        return float(self.found[-1] / (self.found[-1] + self.alarms[-1]))

    def measure(self, base_rate: float | None) -> Mapping[str, Floats]:
        """Return each measure at each threshold; NaN where there is nothing to take it of."""
        times = 1.0  # as the comments are, counts stay what they are, to the last digit
        if base_rate is not None:
            times = base_rate / (1 - base_rate) * float(self.alarms[-1] / self.found[-1])
        caught, alarms = times * self.found, self.alarms
        missed, spared = caught[-1] - caught, alarms[-1] - alarms
        total = caught[-1] + alarms[-1]
        with np.errstate(invalid="ignore"):
            return {
                "threshold": self.thresholds,
                "precision": caught / (caught + alarms),
                "recall": caught / caught[-1],
                "f1": 2 * caught / (2 * caught + alarms + missed),
                "fpr": alarms / alarms[-1],
                "match_rate": (caught + alarms) / total,
                "filter_rate": (missed + spared) / total,
                "accuracy": (caught + spared) / total,
                "!precision": spared / (spared + missed),
                "!recall": spared / alarms[-1],
                "!f1": 2 * spared / (2 * spared + alarms + missed),
            }

    def answer(
        self, goal: Goal, at: int, *, reached: bool, value: float, base_rate: float | None
    ) -> Answer:
        matches, caught = int(self.matches[at]), int(self.caught[at])
        removed, comments = int(self.labels.sum()), len(self.labels)
        rate = self.base_rate if base_rate is None else base_rate
        seen = {name: float(values[at]) for name, values in self.measure(None).items()}
        matching = self.scores >= self.thresholds[at]
        recall = self._interval(seen["recall"], matching, self.labels == 1)
        fpr = self._interval(seen["fpr"], matching, self.labels == 0)
        match_rate = float(self.measure(base_rate)["match_rate"][at])
        return Answer(
            goal=goal,
            reached=reached,
            value=value,
            threshold=float(self.thresholds[at]),
            base_rate=rate,
            precision=shift_share(
                self._interval(seen["precision"], self.labels == 1, matching),
                before=self.base_rate,
                after=rate,
            ),
            recall=recall,
            match_rate=_combine(rate, recall, fpr, match_rate, comments),
            matches=matches,
            caught=caught,
            comments=comments,
            removed=removed,
        )

    def _interval(self, share: float, hits: Mask, of: Mask) -> Interval:
        """Return a share of some comments with its interval."""
        low, high = wilson_bounds(share, effective_number(self.weights[of], hits[of]))
        return Interval(share, low, high, int(of.sum()))


def _combine(rate: float, recall: Interval, fpr: Interval, share: float, trials: int) -> Interval:
    """Return the share that matches, with the interval that those of both classes give it."""
    below, above = (
        math.hypot(rate * a, (1 - rate) * b)
        for a, b in (
            (recall.value - recall.low, fpr.value - fpr.low),
            (recall.high - recall.value, fpr.high - fpr.value),
        )
    )
    return Interval(share, max(0.0, share - below), min(1.0, share + above), trials)
