"""What each word of a text adds to the logit of its score, in the reader's own characters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from moderation.features import CHARACTER, WORD
from moderation.text import Span, words

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """What the characters `[begin, end)` of a text add to the logit; negative lowers the score."""

    begin: int
    end: int
    value: float


@dataclass(frozen=True)
class Explanation:
    """The contributions of a text's words; with the intercept they add up to the logit."""

    intercept: float
    contributions: tuple[Contribution, ...]

    @property
    def logit(self) -> float:
        return self.intercept + sum(part.value for part in self.contributions)

    def strongest(self, number: int) -> list[Contribution]:
        """Return the words that raised the score most, the strongest first."""
        raising = [part for part in self.contributions if part.value > 0]
        return sorted(raising, key=lambda part: -part.value)[:number]


@dataclass(frozen=True)
class _Occurrence:
    """One n-gram where it stands: its feature's name and the characters it covers."""

    name: str
    spans: tuple[Span, ...]


class Explainer:
    """
    Shares each feature's part of the logit out to the characters that carry it.

    A linear model's logit is the sum of weight times value over features. A feature's part goes in
    equal shares to its occurrences, an occurrence's to its characters (without the spaces that
    pad words), and those of one word are added up.
    """

    def __init__(self, features: FeatureUnion, classifier: LogisticRegression) -> None:
        halves = dict(features.transformer_list)
        self._features = features
        self._word: TfidfVectorizer = halves[WORD]
        self._character: TfidfVectorizer = halves[CHARACTER]
        self._weights: Floats = classifier.coef_[0]
        self._intercept = float(classifier.intercept_[0])
        self._words_end = len(self._word.vocabulary_)

    def explain(self, text: str) -> Explanation:
        """Return what each word adds."""
        row = self._features.transform([text]).tocsr()
        parts = dict(zip(row.indices, row.data * self._weights[row.indices], strict=True))
        lowered = _Lowered(text)
        by_character = np.zeros(len(text))
        self._share(self._word, 0, self._word_grams(lowered), parts, by_character)
        self._share(
            self._character, self._words_end, self._character_grams(lowered), parts, by_character
        )
        contributions = tuple(
            Contribution(span.begin, span.end, float(by_character[span.begin : span.end].sum()))
            for span in words(text)
        )
        return Explanation(self._intercept, contributions)

    def strongest_words(self, number: int) -> list[tuple[str, float]]:
        """Return the word features with the largest weights either way, most negative first."""
        names = self._word.get_feature_names_out()
        weights = self._weights[: self._words_end]
        order = np.argsort(weights, kind="stable")
        ends = [*order[:number], *order[max(number, len(order) - number) :]]
        return [(str(names[i]), float(weights[i])) for i in ends]

    def _share(
        self,
        half: TfidfVectorizer,
        first: int,
        grams: Iterator[_Occurrence],
        parts: dict[int, float],
        by_character: Floats,
    ) -> None:
        occurrences: dict[int, list[tuple[Span, ...]]] = {}
        for gram in grams:
            if (column := half.vocabulary_.get(gram.name)) is not None:
                occurrences.setdefault(first + column, []).append(gram.spans)
        for column, places in occurrences.items():
            for spans in places:
                length = sum(span.end - span.begin for span in spans)
                for span in spans:
                    share = parts[column] / len(places) / length
                    by_character[span.begin : span.end] += share

    def _word_grams(self, lowered: "_Lowered") -> Iterator[_Occurrence]:
        matches = re.finditer(self._word.token_pattern, lowered.text)
        found = [(match[0], lowered.original(*match.span())) for match in matches]
        shortest, longest = self._word.ngram_range
        for size in range(shortest, longest + 1):
            for at in range(len(found) - size + 1):
                names, spans = zip(*found[at : at + size], strict=True)
                yield _Occurrence(" ".join(names), spans)

    def _character_grams(self, lowered: "_Lowered") -> Iterator[_Occurrence]:
        shortest, longest = self._character.ngram_range
        for word in words(lowered.text):
            padded = f" {lowered.text[word.begin : word.end]} "
            for size in range(shortest, longest + 1):
                for at in range(max(1, len(padded) - size + 1)):
                    begin = max(word.begin, word.begin + at - 1)
                    end = min(word.end, word.begin + at - 1 + size)
                    yield _Occurrence(padded[at : at + size], (lowered.original(begin, end),))
                if size >= len(padded):  # scikit-learn counts a short word once, at its first size
                    break


class _Lowered:
    """A text in lower case that knows which original characters each of its own came from."""

    def __init__(self, text: str) -> None:
        self.text = text.lower()
        # One letter may become two (U+0130); which forms a letter takes never changes how many.
        lengths = [1 if char.isascii() else len(char.lower()) for char in text]
        self._places = np.repeat(np.arange(len(text)), lengths)

    def original(self, begin: int, end: int) -> Span:
        """Return the span of the original that became `[begin, end)` of the lower case."""
        return Span(int(self._places[begin]), int(self._places[end - 1]) + 1)
