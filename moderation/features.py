"""The TF-IDF transformer over words and characters, scikit-learn's API and numbers."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

WORD, CHARACTER = "word", "char"
WORD_LENGTHS = (1, 2)
CHARACTER_LENGTHS = (2, 5)
MIN_DOCUMENTS = 2
"""A feature seen in one comment only says nothing of the next."""


def make_features() -> FeatureUnion:
    """
    Return the unfitted features: TF-IDF of word 1-2-grams beside character 2-5-grams in words.

    Counts are damped by `1 + log` (sublinear), so that a word repeated ten times does not weigh
    ten times; each half is scaled to length one on its own.
    """
    word = TfidfVectorizer(ngram_range=WORD_LENGTHS, min_df=MIN_DOCUMENTS, sublinear_tf=True)
    character = TfidfVectorizer(
        analyzer="char_wb", ngram_range=CHARACTER_LENGTHS, min_df=MIN_DOCUMENTS, sublinear_tf=True
    )
    return FeatureUnion([(WORD, word), (CHARACTER, character)])
