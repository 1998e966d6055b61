"""Operating points under their constraints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import UnreachableTarget
from moderation.policy import ONE_IN_TWO, TOP_TENTH
from moderation.thresholds import (
    MIN_MATCHES,
    choose_points,
    highest_share,
    max_recall_at_precision,
)

SCORED = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20)), min_size=MIN_MATCHES + 10, max_size=120
)


def arrays(rows):
    return np.array([int(r) for r, _ in rows]), np.array([s / 20 for _, s in rows])


@given(SCORED, st.sampled_from([0.3, 0.5, 0.9]))
def test_a_chosen_threshold_holds_its_precision_and_no_lower_one_does(rows, precision):
    labels, scores = arrays(rows)
    reached = {
        t: labels[scores >= t].mean() for t in set(scores) if (scores >= t).sum() >= MIN_MATCHES
    }
    allowed = [t for t, found in reached.items() if found >= precision]
    if not allowed:
        with pytest.raises(UnreachableTarget) as refused:
            max_recall_at_precision(labels, scores, precision=precision, name="p")
        assert refused.value.best == pytest.approx(max(reached.values()))
    elif labels.any():
        point = max_recall_at_precision(labels, scores, precision=precision, name="p")
        assert point.threshold == min(allowed)
        assert point.precision == pytest.approx(reached[min(allowed)])


def test_a_precision_on_a_handful_of_matches_does_not_count():
    labels = np.array([1] * 5 + [0] * 95)
    scores = np.linspace(1, 0, 100)
    with pytest.raises(UnreachableTarget, match="at least 20 matches"):
        max_recall_at_precision(labels, scores, precision=0.9, name="p")


def test_a_share_is_not_exceeded_by_ties():
    labels = np.array([1, 0] * 50)
    scores = np.array([0.9] * 8 + [0.5] * 20 + [0.1] * 72)
    point = highest_share(labels, scores, match_rate=0.1, name="p")
    assert (point.threshold, point.match_rate) == (0.9, 0.08)


def test_points_out_of_reach_are_missing():
    labels = np.array([1, 0, 0, 0] * 50)
    scores = np.linspace(0, 1, 200)
    names = [point.name for point in choose_points(labels, scores)]
    assert names == [TOP_TENTH]
    better = choose_points(np.sort(labels), scores)
    assert ONE_IN_TWO in [point.name for point in better]
