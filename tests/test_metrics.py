"""Measures against scikit-learn's, intervals against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation.errors import DataError
from moderation.metrics import (
    calibration_error,
    clopper_pearson,
    compare_rankings,
    measure,
    measure_point,
    wilson,
)

LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 1])
SCORES = np.array([0.1, 0.2, 0.2, 0.3, 0.6, 0.6, 0.6, 0.9])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_ranking_equals_scikit_learns_with_ties(rows):
    labels = np.array([int(removed) for removed, _ in rows])
    scores = np.array([score / 5 for _, score in rows])
    if len(set(labels)) < 2:
        return
    report = measure(labels, scores, thresholds={}, resamples=50)
    assert report.roc_auc.value == pytest.approx(roc_auc_score(labels, scores))
    assert report.average_precision.value == pytest.approx(average_precision_score(labels, scores))


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    """Scores of known ROC-AUC 0.76 (two normals one apart), drawn two hundred times."""
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], [80, 40])
    held = 0
    for _ in range(200):
        scores = rng.normal(labels, 1.0)
        interval = measure(labels, scores, thresholds={}, resamples=300).roc_auc
        held += interval.low <= 0.7602 <= interval.high
    assert 0.88 <= held / 200 <= 0.99


def test_resampling_whole_groups_widens_the_interval_of_like_comments():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 25)
    labels = (rng.random(300) < np.repeat(rng.random(12), 25)).astype(int)
    scores = np.repeat(rng.random(12), 25) + labels * 0.3
    alone = measure(labels, scores, thresholds={}).roc_auc
    grouped = measure(labels, scores, groups=groups, thresholds={}).roc_auc
    assert alone.value == grouped.value
    assert grouped.high - grouped.low > 1.3 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval():
    assert measure(LABELS, SCORES, thresholds={}, seed=1) == measure(
        LABELS, SCORES, thresholds={}, seed=1
    )


def test_a_point_counts_what_is_at_or_above_its_threshold():
    point = measure_point("p", 0.6, LABELS, SCORES, site_base_rate=0.5)
    assert point.matches == 4
    assert (point.precision.value, point.recall.value, point.match_rate.value) == (0.75, 0.75, 0.5)
    assert (point.precision.of, point.recall.of, point.match_rate.of) == (4, 4, 8)


def test_a_point_is_rescaled_to_the_sites_base_rate():
    """Recall 3/4 and a false-positive rate of 1/4 at one removal in ten."""
    point = measure_point("p", 0.6, LABELS, SCORES, site_base_rate=0.1)
    assert point.site_match_rate == pytest.approx(0.1 * 0.75 + 0.9 * 0.25)
    assert point.site_precision == pytest.approx(0.075 / 0.3)


def test_nothing_matched_has_no_precision():
    point = measure_point("p", 0.95, LABELS, SCORES, site_base_rate=0.5)
    assert point.precision is None
    assert point.site_precision is None


def test_one_class_cannot_be_ranked():
    with pytest.raises(DataError, match="all 3 labelled comments are of one class"):
        measure(np.ones(3, int), np.array([0.1, 0.2, 0.3]), thresholds={})


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (1, 1000), (500, 1000)])
def test_wilson_stays_within_zero_and_one_and_around_the_share(successes, trials):
    interval = wilson(successes, trials)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


def test_calibration_error_is_the_mean_gap_in_bins_of_equal_mass():
    scores = np.repeat([0.1, 0.9], 50)
    labels = np.tile([0] * 4 + [1], 20)  # one in five, whatever the score
    assert calibration_error(labels, scores, bins=2) == pytest.approx((0.1 + 0.7) / 2)
    assert calibration_error(labels, np.full(100, 0.2), bins=5) == pytest.approx(0)


def test_calibration_error_with_weights_is_that_of_copies():
    rng = np.random.default_rng(0)
    scores, labels = rng.random(40), rng.integers(0, 2, 40)
    copies = np.repeat(np.arange(40), 1 + 2 * labels)
    weighed = calibration_error(labels, scores, weights=1.0 + 2 * labels, bins=1)
    assert weighed == pytest.approx(calibration_error(labels[copies], scores[copies], bins=1))


@pytest.mark.parametrize(("hits", "of"), [(0, 0), (0, 5), (5, 5), (3, 299), (40, 100)])
def test_the_bounds_are_exact(hits, of):
    """At each end, so few or so many are as unlikely as the doubt (Clopper and Pearson 1934)."""
    low, high = clopper_pearson(hits, of, doubt=0.05)
    assert stats.binom.sf(hits - 1, of, low) == pytest.approx(0.05 if hits else 1)
    assert stats.binom.cdf(hits, of, high) == pytest.approx(0.05 if hits < of else 1)


def test_two_models_are_measured_on_the_same_draws():
    """Each as `measure` has it; of equal ones no draw differs."""
    found = compare_rankings(LABELS, SCORES, 1 - SCORES, seed=3)
    alone = measure(LABELS, SCORES, thresholds={}, seed=3)
    assert (found.roc_auc.present, found.average_precision.present) == (
        alone.roc_auc,
        alone.average_precision,
    )
    assert found.roc_auc.new.value == pytest.approx(1 - alone.roc_auc.value)
    same = compare_rankings(LABELS, SCORES, SCORES / 2).average_precision.more
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_of_one_class_no_two_models_are_compared():
    with pytest.raises(DataError, match="of one class"):
        compare_rankings(np.ones(3, dtype=int), SCORES[:3], SCORES[:3])
