"""
Finds the threshold up to which acting without a person keeps a promise: Learn then Test.

The labels must be ones that neither trained nor tuned the model. Comments are taken as independent
draws from those that the site will see.
"""

import bisect
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik, betaincinv

from moderation.metrics import clopper_pearson
from moderation.policy import Action, ErrorLimit, MissLimit, Promise

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GROWTH = (1.1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16)
"""How many times the labels are tried to tell how many are missing; beyond, they are not."""


@dataclass(frozen=True)
class Kept:
    """A threshold that keeps a promise, and what it stands on."""

    promise: Promise
    action: Action
    threshold: float
    """Approving acts below it, removing at or above it."""
    labels: int
    """Labelled comments that counted, of which so many were removed."""
    removed: int
    acted: int
    errors: int
    """Of the labelled comments, those it would act on, and the wrong ones among them."""
    bound: float
    """The error share, or share missed, is at most this, as surely as was promised."""

    def lines(self) -> Iterator[str]:
        """Yield what was found in words."""
        side = "below" if self.action is Action.APPROVE else "at or above"
        yield (
            f"{side} {self.threshold:.6g}: would {self.action} {self.acted} of {self.labels} "
            f"labelled comments ({self.acted / self.labels:.1%}), {self.errors} of them wrongly"
        )
        yield f"keeps its promise: {self.bound:.3%} at most"
        if self.acted == self.labels:
            yield "that is every comment that it is asked about: is it meant to be?"


@dataclass(frozen=True)
class Refused:
    """Why no threshold can be said to keep a promise."""

    promise: Promise
    action: Action
    labels: int
    reason: str
    """What was found, and how many more labels it takes, where labels are what is missing."""
    more: int | None
    """How many more labels, about; None where no number of them would do."""

    def __str__(self) -> str:
        return f"no threshold to {self.action} with {self.promise}: {self.reason}"


@dataclass(frozen=True)
class ErrorCurve:
    """
    How many of the labelled comments are acted on, and wrongly, at each threshold, safest first.

    `scores`, (thresholds,), are the last ones that are acted on.
    """

    scores: Floats
    acted: Integers
    errors: Integers
    labels: int

    @classmethod
    def trace(cls, action: Action, labels: Integers, scores: Floats) -> Self:
        """Count errors from the safest score on; comments of equal score are one step."""
        approves = action is Action.APPROVE
        order = np.argsort(scores if approves else -scores, kind="stable")
        wrong = labels[order] if approves else 1 - labels[order]
        last_of_score = np.append(np.diff(scores[order]) != 0, True)[: len(labels)]
        acted = np.flatnonzero(last_of_score) + 1
        return cls(scores[order][acted - 1], acted, np.cumsum(wrong)[acted - 1], len(labels))


def find_threshold(
    promise: Promise,
    action: Action,
    labels: Integers,
    scores: Floats,
    *,
    weights: Floats | None = None,
    heaviest: float | None = None,
    seed: int = 0,
) -> Kept | Refused:
    """
    Return the threshold that acts on the most comments while a promise is kept.

    Of labels 0/1 and scores, shape (n,). `ErrorLimit`: with its confidence the share of errors
    among all comments that will be acted on is at most what it says. Learn then Test (Angelopoulos,
    Bates, Candès, Jordan and Lei 2021): thresholds are tested in a fixed sequence from the safest,
    the one that acts on the fewest comments, with exact binomial tests (Clopper and Pearson 1934).
    The sequence goes by ranks of scores, not by scores. Where the error share crosses the promise
    it equals it, so that the errors among the labels below are binomial there, however many labels
    there are; a sequence that begins beyond it tests a sample of all comments below its next score.
    Where scores are equal errors are likelier still. No other error curve is assumed.

    `MissLimit`: at most that share of the comments to be removed stands below the threshold; on
    average over labels (split conformal; Vovk, Gammerman and Shafer 2005), or with a confidence
    (Vovk 2012, conditional on the labels).

    `weights` tell how many comments each label stands for (1 / probability of its being drawn),
    where labels are no plain random sample. Comments are then drawn from the labels, each with a
    probability in proportion to its weight, which leaves a plain one. A weight of 0 leaves a
    comment out. The order of the comments does not matter. `heaviest` is the largest weight that
    there can be by design; without it the largest here, which is right if the rarest kind of
    comment is among the labels.

    Of an `ErrorLimit` for so many comments ahead, half of the doubt is spent on the errors that
    those few may add by chance.

    Raises:
        ValueError: an action that is none, labels that are not 0 or 1, scores or weights that are
            no numbers, negative weights, arrays of different lengths.

    """
    _check(promise, action, labels, scores, weights)
    if weights is not None:
        drawn = draw_by_weight(labels, scores, weights, heaviest=heaviest, seed=seed)
        labels, scores = labels[drawn], scores[drawn]
    if isinstance(promise, MissLimit):
        return _find_missed(promise, labels, scores)
    return _find_error(_Test(promise, len(labels)), action, labels, scores)


def fewest(error: float, doubt: float, *, wrong: int = 0) -> int:
    """
    Return among how many comments `wrong` ones prove an error share of at most `error`.

    `doubt` is one minus the confidence.

    >>> fewest(0.01, 0.05), fewest(0.01, 0.05, wrong=1)
    (299, 473)
    """
    return _first_proof(lambda _: error, doubt, wrong=wrong)


def _first_proof(
    error: Callable[[int], float], doubt: float, *, wrong: int = 0, most: int | None = None
) -> int:
    """Return the fewest comments that prove an error share, or more than `most`."""
    enough = wrong + 1
    while bdtr(wrong, enough, error(enough)) > doubt:
        enough *= 2
        if most is not None and enough > 2 * most:
            return enough
    few = enough // 2
    while enough - few > 1:
        middle = (few + enough) // 2
        proven = bdtr(wrong, middle, error(middle)) <= doubt
        few, enough = (few, middle) if proven else (middle, enough)
    return enough


def _check(
    promise: Promise,
    action: Action,
    labels: Integers,
    scores: Floats,
    weights: Floats | None,
) -> None:
    if action is Action.HOLD or (isinstance(promise, MissLimit) and action is Action.REMOVE):
        raise ValueError(f"to {action} is no action for the promise: {promise}")
    given = {
        "labels": labels,
        "scores": scores,
        **({} if weights is None else {"weights": weights}),
    }
    if len({array.shape for array in given.values()}) > 1 or labels.ndim != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in given.items())
        raise ValueError(f"expected arrays of one length, found {shapes}")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("expected labels 0 and 1 only; leave out what has none")
    if not np.isfinite(scores).all():
        raise ValueError("expected scores that are numbers; leave out what has none")
    if weights is not None and not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("expected weights of 0 or more")


def draw_by_weight(
    labels: Integers,
    scores: Floats,
    weights: Floats,
    *,
    heaviest: float | None = None,
    seed: int,
) -> Integers:
    """
    Return the places of some of the comments, drawn so that all of these stand for equally many.

    The same comments are drawn in whatever order they come.

    Raises:
        ValueError: a weight is above the heaviest.

    """
    order = np.lexsort((weights, labels, scores))
    most = float(weights.max(initial=0.0))
    heaviest = most if heaviest is None else heaviest
    if heaviest < most:
        raise ValueError(f"a weight of {most:g} is above the heaviest, {heaviest:g}")
    drawn: Integers = order[
        np.random.default_rng(seed).random(len(order)) * heaviest < weights[order]
    ]
    return drawn


@dataclass(frozen=True)
class _Test:
    """What the labels have to prove for a promise to be kept."""

    promise: ErrorLimit
    labels: int

    @property
    def doubt(self) -> float:
        return (1 - self.promise.confidence) / (1 if self.promise.ahead is None else 2)

    def error(self, acted: int) -> float:
        """
        Return the error share to be proven where at least so many of the labels are acted on.

        Of the comments ahead that are acted on then no more are wrong than promised, but for the
        other half of the doubt: a tenth of it for their being fewer than at least expected, the
        rest for errors by chance. Up to the next whole error allowed, more of them are worse.
        """
        if self.promise.ahead is None or not self.labels:
            return self.promise.error
        least = self._least_ahead(acted, doubt=self.doubt / 10)
        wrong = math.floor(self.promise.error * least)
        most = max(math.ceil((wrong + 1) / self.promise.error) - 1, least)
        most = min(most, self.promise.ahead)
        if most <= wrong:
            return self.promise.error
        share = float(betaincinv(wrong + 1, most - wrong, 0.9 * self.doubt))
        return min(share, self.promise.error)

    def _least_ahead(self, acted: int, *, doubt: float) -> int:
        """
        Return how many of the comments ahead are acted on at the least.

        Of all comments the share below the next score is that of an order statistic (a beta); of
        those ahead as many as a binomial gives. Half of the doubt for each.
        """
        assert self.promise.ahead is not None
        if acted >= self.labels:
            return self.promise.ahead
        share = betaincinv(acted + 1, self.labels - acted, doubt / 2)
        fewer = float(bdtrik(doubt / 2, self.promise.ahead, share))
        return 0 if math.isnan(fewer) else math.floor(fewer)


def _find_error(test: _Test, action: Action, labels: Integers, scores: Floats) -> Kept | Refused:
    curve = ErrorCurve.trace(action, labels, scores)
    # Below no threshold stands a score of 1: what has it is not approved, and not tested either.
    acts = curve.scores < 1 if action is Action.APPROVE else np.full(len(curve.acted), True)
    acted, errors = curve.acted[acts], curve.errors[acts]
    found = _last_kept(test, acted, errors)
    if found is None:
        reason, more = _why_not(test, acted, errors)
        return Refused(test.promise, action, len(labels), reason, more)
    at, doubt = found
    beyond = float(curve.scores[at + 1]) if acted[at] < len(labels) else None
    return Kept(
        test.promise,
        action,
        _threshold(action, beyond),
        labels=len(labels),
        removed=int(labels.sum()),
        acted=int(acted[at]),
        errors=int(errors[at]),
        bound=clopper_pearson(int(errors[at]), int(acted[at]), doubt=doubt)[1],
    )


def _threshold(action: Action, beyond: float | None) -> float:
    """Return what separates the comments acted on from the next score, if there is one."""
    if action is Action.APPROVE:
        return 1.0 if beyond is None else beyond
    return 0.0 if beyond is None else math.nextafter(beyond, math.inf)


def _last_kept(test: _Test, acted: Integers, errors: Integers) -> tuple[int, float] | None:
    """
    Return the last place of the sequence where the promise is kept, and the doubt spent on it.

    A sequence that begins with the fewest comments ends with the first wrong one among them; one
    that begins with many never finds a small safe part. So it begins at several places, the doubt
    shared out evenly; a sequence that comes to the next beginning takes that one's share along
    (the fallback procedure; Wiens 2003).
    """
    begins = _begin(test)
    firsts = [*np.searchsorted(acted, begins).tolist(), len(acted)]
    best, carried = None, 0
    for at_least, (begin, end) in zip(begins, itertools.pairwise(firsts), strict=True):
        carried += 1
        spent = test.doubt * carried / len(begins)
        kept = bdtr(errors[begin:end], acted[begin:end], test.error(at_least)) <= spent
        passed = len(kept) if kept.all() else int(np.argmin(kept))
        if passed:
            best = begin + passed - 1, spent
        if passed < len(kept):
            carried = 0
    return best


@functools.lru_cache(maxsize=256)
def _begin(test: _Test) -> list[int]:
    """
    Return where the sequence begins: the fewest comments that are a proof with so many wrong.

    With 0, 2, 8, 26, ... wrong: about three times as many comments each, as far as there are so
    many. It depends on nothing but how many comments there are. Beginnings with 1, 4, 16 or
    0, 8, 64 wrong, or unequal shares, gave a threshold as often within a tenth.
    """
    begins: list[int] = []
    while True:
        parts = len(begins) + 1
        more = [
            _first_proof(test.error, test.doubt / parts, wrong=3**part - 1, most=test.labels)
            for part in range(parts)
        ]
        if more[-1] > test.labels:
            return begins
        begins = more


def _why_not(test: _Test, acted: Integers, errors: Integers) -> tuple[str, int | None]:
    labels = test.labels
    needed = _first_proof(test.error, test.doubt)
    if labels < needed:
        return (
            f"found {labels} labels; even if none of them were wrong, {needed} are needed: "
            f"{needed - labels} more"
        ), needed - labels
    enough = acted >= needed
    if not enough.any():
        return f"of {labels} labels {int(acted.max(initial=0))} have a score below 1", None
    shares = errors[enough] / acted[enough]
    wrong, of = int(errors[enough][shares.argmin()]), int(acted[enough][shares.argmin()])
    seen = f"of the {of} safest of {labels} labels {wrong} are wrong ({wrong / of:.2%})"
    times = _times_needed(test, acted, errors)
    if times is None:
        return f"{seen}: as far as these tell, {GROWTH[-1]} times as many would not prove it", None
    more = math.ceil(labels * (times - 1))
    return (
        f"{seen}; about {labels + more:,} like these would prove it (new ones: labels that were "
        "looked at once are no fair test any more)"
    ), more


def _times_needed(test: _Test, acted: Integers, errors: Integers) -> float | None:
    """Return how many times as many comments of the same kind would keep the promise."""

    def suffice(times: float) -> bool:
        grown = np.round(acted * times).astype(np.int64)
        wrong = np.ceil(errors * times).astype(np.int64)
        return (
            _last_kept(replace(test, labels=round(test.labels * times)), grown, wrong) is not None
        )

    if not suffice(GROWTH[-1]):
        return None
    return GROWTH[bisect.bisect_left(GROWTH, True, key=suffice)]


def _find_missed(promise: MissLimit, labels: Integers, scores: Floats) -> Kept | Refused:
    removed = np.sort(scores[labels == 1])
    places = np.arange(1, len(removed) + 1, dtype=np.float64)
    missed: Floats
    if promise.confidence is None:
        missed = places / (len(removed) + 1)
    else:
        missed = np.asarray(betaincinv(places, len(removed) + 1 - places, promise.confidence))
    allowed = np.flatnonzero(missed <= promise.missed)
    if not allowed.size:
        needed = _removed_needed(promise)
        more = needed - len(removed)
        reason = f"found {len(removed)} removed comments, {needed} are needed: {more} more"
        return Refused(promise, Action.APPROVE, len(labels), reason, more)
    at = int(allowed[-1])
    below = scores < removed[at]
    return Kept(
        promise,
        Action.APPROVE,
        float(removed[at]),
        labels=len(labels),
        removed=len(removed),
        acted=int(below.sum()),
        errors=int(labels[below].sum()),
        bound=float(missed[at]),
    )


def _removed_needed(promise: MissLimit) -> int:
    if promise.confidence is None:
        return math.ceil(1 / promise.missed - 1e-9) - 1
    return math.ceil(math.log(1 - promise.confidence) / math.log1p(-promise.missed) - 1e-9)
