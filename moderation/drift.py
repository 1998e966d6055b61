"""
Tells what has changed between comments before and now, before it breaks a promise.

Each quantity gets a distance that people know and a test, so that neither a large sample nor a
small one cries wolf: it has moved where the change is beyond chance and large enough to matter.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from moderation.metrics import Interval, wilson

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LARGE_INDEX: Final = 0.1
"""The population stability index from which on a change matters; 0.25 is much (Siddiqi 2006)."""
LARGE_VARIATION: Final = 0.05
"""One comment in twenty is in another language than before."""
LARGE_RATIO: Final = 0.25
"""A share that is a quarter larger or smaller than before: that much more or less work."""
PARTS: Final = 10
_RARE: Final = 5.0  # expected comments in a cell of a table, below which chi-square is not exact


@dataclass(frozen=True)
class Sample:
    """Comments of a time; what is not known of any of them is left out."""

    scores: Mapping[str, Floats] = field(default_factory=dict)
    """By attribute, (n,); NaN where there is none."""
    labels: NDArray[np.int8] | None = None
    """1 removed, 0 kept, -1 not known."""
    lengths: NDArray[np.int64] | None = None
    """Characters of the texts; negative where there is none."""
    languages: Sequence[str | None] | None = None


class Change(StrEnum):
    """What a comparison comes to."""

    STEADY = "steady"
    MOVED = "moved"
    TOO_FEW = "too few to tell"


@dataclass(frozen=True)
class Drift:
    """One quantity, before and now."""

    quantity: str
    before: str
    now: str
    counts: tuple[int, int]
    """Comments of which it is known, before and now."""
    measure: str
    distance: float
    large: float
    """The distance from which on it matters."""
    noise: float
    """The distance up to which chance alone goes, or which the counts do not rule out."""
    p_value: float
    """Of no change at all; corrected for the number of quantities compared (Holm 1979)."""
    change: Change = Change.STEADY

    def __str__(self) -> str:
        if not min(self.counts):
            return f"{self.quantity}: {self.change}: {self.counts[0]} before, {self.counts[1]} now"
        was = f"{self.quantity}: {self.change}: {self.before} before, {self.now} now"
        limit = f"{self.measure} {self.distance:.3f}, matters from {self.large:.3f}"
        chance = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.2g}"
        return f"{was} ({limit}; {chance}; {self.counts[0]} and {self.counts[1]})"


def compare(before: Sample, now: Sample, *, confidence: float = 0.95) -> list[Drift]:
    """
    Return how far scores, lengths, languages and the base rate have moved, those that both have.

    One has moved where the change is beyond chance and its distance large enough to matter. Where
    nothing moved all are called steady with the confidence given, all of them together. Too few to
    tell are comments among which chance alone could go as far as what matters.

    >>> scores = np.linspace(0, 1, 1001)
    >>> [found] = compare(Sample({"TOXICITY": scores}), Sample({"TOXICITY": scores**2}))
    >>> str(found).partition(" (")[0]
    'scores of TOXICITY: moved: half below 0.500 before, half below 0.250 now'
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected a share above 0 and below 1")
    found = list(_compare_each(before, now, confidence))
    corrected = _correct([drift.p_value for drift in found])
    return [
        replace(drift, p_value=p_value, change=_judge(drift, p_value, confidence))
        for drift, p_value in zip(found, corrected, strict=True)
    ]


def _judge(drift: Drift, p_value: float, confidence: float) -> Change:
    if not min(drift.counts):
        return Change.TOO_FEW
    if p_value <= 1 - confidence and drift.distance >= drift.large:
        return Change.MOVED
    return Change.TOO_FEW if drift.noise >= drift.large else Change.STEADY


def _compare_each(before: Sample, now: Sample, confidence: float) -> Iterator[Drift]:
    for name in sorted(before.scores.keys() & now.scores.keys()):
        was, is_now = (sample.scores[name] for sample in (before, now))
        was, is_now = was[~np.isnan(was)], is_now[~np.isnan(is_now)]
        yield _compare_numbers(f"scores of {name}", was, is_now, "half below {:.3f}", confidence)
    if before.lengths is not None and now.lengths is not None:
        was, is_now = (
            lengths[lengths >= 0].astype(np.float64) for lengths in (before.lengths, now.lengths)
        )
        form = "half below {:.0f} characters"
        yield _compare_numbers("lengths", was, is_now, form, confidence)
    if before.languages is not None and now.languages is not None:
        yield _compare_languages(before.languages, now.languages, confidence)
    if before.labels is not None and now.labels is not None:
        yield _compare_base_rates(before.labels, now.labels)


def _compare_numbers(
    quantity: str, before: Floats, now: Floats, form: str, confidence: float
) -> Drift:
    """Compare by the index over tenths of the earlier numbers, and test by Kolmogorov-Smirnov."""
    if not len(before) or not len(now):
        return _unknown(quantity, len(before), len(now), "population stability index", LARGE_INDEX)
    tenths = np.quantile(before, np.arange(1, PARTS + 1) / PARTS, method="inverted_cdf")
    edges = np.unique([np.nextafter(before.min(), -np.inf), *tenths])  # ties fall into one part
    parts = len(edges) + 1
    counts = [np.bincount(np.searchsorted(edges, x), minlength=parts) for x in (before, now)]
    return Drift(
        quantity,
        form.format(np.median(before)),
        form.format(np.median(now)),
        (len(before), len(now)),
        "population stability index",
        stability_index(*counts),
        LARGE_INDEX,
        _index_by_chance(len(before), len(now), confidence),
        float(stats.ks_2samp(before, now, method="asymp").pvalue),
    )


def stability_index(before: Integers, now: Integers) -> float:
    """
    Return the population stability index of two lists of counts, part by part.

    The sum of (now - before) * log(now / before) over the shares in each part; half a comment is
    added to each count, since a part that was empty would make it infinite.

    >>> round(stability_index(np.array([500, 500]), np.array([600, 400])), 3)
    0.04
    """
    was, is_now = ((counts + 0.5) / (counts + 0.5).sum() for counts in (before, now))
    return float(((is_now - was) * np.log(is_now / was)).sum())


def _index_by_chance(before: int, now: int, confidence: float) -> float:
    """
    Return how far the index goes by chance.

    Where nothing changed it is about a chi-square times 1 / before + 1 / now (Yurdakul and
    Naranjo, "Statistical properties of the population stability index", 2020).
    """
    return float(stats.chi2.ppf(confidence, PARTS - 1)) * (1 / before + 1 / now)


def _compare_languages(
    before: Sequence[str | None], now: Sequence[str | None], confidence: float
) -> Drift:
    """Compare by total variation, and test by chi-square; rare languages are taken together."""
    was, is_now = (Counter(name for name in names if name) for names in (before, now))
    total = (was.total(), is_now.total())
    measure = "share in another language"
    if not min(total):
        return _unknown("languages", *total, measure, LARGE_VARIATION)
    table = np.array([[counts[name] for name in sorted(was | is_now)] for counts in (was, is_now)])
    table = _lump(table)
    shares = table / table.sum(axis=1, keepdims=True)
    pooled = table.sum(axis=0) / table.sum()
    # Half the sum of absolute differences, each of which chance makes about this wide.
    spread = np.sqrt(pooled * (1 - pooled) * (1 / total[0] + 1 / total[1]))
    several = table.shape[1] > 1
    return Drift(
        "languages",
        _commonest(was),
        _commonest(is_now),
        total,
        measure,
        float(np.abs(shares[0] - shares[1]).sum() / 2),
        LARGE_VARIATION,
        float(spread.sum() / 2) * float(stats.norm.ppf((1 + confidence) / 2)),
        float(stats.chi2_contingency(table, correction=False).pvalue) if several else 1.0,
    )


def _lump(table: Integers) -> Integers:
    """Return the table with columns that few are expected in added up into one."""
    expected = table.sum(axis=0) * (table.sum(axis=1).min() / table.sum())
    rare = expected < _RARE
    if rare.sum() < 2:
        return table
    return np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])


def _commonest(counts: Counter[str], number: int = 3) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]
    return ", ".join(f"{name} {count / counts.total():.0%}" for name, count in ordered)


def _compare_base_rates(before: NDArray[np.int8], now: NDArray[np.int8]) -> Drift:
    """Compare the shares of removals by their difference, and test by Fisher's exact test."""
    known = [labels[labels >= 0] for labels in (before, now)]
    if not all(map(len, known)):
        return _unknown("base rate", len(known[0]), len(known[1]), "difference", 0.0)
    was, is_now = (wilson(int(labels.sum()), len(labels)) for labels in known)
    difference = find_difference(was, is_now)
    table = np.array([[int((labels == label).sum()) for labels in known] for label in (1, 0)])
    return Drift(
        "base rate",
        f"{was.value:.2%} removed",
        f"{is_now.value:.2%} removed (a change of {difference.low:+.2%} to {difference.high:+.2%})",
        (was.of, is_now.of),
        "difference",
        abs(difference.value),
        LARGE_RATIO * was.value,
        max(abs(difference.low), abs(difference.high)),
        float(stats.fisher_exact(table).pvalue),
    )


def find_difference(before: Interval, now: Interval) -> Interval:
    """
    Return how much larger a share is now, from Wilson's intervals (Newcombe 1998, method 10).

    >>> str(find_difference(wilson(56, 70), wilson(48, 80)))
    '-0.200 [-0.334, -0.052]'
    """
    change = now.value - before.value
    down = math.hypot(now.value - now.low, before.high - before.value)
    up = math.hypot(now.high - now.value, before.value - before.low)
    low, high = max(-1.0, change - down), min(1.0, change + up)
    return Interval(change, low, high, before.of + now.of)


def _unknown(quantity: str, before: int, now: int, measure: str, large: float) -> Drift:
    return Drift(quantity, "", "", (before, now), measure, math.nan, large, math.inf, 1.0)


def _correct(p_values: Sequence[float]) -> list[float]:
    """
    Return p-values corrected for being several (Holm 1979).

    >>> _correct([0.04, 0.01, 0.5])
    [0.08, 0.03, 0.5]
    """
    corrected, worst = dict[int, float](), 0.0
    for place, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[number] * (len(p_values) - place)))
        corrected[number] = worst
    return [corrected[number] for number in range(len(p_values))]
