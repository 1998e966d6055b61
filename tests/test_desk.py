"""The desk's hours and queue, against counting second by second and comment by comment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.desk import DAY, HOUR, Desk, Pace, measure_pace, replay
from moderation.past import Categories, PastComments

HOURS = st.tuples(st.integers(0, 23), st.integers(1, 24))


def make_desk(pace=60.0, moderators=1, begins=0, ends=24):
    return Desk(Pace(pace), moderators, begins, ends)


def is_open(second, desk):
    hour = second % DAY / HOUR
    if desk.begins < desk.ends:
        return desk.begins <= hour < desk.ends
    return hour >= desk.begins or hour < desk.ends


@given(HOURS, st.integers(0, 4 * 96), st.integers(0, 4 * 96))
def test_work_passes_while_the_desk_is_open(hours, first, second):
    """Counted by quarters of an hour."""
    desk = make_desk(begins=hours[0], ends=hours[1])
    begin, end = sorted((first, second))
    counted = 900 * sum(is_open(quarter * 900, desk) for quarter in range(begin, end))
    worked = desk.worked_until(np.array([begin, end]) * 900.0)
    assert worked[1] - worked[0] == counted


@given(HOURS, st.integers(1, 4 * 96))
def test_the_moment_after_work_is_the_first_one(hours, quarters):
    desk = make_desk(begins=hours[0], ends=hours[1])
    worked = float(quarters * 900)
    [moment] = desk.moment_after(np.array([worked]))
    assert desk.worked_until(np.array([moment])) == [worked]
    assert desk.worked_until(np.array([moment - 900])) < [worked]


@pytest.mark.parametrize(
    ("begins", "ends", "hours"), [(0, 24, 24), (8, 18, 10), (22, 6, 8), (8, 8, 24), (23, 24, 1)]
)
def test_a_day_has_its_hours_of_work(begins, ends, hours):
    assert make_desk(begins=begins, ends=ends).daily == hours * HOUR


def replay_slowly(created, likelihood, desk):
    """Take comments one by one, each by the moderator who is free first, and remember when."""
    waiting = list(range(len(created)))
    free = [0.0] * desk.moderators
    arrived = desk.worked_until(np.array(created))
    order = [float("inf") if score is None else score for score in likelihood]
    decided = [0.0] * len(created)
    now = 0.0
    while waiting:
        now = max(now, min(free), min(arrived[row] for row in waiting))
        here = [row for row in waiting if arrived[row] <= now]
        row = min(here, key=lambda row: (-order[row], created[row], row))
        waiting.remove(row)
        free[free.index(min(free))] = now + desk.pace.seconds
        decided[row] = now + desk.pace.seconds
    return desk.moment_after(np.array(decided)).tolist()


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.none() | st.sampled_from([0.0, 0.5, 0.9, 1.0])),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 4),
    HOURS,
    st.sampled_from([60.0, 1800.0, 40_000.0]),
)
def test_the_queue_is_worked_through_as_one_by_one(comments, moderators, hours, pace):
    desk = make_desk(pace, moderators, *hours)
    created = [1e6 + minute * 600.0 for minute, _ in comments]
    likelihood = [score for _, score in comments]
    found = replay(np.array(created), np.array(likelihood, dtype=float), desk)
    assert found.tolist() == pytest.approx(replay_slowly(created, likelihood, desk))


def test_the_likeliest_is_decided_first():
    created = np.array([0.0, 1.0, 2.0, 3.0])
    found = replay(created, np.array([0.1, 0.2, 0.9, np.nan]), make_desk(60))
    assert found.tolist() == [60, 240, 180, 120]


def test_what_comes_at_night_waits_for_the_morning():
    desk = make_desk(60, begins=8, ends=18)
    evening = 18 * HOUR + 1
    assert replay(np.array([evening]), np.array([0.5]), desk) == [DAY + 8 * HOUR + 60]


def test_a_decision_not_finished_at_closing_time_goes_on_in_the_morning():
    desk = make_desk(60, begins=8, ends=18)
    assert replay(np.array([18 * HOUR - 30]), np.array([0.5]), desk) == [DAY + 8 * HOUR + 30]


def test_an_empty_queue_is_empty():
    assert replay(np.empty(0), np.empty(0), make_desk()).tolist() == []


@pytest.mark.parametrize("pace", [0, -1, float("nan"), DAY])
def test_a_pace_is_a_time(pace):
    with pytest.raises(ValueError, match="pace"):
        Pace(pace)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"moderators": 0}, "0 moderators"),
        ({"begins": 24}, "hours from 24"),
        ({"ends": 0}, "to 0"),
        ({"ends": 25}, "to 25"),
        ({"begins": -1}, "from -1"),
    ],
)
def test_a_desk_has_people_and_hours(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_desk(**wrong)


def decisions(rows):
    """Return comments of which is known who decided when, in seconds."""
    names = tuple(dict.fromkeys(name for name, _ in rows if name))
    codes = np.array([names.index(name) if name else -1 for name, _ in rows], dtype=np.int32)
    at = [np.datetime64("NaT") if s is None else np.datetime64(int(s * 1e6), "us") for _, s in rows]
    return PastComments(
        scores={},
        labels=np.full(len(rows), -1, dtype=np.int8),
        weights=np.ones(len(rows)),
        characters=np.full(len(rows), -1, dtype=np.int32),
        decided_at=np.array(at, dtype="datetime64[us]"),
        decided_by=Categories(codes, names),
    )


def test_the_pace_is_the_median_gap_between_a_moderators_decisions():
    """Neither breaks, nor the gap between two people, nor a policy, nor the unknown count."""
    mo = [("mo", second) for second in (*range(0, 210, 20), *range(9000, 9210, 20))]
    li = [("li", second + 1.5) for second in range(0, 300, 40)]
    others = [(name, second) for name in ("policy:1a2b", "site:coral") for second in range(100)]
    unknown = [(None, 3.0), ("mo", None), ("mo", 0)]
    past = decisions([*li, *unknown, *others, *reversed(mo)])
    assert measure_pace(past) == Pace(20.0, "the median of 27 gaps between a moderator's decisions")


def test_too_few_decisions_tell_no_pace():
    assert measure_pace(decisions([("mo", second * 10) for second in range(20)])) is None
    assert measure_pace(decisions([("mo", second * 10) for second in range(21)])).seconds == 10


def test_without_names_or_times_no_pace_is_known():
    past = decisions([("mo", second * 10) for second in range(30)])
    for missing in ("decided_by", "decided_at"):
        assert measure_pace(PastComments(**{**vars(past), missing: None})) is None
