"""Drift: what has moved is told apart from chance, and from what is too little to matter."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import drift
from moderation.drift import Change, Sample, compare, find_difference, stability_index
from moderation.metrics import wilson


def draw(seed, number, *, shift=0.0, base_rate=0.05, english=0.8):
    """Return comments whose scores, lengths, languages and removals are as asked for."""
    rng = np.random.default_rng(seed)
    return Sample(
        {"TOXICITY": rng.normal(0.5 + shift, 0.1, number).clip(0, 1)},
        (rng.random(number) < base_rate).astype(np.int8),
        rng.poisson(150 * (1 + shift), number),
        np.where(rng.random(number) < english, "en", "de").tolist(),
    )


def changes(before, now):
    return {found.quantity: found.change for found in compare(before, now)}


def test_comments_of_the_same_kind_are_steady():
    found = changes(draw(0, 20_000), draw(1, 20_000))
    assert found == dict.fromkeys(
        ["scores of TOXICITY", "lengths", "languages", "base rate"], Change.STEADY
    )


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ({"shift": 0.1}, {"scores of TOXICITY", "lengths"}),
        ({"base_rate": 0.08}, {"base rate"}),
        ({"english": 0.7}, {"languages"}),
    ],
)
def test_what_has_moved_is_named(now, moved):
    found = changes(draw(0, 20_000), draw(1, 20_000, **now))
    assert {quantity for quantity, change in found.items() if change is Change.MOVED} == moved


def test_a_change_too_small_to_matter_is_steady_however_sure_it_is():
    before, now = draw(0, 300_000), draw(1, 300_000, shift=0.01, base_rate=0.055, english=0.79)
    for found in compare(before, now):
        assert found.p_value < 0.001
        assert found.change is Change.STEADY


def test_few_comments_do_not_cry_wolf():
    assert set(changes(draw(0, 60), draw(1, 60)).values()) == {Change.TOO_FEW}


def test_much_can_be_told_from_few():
    assert changes(draw(0, 100), draw(1, 100, shift=0.3))["scores of TOXICITY"] is Change.MOVED


def test_where_nothing_moved_nothing_is_called_moved_in_most_cases():
    """Once in twenty at most, all quantities together, even where any distance mattered."""
    found = [compare(draw(2 * seed, 400), draw(2 * seed + 1, 400)) for seed in range(200)]
    assert sum(min(one.p_value for one in several) <= 0.05 for several in found) <= 19


def test_what_only_one_part_has_is_not_compared():
    whole = draw(0, 500)
    part = Sample({"INSULT": np.ones(500)}, None, whole.lengths, None)
    assert list(changes(whole, part)) == ["lengths"]
    assert changes(Sample(), whole) == {}


def test_what_is_not_known_is_left_out_and_nothing_known_is_too_few():
    known = draw(0, 1000)
    unknown = Sample(
        {"TOXICITY": np.full(9, np.nan)}, np.full(9, -1, np.int8), np.full(9, -1), [None] * 9
    )
    for found in compare(known, unknown):
        assert found.counts == (1000, 0)
        assert found.change is Change.TOO_FEW
        assert math.isnan(found.distance)
        assert str(found) == f"{found.quantity}: too few to tell: 1000 before, 0 now"


def test_missing_scores_change_nothing_about_the_others():
    scores = np.random.default_rng(0).random(2000)
    with_gaps = np.append(scores, np.full(500, np.nan))
    assert compare(Sample({"A": scores}), Sample({"A": scores**2})) == compare(
        Sample({"A": with_gaps}), Sample({"A": np.append(scores**2, np.nan)})
    )


@pytest.mark.parametrize(
    ("now", "change"), [(0.5, Change.STEADY), (0.4, Change.MOVED), (0.6, Change.MOVED)]
)
def test_scores_that_are_all_the_same_can_move(now, change):
    """Either way: the tenths of the earlier scores have one edge."""
    before = Sample({"A": np.full(1000, 0.5)})
    [found] = compare(before, Sample({"A": np.full(1000, now)}))
    assert found.change is change


def test_the_parts_are_tenths_of_the_earlier_scores():
    rng = np.random.default_rng(1)
    before, now = rng.random(5000), rng.random(4000) ** 1.2
    [found] = compare(Sample({"A": before}), Sample({"A": now}))
    edges = np.quantile(before, np.arange(1, 10) / 10)
    shares = [
        np.bincount((x[:, np.newaxis] > edges).sum(axis=1), minlength=10) / len(x)
        for x in (before, now)
    ]
    expected = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    assert found.distance == pytest.approx(expected, rel=0.05)


COUNTS = st.lists(st.integers(0, 10**6), min_size=3, max_size=3).map(np.array)


@given(COUNTS, COUNTS)
def test_the_index_is_finite_never_negative_and_the_same_both_ways(before, now):
    found = stability_index(before, now)
    assert 0 <= found < math.inf
    assert found == pytest.approx(stability_index(now, before))
    assert stability_index(before, before) == 0


def test_rare_languages_are_taken_together():
    """A hundred languages of one comment each are no reason to mistrust the test."""
    before = ["en"] * 900 + [f"x{number}" for number in range(100)]
    now = ["en"] * 900 + [f"y{number}" for number in range(100)]
    [found] = compare(Sample(languages=before), Sample(languages=now))
    assert (found.distance, found.change) == (0, Change.STEADY)
    assert found.before == "en 90%, x0 0%, x1 0%"


def test_one_language_is_steady():
    [found] = compare(Sample(languages=["en"] * 100), Sample(languages=["en"] * 50))
    assert (found.distance, found.p_value, found.change) == (0, 1, Change.STEADY)


def test_a_base_rate_says_its_difference_with_an_interval():
    before = Sample(labels=np.repeat([1, 0], [70, 930]).astype(np.int8))
    now = Sample(labels=np.repeat([1, 0, -1], [140, 860, 50]).astype(np.int8))
    [found] = compare(before, now)
    assert str(found) == (
        "base rate: moved: 7.00% removed before, 14.00% removed (a change of +4.33% to +9.69%) now "
        ""
        "(difference 0.070, matters from 0.018; p < 0.001; 1000 and 1000)"
    )


def test_no_removals_before_and_some_now_is_a_move():
    before = Sample(labels=np.zeros(2000, np.int8))
    now = Sample(labels=np.repeat([1, 0], [40, 1960]).astype(np.int8))
    assert changes(before, now) == {"base rate": Change.MOVED}
    assert changes(before, before) == {"base rate": Change.TOO_FEW}


@given(*(st.tuples(st.integers(0, 50), st.integers(1, 50)) for _ in range(2)))
def test_a_difference_lies_in_its_interval_and_turns_round(before, now):
    was, is_now = (wilson(min(hits, of), of) for hits, of in (before, now))
    found, turned = find_difference(was, is_now), find_difference(is_now, was)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_a_million_comments_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(draw(0, 1_000_000), draw(1, 1_000_000, base_rate=0.06))
    assert all(0 <= one.p_value <= 1 for one in found)


def test_the_corrected_p_values_are_holms():
    assert drift._correct([]) == []
    assert drift._correct([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(ValueError, match="expected a share above 0 and below 1"):
        compare(Sample(), Sample(), confidence=confidence)
