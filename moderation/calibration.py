"""What a score means: brings logits to the scale of probabilities, at any base rate."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

FLATTEST = 0.01
"""The least slope of a scale: scores keep their order."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """The line that turns a model's logits into those of probabilities (Platt 1999)."""

    slope: float
    intercept: float

    @classmethod
    def learn(cls, logits: Floats, labels: NDArray[np.int64]) -> Self:
        """
        Return the line for logits, (n,), of comments that their model did not learn from.

        As Platt says, one more comment of either class is taken for possible: logits that tell all
        comments apart do not become certainties. Logits that say nothing, or the opposite, become
        the share of removals, nearly; the order of scores is always theirs.
        """
        removed, kept = int(labels.sum()), int(len(labels) - labels.sum())
        shares = np.where(labels == 1, (removed + 1) / (removed + 2), 1 / (kept + 2))
        fitted = LogisticRegression(C=np.inf).fit(
            np.tile(logits, 2)[:, np.newaxis],
            np.repeat([1, 0], len(logits)),
            sample_weight=np.concatenate([shares, 1 - shares]),
        )
        slope = float(fitted.coef_[0, 0])
        if slope < FLATTEST:
            return cls(FLATTEST, float(logit(shares.mean())))
        return cls(slope, float(fitted.intercept_[0]))

    def at(self, base_rate: float, *, learnt_at: float) -> Self:
        """Return the line for a place where removals are more or less frequent."""
        return type(self)(self.slope, self.intercept + _shift(learnt_at, base_rate))

    def apply(self, logits: Floats) -> Floats:
        """Return probabilities."""
        return np.asarray(expit(self.slope * logits + self.intercept))


def change_base_rate(scores: Floats, *, before: float, after: float) -> Floats:
    """
    Return probabilities as they are where the base rate is another.

    Right where what is removed and what is kept looks as before, and only their shares changed
    (prior shift; Saerens, Latinne and Decaestecker 2002). 0.5 gives the 50/50 scale, on which a
    score does not depend on how frequent removals were in the training data.
    """
    return np.asarray(expit(logit(scores) + _shift(before, after)))


def _shift(before: float, after: float) -> float:
    return float(logit(after) - logit(before))
