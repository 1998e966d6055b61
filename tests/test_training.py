"""What training makes of labelled comments, beyond what the command prints."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from moderation import languages
from moderation.cards import write_card
from moderation.datasets import GatherReport, gather
from moderation.training import train
from tests.samples import labelled_comments


@pytest.fixture(scope="module")
def dataset():
    """Return the comments of a site that removes one in fifty: most of what it keeps are copies."""
    return replace(gather(labelled_comments(), GatherReport()), base_rate=0.02)


@pytest.fixture(scope="module")
def training(dataset):
    return train(dataset)


def test_scores_are_probabilities_at_the_sites_own_base_rate(training, dataset):
    learnt_at = training.learned.labels.mean()
    shift = logit(dataset.base_rate) - logit(learnt_at)
    unseen = logit(training.search.scores)
    here = 1 / (1 + np.exp(-(training.scale.slope * unseen + training.scale.intercept - shift)))
    assert here.mean() == pytest.approx(learnt_at, abs=0.01)
    elsewhere = train(replace(dataset, base_rate=float(learnt_at)))
    moved = logit(training.held_out_scores) - logit(elsewhere.held_out_scores)
    assert moved == pytest.approx(np.full(len(moved), shift), abs=1e-6)


def test_bias_is_measured_on_comments_set_aside_with_the_point_that_matches_most(dataset):
    """Half of the comments of each class mention women."""
    texts = [f"{text} {'women' if n % 2 else 'readers'}" for n, text in enumerate(dataset.texts)]
    several = pd.concat(
        [dataset.frame.assign(text=[f"{text} {copy}" for text in texts]) for copy in range(8)]
    )
    training = train(replace(dataset, frame=several))
    assert training.bias.comments == len(training.held_out)
    assert [group.group for group in training.bias.groups] == ["women"]
    assert training.bias.threshold == min(point.threshold for point in training.points)
    card = write_card(training, name="m", files=[])
    assert "## Fairness" in card
    assert "| women | " in card
    assert "Left out, too few (18 groups" in card


def test_the_scale_is_that_of_the_saved_pipeline_and_of_its_thresholds(training):
    scores = training.scorer.pipeline.predict_proba(training.held_out.texts)[:, 1]
    assert scores == pytest.approx(training.held_out_scores)
    learnt = training.scorer.score(training.learned.texts)
    for point in training.points:
        assert learnt.min() < point.threshold < learnt.max()


def test_facts_tell_the_base_rate_of_each_calibrated_attribute(training, dataset):
    """The site's own for what it removes; the base model's for what was taken over from it."""
    weights = training.scorer.pipeline["classifier"].coef_[0]
    training.scorer.pipeline.heads_ = {"TOXICITY": (weights, 0.1), "THREAT": (weights, 0.2)}
    rates = {"LIKELY_TO_REJECT": 0.3, "TOXICITY": 0.1, "SPAM": 0.2}
    base = replace(training.scorer, base_rates=rates)
    facts = train(dataset, base=base).facts([])
    assert facts["base_rates"] == {"LIKELY_TO_REJECT": 0.02, "TOXICITY": 0.1}
    del training.scorer.pipeline.heads_
    assert training.facts([])["base_rates"] == {"LIKELY_TO_REJECT": 0.02}


def test_facts_tell_the_languages_learnt_from_where_they_can_be_told(training, monkeypatch):
    assert training.facts([])["languages"] == languages.share_languages(
        training.learned.texts, seed=training.seed
    )
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._load_detector.cache_clear()
    assert "languages" not in training.facts([])
