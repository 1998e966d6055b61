"""
Logistic regression by L-BFGS, for comments whose losses are summed elsewhere.

The minimum is that of `moderation.logistic.fit_logistic`; what sums the losses is not known here.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from scipy.special import logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from moderation.logistic import FREEDOM, as_fitted

TOLERANCE = 1e-5
"""The fit ends when no weight vector can be better by more than this share of its own length."""
MOST_STEPS = 5000
MEMORY = 20
"""Steps that L-BFGS remembers the curvature of: 20 need two thirds of the steps of 10."""

Floats = NDArray[np.float64]


Evaluate: TypeAlias = Callable[[Floats, float], tuple[float, Floats, float]]
"""Weights (d,) and an intercept to the loss of all comments, its gradient (d,) and its slope."""


@dataclass(frozen=True)
class Start:
    """Where a fit begins: the weights beyond those known (d,), their scale, the intercept."""

    weights: Floats
    scale: float
    intercept: float

    @classmethod
    def at_rate(cls, width: int, rate: float) -> "Start":
        """Return no weights, and the intercept that gives every comment the base rate."""
        return cls(np.zeros(width), 0.0, float(logit(rate)))


def fit_over_parts(
    evaluate: Evaluate,
    start: Start,
    *,
    strength: float,
    towards: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> LogisticRegression:
    """
    Return the classifier that minimises what `fit_logistic` does, with C = `strength`.

    Where weights `towards` (d,) are known, it is pulled towards them, as there. The penalty curves
    by 1 in every weight: none can lie farther from the best ones than the gradient is long. The fit
    ends when that is `tolerance` of their own length; a `ConvergenceWarning` says that it did not
    come so far. Method: Liu and Nocedal (1989), "On the limited memory BFGS method for large scale
    optimization". It holds 2 * `MEMORY` vectors beside those given.
    """
    known = np.zeros(len(start.weights)) if towards is None else towards
    free = FREEDOM if towards is not None else 0.0
    slope_length = np.inf
    passes = 0

    def combine(point: Floats) -> Floats:
        return np.asarray((1 + free * point[-2]) * known + point[:-2])

    def objective(point: Floats) -> tuple[float, Floats]:
        nonlocal slope_length, passes
        loss, gradient, slope = evaluate(combine(point), float(point[-1]))
        slopes = np.append(
            point[:-1] + strength * np.append(gradient, free * (known @ gradient)),
            strength * slope,
        )
        slope_length, passes = float(np.linalg.norm(slopes)), passes + 1
        return float(point[:-1] @ point[:-1]) / 2 + strength * loss, slopes

    def is_near(point: Floats) -> bool:
        return slope_length <= tolerance * float(np.linalg.norm(combine(point)))

    def stop(intermediate_result: OptimizeResult) -> None:
        if is_near(intermediate_result.x):  # what was evaluated last
            raise StopIteration

    found = minimize(
        objective,
        np.concatenate([start.weights, [start.scale, start.intercept]]),
        jac=True,
        method="L-BFGS-B",
        callback=stop,
        options={"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "maxcor": MEMORY, "gtol": 0.0,
                 "ftol": 0.0},
    ).x  # fmt: skip
    if not is_near(found):
        warnings.warn(
            f"after {passes} passes the gradient is still {slope_length:.2g} long; "
            f"lower C ({strength:g})",
            ConvergenceWarning,
            stacklevel=2,
        )
    return as_fitted(combine(found), float(found[-1]), strength=strength, passes=passes)
