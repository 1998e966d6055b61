"""How far two people decide alike on the same comments: Cohen's kappa, by rule and by pair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moderation.metrics import Interval, wilson
from moderation.policy import Action

LEAST_PAIRS: Final = 30
"""Of fewer comments that both decided, an interval says hardly anything."""
DRAWS: Final = 4000
PRIOR: Final = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kappa:
    """How far two decided alike beyond chance, and plainly how often."""

    value: float | None
    """1 is always, 0 as often as by chance. None where both said one and the same all the time."""
    low: float | None
    high: float | None
    """The ends of a 95% interval."""
    agreed: int
    pairs: int
    """Comments that both decided."""

    @property
    def share(self) -> Interval | None:
        """The share decided alike; None where there are no pairs."""
        return wilson(self.agreed, self.pairs) if self.pairs else None

    @property
    def is_enough(self) -> bool:
        """Whether there are as many pairs as kappa needs to mean something."""
        return self.pairs >= LEAST_PAIRS

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return "undefined"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What two people decided on one comment, the second without knowing of the first."""

    key: str
    first_by: str
    first: Action
    second_by: str
    second: Action
    decided_at: datetime
    """When the second one did."""
    first_rule: str | None = None
    second_rule: str | None = None

    @property
    def differs(self) -> bool:
        """Whether the actions differ, or the house rules that are named for a removal."""
        return (self.first, self.first_rule) != (self.second, self.second_rule)


@dataclass(frozen=True)
class Agreement:
    """How far second opinions agree with first decisions."""

    overall: Kappa
    """Of whoever decided first with whoever did second, on whether to remove."""
    by_rule: dict[str, Kappa]
    """On whether to remove for this house rule; of every rule that somebody named."""
    by_pair: dict[tuple[str, str], Kappa]
    """Of two people, whoever was first, most comments first."""
    differing: tuple[SecondOpinion, ...]
    """The comments on which they differ, latest first."""


def compare(opinions: Iterable[SecondOpinion], *, seed: int = 0) -> Agreement:
    """Return how far people agree: overall, by house rule, and by pair of people."""
    known = list(opinions)
    rules = {rule for one in known for rule in (one.first_rule, one.second_rule) if rule}
    pairs: dict[tuple[str, str], list[SecondOpinion]] = {}
    for one in known:
        pairs.setdefault(_pair(one), []).append(one)
    by_size = sorted(pairs, key=lambda pair: (-len(pairs[pair]), pair))
    return Agreement(
        overall=_overall(known, seed),
        by_rule={rule: _on_rule(known, rule, seed) for rule in sorted(rules)},
        by_pair={pair: _between(pairs[pair], pair, seed) for pair in by_size},
        differing=tuple(
            sorted((one for one in known if one.differs), key=lambda one: one.decided_at)[::-1]
        ),
    )


def measure_kappa(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> Kappa:
    """
    Return Cohen's kappa (1960) of two raters' answers, (n,) each, with a 95% interval.

    The interval holds the middle 95% of kappa where the shares of all combinations of answers are
    drawn from what is likely of them (Basu, Banerjee and Sen 2000; Jeffreys' prior). The usual
    large-sample one (Fleiss, Cohen and Everitt 1969) and the percentile bootstrap hold far less
    than 95% where removals are rare or the raters nearly always agree.

    >>> str(measure_kappa([1] * 20 + [0] * 30, [1] * 15 + [0] * 35))
    '0.78 [0.55, 0.90]'
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"answers of shapes {one.shape} and {other.shape}: expected (n,) twice")
    kinds, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    table = np.zeros((len(kinds), len(kinds)))
    np.add.at(table, (codes[: len(one)], codes[len(one) :]), 1)
    agreed = int(np.trace(table))
    if len(kinds) < 2:
        return Kappa(None, None, None, agreed, len(one))
    value = float(_kappa(table[np.newaxis])[0])
    rng = np.random.default_rng(seed)
    drawn = rng.dirichlet(table.ravel() + PRIOR, DRAWS).reshape(-1, *table.shape)
    low, high = np.quantile(_kappa(drawn), (0.025, 0.975)).tolist()
    return Kappa(value, min(low, value), max(high, value), agreed, len(one))


def _kappa(tables: Floats) -> Floats:
    """Return kappa of each table of shares or counts, (n, kinds, kinds)."""
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    alike = np.trace(shares, axis1=1, axis2=2)
    by_chance = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
    found: Floats = (alike - by_chance) / (1 - by_chance)
    return found


def _overall(opinions: Sequence[SecondOpinion], seed: int) -> Kappa:
    first = [one.first is Action.REMOVE for one in opinions]
    return measure_kappa(first, [one.second is Action.REMOVE for one in opinions], seed=seed)


def _on_rule(opinions: Sequence[SecondOpinion], rule: str, seed: int) -> Kappa:
    first = [one.first_rule == rule for one in opinions]
    return measure_kappa(first, [one.second_rule == rule for one in opinions], seed=seed)


def _pair(one: SecondOpinion) -> tuple[str, str]:
    low, high = sorted((one.first_by, one.second_by))
    return low, high


def _between(opinions: Sequence[SecondOpinion], pair: tuple[str, str], seed: int) -> Kappa:
    """Return the kappa of two people: each is one rater, whoever decided first."""
    said = [
        (one.first, one.second) if one.first_by == pair[0] else (one.second, one.first)
        for one in opinions
    ]
    removed = np.array([[action is Action.REMOVE for action in both] for both in said])
    return measure_kappa(removed[:, 0], removed[:, 1], seed=seed)
