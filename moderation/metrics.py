"""Measures scores against labels: ranking, rates with intervals, base-rate correction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from moderation.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 1000
CALIBRATION_BINS = 15
_Z = 1.959963984540054  # the standard normal's 97.5% point


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95% interval; `of` is the count behind a rate."""

    value: float
    low: float
    high: float
    of: int = 0

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def as_share(self) -> str:
        """Return a rate in percent, the counts behind it in brackets."""
        hits = round(self.value * self.of)
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}] ({hits} of {self.of})"


@dataclass(frozen=True)
class PointMeasure:
    """What an operating point does to the comments measured, and would do at the site's rate."""

    name: str
    threshold: float
    matches: int
    precision: Interval | None
    """None where nothing matched."""
    recall: Interval
    match_rate: Interval
    site_precision: float | None
    site_match_rate: float


@dataclass(frozen=True)
class Difference:
    """A measure of two models on the same comments, and how much higher the new one's is."""

    present: Interval
    new: Interval
    more: Interval


@dataclass(frozen=True)
class Rankings:
    """How well two models put the same comments in order."""

    roc_auc: Difference
    average_precision: Difference


@dataclass(frozen=True)
class Report:
    """A model's quality on labelled comments."""

    comments: int
    removed: int
    base_rate: float
    site_base_rate: float
    roc_auc: Interval
    average_precision: Interval
    points: tuple[PointMeasure, ...]


def measure(
    labels: Integers,
    scores: Floats,
    *,
    groups: Integers | None = None,
    thresholds: Mapping[str, float],
    site_base_rate: float | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Report:
    """
    Measure scores, shape (n,), against labels 0/1, shape (n,).

    Intervals of the ranking measures are 95% percentile bootstrap ones (Efron 1979); whole groups
    (articles, threads) are resampled where they are given, since their comments are alike.
    Intervals of rates are Wilson's (1927).

    Raises:
        DataError: one class only: nothing can be ranked.

    """
    _check_classes(labels)
    auc, precision = _intervals(*_bootstrap(labels, scores, groups, seed, resamples), len(labels))
    base_rate = float(labels.mean())
    site = base_rate if site_base_rate is None else site_base_rate
    points = tuple(
        measure_point(name, threshold, labels, scores, site_base_rate=site)
        for name, threshold in thresholds.items()
    )
    return Report(len(labels), int(labels.sum()), base_rate, site, auc, precision, points)


def compare_rankings(
    labels: Integers,
    present: Floats,
    new: Floats,
    *,
    groups: Integers | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Rankings:
    """
    Measure how two models put the same comments in order, shape (n,) each, and the difference.

    Intervals are those of `measure`. Both are measured on the same draws: that of the difference
    is paired, and narrower than those of the two let expect.

    Raises:
        DataError: one class only: nothing can be ranked.

    """
    _check_classes(labels)
    number = len(labels)
    (before, drawn), (after, drawn_anew) = (
        _bootstrap(labels, scores, groups, seed, resamples) for scores in (present, new)
    )
    triples = zip(
        _intervals(before, drawn, number),
        _intervals(after, drawn_anew, number),
        _intervals(after - before, drawn_anew - drawn, number),
        strict=True,
    )
    return Rankings(*(Difference(*triple) for triple in triples))


def measure_point(
    name: str, threshold: float, labels: Integers, scores: Floats, *, site_base_rate: float
) -> PointMeasure:
    """Count what is at or above a threshold."""
    matching = scores >= threshold
    matches, removed = int(matching.sum()), int(labels.sum())
    caught = int(labels[matching].sum())
    false_alarms = matches - caught
    recall = wilson(caught, removed)
    false_positive_rate = false_alarms / (len(labels) - removed)
    rescaled = site_base_rate * recall.value + (1 - site_base_rate) * false_positive_rate
    return PointMeasure(
        name=name,
        threshold=threshold,
        matches=matches,
        precision=wilson(caught, matches) if matches else None,
        recall=recall,
        match_rate=wilson(matches, len(labels)),
        site_precision=precision_at_base_rate(
            recall=recall.value, false_positive_rate=false_positive_rate, base_rate=site_base_rate
        ),
        site_match_rate=rescaled,
    )


def precision_at_base_rate(
    *, recall: float, false_positive_rate: float, base_rate: float
) -> float | None:
    """
    Return the precision to expect where `base_rate` of comments deserve removal.

    Recall and the false-positive rate carry over from one base rate to another; precision does
    not. None where nothing would match.

    >>> [
    ...     round(precision_at_base_rate(recall=0.75, false_positive_rate=0.03, base_rate=rate), 2)
    ...     for rate in (0.5, 0.1, 0.01)
    ... ]
    [0.96, 0.74, 0.2]
    """
    caught = recall * base_rate
    false_alarms = false_positive_rate * (1 - base_rate)
    return caught / (caught + false_alarms) if caught + false_alarms else None


def calibration_error(
    labels: Integers, scores: Floats, *, weights: Floats | None = None, bins: int = CALIBRATION_BINS
) -> float:
    """
    Return the expected calibration error: by how much scores miss the share removed, on average.

    In bins of equal mass (Naeini, Cooper and Hauskrecht 2015; Nixon et al. 2019): the scores (n,)
    in order are cut into parts that weigh the same, and the gaps between mean score and share of
    removals averaged by weight.

    >>> calibration_error(np.array([0, 1, 0, 1]), np.array([0.4, 0.4, 0.6, 0.6]), bins=2)
    0.1
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    part = np.minimum((reached - weights[order] / 2) * bins // reached[-1], bins - 1).astype(int)
    gaps = np.bincount(part, (weights * (scores - labels))[order], bins)
    return round(float(np.abs(gaps).sum() / reached[-1]), 12)


def shift_share(share: Interval, *, before: float, after: float) -> Interval:
    """
    Return a precision and its interval as they are at another base rate.

    Its odds change as those of the base rate do, where recall and the false-positive rate stay.

    >>> str(shift_share(wilson(9, 10), before=0.5, after=0.1))
    '0.500 [0.141, 0.859]'
    """
    if before == after:
        return share
    times = after / (1 - after) * (1 - before) / before

    def shift(value: float) -> float:
        return value * times / (value * times + 1 - value)

    return Interval(shift(share.value), shift(share.low), shift(share.high), share.of)


def wilson(successes: int, trials: int) -> Interval:
    """
    Return a share with its 95% interval (Wilson 1927), which is right for small counts too.

    >>> str(wilson(9, 10))
    '0.900 [0.596, 0.982]'
    """
    share = successes / trials
    low, high = wilson_bounds(share, trials)
    return Interval(share, low, high, trials)


def wilson_bounds(share: float, trials: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval, also for an effective number of trials."""
    centre = (share + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    spread = share * (1 - share) / trials + _Z**2 / (4 * trials**2)
    half = _Z * float(np.sqrt(spread)) / (1 + _Z**2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(hits: int, of: int, *, doubt: float) -> tuple[float, float]:
    """
    Return between what a share lies, with `doubt` at each end that it does not.

    Exactly so or surer (Clopper and Pearson 1934).

    >>> [round(end, 4) for end in clopper_pearson(3, 299, doubt=0.05)]
    [0.0027, 0.0257]
    """
    low = float(betaincinv(hits, of - hits + 1, doubt)) if hits else 0.0
    high = float(betaincinv(hits + 1, of - hits, 1 - doubt)) if hits < of else 1.0
    return low, high


def number_groups(groups: Integers | None, comments: int) -> Integers:
    """Return the group of each comment, numbered from 0; without groups, each is its own."""
    return np.arange(comments) if groups is None else np.unique(groups, return_inverse=True)[1]


def resample(group: Integers, rng: np.random.Generator, resamples: int) -> Iterator[Floats]:
    """Yield how often each comment is in a draw of as many whole groups, with replacement."""
    number = int(group.max()) + 1
    for _ in range(resamples):
        counts = np.bincount(rng.integers(number, size=number), minlength=number)
        yield counts[group].astype(np.float64)


def _check_classes(labels: Integers) -> None:
    if len(set(labels.tolist())) < 2:
        raise DataError(
            f"all {len(labels)} labelled comments are of one class; expected removed and kept ones"
        )


# Measures of (removed, kept) weights at each distinct score, highest score first.


def _roc_auc(removed: Floats, kept: Floats) -> float:
    """Share of (removed, kept) pairs in the right order, ties counting half."""
    below = kept.sum() - np.cumsum(kept)
    return float((removed * (below + kept / 2)).sum() / (removed.sum() * kept.sum()))


def _average_precision(removed: Floats, kept: Floats) -> float:
    """Precision at each distinct score, weighted by the removals found there."""
    found, matched = np.cumsum(removed), np.cumsum(removed + kept)
    precision = np.divide(found, matched, out=np.zeros_like(found), where=matched > 0)
    return float((precision * removed).sum() / removed.sum())


def _bootstrap(
    labels: Integers, scores: Floats, groups: Integers | None, seed: int, resamples: int
) -> tuple[Floats, Floats]:
    """
    Return ROC-AUC and average precision, (2,), and those of resampled groups, (draws, 2).

    A draw without one of the classes is left out, which depends on labels and seed alone.
    """
    descending, place = np.unique(-scores, return_inverse=True)
    size = len(descending)
    group = number_groups(groups, len(labels))

    def weighted(weights: Floats) -> tuple[Floats, Floats]:
        return (
            np.bincount(place, weights * labels, size).astype(np.float64),
            np.bincount(place, weights * (1 - labels), size).astype(np.float64),
        )

    def rank(weights: Floats) -> list[float]:
        removed, kept = weighted(weights)
        if not (removed.any() and kept.any()):
            return []
        return [_roc_auc(removed, kept), _average_precision(removed, kept)]

    draws = resample(group, np.random.default_rng(seed), resamples)
    drawn = [found for weights in draws if (found := rank(weights))]
    return np.array(rank(np.ones(len(labels)))), np.array(drawn)


def _intervals(values: Floats, drawn: Floats, number: int) -> Iterator[Interval]:
    """Yield each value with its percentile interval over draws."""
    lows, highs = np.percentile(drawn, [2.5, 97.5], axis=0)
    for value, low, high in zip(values, lows, highs, strict=True):
        yield Interval(float(value), float(low), float(high), number)
