"""Fits the pipeline, and chooses the strength of its penalty."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from moderation.datasets import Dataset, folds
from moderation.features import make_features
from moderation.logistic import fit_logistic
from moderation.progress import Progress, without_progress
from moderation.scorer import CLASSIFIER, FEATURES, Scorer
from moderation.threads import count_cores, work_on

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Values tried for C, the inverse of the penalty; the best is inside on all corpora tried."""
ROUGH = 0.02
"""Logits this near to the best are near enough to compare strengths."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StrengthSearch:
    """What cross-validation found: the best C and its out-of-fold scores."""

    strength: float
    losses: Mapping[float, float]
    """Mean log loss on the parts left out, by C."""
    scores: Floats
    """Out-of-fold scores at the best C, in the order of the data: none saw its own text."""


def fit_scorer(
    dataset: Dataset, *, strength: float, progress: Progress = without_progress
) -> Scorer:
    """Learn from all rows of a data set."""
    features = make_features(progress)
    matrix = features.fit_transform(dataset.texts)
    classifier = fit_logistic(matrix, dataset.labels, strength=strength)
    return Scorer(Pipeline([(FEATURES, features.to_sklearn()), (CLASSIFIER, classifier)]))


def search_strength(
    dataset: Dataset, *, parts: int, seed: int, progress: Progress = without_progress
) -> StrengthSearch:
    """Choose C by cross-validation in which no article or thread is on both sides."""
    texts, labels = np.array(dataset.texts, dtype=object), dataset.labels
    scores = {strength: np.zeros(len(dataset)) for strength in STRENGTHS}
    steps = _steps(texts, labels, list(folds(dataset, parts=parts, seed=seed)), scores)
    for _ in progress(steps, parts * len(STRENGTHS), "choosing C"):
        pass
    losses = {strength: log_loss(labels, scores[strength]) for strength in STRENGTHS}
    best = min(losses, key=lambda strength: losses[strength])
    return StrengthSearch(best, losses, scores[best])


def log_loss(labels: NDArray[np.int64], scores: Floats) -> float:
    """Return the mean negative logarithm of the probability given to what happened, in nats."""
    given = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-12, 1)
    return float(-np.log(given).mean())


def _steps(
    texts: NDArray[np.object_],
    labels: NDArray[np.int64],
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    scores: dict[float, Floats],
) -> Iterator[None]:
    for learn, measure in parts:
        features = make_features()
        seen = features.fit_transform(texts[learn])
        unseen = features.transform(texts[measure])

        def fit(strength: float, seen: Any = seen, rows: NDArray[np.intp] = learn) -> Any:
            return fit_logistic(seen, labels[rows], strength=strength, tolerance=ROUGH)

        # The largest C takes longest: begun first, no core waits for it at the end.
        strengths = sorted(STRENGTHS, reverse=True)
        fitted = work_on(fit, strengths, threads=count_cores())
        for strength, classifier in zip(strengths, fitted, strict=True):
            scores[strength][measure] = classifier.predict_proba(unseen)[:, 1]
            yield
