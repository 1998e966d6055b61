"""Fits the pipeline, and chooses the strength of its penalty."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from moderation.calibration import Scale
from moderation.datasets import Dataset, folds
from moderation.features import TfidfFeatures, make_features
from moderation.logistic import fit_logistic
from moderation.masks import Masks
from moderation.progress import Progress, without_progress
from moderation.scorer import CLASSIFIER, FEATURES, Scorer
from moderation.threads import count_cores, work_on

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Values tried for C, the inverse of the penalty; the best is inside on all corpora tried."""
UNCHANGED = Scale(1.0, 0.0)
ROUGH = 0.05
"""Logits this near to the best are near enough to compare strengths."""
SURE = 4.0
"""Standard errors by which a C must be worse than the best to be given up."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StrengthSearch:
    """What cross-validation found: the best C and its out-of-fold scores."""

    strength: float
    losses: Mapping[float, float]
    """Mean log loss on the parts left out, by C; on the first of them where a C fell behind."""
    scores: Floats
    """Out-of-fold scores at the best C, in the order of the data: none saw its own text."""


@dataclass(frozen=True)
class Space:
    """Features learnt from some texts, their matrix, and the base model's place among them."""

    features: TfidfFeatures
    texts: Sequence[str]
    matrix: Any
    """Of the texts, masked words read as the base model reads them."""
    base: Scorer | None
    columns: NDArray[np.int64]
    """Where the base model's features are."""

    @classmethod
    def learn(
        cls,
        texts: Sequence[str],
        base: Scorer | None = None,
        *,
        progress: Progress = without_progress,
    ) -> Self:
        """Learn the features of texts; with a base model, its own are among them."""
        features = make_features(progress)
        if base is None:
            matrix = features.fit_transform(texts)
            return cls(features, texts, matrix, None, np.zeros(0, dtype=np.int64))
        columns = features.fit(texts).extend(base.pipeline[FEATURES])
        matrix = features.read_masks(base.masks).transform(texts)
        return cls(features, texts, matrix, base, columns)

    @property
    def towards(self) -> Floats | None:
        """The base model's weights."""
        return None if self.base is None else self.spread(self.base.pipeline[CLASSIFIER].coef_[0])

    def spread(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return weights of the base model's features as weights of all, 0 for the others."""
        spread = np.zeros(len(self.features.idf_), dtype=weights.dtype)
        spread[self.columns] = weights
        return spread

    def read_masks(self, labels: NDArray[np.int64]) -> Any:
        """Learn the words worth masking, beside those of the base; return the matrix anew."""
        words = self.features.words_.strings()
        held = self.matrix[:, : len(words)]
        masks = Masks.learn(
            words, held, labels, known=None if self.base is None else self.base.masks
        )
        return self.features.read_masks(masks).transform(self.texts)


def fit_scorer(
    dataset: Dataset, space: Space, *, strength: float, scale: Scale = UNCHANGED
) -> Scorer:
    """
    Learn from all rows of a data set, whose space it is; the weights give its logits at a scale.

    With a base model, its weights are what those of the site are pulled towards; its heads stay
    as they are. Masked words are read where they are the base's, or the site's own.
    """
    classifier = fit_logistic(
        space.read_masks(dataset.labels), dataset.labels, strength=strength, towards=space.towards
    )
    return assemble(classifier, space, scale=scale)


def assemble(classifier: LogisticRegression, space: Space, *, scale: Scale) -> Scorer:
    """Return the scorer of weights that were fitted in a space, its logits brought to a scale."""
    classifier.coef_ = scale.slope * classifier.coef_
    classifier.intercept_ = scale.slope * classifier.intercept_ + scale.intercept
    pipeline = Pipeline([(FEATURES, space.features.to_sklearn()), (CLASSIFIER, classifier)])
    if space.base is not None:
        pipeline.heads_ = {
            name: (space.spread(weights), intercept)
            for name, (weights, intercept) in space.base.heads.items()
        }
    return Scorer(pipeline)


def search_strength(
    dataset: Dataset,
    space: Space,
    *,
    parts: int,
    seed: int,
    progress: Progress = without_progress,
) -> StrengthSearch:
    """
    Choose C by cross-validation in which no article or thread is on both sides.

    A C that is clearly worse on the parts measured so far is not tried on the others (racing;
    Maron and Moore 1994): the large ones take longest.
    """
    race = Race(dataset.labels)
    cut = list(folds(dataset, parts=parts, seed=seed))
    for _ in progress(_steps(space, race, cut), parts * len(STRENGTHS), "choosing C"):
        pass
    losses = race.losses()
    best = min(race.running, key=lambda strength: losses[strength])
    return StrengthSearch(best, losses, race.scores[best])


def log_loss(labels: NDArray[np.int64], scores: Floats) -> float:
    """Return the mean negative logarithm of the probability given to what happened, in nats."""
    return float(_log_losses(labels, scores).mean())


def _log_losses(labels: NDArray[np.int64], scores: Floats) -> Floats:
    return np.asarray(-np.log(np.clip(np.where(labels == 1, scores, 1 - scores), 1e-12, 1)))


class Race:
    """Out-of-fold scores of each C that is still running, and of those that fell behind."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = labels
        self.scores = {strength: np.full(len(labels), np.nan) for strength in STRENGTHS}
        # The largest C takes longest: begun first, no core waits for it at the end.
        self.running = sorted(STRENGTHS, reverse=True)

    def losses(self) -> dict[float, float]:
        """Return the mean log loss of each C, of one that fell behind on the parts it was in."""
        return {strength: float(np.nanmean(self._each(strength))) for strength in STRENGTHS}

    def drop_the_slow(self) -> None:
        """Take out each C whose loss is surely larger than the best one's on the same comments."""
        losses = self.losses()
        best = self._each(min(self.running, key=lambda strength: losses[strength]))
        self.running = [
            strength
            for strength in self.running
            if not _is_surely_positive(self._each(strength) - best)
        ]

    def _each(self, strength: float) -> Floats:
        return _log_losses(self.labels, self.scores[strength])


def _is_surely_positive(differences: Floats) -> bool:
    measured = differences[~np.isnan(differences)]
    return bool(measured.mean() > SURE * measured.std() / np.sqrt(len(measured)))


def _steps(
    space: Space, race: Race, parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]]
) -> Iterator[None]:
    for learn, measure in parts:
        rows = space.features.as_if_learnt_from(space.matrix, learn, known=space.columns)
        known, unseen = rows(learn), rows(measure)
        labels = race.labels[learn]

        def fit(strength: float, known: Any = known, labels: NDArray[np.int64] = labels) -> Any:
            return fit_logistic(
                known, labels, strength=strength, towards=space.towards, tolerance=ROUGH
            )

        fitted = work_on(fit, race.running, threads=count_cores())
        for strength, classifier in zip(race.running, fitted, strict=True):
            race.scores[strength][measure] = classifier.predict_proba(unseen)[:, 1]
            yield
        yield from repeat(None, len(STRENGTHS) - len(race.running))
        race.drop_the_slow()
