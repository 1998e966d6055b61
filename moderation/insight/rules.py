"""How the model does by house rule, and how often each rule of the policy was right."""

from dataclasses import dataclass

import numpy as np

from moderation.insight.decided import Decided, Floats, Mask
from moderation.past import Categories
from moderation.shares import Share, measure_shares


@dataclass(frozen=True)
class Caught:
    """Of the comments removed for a house rule, those at or above the model's threshold."""

    house_rule: str
    share: Share


@dataclass(frozen=True)
class Right:
    """Of the decided comments on which a rule of the policy fired, those that were removed."""

    rule: str
    removed: Share


def measure_house_rules(decided: Decided, threshold: float) -> list[Caught]:
    """Return of each house rule which share of its removals one model catches, best known first."""
    return [
        Caught(name, share)
        for name, share in _by_name(
            decided.house_rules, decided.removed, decided.scores >= threshold, decided.weights
        )
    ]


def measure_policy_rules(decided: Decided) -> list[Right]:
    """Return of each rule how often moderators removed what it fired on, most decisions first."""
    everything = np.ones(len(decided), dtype=bool)
    return [
        Right(name, share)
        for name, share in _by_name(decided.rules, everything, decided.removed, decided.weights)
    ]


def _by_name(
    named: Categories,
    chosen: Mask,
    hits: Mask,
    weights: Floats,
) -> list[tuple[str, Share]]:
    known = named.codes >= 0
    group = np.where(known, named.codes, 0).astype(np.intp)
    shares = measure_shares(group, max(len(named.names), 1), chosen & known, hits, weights)
    found = [
        (name, share) for name, share in zip(named.names, shares, strict=False) if share is not None
    ]
    return sorted(found, key=lambda one: (-one[1].of, one[0]))
