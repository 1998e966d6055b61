"""Fitting, choosing C and scoring."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import FeatureUnion, Pipeline

from moderation.calibration import Scale
from moderation.datasets import GatherReport, folds, gather
from moderation.features import make_features
from moderation.logistic import fit_logistic
from moderation.model import (
    STRENGTHS,
    Race,
    Space,
    fit_scorer,
    log_loss,
    search_strength,
)
from moderation.scorer import CLASSIFIER, FEATURES, Scorer
from tests.samples import labelled_comments


@pytest.fixture(scope="module")
def dataset():
    return gather(labelled_comments(), GatherReport())


def fit(dataset, *, base=None, **settings):
    return fit_scorer(dataset, Space.learn(dataset.texts, base), **settings)


def search(dataset, *, base=None):
    return search_strength(dataset, Space.learn(dataset.texts, base), parts=4, seed=0)


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
    scores = fit(dataset, strength=3.0).score(dataset.texts)
    assert scores == pytest.approx(plain.predict_proba(dataset.texts)[:, 1], abs=1e-5)


def test_a_scale_is_part_of_the_pipelines_own_weights(dataset):
    plain = fit(dataset, strength=3.0)
    scaled = fit(dataset, strength=3.0, scale=Scale(0.5, -1.0))
    expected = 0.5 * logit(plain.score(dataset.texts)) - 1.0
    assert logit(scaled.score(dataset.texts)) == pytest.approx(expected)
    assert scaled.pipeline.decision_function(dataset.texts) == pytest.approx(expected)


def test_scores_at_another_base_rate(dataset):
    scorer = replace(fit(dataset, strength=3.0), base_rate=0.1)
    scores = scorer.score(dataset.texts)
    even = scorer.score(dataset.texts, base_rate=0.5)
    assert even == pytest.approx(9 * scores / (9 * scores + 1 - scores))
    assert scorer.score(dataset.texts, base_rate=0.1) == pytest.approx(scores)


def test_logits_are_those_of_the_scores_of_all_attributes(dataset):
    scorer = fit(dataset, strength=3.0)
    weights = scorer.pipeline["classifier"].coef_[0]
    scorer.pipeline.heads_ = {"SPAM": (-2 * weights, 0.5)}
    logits = scorer.logits(dataset.texts)
    assert logits[:, 0] == pytest.approx(logit(scorer.score(dataset.texts)))
    assert logits[:, 1] == pytest.approx(logit(scorer.score_attributes(dataset.texts)["SPAM"]))
    assert logits.shape == (len(dataset), 2)


@pytest.mark.parametrize(("own", "asked"), [(None, 0.5), (0.1, 0.0), (0.1, 1.0)])
def test_a_base_rate_that_cannot_be_used_is_refused(own, asked, dataset):
    scorer = replace(fit(dataset, strength=3.0), base_rate=own)
    with pytest.raises(ValueError, match=f"base_rate={asked}: expected a share"):
        scorer.score(["x"], base_rate=asked)


def test_out_of_fold_scores_never_saw_their_own_text(dataset):
    found = search(dataset)
    learn, measure = next(folds(dataset, parts=4, seed=0))
    texts = np.array(dataset.texts, dtype=object)
    alone = plain_pipeline(found.strength).fit(texts[learn], dataset.labels[learn])
    expected = alone.predict_proba(texts[measure])[:, 1]
    assert found.scores[measure] == pytest.approx(expected, abs=0.01)


def test_the_chosen_strength_has_the_lowest_loss(dataset):
    found = search(dataset)
    assert set(found.losses) == set(STRENGTHS)
    assert found.losses[found.strength] == min(found.losses.values())
    assert found.losses[found.strength] == log_loss(dataset.labels, found.scores)


@pytest.fixture(scope="module")
def base():
    """A model of another site, that knows one word this site has not, with a head of its own."""
    comments = [*labelled_comments(removed=80, kept=120), *labelled_comments(removed=80, kept=1)]
    texts = [f"{c.text} {'skibble' if c.status == 'removed' else ''}" for c in comments]
    labels = np.array([int(c.status == "removed") for c in comments])
    features = make_features()
    classifier = fit_logistic(features.fit_transform(texts), labels, strength=10.0)
    pipeline = Pipeline([(FEATURES, features.to_sklearn()), (CLASSIFIER, classifier)])
    pipeline.heads_ = {"OTHER": (classifier.coef_[0].astype(np.float32), -1.0)}
    return Scorer(pipeline)


def test_with_a_base_model_a_site_knows_what_only_the_base_has_seen(dataset, base):
    alone = fit(dataset, strength=1.0)
    adapted = fit(dataset, strength=1.0, base=base)
    texts = ["river ferry skibble", "river ferry"]
    less = np.diff(logit(adapted.score(texts))) - np.diff(logit(alone.score(texts)))
    assert less < -1
    expected = adapted.pipeline.predict_proba(dataset.texts)[:, 1]
    assert adapted.score(dataset.texts) == pytest.approx(expected, abs=1e-9)


def test_little_strength_stays_with_the_base_and_much_goes_with_the_site(dataset, base):
    """A site that keeps what the base model condemns."""
    labels = 1 - dataset.labels
    turned = replace(dataset, frame=dataset.frame.assign(label=labels))
    staying, going = (
        fit(turned, strength=strength, base=base).score(dataset.texts) for strength in (1e-4, 30.0)
    )
    assert roc_auc_score(labels, staying) < 0.1
    assert roc_auc_score(labels, going) > 0.9


def test_the_heads_of_the_base_model_stay(dataset, base):
    adapted = fit(dataset, strength=1.0, base=base)
    assert adapted.attributes == ("LIKELY_TO_REJECT", "OTHER")
    assert base.score_attributes(["skibble"]).keys() == {"LIKELY_TO_REJECT", "OTHER"}
    before, after = (
        scorer.score_attributes(["skibble zorble", "the ferry"])["OTHER"]
        for scorer in (base, adapted)
    )
    assert after[0] > after[1]
    assert after == pytest.approx(before, abs=0.15)  # a few more features share the length


def test_cross_validation_begins_with_the_base_model_too(dataset, base):
    found = search(dataset, base=base)
    assert set(found.losses) == set(STRENGTHS)
    assert found.losses[found.strength] <= min(search(dataset).losses.values())


def test_scores_are_probabilities_and_no_text_gives_none(dataset):
    scorer = fit(dataset, strength=1.0)
    scores = scorer.score(["zorble quimp", "the ferry", ""])
    assert scores.shape == (3,)
    assert ((scores > 0) & (scores < 1)).all()
    assert scores[0] > scores[1]
    assert scorer.score([]).shape == (0,)
    assert scorer.score_attributes(["x"]).keys() == set(scorer.attributes)


@pytest.mark.parametrize(("texts", "message"), [("one text", "list"), (["a", None], "text 1")])
def test_misuse_is_refused_by_name(dataset, texts, message):
    with pytest.raises(TypeError, match=message):
        fit(dataset, strength=1.0).score(texts)


def test_a_strength_that_is_clearly_worse_is_given_up():
    labels = np.tile([0, 1], 200)
    race = Race(labels)
    for strength in STRENGTHS:
        right = 0.9 if strength == 1.0 else 0.88 if strength == 3.0 else 0.6
        noise = np.random.default_rng(0).normal(scale=0.2 * (strength == 3.0), size=200)
        sure = np.clip(right + noise, 0.01, 0.99)
        race.scores[strength][:200] = np.where(labels[:200] == 1, sure, 1 - sure)
    race.drop_the_slow()
    assert 1.0 in race.running
    assert not {0.3, 30.0} & set(race.running)
    assert race.losses()[30.0] == pytest.approx(-np.log(0.6))
