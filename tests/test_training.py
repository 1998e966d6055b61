"""What training makes of labelled comments, beyond what the command prints."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

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
