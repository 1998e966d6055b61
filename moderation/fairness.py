"""
Measures how scores treat comments that mention groups of people: three AUCs for each group.

Each is the share of (removed, kept) pairs in the right order. The *background* of a group are the
comments that do not mention it.

- Subgroup AUC: both mention the group. Low: the scores cannot tell them apart.
- BPSN AUC (background positive, subgroup negative): the kept one mentions the group, the removed
  one does not. Low: a mention alone raises scores.
- BNSP AUC (background negative, subgroup positive): the removed one mentions the group, the kept
  one does not. Low: a mention lowers scores, and abuse of the group is missed.

Borkan, Dixon, Sorensen, Thain and Vasserman 2019, "Nuanced Metrics for Measuring Unintended Bias
with Real Data for Text Classification".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.metrics import Floats, Integers, Interval, number_groups, resample, wilson

Booleans = NDArray[np.bool_]

IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "muslim": ("muslim", "muslims", "islam", "islamic"),
    "jewish": ("jewish", "jew", "jews", "judaism"),
    "christian": ("christian", "christians", "christianity", "catholic", "catholics"),
    "hindu": ("hindu", "hindus", "hinduism"),
    "atheist": ("atheist", "atheists", "atheism"),
    "black": ("black", "blacks", "african american", "african americans"),
    "white": ("white", "whites", "caucasian", "caucasians"),
    "asian": ("asian", "asians"),
    "latino": ("latino", "latinos", "latina", "latinas", "hispanic", "hispanics"),
    "indigenous": ("indigenous", "native american", "native americans"),
    "gay": ("gay", "gays", "homosexual", "homosexuals", "homosexuality"),
    "lesbian": ("lesbian", "lesbians"),
    "bisexual": ("bisexual", "bisexuals"),
    "transgender": ("transgender", "transsexual", "transsexuals", "trans"),
    "women": ("woman", "women", "female", "females"),
    "men": ("man", "men", "male", "males"),
    "disabled": ("disabled", "disability", "disabilities", "deaf", "wheelchair", "wheelchairs"),
    "older": ("older people", "elderly", "pensioner", "pensioners", "senior citizens"),
    "immigrant": (
        "immigrant", "immigrants", "migrant", "migrants", "refugee", "refugees",
        "asylum seeker", "asylum seekers",
    ),
}  # fmt: skip
"""
The neutral words by which a mention of each group is known.

A word is what a model weighs, whatever it means there: "black" counts in "a black coat" too.
"""
PEOPLE: Mapping[str, tuple[str, ...]] = {
    "muslim": ("muslims", "muslim people"),
    "jewish": ("jews", "jewish people"),
    "christian": ("christians", "catholics"),
    "hindu": ("hindus",),
    "atheist": ("atheists",),
    "black": ("black people", "african americans"),
    "white": ("white people",),
    "asian": ("asians", "asian people"),
    "latino": ("latinos", "hispanic people"),
    "indigenous": ("indigenous people", "native americans"),
    "gay": ("gay people", "homosexuals"),
    "lesbian": ("lesbians", "lesbian couples"),
    "bisexual": ("bisexual people",),
    "transgender": ("transgender people", "trans people"),
    "women": ("women",),
    "men": ("men",),
    "disabled": ("disabled people", "deaf people"),
    "older": ("older people", "pensioners"),
    "immigrant": ("immigrants", "refugees"),
}
"""The same groups as nouns for people, which fit the slot of a template."""

TERMS = tuple(
    dict.fromkeys(
        term for named in (IDENTITIES, PEOPLE) for terms in named.values() for term in terms
    )
)
"""Every term once, as texts to learn from: that a mention says nothing."""

FEWEST = 20
"""A group is measured where so many removed and so many kept comments mention it, and do not."""
RESAMPLES = 300
MEASURES = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
_POWER = -5  # of Borkan et al.'s mean


@dataclass(frozen=True)
class GroupBias:
    """How the scores treat one group; without a threshold, the rates are None."""

    group: str
    comments: int
    removed: int
    subgroup_auc: Interval
    bpsn_auc: Interval
    bnsp_auc: Interval
    false_positive_rate: Interval | None
    """The share of kept comments mentioning the group that are at or above the threshold."""
    background_false_positive_rate: Interval | None


@dataclass(frozen=True)
class Summary:
    """One of `MEASURES` over all groups."""

    measure: str
    worst: float
    worst_group: str
    power_mean: float
    """The generalised mean with p = -5: near the worst, and moved by the others too."""


@dataclass(frozen=True)
class BiasReport:
    """The groups that enough comments mention, and the names of those left out: too few."""

    comments: int
    threshold: float | None
    groups: tuple[GroupBias, ...]
    left_out: tuple[str, ...]
    fewest: int
    """Groups with fewer removed or kept comments are left out."""
    summaries: tuple[Summary, ...]
    """One for each of `MEASURES`; none where every group is left out."""


def mentions(
    texts: Iterable[str], identities: Mapping[str, Sequence[str]] = IDENTITIES
) -> dict[str, Booleans]:
    """
    Return for each group which texts mention it, shape (n,), by whole words in any case.

    >>> found = mentions(["A Gay choir", "A day in Gayton", "Men and WOMEN"])
    >>> found["gay"].tolist(), found["women"].tolist()
    ([True, False, False], [False, False, True])
    """
    group_of = {term.casefold(): group for group, terms in identities.items() for term in terms}
    find = _whole_words(group_of).findall
    found = [{group_of[term] for term in find(text.casefold())} for text in texts]
    return {
        group: np.fromiter((group in one for one in found), dtype=np.bool_, count=len(found))
        for group in identities
    }


def measure_bias(
    texts: Sequence[str],
    labels: Integers,
    scores: Floats,
    *,
    groups: Integers | None = None,
    threshold: float | None = None,
    identities: Mapping[str, Sequence[str]] = IDENTITIES,
    fewest: int = FEWEST,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> BiasReport:
    """
    Measure scores, shape (n,), against labels 0/1, shape (n,), for each group of people mentioned.

    Intervals are 95% percentile bootstrap ones. `groups` are those of `measure`: articles, threads
    or templates, drawn whole.
    """
    return measure_mentioned(
        mentions(texts, identities),
        labels,
        scores,
        groups=groups,
        threshold=threshold,
        fewest=fewest,
        seed=seed,
        resamples=resamples,
    )


def measure_mentioned(
    found: Mapping[str, Booleans],
    labels: Integers,
    scores: Floats,
    *,
    groups: Integers | None = None,
    threshold: float | None = None,
    fewest: int = FEWEST,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> BiasReport:
    """Measure as `measure_bias` does, where it is known already which comments mention whom."""
    removed = labels == 1
    told = {name: named for name, named in found.items() if _can_tell(named, removed, fewest)}
    ranking = _Ranking(scores, removed, told.values())
    group = number_groups(groups, len(labels))
    drawn = resample(group, np.random.default_rng(seed), resamples)
    measured = tuple(
        GroupBias(
            group=name,
            comments=int(named.sum()),
            removed=int(removed[named].sum()),
            subgroup_auc=aucs[0],
            bpsn_auc=aucs[1],
            bnsp_auc=aucs[2],
            false_positive_rate=_false_positives(named & ~removed, scores, threshold),
            background_false_positive_rate=_false_positives(~named & ~removed, scores, threshold),
        )
        for (name, named), aucs in zip(told.items(), ranking.intervals(drawn), strict=True)
    )
    left_out = tuple(name for name in found if name not in told)
    summaries = tuple(_summarise(name, measured) for name in MEASURES) if measured else ()
    return BiasReport(len(labels), threshold, measured, left_out, fewest, summaries)


def _whole_words(terms: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of the terms; the look at the first letter saves most of the time."""
    first = "".join(sorted({re.escape(term[0]) for term in terms}))
    return re.compile(rf"\b(?=[{first}])(?:{'|'.join(map(re.escape, terms))})\b")


def _can_tell(named: Booleans, removed: Booleans, fewest: int) -> bool:
    cells = (named & removed, named & ~removed, ~named & removed, ~named & ~removed)
    return all(np.count_nonzero(cell) >= fewest for cell in cells)


def _false_positives(kept: Booleans, scores: Floats, threshold: float | None) -> Interval | None:
    if threshold is None:
        return None
    return wilson(int((scores[kept] >= threshold).sum()), int(kept.sum()))


def _summarise(measure: str, measured: Sequence[GroupBias]) -> Summary:
    values = [getattr(bias, measure).value for bias in measured]
    worst = int(np.argmin(values))
    return Summary(measure, values[worst], measured[worst].group, _power_mean(values))


def _power_mean(values: Sequence[float]) -> float:
    """
    Return the generalised mean, pulled towards the worst.

    >>> round(_power_mean([0.9, 0.9, 0.6]), 2)
    0.71
    """
    if min(values) == 0:
        return 0.0
    return float(np.mean(np.power(values, _POWER)) ** (1 / _POWER))


@dataclass(frozen=True)
class _Subgroup:
    """The rows of one group's comments, and where these stand among each other, lowest first."""

    removed: Integers
    kept: Integers
    removed_places: Integers
    kept_places: Integers

    def pairs(self, weights: Floats) -> float:
        """Return the weight of its (removed, kept) pairs in the right order, ties counting half."""
        size = len(self.removed) + len(self.kept)
        below = _below(self.kept_places, weights[self.kept], size)
        return float(weights[self.removed] @ below[self.removed_places])


class _Ranking:
    """Comments in the order of their scores: sorted once, then weighed as often as wanted."""

    def __init__(self, scores: Floats, removed: Booleans, named: Iterable[Booleans]) -> None:
        order, self.places = np.unique(scores, return_inverse=True)
        self.size = len(order)
        self.removed, self.kept = np.flatnonzero(removed), np.flatnonzero(~removed)
        self.subgroups = [self._subgroup(removed, mask) for mask in named]

    def intervals(self, drawn: Iterable[Floats]) -> Iterator[list[Interval]]:
        """Yield the three AUCs of each group, with 95% intervals over the weights drawn."""
        if not self.subgroups:
            return
        values = self.aucs(np.ones(len(self.places)))
        lows, highs = np.nanpercentile([self.aucs(one) for one in drawn], [2.5, 97.5], axis=0)
        for k, group in enumerate(self.subgroups):
            yield [
                Interval(float(values[k, m]), float(lows[k, m]), float(highs[k, m]), of)
                for m, of in enumerate(self._counts(group))
            ]

    def aucs(self, weights: Floats) -> Floats:
        """Return subgroup, BPSN and BNSP AUC of each group, (groups, 3); NaN without any pair."""
        kept, removed = weights[self.kept], weights[self.removed]
        below = _below(self.places[self.kept], kept, self.size)
        above = removed.sum() - _below(self.places[self.removed], removed, self.size)
        pairs, right = np.empty((2, len(self.subgroups), 3))
        for k, group in enumerate(self.subgroups):
            ours, theirs = weights[group.removed], weights[group.kept]
            # Pairs with the background are those with all comments, less those within the group.
            within, possible = group.pairs(weights), ours.sum() * theirs.sum()
            over = theirs @ above[self.places[group.kept]] - within
            under = ours @ below[self.places[group.removed]] - within
            right[k] = within, over, under
            pairs[k] = possible, removed.sum() * theirs.sum(), ours.sum() * kept.sum()
            pairs[k, 1:] -= possible
        return np.divide(right, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)

    def _subgroup(self, removed: Booleans, named: Booleans) -> _Subgroup:
        ours, theirs = np.flatnonzero(named & removed), np.flatnonzero(named & ~removed)
        places = np.unique(self.places[np.append(ours, theirs)], return_inverse=True)[1]
        return _Subgroup(ours, theirs, places[: len(ours)], places[len(ours) :])

    def _counts(self, group: _Subgroup) -> tuple[int, int, int]:
        """Return how many comments stand behind each AUC."""
        ours, theirs = len(group.removed), len(group.kept)
        return ours + theirs, len(self.removed) - ours + theirs, len(self.kept) - theirs + ours


def _below(places: Integers, weights: Floats, size: int) -> Floats:
    """Return the weight that lies below each of `size` places, and half of what lies there."""
    there = np.bincount(places, weights, size)
    return np.asarray(np.cumsum(there) - there / 2, dtype=np.float64)
