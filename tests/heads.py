"""A model of one word, for what needs any model at all: each "zorble" raises two scores."""

from moderation.explanations import Contribution, Explanation
from moderation.perspective.attributes import AttributeTable
from moderation.text import words

RAISED, LOWERED = 1.5, -0.25


class OneWord:
    """Scores texts by exact fractions; its own attribute comes first, as a model's does."""

    version = "one-word"
    attributes = ("LIKELY_TO_REJECT", "TOXICITY", "INSULT")

    def __init__(self, languages=frozenset({"en"})):
        self.languages = languages
        self.calls = []

    def score_even(self, texts):
        self.calls.append(list(texts))
        found = [min(text.lower().count("zorble"), 3) / 4 for text in texts]
        return {
            "LIKELY_TO_REJECT": [0.125 + share for share in found],
            "TOXICITY": found,
            "INSULT": [0.0625] * len(texts),
        }

    def explain(self, text):
        parts = (
            Contribution(
                span.begin,
                span.end,
                RAISED if "zorble" in text[span.begin : span.end].lower() else LOWERED,
            )
            for span in words(text)
        )
        return Explanation(-1.0, tuple(parts))


def make_table():
    """Return the model's names with two of a site's own."""
    return AttributeTable(
        OneWord.attributes, {"ATTACK_ON_AUTHOR": "INSULT", "my-model": "LIKELY_TO_REJECT"}
    )


def tell_languages(texts):
    """Tell German by "und", English by "the", and nothing else."""
    return [_tell(f" {text.lower()} ") for text in texts]


def _tell(text):
    return "de" if " und " in text else "en" if " the " in text else "und"
