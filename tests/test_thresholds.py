"""Operating points under their constraints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import DataError, PolicyError
from moderation.metrics import Interval
from moderation.policy import MEASURES, ONE_IN_TWO, TOP_TENTH, Goal
from moderation.thresholds import MIN_MATCHES, choose_points, find_point

SCORED = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20), st.integers(1, 3)), min_size=30, max_size=120
)
GOALS = st.builds(
    Goal,
    st.sampled_from(["maximum", "minimum"]),
    st.sampled_from(list(MEASURES)),
    st.sampled_from(list(MEASURES)),
    st.sampled_from([">=", "<="]),
    st.sampled_from([0.0, 0.05, 0.3, 0.75, 0.9, 1.0]),
)


def arrays(rows):
    labels, scores, weights = zip(*rows, strict=True)
    return np.array(labels, dtype=int), np.array(scores) / 20, np.array(weights, dtype=float)


def measured_at(threshold, labels, scores, weights, base_rate):
    """Each measure counted by hand on comments weighted so that the base rate holds."""
    removed = labels == 1
    rate = weights[removed].sum() / weights.sum() if base_rate is None else base_rate
    weights = np.where(
        removed, weights * rate / weights[removed].sum(),
        weights * (1 - rate) / weights[~removed].sum(),
    )  # fmt: skip
    matching = scores >= threshold

    def share(part, whole):
        return weights[part & whole].sum() / weights[whole].sum() if whole.any() else np.nan

    right = matching == removed
    precision, recall = share(removed, matching), share(matching, removed)
    npv, specificity = share(~removed, ~matching), share(~matching, ~removed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "threshold": threshold,
            "precision": precision,
            "recall": recall,
            "f1": 2 / (1 / np.float64(precision) + 1 / np.float64(recall)),
            "fpr": share(matching, ~removed),
            "match_rate": weights[matching].sum(),
            "filter_rate": weights[~matching].sum(),
            "accuracy": weights[right].sum(),
            "!precision": npv,
            "!recall": specificity,
            "!f1": 2 / (1 / np.float64(npv) + 1 / np.float64(specificity)),
        }


@given(SCORED, GOALS, st.sampled_from([None, 0.02, 0.5]))
def test_an_answer_is_the_best_of_all_thresholds_tried_by_hand(rows, goal, base_rate):
    labels, scores, weights = arrays(rows)
    if len(set(labels)) < 2:
        return
    tried = {
        t: measured_at(t, labels, scores, weights, base_rate)
        for t in sorted(set(scores), reverse=True)
        if (scores >= t).sum() >= 5 and ("!" not in str(goal) or (scores < t).sum() >= 5)
    }
    tried = {t: found for t, found in tried.items() if not np.isnan(found[goal.bounded])}
    if not tried:
        with pytest.raises(DataError, match="too few to look for"):
            find_point(goal, labels, scores, weights=weights, base_rate=base_rate, least=5)
        return
    answer = find_point(goal, labels, scores, weights=weights, base_rate=base_rate, least=5)
    found = tried[answer.threshold]
    slack = 1e-9 if goal.relation == ">=" else -1e-9
    bounded = {t: m[goal.bounded] for t, m in tried.items()}
    allowed = [t for t, v in bounded.items() if (v + slack >= goal.bound) == (slack > 0)]
    best = max if goal.relation == ">=" else min
    if answer.reached:
        sense = max if goal.sense == "maximum" else min
        wanted = [tried[t][goal.measure] for t in allowed]
        assert found[goal.measure] == pytest.approx(sense(w for w in wanted if not np.isnan(w)))
    else:
        assert found[goal.bounded] == pytest.approx(best(bounded.values()))
    assert answer.value == pytest.approx(found[goal.bounded])
    shares = answer.precision.value, answer.recall.value, answer.match_rate.value
    assert shares == pytest.approx((found["precision"], found["recall"], found["match_rate"]))


@given(GOALS)
def test_a_goal_is_printed_as_it_is_read(goal):
    assert Goal.parse(str(goal)) == goal


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("recall @ precision >= 0.9", "no operating point; write it like 'maximum recall @"),
        ("maximum recall @ precision > 0.9", "no operating point"),
        ("maximum recall @ precision >= 90%", "'90%' is no number"),
        ("maximum recall @ precision >= 90", "the bound is 90.0; write a number from 0 to 1"),
        ("maximum catch @ precision >= 0.9", "'catch' is no measure; write one of threshold,"),
        ("maximum recall @ precison >= 0.9", "'precison' is no measure"),
        ("", "no operating point"),
    ],
)
def test_other_words_are_refused_with_what_to_write(words, said):
    with pytest.raises(PolicyError) as refused:
        Goal.parse(words)
    assert said in str(refused.value)


def test_out_of_reach_is_an_answer_with_the_best_there_is():
    labels, scores = np.array([1, 0] * 50), np.linspace(0, 1, 100)
    answer = find_point(Goal.parse("maximum recall @ precision >= 0.9"), labels, scores)
    assert not answer.reached
    assert answer.value == max(labels[scores >= t].mean() for t in scores[:81])
    first = next(answer.lines())
    assert first.startswith("maximum recall @ precision >= 0.9: out of reach; the best is precis")


def test_an_answer_counts_and_says_at_which_base_rate():
    labels, scores = np.repeat([0, 1], [60, 40]), np.linspace(0, 1, 100)
    answer = find_point(Goal.parse("maximum recall @ fpr <= 0"), labels, scores, base_rate=0.1)
    assert (answer.matches, answer.caught, answer.comments, answer.removed) == (40, 40, 100, 40)
    assert (answer.precision.value, answer.recall.value) == pytest.approx((1, 1))
    assert answer.match_rate.value == pytest.approx(0.1)
    assert "where 10.00% of comments are removed" in list(answer.lines())[-1]


def test_the_interval_of_the_match_rate_holds_the_truth_as_often_as_it_says():
    """At a base rate of 10%, from samples of which half are removed."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        labels = np.repeat([0, 1], 100)
        scores = (rng.random(200) < np.where(labels, 0.6, 0.2)) * 1.0
        goal = Goal("maximum", "threshold", "threshold", ">=", 1)
        rate = find_point(goal, labels, scores, base_rate=0.1).match_rate
        held += rate.low <= 0.1 * 0.6 + 0.9 * 0.2 <= rate.high
    assert 0.92 <= held / 400 <= 0.98


def test_unequal_weights_widen_the_intervals():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 400), rng.random(400)
    goal = Goal("maximum", "recall", "threshold", ">=", 0.5)

    def width(weights):
        found: Interval = find_point(goal, labels, scores, weights=weights).recall
        return found.high - found.low

    assert width(rng.choice([1.0, 20.0], 400)) > 1.3 * width(np.full(400, 20.0))


def test_one_class_has_no_operating_point():
    with pytest.raises(DataError, match="one class"):
        find_point(Goal.parse("maximum recall @ fpr <= 0.1"), np.ones(30, int), np.ones(30))


def test_a_precision_on_a_handful_of_matches_does_not_count():
    labels = np.array([1] * 5 + [0] * 95)
    answer = find_point(
        Goal.parse("maximum recall @ precision >= 0.9"), labels, np.linspace(1, 0, 100)
    )
    assert not answer.reached
    assert answer.matches == MIN_MATCHES


def test_the_top_tenth_is_not_exceeded_by_ties():
    labels = np.array([1, 0] * 50)
    scores = np.array([0.9] * 8 + [0.5] * 20 + [0.1] * 72)
    [point] = [p for p in choose_points(labels, scores) if p.name == TOP_TENTH]
    assert (point.threshold, point.match_rate) == (0.9, 0.08)


def test_points_out_of_reach_are_missing():
    labels = np.array([1, 0, 0, 0] * 50)
    scores = np.linspace(0, 1, 200)
    names = [point.name for point in choose_points(labels, scores)]
    assert names == [TOP_TENTH]
    better = choose_points(np.sort(labels), scores)
    assert ONE_IN_TWO in [point.name for point in better]


def test_fewer_comments_than_a_threshold_needs_are_refused():
    labels, scores = np.array([0, 1] * 5), np.linspace(0, 1, 10)
    with pytest.raises(DataError, match="10 labelled comments are too few to look for 'max"):
        find_point(Goal.parse("maximum recall @ precision >= 0.9"), labels, scores)


def test_intervals_of_weighted_labels_hold_the_truth_as_often_as_they_say():
    """Low scores are audited one time in twenty; their few labels tell most of the recall."""
    rng, held, goal = np.random.default_rng(4), 0, Goal.parse("maximum recall @ threshold >= 0.3")
    for _ in range(300):
        scores = np.round(rng.random(4000), 1)
        labels = (rng.random(4000) < 0.1 + 0.4 * scores).astype(int)
        seen = (scores >= 0.3) | (rng.random(4000) < 0.05)
        weights = np.where(scores < 0.3, 20.0, 1.0)
        recall = find_point(goal, labels[seen], scores[seen], weights=weights[seen]).recall
        held += recall.low <= labels[scores >= 0.3].sum() / labels.sum() <= recall.high
    assert held / 300 >= 0.91
