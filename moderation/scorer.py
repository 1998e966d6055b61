"""`Scorer`: scores texts with a fitted pipeline, and says which words raised a score."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.pipeline import Pipeline

from moderation.buffers import Documents, read_texts
from moderation.calibration import change_base_rate
from moderation.compiled import CompiledFeatures, CompiledScorer
from moderation.explanations import Explanation, explain, strongest_words
from moderation.features import MIN_DOCUMENTS, WORD, compile_features
from moderation.masks import Masks
from moderation.policy import LIKELY_TO_REJECT

FEATURES, CLASSIFIER = "features", "classifier"
Floats = NDArray[np.float64]
Head: TypeAlias = tuple[NDArray[Any], float]
"""The weights of one attribute, (features,), and its intercept."""


@dataclass(frozen=True)
class Scorer:
    """
    A fitted pipeline with what it scores; what `load_model` returns.

    `pipeline` is an ordinary scikit-learn `Pipeline`; the numbers are its own, worked out by
    compiled loops over the same terms and weights. What it knows of other attributes than its own
    is in its `heads_`.
    """

    pipeline: Pipeline
    attribute: str = LIKELY_TO_REJECT
    version: str = "unsaved"
    """The beginning of the saved file's SHA-256: scores of two versions are not to be mixed."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The operating points chosen in training, by name."""
    base_rate: float | None = None
    """The share of removals at which the score is P(removal): the site's own."""
    base_rates: Mapping[str, float] = field(default_factory=dict)
    """Of each attribute whose score is a probability, the base rate at which it is one."""

    @property
    def heads(self) -> Mapping[str, Head]:
        """The weights of the other attributes it scores, by name."""
        return getattr(self.pipeline, "heads_", {})

    @property
    def masks(self) -> Masks | None:
        """What reads masked words for it, if anything does."""
        return self._features.masks

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.attribute, *self.heads)

    def score(
        self, texts: Documents, *, threads: int | None = None, base_rate: float | None = None
    ) -> Floats:
        """
        Return the site's P(removal) for each text, shape (n,).

        Takes strings, or a column that speaks Arrow. Works on `threads` at once, all cores if None,
        where there is enough to do; the numbers do not depend on it. With a `base_rate`, P(removal)
        where that share of comments is removed: 0.5 gives the 50/50 scale, on which scores of
        models trained at different rates can be compared.

        Raises:
            ValueError: a base rate that is no share, or for a model whose own is not known.

        """
        logits = self._compiled.logits(read_texts(texts), threads=threads)
        scores = np.asarray(expit(logits[:, 0]), dtype=np.float64)
        if base_rate is None:
            return scores
        if self.base_rate is None or not 0 < base_rate < 1:
            raise ValueError(
                f"base_rate={base_rate}: expected a share above 0 and below 1, and a model that was"
                " saved with its own"
            )
        return change_base_rate(scores, before=self.base_rate, after=base_rate)

    def score_attributes(
        self, texts: Documents, *, threads: int | None = None
    ) -> dict[str, Floats]:
        """Return the scores of each attribute, shape (n,) each."""
        logits = self.logits(texts, threads=threads)
        return {name: expit(logits[:, k]) for k, name in enumerate(self.attributes)}

    def logits(self, texts: Documents, *, threads: int | None = None) -> Floats:
        """Return the logit of each text's score for each attribute, shape (n, attributes)."""
        return self._compiled_heads.logits(read_texts(texts), threads=threads)

    def explain(self, text: str) -> Explanation:
        """Return what each word adds to the logit of a text's score."""
        return explain(self._compiled, text)

    def strongest_features(self, number: int, texts: Documents) -> list[tuple[str, float]]:
        """
        Return the words with the largest weights either way, most negative first.

        Of those that several of the texts hold: a base model knows many that nobody here ever used.
        """
        return self.strongest_of(number, self.count_features(texts))

    def count_features(self, texts: Documents, *, threads: int | None = None) -> NDArray[np.int64]:
        """Return how many of the texts hold each feature, shape (features,)."""
        matrix = self._features.transform(read_texts(texts), threads=threads)
        return np.asarray(matrix.getnnz(axis=0), dtype=np.int64)

    def strongest_of(self, number: int, comments: NDArray[np.int64]) -> list[tuple[str, float]]:
        """Return `strongest_features` of as many texts as hold each feature, (features,)."""
        words = dict(self.pipeline[FEATURES].transformer_list)[WORD]
        held = comments >= MIN_DOCUMENTS
        columns = np.flatnonzero(held[: len(words.vocabulary_)])
        weights = self.pipeline[CLASSIFIER].coef_[0, columns]
        return strongest_words(words.get_feature_names_out()[columns], weights, number)

    def compile(self) -> Self:
        """
        Make the tables now that the first score would make; returns the scorer.

        Raises:
            ValueError: the pipeline's parts do not fit each other, or are not those of a scorer.

        """
        width = self._compiled.width
        for name, (weights, _) in self.heads.items():
            if weights.shape != (width,):
                raise ValueError(f"{name}: weights of shape {weights.shape}, expected {(width,)}")
        return self

    def without_terms(self) -> Self:
        """
        Return what scores and explains as this one does, from the compiled tables alone.

        The terms as strings are most of a pipeline, and only `strongest_features` needs them.
        """
        bare = Pipeline([(FEATURES, "passthrough"), (CLASSIFIER, self.pipeline[CLASSIFIER])])
        bare.heads_ = self.heads
        scorer = replace(self, pipeline=bare)
        for name in ("_features", "_compiled", "_compiled_heads"):
            scorer.__dict__[name] = getattr(self, name)
        return scorer

    def release_memory(self) -> None:
        """Let go of what threads work with; each makes it anew when it is needed."""
        self._features.vocabulary.release_memory()

    @cached_property
    def _features(self) -> CompiledFeatures:
        return compile_features(self.pipeline[FEATURES])

    @cached_property
    def _compiled(self) -> CompiledScorer:
        classifier = self.pipeline[CLASSIFIER]
        return CompiledScorer(self._features, classifier.coef_, classifier.intercept_)

    @cached_property
    def _compiled_heads(self) -> CompiledScorer:
        classifier, heads = self.pipeline[CLASSIFIER], self.heads.values()
        coefficients = np.vstack([classifier.coef_, *(weights for weights, _ in heads)])
        intercepts = np.append(classifier.intercept_, [intercept for _, intercept in heads])
        return CompiledScorer(self._features, coefficients, intercepts)
