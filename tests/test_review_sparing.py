"""Words that are abusive by themselves: shown by their first letters only."""

import numpy as np
import pytest

from moderation import load_model
from moderation.review import find_abusive_words
from tests.conftest import REPOSITORY


class Heads:
    """Scores a word by its head's own list."""

    def __init__(self, **words: str) -> None:
        self.words = words

    def score_attributes(self, texts):
        return {
            name: np.array([float(text.strip(".,!") == word) for text in texts])
            for name, word in self.words.items()
        }


def found(text: str, **words: str) -> list[str]:
    return [text[span.begin : span.end] for span in find_abusive_words(Heads(**words), text)]


def test_each_showing_of_a_word_is_found_in_order():
    assert found("zorble a quiet zorble!", INSULT="zorble") == ["zorble", "zorble!"]


def test_any_of_the_heads_that_spare_is_enough():
    assert found("zorble and quimp", INSULT="zorble", PROFANITY="quimp") == ["zorble", "quimp"]


@pytest.mark.parametrize("attribute", ["LIKELY_TO_REJECT", "TOXICITY", "SPAM"])
def test_what_a_site_removes_for_other_causes_is_not_masked(attribute):
    assert found("zorble", **{attribute: "zorble"}) == []


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_text_without_words_has_none(text):
    assert found(text, INSULT="zorble") == []


def test_the_base_model_leaves_plain_words_alone():
    """It has the heads that are asked; none of these words is abuse."""
    base = load_model(REPOSITORY / "models/base.joblib")
    text = "The ferry timetable at the harbour museum changes again in spring."
    assert {"INSULT", "PROFANITY", "IDENTITY_ATTACK"} <= set(base.attributes)
    assert find_abusive_words(base, text) == []
