"""`Scorer`: fits the pipeline, scores texts, and says which words raised a score."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from moderation.datasets import Dataset, folds
from moderation.explanations import Explainer, Explanation
from moderation.features import make_features

LIKELY_TO_REJECT = "LIKELY_TO_REJECT"
"""The attribute a site's own removals teach: how likely its moderators take a comment down."""

FEATURES, CLASSIFIER = "features", "classifier"
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Values tried for C, the inverse of the penalty; the best is inside on all corpora tried."""
TOLERANCE = 1e-4
"""lbfgs stops early at 1e-3 and costs .03 of ROC-AUC."""

Floats = NDArray[np.float64]
Progress = Callable[[Iterable[object], int, str], Iterable[object]]
"""Passes an iterable on while it shows how far it is: (items, how many, what)."""


@dataclass(frozen=True)
class Scorer:
    """
    A fitted pipeline with what it scores; what `load_model` returns.

    `pipeline` is an ordinary scikit-learn `Pipeline`, and all numbers are its own.
    """

    pipeline: Pipeline
    attribute: str = LIKELY_TO_REJECT
    version: str = "unsaved"
    """The beginning of the saved file's SHA-256: scores of two versions are not to be mixed."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The operating points chosen in training, by name."""

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.attribute,)

    def score(self, texts: Sequence[str]) -> Floats:
        """Return the site's P(removal) for each text, shape (n,)."""
        check_texts(texts)
        if not len(texts):
            return np.zeros(0)
        return np.asarray(self.pipeline.predict_proba(texts)[:, 1], dtype=np.float64)

    def score_attributes(self, texts: Sequence[str]) -> dict[str, Floats]:
        """Return the scores of each attribute, shape (n,) each."""
        return {self.attribute: self.score(texts)}

    def explain(self, text: str) -> Explanation:
        """Return what each word adds to the logit of a text's score."""
        check_texts([text])
        return self._explainer.explain(text)

    def strongest_features(self, number: int) -> list[tuple[str, float]]:
        """Return the words with the largest weights either way, most negative first."""
        return self._explainer.strongest_words(number)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.pipeline[FEATURES], self.pipeline[CLASSIFIER])


@dataclass(frozen=True)
class StrengthSearch:
    """What cross-validation found: the best C and its out-of-fold scores."""

    strength: float
    losses: Mapping[float, float]
    """Mean log loss on the parts left out, by C."""
    scores: Floats
    """Out-of-fold scores at the best C, in the order of the data: none saw its own text."""


def check_texts(texts: Sequence[str]) -> None:
    """Refuse one string where several are expected, and anything that is not a string."""
    if isinstance(texts, str | bytes):
        raise TypeError("score takes a sequence of texts: score([text])")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {place} is a {type(text).__name__}, expected a string")


def make_pipeline(strength: float) -> Pipeline:
    """Return the unfitted pipeline of texts to probabilities."""
    return Pipeline([(FEATURES, make_features()), (CLASSIFIER, make_classifier(strength))])


def make_classifier(strength: float) -> LogisticRegression:
    """Return the unfitted logistic regression with C = `strength`."""
    return LogisticRegression(C=strength, tol=TOLERANCE, max_iter=1000)


def fit_scorer(dataset: Dataset, *, strength: float) -> Scorer:
    """Learn from all rows of a data set."""
    return Scorer(make_pipeline(strength).fit(dataset.texts, dataset.labels))


def search_strength(
    dataset: Dataset, *, parts: int, seed: int, progress: Progress = lambda items, *_: items
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
        for strength in STRENGTHS:
            classifier = make_classifier(strength).fit(seen, labels[learn])
            scores[strength][measure] = classifier.predict_proba(unseen)[:, 1]
            yield
