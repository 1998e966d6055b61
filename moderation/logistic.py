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
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from moderation.kernels import compiled

TOLERANCE = 1e-4
"""The fit ends after a pass in which no comment's logit had to move further."""
MOST_PASSES = 1000
_START = -10.0  # nearly no weight on any comment

Floats = NDArray[np.float64]


def fit_logistic(
    matrix: Any, labels: NDArray[np.int64], *, strength: float, tolerance: float = TOLERANCE
) -> LogisticRegression:
    """
    Return the logistic regression of labels, 0 or 1, (n,), on a sparse matrix in CSR form, (n, d).

    It minimises |w|^2 / 2 + C * (sum of log losses) with C = `strength` over the weights w and an
    intercept that is not penalised. Method: Yu, Huang and Lin (2011), "Dual coordinate descent
    methods for logistic regression and maximum entropy models", Machine Learning 85. What the
    intercept asks for there, that the comments' signed weights add up to 0, is the method of
    multipliers' (Bertsekas 1982), one step after each pass.

    The same input gives the same weights. A `ConvergenceWarning` says that `MOST_PASSES` were not
    enough.

    Raises:
        ValueError: the labels are not of two classes, or not as many as rows.
        TypeError: the matrix has another form.

    """
    # The loop trusts its arrays: what does not fit here would be read beyond its end there.
    if getattr(matrix, "format", None) != "csr":
        raise TypeError(f"expected a sparse matrix in CSR form, found {type(matrix).__name__}")
    if labels.shape != matrix.shape[:1]:
        raise ValueError(f"{labels.size} labels for {matrix.shape[0]} rows")
    if list(np.unique(labels)) != [0, 1]:
        raise ValueError(f"labels are {np.unique(labels).tolist()}: expected both 0 and 1")
    signs = np.where(labels == 1, 1.0, -1.0)
    duals = np.full(len(signs), _START)
    spread = signs * _weight(strength, _START)
    weights = np.asarray(matrix.T @ spread)
    # The intercept is what earlier passes gave it, and the signed weights of comments on top.
    intercept = np.array([math.log(labels.mean() / (1 - labels.mean())), spread.sum()])
    random = np.random.default_rng(0)
    passes, moved = 0, math.inf
    while moved > tolerance and passes < MOST_PASSES:
        moved = _pass(
            matrix.data, matrix.indices, matrix.indptr, signs, random.permutation(len(signs)),
            strength, duals, weights, intercept,
        )  # fmt: skip
        intercept[0] += intercept[1]
        passes += 1
    if moved > tolerance:
        warnings.warn(
            f"after {MOST_PASSES} passes logits still move by {moved:.2g}; lower C ({strength:g})",
            ConvergenceWarning,
            stacklevel=2,
        )
    return _as_fitted(strength, weights, float(intercept[0]), passes)


def _as_fitted(
    strength: float, weights: Floats, intercept: float, passes: int
) -> LogisticRegression:
    classifier = LogisticRegression(C=strength)
    classifier.classes_ = np.array([0, 1])
    classifier.coef_ = weights[np.newaxis]
    classifier.intercept_ = np.array([intercept])
    classifier.n_features_in_ = len(weights)
    classifier.n_iter_ = np.array([passes], dtype=np.int32)
    return classifier


def _weight(strength: float, dual: float) -> float:
    return strength / (1 + math.exp(-dual))


@compiled
def _pass(
    values: NDArray[Any],
    indices: NDArray[Any],
    starts: NDArray[Any],
    signs: Floats,
    order: NDArray[np.int64],
    strength: float,
    duals: Floats,
    weights: Floats,
    intercept: Floats,
) -> float:
    """
    Let each comment once move `weights` (d,) and `intercept` (2,); return the longest move.

    `duals` (n,) are the logits of the comments' weights as shares of C: in the end, each is minus
    the comment's own logit, by its sign.
    """
    longest = 0.0
    for row in order:
        begin, end = np.uint64(starts[row]), np.uint64(starts[row + 1])
        margin, square = intercept[0] + intercept[1], 1.0  # the intercept's own part
        for at in range(begin, end):
            value = values[at]
            margin += value * weights[np.uint64(indices[at])]
            square += value * value
        margin *= signs[row]
        before = duals[row]
        weight = strength / (1.0 + math.exp(-before))
        # The dual's root: where it meets minus the margin that it makes. Newton within a bracket.
        low, high = -margin - square * (strength - weight), -margin + square * weight
        dual = min(max(before, low), high)
        for _ in range(60):
            share = 1.0 / (1.0 + math.exp(-dual))
            error = dual + margin + square * (strength * share - weight)
            if error > 0:
                high = dual
            else:
                low = dual
            following = dual - error / (1.0 + square * strength * share * (1.0 - share))
            if not low < following < high:
                following = 0.5 * (low + high)
            step = abs(following - dual)
            dual = following
            if step < 1e-6 * (1.0 + abs(dual)):
                break
        duals[row] = dual
        longest = max(longest, abs(dual - before))
        change = signs[row] * (strength / (1.0 + math.exp(-dual)) - weight)
        intercept[1] += change
        for at in range(begin, end):
            weights[np.uint64(indices[at])] += change * values[at]
    return longest
