"""
Watches whether a promise about automatic actions is kept, from a blind audit of some of them.

The test is a bet against the promise (Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", 2024): it may be looked at after every audit, for ever. It is written out
here since confseq, the library for it, is unmaintained since 2023 and needs Boost to be built.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moderation.metrics import Interval
from moderation.policy import ErrorLimit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STAKES = 12
FIRST_HALF = 0.5
"""The capital that is staked from the first audit on; the rest waits for later starts."""
LATE = 10.0
"""
Later starts are spread about evenly over the logarithm of time, in this many times 1 / error.

At 3 a doubled error is noticed some 7% sooner from the start and 6% later after 2,000 audits; at 30
2% later from the start, and after 2,000 audits up to 4% sooner.
"""
RICHEST = 1e200
"""Where a bet stops to grow: far above any alarm, so that it never becomes infinite."""
_ROUNDING = 1e-6  # of weights: 1/3 in a table is 3.0 or 3.000001, and bets allow for 10% more


class Tally(NamedTuple):
    """Audits of one sampling weight: how many were found wrong and right."""

    weight: float
    wrong: int
    right: int


@dataclass(frozen=True)
class Watch:
    """
    What the audits of an automatic rule's actions say about its promise so far.

    The promise is kept while each action is wrong with probability `promise.error` at most. While
    it is, the probability that an alarm is ever raised is at most 1 - `promise.confidence`, however
    often anybody looks and however long it runs (Ville's inequality). An alarm stays.

    An audit's weight is 1 / its probability of being chosen; `heaviest`, the largest there can be,
    is fixed before the first audit (1 / the rule's audit share).

    >>> watch = Watch(ErrorLimit(0.01)).after([False] * 300)
    >>> watch.alarmed_at, f"{watch.interval.high:.3f}"
    (None, '0.015')
    >>> watch.after([True] * 5).alarmed_at
    304
    """

    promise: ErrorLimit
    heaviest: float = 1.0
    audited: int = 0
    alarmed_at: int | None = None
    """The number of the audit that raised the alarm, counted from 1."""
    wealth: float = 1.0
    """What a capital of 1, bet against the promise, has become; of it alarms are made."""
    capital: tuple[float, ...] = (FIRST_HALF,) * STAKES
    """What each stake would have if all had been bet on it."""
    tally: tuple[Tally, ...] = field(default=(), repr=False)
    """By weight, lightest first."""

    def __post_init__(self) -> None:
        if not 0 < self.heaviest < math.inf:
            raise ValueError(f"heaviest is {self.heaviest}, expected a number above 0")

    @property
    def wrong(self) -> int:
        """How many audits found an error."""
        return sum(part.wrong for part in self.tally)

    @property
    def interval(self) -> Interval:
        """The error share with its anytime-valid interval: see `error_interval`."""
        return _find_interval(self.tally, self.promise.confidence, self.heaviest)

    def after(self, wrong: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """
        Return the watch after further audits, in their order; two parts are as good as the whole.

        `wrong`, (n,), tells of which a person said that the rule was wrong. Without weights, (n,),
        all were equally likely to be audited.

        Raises:
            ValueError: anything but yes or no, or a weight that is no number above 0 and at most
                `heaviest`: a weight of zero stands for an action that cannot have been audited.

        """
        found, weighed = _check(wrong, weights, self.heaviest)
        capital = np.array(self.capital)[:, np.newaxis]
        alarmed_at, wealth = self.alarmed_at, self.wealth
        played = bet(
            capital,
            found[:, np.newaxis],
            weighed[:, np.newaxis] / self.heaviest,
            error=self.promise.error,
            audited=self.audited,
        )
        for number, [wealth] in enumerate(played, self.audited + 1):
            if alarmed_at is None and wealth >= alarm_level(self.promise):
                alarmed_at = number
        return replace(
            self,
            audited=self.audited + len(found),
            alarmed_at=alarmed_at,
            wealth=float(wealth),
            capital=tuple(capital[:, 0].tolist()),
            tally=_count(found, weighed, self.tally),
        )


def alarm_level(promise: ErrorLimit) -> float:
    """Return the wealth at which there is an alarm."""
    return 1 / (1 - promise.confidence)


def bet(
    capital: Floats, wrong: Flags, weights: Floats, *, error: float, audited: int = 0
) -> Iterator[Floats]:
    """
    Yield the wealth of each run after each audit, (runs,), and change `capital` on the way.

    `capital`, (stakes, runs), begins at `FIRST_HALF`; `wrong` and `weights`, at most 1, are
    (audits, runs). A stake is multiplied by 1 + stake * weight * (wrong - error). That is done from
    the first audit on with one half of the capital. The other half comes in bit by bit, so that a
    promise that was kept for long and is then broken is noticed soon; what has not come in yet is
    counted as it is.
    """
    stakes, shares = _find_stakes(error)
    gains = weights * (wrong - error)
    for number, gain in enumerate(gains, audited):
        capital += _coming_in(number, error)
        capital *= 1 + stakes[:, np.newaxis] * gain
        np.minimum(capital, RICHEST, out=capital)
        yield shares @ capital + _waiting(number + 1, error)


@lru_cache
def _find_stakes(error: float) -> tuple[Floats, Floats]:
    """
    Return the stakes on each audit, from cautious to bold, and how the capital is shared.

    The best stake (Kelly's) against a share of errors q is (q - error) / (error * (1 - error)). The
    most cautious one is right for 1.2 times the promised error, the boldest where nearly all is
    wrong. Most is put on those that are right for about twice the error: at 1% that is noticed an
    eighth sooner than with equal parts, 1.5% a fifth sooner, 20% after 13 audits instead of 11.
    """
    doubled = error / (1 - error)
    fractions = np.geomspace(0.2 * min(doubled, 1), 0.9, STAKES)
    shares = (1 + np.abs(np.log2(fractions / doubled))) ** -2
    return fractions / error, shares / shares.sum()


def _waiting(audits: int, error: float) -> float:
    """Return the capital that has not come in yet."""
    return (1 - FIRST_HALF) / (1 + math.log1p(audits * error / LATE))


def _coming_in(audits: int, error: float) -> float:
    """Return the capital that comes in next: what `_waiting` loses, without its cancellation."""
    now, then = (1 + math.log1p(number * error / LATE) for number in (audits, audits + 1))
    return (1 - FIRST_HALF) * math.log1p(1 / (audits + LATE / error)) / (now * then)


def error_interval(
    wrong: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    heaviest: float = 1.0,
) -> Interval:
    """
    Return the share of errors among actions, with an interval that may be looked at at any time.

    The interval of every moment holds the share with the confidence given, all moments together (a
    confidence sequence), where that share stays what it is. It is what bets in both directions do
    not rule out. Weights as in `Watch`.

    >>> str(error_interval([True] * 5 + [False] * 495))
    '0.010 [0.001, 0.033]'
    >>> error_interval([]).high
    1.0
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected a share above 0 and below 1")
    found, weighed = _check(wrong, weights, heaviest)
    return _find_interval(_count(found, weighed, ()), confidence, heaviest)


def _find_interval(tally: tuple[Tally, ...], confidence: float, heaviest: float) -> Interval:
    if not tally:
        return Interval(math.nan, 0.0, 1.0)
    parts = np.array(tally)
    weights, wrong, right = parts[:, 0] / heaviest, parts[:, 1], parts[:, 2]
    ruled_out = math.log(2 / (1 - confidence))
    value = float(weights @ wrong / (weights @ (wrong + right)))
    low = _first_believed(weights, wrong, right, ruled_out)
    high = 1 - _first_believed(weights, right, wrong, ruled_out)
    return Interval(value, low, high, int((wrong + right).sum()))


_FRACTIONS = np.geomspace(0.999, 1e-5, 24)
"""Of the largest stake there is: the bold ones tell most of few audits, the cautious of many."""
_LOG_SHARES = -1.5 * np.log1p(np.log2(0.999 / _FRACTIONS))
_LOG_SHARES -= np.logaddexp.reduce(_LOG_SHARES)


def _first_believed(weights: Floats, hits: Floats, others: Floats, ruled_out: float) -> float:
    """Return the lowest share of hits that is not ruled out by bets that there are more."""
    if not hits.any():
        return 0.0
    fractions = _FRACTIONS[:, np.newaxis]
    lost = np.log1p(-fractions * weights) @ others + _LOG_SHARES
    low, high = 0.0, 1.0
    while high - low > 1e-12 * high:
        share = (low + high) / 2
        # It falls as the share grows: a miss costs the same whatever the share, a hit brings less.
        wealth = np.log1p(fractions * weights * ((1 - share) / share)) @ hits + lost
        low, high = (share, high) if np.logaddexp.reduce(wealth) >= ruled_out else (low, share)
    return low


def _check(wrong: ArrayLike, weights: ArrayLike | None, heaviest: float) -> tuple[Flags, Floats]:
    found: NDArray[Any] = np.asarray(wrong)
    if found.ndim != 1 or not np.isin(found, (0, 1)).all():
        raise ValueError("expected whether each audited action was wrong: yes or no, shape (n,)")
    if weights is None:
        return found.astype(bool), np.full(len(found), heaviest)
    weighed = np.asarray(weights, dtype=np.float64)
    if weighed.shape != found.shape:
        raise ValueError(f"{weighed.shape} weights of {found.shape} audits: expected one of each")
    if not ((weighed > 0) & (weighed <= heaviest * (1 + _ROUNDING))).all():
        raise ValueError(
            f"weights from {weighed.min()} to {weighed.max()}: expected numbers above 0, and none "
            f"above the heaviest, {heaviest}, that was fixed in advance"
        )
    return found.astype(bool), weighed


def _count(wrong: Flags, weights: Floats, before: tuple[Tally, ...]) -> tuple[Tally, ...]:
    counts = {part.weight: (part.wrong, part.right) for part in before}
    distinct, place = np.unique(weights, return_inverse=True)
    audited = np.bincount(place, minlength=len(distinct))
    failed = np.bincount(place, wrong, len(distinct)).astype(int)
    for weight, number, errors in zip(
        distinct.tolist(), audited.tolist(), failed.tolist(), strict=True
    ):
        had_wrong, had_right = counts.get(weight, (0, 0))
        counts[weight] = had_wrong + errors, had_right + number - errors
    return tuple(Tally(weight, *counts[weight]) for weight in sorted(counts))
