"""Decisions as one array for each thing known about them."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from moderation.desk import AUTOMATIC
from moderation.past import Categories

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Moments = NDArray[np.datetime64]

UNKNOWN: Final = -1


@dataclass(frozen=True)
class Decided:
    """Decisions that were not taken back, in the order in which they were made."""

    removed: Mask
    """Else approved."""
    in_force: Mask
    """Else another one came later, or the comment was put up for review again."""
    decided_at: Moments
    """In microseconds, UTC."""
    decided_by: Categories
    house_rules: Categories
    scores: Floats
    """What the moderator saw; NaN where there was none."""
    models: Categories
    rules: Categories
    """What the rule that fired says of itself."""
    weights: Floats
    """How many comments each stands for."""

    def __len__(self) -> int:
        return len(self.removed)

    def take(self, rows: Mask) -> Self:
        """Return some of the decisions."""
        return replace(
            self,
            removed=self.removed[rows],
            in_force=self.in_force[rows],
            decided_at=self.decided_at[rows],
            decided_by=self.decided_by.take(rows),
            house_rules=self.house_rules.take(rows),
            scores=self.scores[rows],
            models=self.models.take(rows),
            rules=self.rules.take(rows),
            weights=self.weights[rows],
        )

    @property
    def automatic(self) -> Mask:
        """Whether nobody was asked."""
        by_nobody = np.array([*(n.startswith(AUTOMATIC) for n in self.decided_by.names), False])
        found: Mask = by_nobody[self.decided_by.codes]
        return found

    def of_people(self) -> Self:
        """
        Return the decisions of moderators, here and where another system sent them.

        What a policy did without them says nothing new.
        """
        return self.take(~self.automatic)

    def of_model(self, version: str) -> Self:
        """Return the decisions that were made seeing scores of one version of a model."""
        names = self.models.names
        code = names.index(version) if version in names else len(names)
        return self.take((self.models.codes == code) & ~np.isnan(self.scores))


def find_matches(decided: Decided, thresholds: dict[str, float]) -> NDArray[np.int8]:
    """
    Return whether the model matched each comment, (n,): 1, 0, or -1 where it is not known.

    Each score is compared with the threshold of the version that gave it.
    """
    of_model = np.array([*(thresholds.get(n, np.nan) for n in decided.models.names), np.nan])
    limits = of_model[decided.models.codes]
    known = ~np.isnan(decided.scores) & ~np.isnan(limits)
    return np.where(known, decided.scores >= limits, UNKNOWN).astype(np.int8)
