"""`Scorer`: scores texts with a fitted pipeline, and says which words raised a score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.pipeline import Pipeline

from moderation.buffers import Documents, read_texts
from moderation.compiled import CompiledScorer
from moderation.explanations import Explanation, explain, strongest_words
from moderation.features import WORD, compile_features

LIKELY_TO_REJECT = "LIKELY_TO_REJECT"
"""The attribute a site's own removals teach: how likely its moderators take a comment down."""

FEATURES, CLASSIFIER = "features", "classifier"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """
    A fitted pipeline with what it scores; what `load_model` returns.

    `pipeline` is an ordinary scikit-learn `Pipeline`; the numbers are its own, worked out by
    compiled loops over the same terms and weights.
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

    def score(self, texts: Documents, *, threads: int | None = None) -> Floats:
        """
        Return the site's P(removal) for each text, shape (n,).

        Takes strings, or a column that speaks Arrow. Works on `threads` at once, all cores if None,
        where there is enough to do; the numbers do not depend on it.
        """
        logits = self._compiled.logits(read_texts(texts), threads=threads)
        return np.asarray(expit(logits[:, 0]), dtype=np.float64)

    def score_attributes(
        self, texts: Documents, *, threads: int | None = None
    ) -> dict[str, Floats]:
        """Return the scores of each attribute, shape (n,) each."""
        return {self.attribute: self.score(texts, threads=threads)}

    def explain(self, text: str) -> Explanation:
        """Return what each word adds to the logit of a text's score."""
        return explain(self._compiled, text)

    def strongest_features(self, number: int) -> list[tuple[str, float]]:
        """Return the words with the largest weights either way, most negative first."""
        words = dict(self.pipeline[FEATURES].transformer_list)[WORD]
        weights = self.pipeline[CLASSIFIER].coef_[0, : len(words.vocabulary_)]
        return strongest_words(words, weights, number)

    def compile(self) -> Self:
        """Make the tables now that the first score would make; returns the scorer."""
        assert self._compiled
        return self

    @cached_property
    def _compiled(self) -> CompiledScorer:
        classifier = self.pipeline[CLASSIFIER]
        features = compile_features(self.pipeline[FEATURES])
        return CompiledScorer(features, classifier.coef_, classifier.intercept_)
