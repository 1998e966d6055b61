"""Finds the words of a comment that are abusive by themselves, to show only how they begin."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from moderation.text import Span, words

MASKED_FROM: Final = 0.95
"""The score, for any of the attributes, from which on a word is masked."""
SPARED: Final = ("INSULT", "PROFANITY", "IDENTITY_ATTACK")
"""What a word is masked for: the base model's heads, not what the site removes for other causes."""


class AttributeScorer(Protocol):
    """What is asked of a model."""

    def score_attributes(self, texts: Sequence[str]) -> Mapping[str, NDArray[np.float64]]: ...


def find_abusive_words(
    scorer: AttributeScorer, text: str, *, least: float = MASKED_FROM
) -> list[Span]:
    """
    Return the words of a text that would score at least so much alone, in their order.

    The model is the list of words: it knows their masked spellings, too, and there is no list of
    slurs in the code. A model that was trained without the base model has none of the attributes.
    """
    spans = list(words(text))
    distinct = sorted({text[span.begin : span.end] for span in spans})
    if not distinct:
        return []
    scores = scorer.score_attributes(distinct)
    of_words = [scores[name] for name in SPARED if name in scores]
    if not of_words:
        return []
    highest = np.max(of_words, axis=0)
    abusive = {word for word, score in zip(distinct, highest, strict=True) if score >= least}
    return [span for span in spans if text[span.begin : span.end] in abusive]
