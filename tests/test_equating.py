"""Equivalent thresholds: what is recovered exactly, what intervals promise, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.equating import FEWEST, MOST_OFF, Carried, Refused, carry_over

OLD = np.round(np.random.default_rng(1).beta(0.6, 2.0, 2000), 2)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7)
PAIRS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=60, max_size=150)


def noisy(old, spread, seed=2):
    """Return scores on another scale that agree with the old ones the less, the more spread."""
    return 1 / (1 + np.exp(2 - 4 * old - np.random.default_rng(seed).normal(0, spread, len(old))))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_same_scores_have_the_same_threshold_and_agree(threshold):
    [found] = carry_over(OLD, OLD, [threshold])
    assert found.threshold.value == threshold
    assert (found.same.value, found.still_matched.value, found.kappa) == (1, 1, 1)
    assert found.still_matched.of == found.matches == (threshold <= OLD).sum()


@pytest.mark.parametrize("bend", [np.sqrt, np.square, lambda x: 0.9 * x + 0.05, np.expm1])
def test_scores_on_another_scale_are_recovered_exactly(bend):
    """Where the order is the same, the place of a threshold in it says all."""
    for threshold, found in zip(THRESHOLDS, carry_over(OLD, bend(OLD), THRESHOLDS), strict=True):
        assert found.threshold.value == pytest.approx(bend(threshold))
        assert found.kappa == 1


@given(PAIRS)
def test_as_many_match_as_can_and_of_equally_many_the_higher_threshold_counts(pairs):
    old, new = np.array(pairs).T / 20
    for found in carry_over(old, new, THRESHOLDS, resamples=1):
        if isinstance(found, Carried):
            off = {t: abs(int((new >= t).sum()) - found.matches) for t in set(new.tolist())}
            nearest = [t for t, difference in off.items() if difference == min(off.values())]
            assert found.threshold.value == max(nearest)


@given(PAIRS)
def test_a_larger_old_threshold_never_has_a_lower_new_one(pairs):
    old, new = np.array(pairs).T / 20
    found = carry_over(old, new, np.linspace(0.05, 1, 20).tolist(), resamples=20)
    bounds = [(c.threshold.low, c.threshold.value, c.threshold.high) for c in carried(found)]
    assert (np.diff(np.array(bounds).reshape(-1, 3), axis=0) >= 0).all()


def carried(found):
    return [one for one in found if isinstance(one, Carried)]


def test_more_comments_narrow_the_interval():
    widths = []
    for size in (500, 2000, 8000):
        old = np.random.default_rng(3).random(size)
        [found] = carry_over(old, noisy(old, 0.5), [0.8])
        widths.append(found.threshold.high - found.threshold.low)
    assert widths[0] > 1.5 * widths[1] > 2.25 * widths[2]


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    """The truth is what half a million comments say."""
    rng = np.random.default_rng(4)
    every = rng.random(500_000)
    truth = np.quantile(noisy(every, 0.5), 0.8)
    held = 0
    for seed in range(150):
        old = rng.random(1500)
        [found] = carry_over(old, noisy(old, 0.5, seed), [0.8], resamples=300)
        held += found.threshold.low <= truth <= found.threshold.high
    assert 0.88 <= held / 150 <= 0.99


def test_resampling_whole_groups_widens_the_interval_of_like_comments():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(40), 25)
    old = np.clip(np.repeat(rng.random(40), 25) + rng.normal(0, 0.1, 1000), 0, 1)
    new = np.clip(old + np.repeat(rng.normal(0, 0.1, 40), 25), 0, 1)
    [alone] = carry_over(old, new, [0.6])
    [grouped] = carry_over(old, new, [0.6], groups=groups)
    assert alone.threshold.value == grouped.threshold.value
    assert width(grouped) > 1.3 * width(alone)


def width(found):
    return found.threshold.high - found.threshold.low


def test_scores_without_anything_in_common_agree_by_chance_only():
    """Nine in ten decisions are the same, and still there is nothing to it."""
    rng = np.random.default_rng(6)
    [found] = carry_over(rng.random(20_000), rng.random(20_000), [0.95])
    assert found.same.value > 0.9
    assert found.still_matched.value < 0.08
    assert abs(found.kappa) < 0.03


def test_agreement_is_not_measured_where_the_threshold_was_chosen():
    """Chosen on the very comments, the match rate would be hit exactly, each time."""
    old = np.random.default_rng(7).random(300)
    new = noisy(old, 0.5)
    [found] = carry_over(old, new, [0.8])
    differing = round((1 - found.same.value) * 300)
    gone = found.matches - round(found.still_matched.value * found.matches)
    assert differing - gone != gone


@pytest.mark.parametrize(
    ("above", "below", "reason"),
    [
        (0, 500, f"too few to tell: found 0 at or above, at least {FEWEST} needed"),
        (FEWEST - 1, 500, f"found {FEWEST - 1} at or above, at least {FEWEST} needed"),
        (500, FEWEST - 1, f"found {FEWEST - 1} below, at least {FEWEST} needed"),
        (500, 0, "found 0 below"),
        (0, 0, "found 0 at or above"),
    ],
)
def test_too_few_on_either_side_are_refused(above, below, reason):
    old = np.concatenate([np.linspace(0.5, 1, above), np.linspace(0, 0.4, below)])
    [found] = carry_over(old, old, [0.5])
    assert isinstance(found, Refused)
    assert (found.matches, found.comments) == (above, above + below)
    assert reason in found.reason


def test_just_enough_on_either_side_do_where_scores_agree():
    old = np.concatenate([np.linspace(0.5, 1, FEWEST), np.linspace(0, 0.4, FEWEST)])
    assert len(carried(carry_over(old, old, [0.5]))) == 1


def test_matches_are_refused_until_their_interval_is_narrow_enough():
    """As the docstring of the rule says: scores that share half need some 110."""
    few, many = (carry_over(*half_shared(size), [0.5])[0] for size in (40, 320))
    assert few.reason.startswith("too few to tell: found 40 at or above, about ")
    assert 80 <= int(few.reason.split()[-2]) <= 140
    new = half_shared(320)[1]
    for bound in (many.threshold.low, many.threshold.high):
        assert 1 / MOST_OFF <= (new >= bound).sum() / 320 <= MOST_OFF


def half_shared(size):
    """Return scores of which so many match by either, half of them by both."""
    old = np.repeat([0.9, 0.1], [size, 10_000])
    new = np.random.default_rng(8).random(len(old)) * 0.5
    new[size // 2 : size + size // 2] += 0.5
    return old, new


def test_new_scores_that_do_not_tell_comments_apart_are_refused():
    [found] = carry_over(OLD, np.full(len(OLD), 0.3), [0.5])
    assert found.reason.startswith("too many comments share one score")


def test_old_scores_that_are_all_the_same_are_refused():
    found = carry_over(np.full(200, 0.6), noisy(OLD[:200], 1.0), [0.5, 0.7])
    assert [one.reason[:32] for one in found] == [
        "too few to tell: found 0 below, ",
        "too few to tell: found 0 at or a",
    ]


def test_the_same_seed_gives_the_same_and_another_hardly_another():
    new = noisy(OLD, 1.0)
    one, again, other = (carry_over(OLD, new, [0.5], seed=seed)[0] for seed in (1, 1, 2))
    assert one == again != other
    assert one.threshold.value == other.threshold.value
    assert one.threshold.low == pytest.approx(other.threshold.low, abs=0.02)
