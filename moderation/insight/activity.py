"""What was decided over time: how much, how often the model matched, and how often it was right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from moderation.agreement import Kappa, SecondOpinion, measure_kappa
from moderation.insight.decided import UNKNOWN, Decided, Mask, Moments, find_matches
from moderation.policy import Action
from moderation.shares import Share, measure_shares

Days = NDArray[np.datetime64]

_MONDAY = np.datetime64("1970-01-05", "D")


class Period(StrEnum):
    """What a plot counts by, in UTC; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Count:
    """How many comments were approved or removed in a period."""

    begins: date
    action: Action
    automatic: bool
    decisions: int


@dataclass(frozen=True)
class Moment:
    """A share in a period."""

    begins: date
    share: Share


@dataclass(frozen=True)
class Trend:
    """A share over time; periods in which nothing tells it are not in it."""

    moments: tuple[Moment, ...]
    unscored: int = 0
    """Decisions left out because the comment had no score."""
    without_threshold: int = 0
    """Decisions left out because the threshold of the model that gave the score is not known."""


@dataclass(frozen=True)
class KappaMoment:
    """Kappa of the second opinions in a period."""

    begins: date
    kappa: Kappa


def begin_of(moments: Moments, period: Period) -> Days:
    """
    Return the first day of the period that each moment is in.

    >>> begin_of(np.array(["2026-03-01T23:59:59.5"], "datetime64[us]"), Period.WEEK).tolist()
    [datetime.date(2026, 2, 23)]
    """
    days: Days = moments.astype("datetime64[D]")
    if period is Period.MONTH:
        days = days.astype("datetime64[M]").astype("datetime64[D]")
    if period is Period.WEEK:
        since = (days - _MONDAY).astype(np.int64) % 7
        days = days - since.astype("timedelta64[D]")
    return days


def count_decisions(
    decided: Decided, *, period: Period, moderator: str | None = None
) -> list[Count]:
    """Return the number of decisions in each period, by action; of all, or of one moderator."""
    if moderator is not None:
        names = decided.decided_by.names
        code = names.index(moderator) if moderator in names else len(names)
        decided = decided.take(decided.decided_by.codes == code)
    begins, place = np.unique(begin_of(decided.decided_at, period), return_inverse=True)
    kinds = [(Action.APPROVE, False), (Action.REMOVE, False), (Action.APPROVE, True),
             (Action.REMOVE, True)]  # fmt: skip
    kind = decided.removed + 2 * decided.automatic
    counts = np.bincount(place * len(kinds) + kind, minlength=len(begins) * len(kinds))
    return [
        Count(begin, *kinds[number], int(found))
        for begin, row in zip(begins.tolist(), counts.reshape(-1, len(kinds)), strict=True)
        for number, found in enumerate(row)
        if found
    ]


def follow_match_rate(
    decided: Decided, thresholds: Mapping[str, float], *, period: Period
) -> Trend:
    """
    Return the share of the decided comments that the model matched, over time.

    `thresholds` are by version of the model: each score is compared with that of its own.
    """
    matches = find_matches(decided, dict(thresholds))
    return _follow(decided, matches, matches != UNKNOWN, matches == 1, period)


def follow_agreement(decided: Decided, thresholds: Mapping[str, float], *, period: Period) -> Trend:
    """
    Return the share of decisions that were the model's as well, over time.

    Removed and matched, or approved and not matched.
    """
    matches = find_matches(decided, dict(thresholds))
    return _follow(decided, matches, matches != UNKNOWN, matches == decided.removed, period)


def follow_precision(decided: Decided, thresholds: Mapping[str, float], *, period: Period) -> Trend:
    """Return the share of the matched comments that were removed, over time."""
    matches = find_matches(decided, dict(thresholds))
    return _follow(decided, matches, matches == 1, decided.removed, period)


def follow_kappa(
    opinions: Iterable[SecondOpinion], *, period: Period, seed: int = 0
) -> list[KappaMoment]:
    """Return kappa of the second opinions given in each period, on whether to remove."""
    known = list(opinions)
    moments = [one.decided_at.replace(tzinfo=None) for one in known]
    begins = begin_of(np.array(moments, dtype="datetime64[us]"), period)
    removed = np.array(
        [[one.first is Action.REMOVE, one.second is Action.REMOVE] for one in known], dtype=bool
    ).reshape(-1, 2)
    return [
        KappaMoment(begin.item(), measure_kappa(*removed[begins == begin].T, seed=seed))
        for begin in np.unique(begins)
    ]


def _follow(
    decided: Decided, matches: NDArray[np.int8], chosen: Mask, hits: Mask, period: Period
) -> Trend:
    begins, place = np.unique(begin_of(decided.decided_at, period), return_inverse=True)
    shares = measure_shares(place, len(begins), chosen, hits, decided.weights)
    unscored = int(np.isnan(decided.scores).sum())
    return Trend(
        tuple(
            Moment(begin, share)
            for begin, share in zip(begins.tolist(), shares, strict=False)  # of no group, one share
            if share is not None
        ),
        unscored,
        int((matches == UNKNOWN).sum()) - unscored,
    )
