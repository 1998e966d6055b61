"""Fits the pipeline, and chooses the strength of its penalty."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from moderation.calibration import Scale
from moderation.datasets import Dataset, folds
from moderation.features import TfidfFeatures, make_features
from moderation.logistic import fit_logistic
from moderation.masks import Masks, WordCounts
from moderation.progress import Progress, without_progress
from moderation.scorer import CLASSIFIER, FEATURES, Scorer
from moderation.threads import count_cores, work_on

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Values tried for C, the inverse of the penalty; the best is inside on all corpora tried."""
UNCHANGED = Scale(1.0, 0.0)
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
    dataset: Dataset,
    *,
    strength: float,
    base: Scorer | None = None,
    scale: Scale = UNCHANGED,
    progress: Progress = without_progress,
) -> Scorer:
    """
    Learn from all rows of a data set, with weights that give its logits at a scale.

    With a base model the features are its own and the site's, and its weights are what those of
    the site are pulled towards; its heads stay as they are. So with the words worth masking.
    """
    masks = _learn_masks(WordCounts.count(dataset.texts), dataset.labels, base)
    space = _learn_space(dataset.texts, masks, base, progress)
    classifier = fit_logistic(
        space.matrix, dataset.labels, strength=strength, towards=space.towards
    )
    classifier.coef_ = scale.slope * classifier.coef_
    classifier.intercept_ = scale.slope * classifier.intercept_ + scale.intercept
    pipeline = Pipeline([(FEATURES, space.features.to_sklearn()), (CLASSIFIER, classifier)])
    if base is not None:
        pipeline.heads_ = {
            name: (space.spread(weights), intercept)
            for name, (weights, intercept) in base.heads.items()
        }
    return Scorer(pipeline)


def search_strength(
    dataset: Dataset,
    *,
    parts: int,
    seed: int,
    base: Scorer | None = None,
    progress: Progress = without_progress,
) -> StrengthSearch:
    """Choose C by cross-validation in which no article or thread is on both sides."""
    texts, labels = np.array(dataset.texts, dtype=object), dataset.labels
    scores = {strength: np.zeros(len(dataset)) for strength in STRENGTHS}
    steps = _steps(texts, labels, list(folds(dataset, parts=parts, seed=seed)), base, scores)
    for _ in progress(steps, parts * len(STRENGTHS), "choosing C"):
        pass
    losses = {strength: log_loss(labels, scores[strength]) for strength in STRENGTHS}
    best = min(losses, key=lambda strength: losses[strength])
    return StrengthSearch(best, losses, scores[best])


def log_loss(labels: NDArray[np.int64], scores: Floats) -> float:
    """Return the mean negative logarithm of the probability given to what happened, in nats."""
    given = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-12, 1)
    return float(-np.log(given).mean())


@dataclass(frozen=True)
class _Space:
    """Features learnt from some texts, their matrix, and the base model's place among them."""

    features: TfidfFeatures
    matrix: Any
    columns: NDArray[np.int64]
    """Where the base model's features are."""
    towards: Floats | None
    """The base model's weights."""

    def spread(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return weights of the base model's features as weights of all, 0 for the others."""
        return _spread(weights, self.columns, self.matrix.shape[1])


def _learn_masks(counts: WordCounts, labels: NDArray[np.int64], base: Scorer | None) -> Masks:
    return Masks.learn(counts, labels, known=None if base is None else base.masks)


def _learn_space(
    texts: Sequence[str], masks: Masks, base: Scorer | None, progress: Progress = without_progress
) -> _Space:
    features = make_features(progress, masks)
    if base is None:
        return _Space(features, features.fit_transform(texts), np.zeros(0, dtype=np.int64), None)
    columns = features.fit(texts).extend(base.pipeline[FEATURES])
    matrix = features.transform(texts)
    known = base.pipeline[CLASSIFIER].coef_[0]
    return _Space(features, matrix, columns, _spread(known, columns, matrix.shape[1]))


def _spread(weights: NDArray[Any], columns: NDArray[np.int64], width: int) -> NDArray[Any]:
    spread = np.zeros(width, dtype=weights.dtype)
    spread[columns] = weights
    return spread


def _steps(
    texts: NDArray[np.object_],
    labels: NDArray[np.int64],
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    base: Scorer | None,
    scores: dict[float, Floats],
) -> Iterator[None]:
    counts = WordCounts.count(texts.tolist())
    for learn, measure in parts:
        masks = _learn_masks(counts.part(learn), labels[learn], base)
        space = _learn_space(texts[learn].tolist(), masks, base)
        unseen = space.features.transform(texts[measure])

        def fit(strength: float, space: _Space = space, rows: NDArray[np.intp] = learn) -> Any:
            return fit_logistic(
                space.matrix, labels[rows], strength=strength, towards=space.towards,
                tolerance=ROUGH,
            )  # fmt: skip

        # The largest C takes longest: begun first, no core waits for it at the end.
        strengths = sorted(STRENGTHS, reverse=True)
        fitted = work_on(fit, strengths, threads=count_cores())
        for strength, classifier in zip(strengths, fitted, strict=True):
            scores[strength][measure] = classifier.predict_proba(unseen)[:, 1]
            yield
