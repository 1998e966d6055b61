"""What scores mean, and what they mean elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.calibration import Scale, change_base_rate


def draw(number=20_000):
    """Return logits that are too bold, and labels."""
    random = np.random.default_rng(0)
    logits = random.normal(size=number)
    return logits, (random.random(number) < 1 / (1 + np.exp(1.5 - 2 * logits))).astype(np.int64)


def test_a_scale_gives_probabilities():
    logits, labels = draw()
    scale = Scale.learn(logits, labels)
    assert (scale.slope, scale.intercept) == pytest.approx((2.0, -1.5), abs=0.1)
    scores = scale.apply(logits)
    for low in np.arange(0, 1, 0.1):
        group = (scores >= low) & (scores < low + 0.1)
        assert scores[group].mean() == pytest.approx(labels[group].mean(), abs=0.04)


def test_where_removals_are_rarer_a_scale_gives_the_probabilities_there():
    logits, labels = draw()
    some = (labels == 0) | (np.random.default_rng(1).random(len(labels)) < 0.1)
    before, after = labels.mean(), labels[some].mean()
    scores = Scale.learn(logits, labels).at(after, learnt_at=before).apply(logits[some])
    assert scores.mean() == pytest.approx(after, abs=0.01)
    top = scores > 0.3
    assert scores[top].mean() == pytest.approx(labels[some][top].mean(), abs=0.05)


def test_logits_that_tell_all_apart_do_not_become_certainties():
    labels = np.array([0] * 30 + [1] * 10)
    scores = Scale.learn(np.where(labels == 1, 1.0, -1.0), labels).apply(np.array([-1.0, 1.0]))
    assert scores == pytest.approx([1 / 32, 11 / 12], abs=1e-3)


@pytest.mark.parametrize("turn", [0.0, -1.0])
def test_logits_that_say_nothing_or_the_opposite_keep_their_order(turn):
    logits, labels = draw()
    scale = Scale.learn(turn * logits, labels)
    assert scale.slope > 0
    assert scale.apply(turn * logits).mean() == pytest.approx(labels.mean(), abs=0.01)


rates = st.floats(0.01, 0.99)


@given(st.floats(0.001, 0.999), rates, rates)
def test_a_change_of_base_rate_can_be_taken_back(score, before, after):
    there = change_base_rate(np.array([score]), before=before, after=after)
    back = change_base_rate(there, before=after, after=before)
    assert back == pytest.approx([score], abs=1e-9)
    assert (there[0] > score) == (after > before) or there[0] == pytest.approx(score)


def test_on_the_even_scale_a_comment_as_likely_as_any_is_at_one_half():
    assert change_base_rate(np.array([0.02]), before=0.02, after=0.5) == pytest.approx([0.5])
