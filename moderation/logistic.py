"""
Logistic regression by coordinate descent in the dual: for many comments of few features each.

The minimum is that of scikit-learn's `LogisticRegression`, and its class is what comes out. Its
own solver, L-BFGS, reads the matrix twice for each small step of all weights at once; here each
comment moves the weights of its own features as soon as it is read, and a few passes are enough.
"""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from moderation.kernels import compiled

TOLERANCE = 1e-4
"""The fit ends after a pass in which no comment's logit had to move further."""
MOST_PASSES = 1000
FREEDOM = 0.3
"""
How freely the weights that others are pulled towards change their scale: of 0, 0.3 and 1, the best
or as good from 100 to 3,000 comments of four sources.
"""
_FARTHEST = 10.0  # the logit that a label begins with: nearly no weight on any comment

Floats = NDArray[np.float64]


def fit_logistic(
    matrix: Any,
    labels: NDArray[Any],
    *,
    strength: float,
    importance: Floats | None = None,
    towards: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> LogisticRegression:
    """
    Return the logistic regression of labels, 0 or 1, (n,), on a sparse matrix in CSR form, (n, d).

    It minimises |w|^2 / 2 + C * (sum of log losses) with C = `strength` over the weights w and an
    intercept that is not penalised. Method: Yu, Huang and Lin (2011), "Dual coordinate descent
    methods for logistic regression and maximum entropy models", Machine Learning 85. What the
    intercept asks for there, that the comments' weights add up to 0, is the method of
    multipliers' (Bertsekas 1982), one step after each pass.

    A label between 0 and 1 is the share of people who said 1. Each loss counts as often as its
    `importance` (n,) says, once without it.

    With `towards` (d,), weights t that are known from elsewhere, it minimises
    |w - (1 + f a) t|^2 / 2 + a^2 / 2 + C * (sum of log losses): with few comments the weights stay
    at t, not at 0 (Chelba and Acero 2006, Computer Speech and Language 20), and how
    much they count, 1 + f a with f = `FREEDOM`, is learnt as well.

    The same input gives the same weights. A `ConvergenceWarning` says that `MOST_PASSES` were not
    enough.

    Raises:
        ValueError: labels beyond 0 and 1 or all the same, importances that leave out a class, or
            not one of each for every row.
        TypeError: the matrix has another form.

    """
    shares, costs, known = _check(matrix, labels, strength, importance, towards)
    number = matrix.shape[0]
    # A comment's dual is minus the logit that it stands for: at first, that of its own label.
    duals = -np.clip(logit(shares), -_FARTHEST, _FARTHEST)
    spread = costs * (expit(duals) - (1 - shares))
    offsets = np.zeros(number) if towards is None else np.asarray(matrix @ known)
    weights = np.asarray(matrix.T @ spread)
    scale = np.array([FREEDOM * (offsets @ spread)])
    # The intercept is what earlier passes gave it, and the weights of comments on top.
    intercept = np.array([_best_intercept(offsets, shares, costs), spread.sum()])
    random = np.random.default_rng(0)
    passes, moved = 0, math.inf
    while moved > tolerance and passes < MOST_PASSES:
        moved = _pass(
            matrix.data, matrix.indices, matrix.indptr, costs, offsets, random.permutation(number),
            duals, weights, scale, intercept,
        )  # fmt: skip
        intercept[0] += intercept[1]
        passes += 1
    if moved > tolerance:
        warnings.warn(
            f"after {MOST_PASSES} passes logits still move by {moved:.2g}; lower C ({strength:g})",
            ConvergenceWarning,
            stacklevel=2,
        )
    if towards is not None:
        weights += (1 + FREEDOM * scale[0]) * known
    return as_fitted(weights, float(intercept[0]), strength=strength, passes=passes)


def _check(
    matrix: Any,
    labels: NDArray[Any],
    strength: float,
    importance: Floats | None,
    towards: Floats | None,
) -> tuple[Floats, Floats, Floats]:
    """Return labels, costs and known weights; the loop would read beyond what does not fit."""
    if getattr(matrix, "format", None) != "csr":
        raise TypeError(f"expected a sparse matrix in CSR form, found {type(matrix).__name__}")
    number, width = matrix.shape
    shares = np.asarray(labels, dtype=np.float64)
    costs = np.full(number, strength) if importance is None else strength * importance
    known = np.zeros(width) if towards is None else towards
    for name, values, expected in (
        ("labels", shares, number),
        ("importances", costs, number),
        ("weights to be pulled towards", known, width),
    ):
        if values.shape != (expected,):
            raise ValueError(f"{values.size} {name}, expected {expected}")
    if not (shares.min() >= 0 and shares.max() <= 1 and shares.min() < shares.max()):
        raise ValueError(f"labels from {shares.min():g} to {shares.max():g}: expected both 0 and 1")
    if not (np.isfinite(costs).all() and costs.min() >= 0 and 0 < costs @ shares < costs.sum()):
        raise ValueError("importances must be finite, not negative, and above 0 in both classes")
    return shares, costs, known


def _best_intercept(offsets: Floats, shares: Floats, costs: Floats) -> float:
    """Return the intercept that is best while the other weights stay as they are."""

    def excess(intercept: float) -> float:
        return float(costs @ (expit(offsets + intercept) - shares))

    far = 40 + float(np.abs(offsets).max())
    return float(brentq(excess, -far, far))


def as_fitted(
    weights: Floats, intercept: float, *, strength: float, passes: int = 1
) -> LogisticRegression:
    """Return scikit-learn's class as if it had found these weights, (d,), itself."""
    classifier = LogisticRegression(C=strength)
    classifier.classes_ = np.array([0, 1])
    classifier.coef_ = weights[np.newaxis]
    classifier.intercept_ = np.array([intercept])
    classifier.n_features_in_ = len(weights)
    classifier.n_iter_ = np.array([passes], dtype=np.int32)
    return classifier


@compiled
def _pass(
    values: NDArray[Any],
    indices: NDArray[Any],
    starts: NDArray[Any],
    costs: Floats,
    offsets: Floats,
    order: NDArray[np.int64],
    duals: Floats,
    weights: Floats,
    scale: Floats,
    intercept: Floats,
) -> float:
    """
    Let each comment once move `weights` (d,), `scale` (1,), `intercept` (2,); return the longest.

    `costs` (n,) are what a comment's loss counts, `offsets` (n,) the logits that other weights give
    it, which count 1 + `FREEDOM` * `scale` times. `duals` (n,) are, in the end, minus the comments'
    logits; a comment weighs its cost times (the dual's sigmoid - 1 + its label).
    """
    longest = 0.0
    for row in order:
        begin, end = np.uint64(starts[row]), np.uint64(starts[row + 1])
        free = FREEDOM * offsets[row]
        margin = offsets[row] + free * scale[0] + intercept[0] + intercept[1]
        square = 1.0 + free * free  # the intercept's own part, and the scale's
        for at in range(begin, end):
            value = values[at]
            margin += value * weights[np.uint64(indices[at])]
            square += value * value
        before, cost = duals[row], costs[row]
        weight = cost / (1.0 + math.exp(-before))
        # The dual's root: where it meets minus the logit that it makes. Newton within a bracket.
        low, high = -margin - square * (cost - weight), -margin + square * weight
        dual = min(max(before, low), high)
        for _ in range(60):
            share = 1.0 / (1.0 + math.exp(-dual))
            error = dual + margin + square * (cost * share - weight)
            if error > 0:
                high = dual
            else:
                low = dual
            following = dual - error / (1.0 + square * cost * share * (1.0 - share))
            if not low < following < high:
                following = 0.5 * (low + high)
            step = abs(following - dual)
            dual = following
            if step < 1e-6 * (1.0 + abs(dual)):
                break
        duals[row] = dual
        longest = max(longest, abs(dual - before))
        change = cost / (1.0 + math.exp(-dual)) - weight
        intercept[1] += change
        scale[0] += change * free
        for at in range(begin, end):
            weights[np.uint64(indices[at])] += change * values[at]
    return longest
