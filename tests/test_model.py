"""Fitting, choosing C and scoring."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from moderation.datasets import GatherReport, folds, gather
from moderation.model import STRENGTHS, fit_scorer, log_loss, search_strength
from tests.samples import labelled_comments


@pytest.fixture(scope="module")
def dataset():
    return gather(labelled_comments(), GatherReport())


def plain_pipeline(strength):
    """Word 1-2-grams beside char_wb 2-5-grams, sublinear, logistic regression; written out here."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True
    )
    return Pipeline(
        [
            ("f", FeatureUnion([("w", words), ("c", characters)])),
            ("c", LogisticRegression(C=strength, tol=1e-9, max_iter=10_000)),
        ]
    )


def test_scores_are_those_of_plain_scikit_learn(dataset):
    plain = plain_pipeline(3.0).fit(dataset.texts, dataset.labels)
    scores = fit_scorer(dataset, strength=3.0).score(dataset.texts)
    assert scores == pytest.approx(plain.predict_proba(dataset.texts)[:, 1], abs=1e-5)


def test_out_of_fold_scores_never_saw_their_own_text(dataset):
    search = search_strength(dataset, parts=4, seed=0)
    learn, measure = next(folds(dataset, parts=4, seed=0))
    texts = np.array(dataset.texts, dtype=object)
    alone = plain_pipeline(search.strength).fit(texts[learn], dataset.labels[learn])
    expected = alone.predict_proba(texts[measure])[:, 1]
    assert search.scores[measure] == pytest.approx(expected, abs=0.01)


def test_the_chosen_strength_has_the_lowest_loss(dataset):
    search = search_strength(dataset, parts=4, seed=0)
    assert set(search.losses) == set(STRENGTHS)
    assert search.losses[search.strength] == min(search.losses.values())
    assert search.losses[search.strength] == log_loss(dataset.labels, search.scores)


def test_scores_are_probabilities_and_no_text_gives_none(dataset):
    scorer = fit_scorer(dataset, strength=1.0)
    scores = scorer.score(["zorble quimp", "the ferry", ""])
    assert scores.shape == (3,)
    assert ((scores > 0) & (scores < 1)).all()
    assert scores[0] > scores[1]
    assert scorer.score([]).shape == (0,)
    assert scorer.score_attributes(["x"]).keys() == set(scorer.attributes)


@pytest.mark.parametrize(("texts", "message"), [("one text", "list"), (["a", None], "text 1")])
def test_misuse_is_refused_by_name(dataset, texts, message):
    with pytest.raises(TypeError, match=message):
        fit_scorer(dataset, strength=1.0).score(texts)
