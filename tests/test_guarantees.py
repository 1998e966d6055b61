"""Guaranteed thresholds against exact computations in fractions, and against what they promise."""

from fractions import Fraction
from math import comb, nextafter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.guarantees import Kept, Refused, fewest, find_threshold
from moderation.policy import Action, ErrorLimit, MissLimit

TENTH = ErrorLimit(0.1, 0.9)
SCORED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30)), max_size=200)
SHARES = st.sampled_from([0.02, 0.05, 0.1, 0.3])
SURE = st.sampled_from([0.5, 0.8, 0.9, 0.95])


def tail(wrong, of, share):
    """The chance of at most so many wrong ones where each is wrong with that share, exactly."""
    p = Fraction(share)
    return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(wrong + 1))


def most_wrong(error, doubt, of):
    """How many may be wrong at most, -1 where even none is no proof; counted up one by one."""
    most = -1
    while most < of and tail(most + 1, of, error) <= doubt:
        most += 1
    return most


def by_hand(promise, action, labels, scores):
    """The sequence told step by step; returns the scores acted on, or None."""
    approves = action is Action.APPROVE
    wrong = labels if approves else 1 - labels
    doubt, n, begins = 1 - promise.confidence, len(labels), []
    for parts in range(1, 6):
        first = [
            next((a for a in range(1, n + 1)
                  if tail(3**part - 1, a, promise.error) <= doubt / parts and a >= 3**part), None)
            for part in range(parts)
        ]  # fmt: skip
        if None in first:
            break
        begins = first
    kept, budget, begun = None, 0.0, 0
    for score in sorted(set(scores), reverse=not approves):
        acted = scores <= score if approves else scores >= score
        while begun < len(begins) and acted.sum() >= begins[begun]:
            begun, budget = begun + 1, budget + doubt / len(begins)
        if budget and wrong[acted].sum() <= most_wrong(promise.error, budget, int(acted.sum())):
            kept = acted
        elif budget:
            budget = 0.0
    return kept


def found_by(promise, action, rows):
    labels, scores = (np.array([row[part] for row in rows], dtype=int) for part in (0, 1))
    found = find_threshold(promise, action, labels, scores / 30)
    if isinstance(found, Refused):
        return None, labels, scores
    below = scores / 30 < found.threshold
    return below if action is Action.APPROVE else ~below, labels, scores


@settings(deadline=None, max_examples=60)
@given(SCORED, SHARES, SURE, st.sampled_from([Action.APPROVE, Action.REMOVE]))
def test_a_threshold_is_that_of_the_sequence_told_by_hand(rows, error, confidence, action):
    """Ties, one class, equal scores and no labels at all are among the rows."""
    promise = ErrorLimit(error, confidence)
    acted, labels, scores = found_by(promise, action, rows)
    expected = by_hand(promise, action, labels, scores)
    if expected is None:
        assert acted is None
    else:
        # A score of 1 is approved below no threshold that is one, which is the safe side.
        reachable = expected & (scores < 30) if action is Action.APPROVE else expected
        assert acted.tolist() == reachable.tolist()


@settings(deadline=None, max_examples=40)
@given(SCORED, SHARES, st.sampled_from([None, 0.5, 0.9]))
def test_a_miss_threshold_is_the_highest_that_the_ranks_allow(rows, missed, confidence):
    """By the binomial: with a confidence, so many of the removed below it are too few for luck."""
    acted, labels, scores = found_by(MissLimit(missed, confidence), Action.APPROVE, rows)
    removed = np.sort(scores[labels == 1])
    n = len(removed)

    def allowed(place):
        if confidence is None:
            return Fraction(place, n + 1) <= Fraction(missed).limit_denominator(10**9)
        return 1 - tail(place - 1, n, missed) >= confidence

    places = [place for place in range(1, n + 1) if allowed(place)]
    if not places:
        assert acted is None
    else:
        assert acted.tolist() == (scores < removed[places[-1] - 1]).tolist()


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REMOVE])
@pytest.mark.parametrize("promise", [TENTH, MissLimit(0.1), MissLimit(0.1, 0.9)])
def test_the_order_of_the_labels_does_not_matter(promise, action):
    if action is Action.REMOVE and promise != TENTH:
        return
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 40, 400) / 40
    labels = (rng.random(400) < scores**3).astype(int)
    weights = rng.choice([0.0, 1.0, 5.0], 400)
    drawn = rng.permutation(400)
    first = find_threshold(promise, action, labels, scores, weights=weights, seed=3)
    again = find_threshold(
        promise, action, labels[drawn], scores[drawn], weights=weights[drawn], seed=3
    )
    assert first == again


def test_all_scores_equal_act_on_all_or_on_none():
    scores, labels = np.full(400, 0.3), np.repeat([0, 1], [390, 10])
    kept = find_threshold(TENTH, Action.APPROVE, labels, scores)
    assert (kept.threshold, kept.acted, kept.errors) == (1.0, 400, 10)
    refused = find_threshold(TENTH, Action.REMOVE, labels, scores)
    assert isinstance(refused, Refused)


@pytest.mark.parametrize(("label", "acts"), [(0, True), (1, False)])
def test_of_one_class_everything_is_right_or_nothing(label, acts):
    found = find_threshold(
        ErrorLimit(0.01), Action.APPROVE, np.full(400, label), np.linspace(0, 0.9, 400)
    )
    assert isinstance(found, Kept) is acts
    if acts:
        assert (found.acted, found.errors) == (400, 0)
        assert found.bound == pytest.approx(1 - 0.05 ** (1 / 400))


@pytest.mark.parametrize(("labels", "more"), [(0, 299), (200, 99), (298, 1)])
def test_too_few_labels_are_refused_with_how_many_more(labels, more):
    """At 1% and 95% it takes 299 right ones at the very least: 0.99**299 is below 0.05."""
    found = find_threshold(
        ErrorLimit(0.01, 0.95), Action.APPROVE, np.zeros(labels, int), np.linspace(0, 0.9, labels)
    )
    assert (found.more, found.labels) == (more, labels)
    assert f"found {labels} labels; even if none of them were wrong, 299 are needed" in str(found)


@pytest.mark.parametrize(
    ("promise", "needed"), [(MissLimit(0.1), 9), (MissLimit(0.1, 0.95), 29), (MissLimit(0.05), 19)]
)
def test_too_few_removed_comments_are_refused_with_how_many_more(promise, needed):
    scores = np.linspace(0.1, 1, needed)
    labels = np.ones(needed, int)
    assert isinstance(find_threshold(promise, Action.APPROVE, labels, scores), Kept)
    found = find_threshold(promise, Action.APPROVE, labels[1:], scores[1:])
    assert (found.more, found.reason) == (
        1,
        f"found {needed - 1} removed comments, {needed} are needed: 1 more",
    )


def test_as_many_more_labels_as_were_asked_for_are_enough():
    rng = np.random.default_rng(4)
    scores = rng.random(900)
    labels = (rng.random(900) < 0.01 + 0.5 * (scores > 0.7)).astype(int)
    found = find_threshold(ErrorLimit(0.02), Action.APPROVE, labels[:160], scores[:160])
    times = (160 + found.more) / 160
    grown = np.repeat(np.arange(160), np.ceil(times).astype(int))
    assert isinstance(
        find_threshold(ErrorLimit(0.02), Action.APPROVE, labels[grown], scores[grown]), Kept
    )


def test_a_model_that_tells_nothing_is_not_helped_by_labels():
    scores = np.linspace(0, 1, 600)
    labels = np.tile([1, 0, 0], 200)
    found = find_threshold(ErrorLimit(0.05), Action.APPROVE, labels, scores)
    assert found.more is None
    assert "16 times as many would not prove it" in found.reason


def test_weights_that_are_equal_change_nothing():
    rng = np.random.default_rng(1)
    scores = rng.random(500)
    labels = (rng.random(500) < scores**4).astype(int)
    plain = find_threshold(TENTH, Action.APPROVE, labels, scores)
    assert (
        find_threshold(TENTH, Action.APPROVE, labels, scores, weights=np.full(500, 20.0)) == plain
    )


def test_comments_of_weight_zero_count_for_nothing():
    rng = np.random.default_rng(1)
    scores = rng.random(500)
    labels = (rng.random(500) < scores**4).astype(int)
    weights = (rng.random(500) < 0.7) * 1.0
    found = find_threshold(TENTH, Action.APPROVE, labels, scores, weights=weights)
    counted = weights > 0
    assert found == find_threshold(TENTH, Action.APPROVE, labels[counted], scores[counted])


def test_weights_of_zero_only_are_no_labels_at_all():
    found = find_threshold(
        ErrorLimit(0.1), Action.APPROVE, np.zeros(50, int), np.ones(50), weights=np.zeros(50)
    )
    assert (found.labels, found.more) == (0, 29)


def test_an_audit_sample_keeps_the_promise_that_its_labels_alone_would_break():
    """All of the regulars' comments have labels, one in twenty of the others': 11% are wrong."""
    rng = np.random.default_rng(7)
    kept = {"with weights": 0, "without": 0}
    for draw in range(200):
        scores, regular = rng.random((2, 6000))
        labels = (rng.random(6000) < np.where(regular < 0.5, 0.02, 0.2)).astype(int)
        seen = (regular < 0.5) | (rng.random(6000) < 0.05)
        sample = labels[seen], scores[seen]
        weights = np.where(regular < 0.5, 1.0, 20.0)[seen]
        with_weights = find_threshold(TENTH, Action.APPROVE, *sample, weights=weights, seed=draw)
        kept["with weights"] += isinstance(with_weights, Kept)
        kept["without"] += isinstance(find_threshold(TENTH, Action.APPROVE, *sample), Kept)
    assert kept["with weights"] <= 200 * 0.1 + 2 * np.sqrt(200 * 0.09)
    assert kept["without"] == 200


@pytest.mark.parametrize("rounded", [None, 1])
@pytest.mark.parametrize("dip", [False, True])
def test_the_promise_is_broken_no_more_often_than_it_says(dip, rounded):
    """Error rates that rise with the score, or are worst where it begins; with ties and without."""
    rng, broken, drawn = np.random.default_rng(11), 0, 400
    grid = np.linspace(0, 1, 10_001)[1:]
    if rounded:
        grid = np.round(grid, rounded)
    rate = np.where(grid < 0.08, 0.16, 0.08) if dip else 0.06 + 0.12 * grid**2
    for _ in range(drawn):
        rows = rng.integers(len(grid), size=800)
        labels = (rng.random(800) < rate[rows]).astype(int)
        found = find_threshold(ErrorLimit(0.1, 0.8), Action.APPROVE, labels, grid[rows])
        if isinstance(found, Kept):
            broken += rate[grid < found.threshold].mean() > 0.1
    assert broken / drawn <= 0.2 + 2 * np.sqrt(0.16 / drawn)


def test_the_comments_ahead_keep_the_promise_themselves():
    """In the long run 7.5% are wrong; of the next thirty more than a tenth, one time in five."""
    rng = np.random.default_rng(5)
    broken = {None: 0, 30: 0}
    for _ in range(300):
        labels = (rng.random(2500) < 0.075).astype(int)
        scores, to_come = rng.random(2500), (rng.random(30) < 0.075).mean()
        for ahead in broken:
            promise = ErrorLimit(0.1, 0.9, ahead)
            found = find_threshold(promise, Action.APPROVE, labels, scores)
            broken[ahead] += isinstance(found, Kept) and to_come > 0.1
    assert broken[30] <= 300 * 0.1 + 2 * np.sqrt(300 * 0.09)
    assert broken[None] > 300 * 0.1 + 2 * np.sqrt(300 * 0.09)


def test_an_endless_stretch_ahead_asks_nearly_for_half_the_doubt_only():
    """What many comments add by chance is nothing; what is left is the doubt kept for it."""
    rng = np.random.default_rng(5)
    scores = rng.random(3000)
    labels = (rng.random(3000) < scores**6).astype(int)
    far = find_threshold(ErrorLimit(0.1, 0.9, 10**12), Action.APPROVE, labels, scores)
    half = find_threshold(ErrorLimit(0.1, 0.95), Action.APPROVE, labels, scores)
    assert far.threshold == pytest.approx(half.threshold, abs=0.01)


def test_the_share_missed_is_what_was_promised():
    rng = np.random.default_rng(2)
    missed = []
    for _ in range(2000):
        scores = rng.random(50)
        found = find_threshold(MissLimit(0.1), Action.APPROVE, np.ones(50, int), scores)
        missed.append(found.threshold)  # of uniform scores, that share is below it
    assert np.mean(missed) == pytest.approx(5 / 51, abs=0.004)


@pytest.mark.parametrize(
    ("promise", "action", "change", "said"),
    [
        (TENTH, Action.HOLD, {}, "hold is no action"),
        (MissLimit(0.1), Action.REMOVE, {}, "remove is no action"),
        (TENTH, Action.APPROVE, {"labels": np.array([0, 2, 1])}, "labels 0 and 1 only"),
        (TENTH, Action.APPROVE, {"scores": np.array([0.1, np.nan, 1])}, "scores that are numbers"),
        (TENTH, Action.APPROVE, {"weights": np.array([1, -1, 1.0])}, "weights of 0 or more"),
        (TENTH, Action.APPROVE, {"weights": np.array([1, np.nan, 1])}, "weights of 0 or more"),
        (TENTH, Action.APPROVE, {"scores": np.array([0.1])}, "labels (3,), scores (1,)"),
    ],
)
def test_what_is_no_label_score_or_weight_is_refused(promise, action, change, said):
    given = {"labels": np.array([0, 0, 1]), "scores": np.array([0.1, 0.2, 0.9]), **change}
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - said is compared as it stands
        find_threshold(promise, action, **given)
    assert said in str(refused.value)


@pytest.mark.parametrize("wrong", [0, 1, 5])
@pytest.mark.parametrize(("error", "doubt"), [(0.01, 0.05), (0.3, 0.2), (0.9, 0.5)])
def test_the_fewest_that_prove_a_share_are_the_first_that_do(error, doubt, wrong):
    first = fewest(error, doubt, wrong=wrong)
    assert tail(wrong, first, error) <= doubt
    assert first == wrong + 1 or tail(wrong, first - 1, error) > doubt


def test_a_removing_threshold_lies_right_above_the_first_score_it_leaves():
    scores, labels = np.linspace(0.5, 1, 101), np.repeat([0, 1], [60, 41])
    found = find_threshold(ErrorLimit(0.1, 0.9), Action.REMOVE, labels, scores)
    below = scores[scores < found.threshold].max()
    assert found.threshold == nextafter(below, 1)
    first, second = found.lines()
    assert first.startswith("at or above 0.")
    assert second.startswith("keeps its promise: ")


def test_a_score_of_one_is_neither_approved_nor_tested():
    """Right comments that are never approved must not vouch for wrong ones that are."""
    scores, labels = np.repeat([0.5, 1.0], [24, 976]), np.repeat([1, 0], [24, 976])
    found = find_threshold(TENTH, Action.APPROVE, labels, scores)
    assert isinstance(found, Refused)
    none = find_threshold(TENTH, Action.APPROVE, labels, np.ones(1000))
    assert none.reason == "of 1000 labels 0 have a score below 1"


def test_few_ahead_are_promised_nothing_that_one_error_would_break():
    """Up to 0.6 none is wrong, beyond it 4.5%: of the next twenty one wrong is more than 2%."""
    rng = np.random.default_rng(3)
    kept = 0
    for _ in range(20):
        scores = rng.random(2000)
        labels = (rng.random(2000) < np.where(scores < 0.6, 0, 0.045)).astype(int)
        found = find_threshold(ErrorLimit(0.02, 0.95, 20), Action.APPROVE, labels, scores)
        kept += isinstance(found, Kept)
    assert kept == 0


@pytest.mark.parametrize("ahead", [60, 400, 3000])
@pytest.mark.parametrize("error", [0.05, 0.1])
def test_what_comes_keeps_a_promise_about_it(ahead, error):
    rng, broken, draws = np.random.default_rng(8), 0, 300
    for _ in range(draws):
        scores, later = rng.random(1500), rng.random(ahead)
        labels = (rng.random(1500) < np.where(scores < 0.7, 0.01, 0.4)).astype(int)
        to_come = rng.random(ahead) < np.where(later < 0.7, 0.01, 0.4)
        found = find_threshold(ErrorLimit(error, 0.8, ahead), Action.APPROVE, labels, scores)
        if isinstance(found, Kept):
            acted = later < found.threshold
            broken += to_come[acted].sum() > error * acted.sum()
    assert broken / draws <= 0.2 + 2 * np.sqrt(0.16 / draws)


def test_the_heaviest_weight_counts_though_no_label_has_it():
    """Half of the comments are audited one time in 500; none of these may be among the labels."""
    rng = np.random.default_rng(2)
    scores, labels = rng.random(600), np.zeros(600, int)
    plain = find_threshold(TENTH, Action.APPROVE, labels, scores, weights=np.ones(600))
    assert isinstance(plain, Kept)
    unsure = find_threshold(
        TENTH, Action.APPROVE, labels, scores, weights=np.ones(600), heaviest=500
    )
    assert isinstance(unsure, Refused)
    with pytest.raises(ValueError, match="a weight of 9 is above the heaviest, 5"):
        find_threshold(TENTH, Action.APPROVE, labels, scores, weights=np.full(600, 9.0), heaviest=5)
