"""What decisions tell, against counting them one by one."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.agreement import SecondOpinion
from moderation.comments import Comment
from moderation.desk import ASSUMED, Pace
from moderation.errors import DataError
from moderation.insight.activity import (
    Count,
    Period,
    begin_of,
    count_decisions,
    follow_agreement,
    follow_kappa,
    follow_match_rate,
    follow_precision,
)
from moderation.insight.decided import find_matches
from moderation.insight.doubtful import find_doubtful, rank_doubtful
from moderation.insight.hours import find_pace, save_hours
from moderation.insight.rules import measure_house_rules, measure_policy_rules
from moderation.metrics import wilson_bounds
from moderation.policy import Action
from tests.decided import NOON, make_decided
from tests.samples import labelled_comments

KEEP, REMOVE = Action.APPROVE, Action.REMOVE

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "removed": st.booleans(),
            "days": st.integers(0, 70),
            "by": st.sampled_from(["anna", "ben", "policy:1a2b"]),
            "score": st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0, np.nan]),
            "model": st.sampled_from(["m1", "m2", "m3", None]),
            "house_rule": st.sampled_from(["spam", "hate", None]),
            "rule": st.sampled_from(["first", "second", None]),
        }
    ),
    max_size=40,
)


@given(st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1)))
def test_a_period_begins_on_its_first_day(moment):
    """Weeks on Monday; also before 1970, where rounding goes the other way."""
    found = {
        period: begin_of(np.array([moment], "datetime64[us]"), period)[0].item()
        for period in Period
    }
    day = moment.date()
    assert found[Period.DAY] == day
    assert found[Period.WEEK] == day - timedelta(days=day.weekday())
    assert found[Period.MONTH] == day.replace(day=1)


@given(ROWS, st.sampled_from(Period), st.sampled_from([None, "anna", "nobody"]))
def test_decisions_are_counted_by_period_and_action(rows, period, moderator):
    decided = make_decided(*rows)
    begins = begin_of(decided.decided_at, period).tolist()
    expected = Counter(
        (begin, REMOVE if row["removed"] else KEEP, row["by"].startswith("policy:"))
        for begin, row in zip(begins, rows, strict=True)
        if moderator in (None, row["by"])
    )
    counts = count_decisions(decided, period=period, moderator=moderator)
    assert {(c.begins, c.action, c.automatic): c.decisions for c in counts} == expected


def test_volume_comes_in_the_order_of_time():
    decided = make_decided({"days": 8}, {"days": 0, "removed": True}, {"days": 1})
    assert count_decisions(decided, period=Period.WEEK) == [
        Count(date(2026, 3, 2), KEEP, False, 1),
        Count(date(2026, 3, 2), REMOVE, False, 1),
        Count(date(2026, 3, 9), KEEP, False, 1),
    ]


@given(ROWS)
def test_each_score_is_compared_with_the_threshold_of_its_own_model(rows):
    thresholds = {"m1": 0.5, "m2": 0.8}
    found = find_matches(make_decided(*rows), thresholds)
    for row, match in zip(rows, found.tolist(), strict=True):
        known = row["model"] in thresholds and not np.isnan(row["score"])
        assert match == (int(row["score"] >= thresholds[row["model"]]) if known else -1)


@given(ROWS)
def test_trends_are_shares_counted_week_by_week(rows):
    thresholds, decided = {"m1": 0.5, "m2": 0.8}, make_decided(*rows)
    matches = find_matches(decided, thresholds).tolist()
    weeks = begin_of(decided.decided_at, Period.WEEK).tolist()
    told = [(w, m, row["removed"]) for w, m, row in zip(weeks, matches, rows, strict=True)]
    known = [(week, match, removed) for week, match, removed in told if match >= 0]
    for follow, counted in (
        (follow_match_rate, [(week, match == 1) for week, match, _ in known]),
        (follow_agreement, [(week, match == removed) for week, match, removed in known]),
        (follow_precision, [(week, removed) for week, match, removed in known if match]),
    ):
        of, hits = Counter(week for week, _ in counted), Counter(w for w, hit in counted if hit)
        trend = follow(decided, thresholds, period=Period.WEEK)
        found = {moment.begins: (moment.share.hits, moment.share.of) for moment in trend.moments}
        assert found == {week: (hits[week], of[week]) for week in of}
        assert trend.unscored == sum(np.isnan(row["score"]) for row in rows)
        assert trend.unscored + trend.without_threshold == len(rows) - len(known)


def test_a_sampled_decision_counts_for_those_that_it_stands_for():
    decided = make_decided({"score": 0.9}, {"score": 0.1, "weight": 19})
    [moment] = follow_match_rate(decided, {"m1": 0.5}, period=Period.DAY).moments
    assert moment.share.value == pytest.approx(1 / 20)
    assert (moment.share.hits, moment.share.of) == (1, 2)


def test_kappa_is_followed_from_month_to_month():
    opinions = [
        SecondOpinion(str(day), "anna", (KEEP, REMOVE)[day % 2], "ben",
                      (KEEP, REMOVE)[day >= 30], NOON + timedelta(days=day))
        for day in range(60)
    ]  # fmt: skip
    found = follow_kappa(opinions, period=Period.MONTH)
    assert [moment.begins.month for moment in found] == [3, 4, 5]
    assert [moment.kappa.pairs for moment in found] == [28, 30, 2]
    assert found[0].kappa.agreed == 14
    assert follow_kappa([], period=Period.DAY) == []


def brute_force(rows, threshold, pace):
    below = [row for row in rows if row["score"] < threshold]
    removed = [row for row in rows if row["removed"]]
    missed = [row for row in below if row["removed"]]
    return len(below), len(below) * pace / 3600, (len(missed), len(removed))


@given(ROWS)
def test_hours_and_misses_are_those_below_the_threshold(rows):
    scored = [row for row in rows if not np.isnan(row["score"])]
    found = save_hours(make_decided(*scored), {"one in two": 0.5}, pace=Pace(20), steps=7)
    for saving in found.curve:
        below, hours, (missed, removed) = brute_force(scored, saving.threshold, 20)
        assert (saving.below, saving.hours) == (below, pytest.approx(hours))
        assert (saving.missed is None) == (removed == 0)
        if saving.missed is not None:
            assert (saving.missed.hits, saving.missed.of) == (missed, removed)
            expected = wilson_bounds(missed / removed, removed)
            assert (saving.missed.low, saving.missed.high) == pytest.approx(expected)
    assert found.points["one in two"].threshold == 0.5
    thresholds = [saving.threshold for saving in found.curve]
    assert thresholds == sorted(set(thresholds))


def test_sampled_comments_save_the_hours_of_those_they_stand_for():
    decided = make_decided(
        {"score": 0.1, "weight": 20}, {"score": 0.2, "removed": True}, {"score": 0.9}, days=0
    )
    saving = save_hours(decided, {"here": 0.5}, pace=Pace(60)).points["here"]
    assert (saving.below, saving.hours) == (2, pytest.approx(21 / 60))
    assert saving.missed.value == 1


def test_the_span_is_from_the_first_decision_to_the_last():
    decided = make_decided({"days": 10, "score": 0.1}, {"days": 3, "score": 0.2})
    assert save_hours(decided, {}, pace=ASSUMED).days == 7
    assert save_hours(make_decided(), {}, pace=ASSUMED).days == 0


def test_the_pace_is_measured_where_decisions_tell_it():
    rows = [{"days": second / 86400} for second in range(0, 600, 20)]
    assert find_pace(make_decided(*rows)).seconds == 20
    assert find_pace(make_decided(*rows[:5])) == ASSUMED


@given(ROWS)
def test_house_rules_are_measured_on_the_removals_for_them(rows):
    decided = make_decided(*rows)
    found = measure_house_rules(decided, 0.5)
    for rule in ("spam", "hate"):
        of = [row for row in rows if row["removed"] and row["house_rule"] == rule]
        shares = [one.share for one in found if one.house_rule == rule]
        assert [(share.hits, share.of) for share in shares] == (
            [(sum(row["score"] >= 0.5 for row in of), len(of))] if of else []
        )


@given(ROWS)
def test_policy_rules_are_measured_on_what_they_fired_on(rows):
    found = measure_policy_rules(make_decided(*rows))
    expected = Counter(row["rule"] for row in rows if row["rule"])
    removed = Counter(row["rule"] for row in rows if row["rule"] and row["removed"])
    assert {one.rule: (one.removed.hits, one.removed.of) for one in found} == {
        rule: (removed[rule], expected[rule]) for rule in expected
    }
    assert [one.removed.of for one in found] == sorted(expected.values(), reverse=True)


@given(ROWS)
def test_decisions_are_chosen_by_who_made_them_and_by_model(rows):
    decided = make_decided(*rows)
    people = [row for row in rows if not row["by"].startswith("policy:")]
    assert len(decided.of_people()) == len(people)
    of_model = [row for row in rows if row["model"] == "m2" and not np.isnan(row["score"])]
    assert len(decided.of_model("m2")) == len(of_model)
    assert len(decided.of_model("never")) == 0


def rank_slowly(labels, scores):
    """The off-diagonal of the confident joint, comment by comment."""

    def mean(values):
        return sum(values) / len(values)

    usual = {
        1: mean([s for label, s in zip(labels, scores, strict=True) if label]),
        0: mean([1 - s for label, s in zip(labels, scores, strict=True) if not label]),
    }
    found = []
    for row, (label, score) in enumerate(zip(labels, scores, strict=True)):
        likely = {1: score, 0: 1 - score}
        confident = {kind: p for kind, p in likely.items() if p >= usual[kind]}
        best = max(confident, key=lambda kind: (confident[kind], kind == label), default=label)
        if best != label:
            found.append((likely[label], row))
    return [row for _, row in sorted(found)]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 64)), min_size=1))
def test_doubtful_labels_are_those_off_the_confident_diagonal(rows):
    """Scores in 64ths add up without rounding, also in another order."""
    labels, scores = [label for label, _ in rows], [score / 64 for _, score in rows]
    found = rank_doubtful(np.array(labels), np.array(scores))
    assert found == (rank_slowly(labels, scores) if len(set(labels)) == 2 else [])


def test_labels_that_were_turned_round_are_found_again():
    """Also where copies of the words, and comments without any, stand among them."""
    comments = [
        replace(comment, label=int(comment.status == "removed"), status=None)
        for comment in labelled_comments(removed=100, kept=200)
    ]
    wrong = {7: 0, 33: 0, 150: 1, 222: 1}
    for row, label in wrong.items():
        comments[row] = replace(comments[row], label=label)
    found = find_doubtful([Comment("no words", None, "csv", label=1), *comments])
    assert {one.row - 1 for one in found.labels[:4]} == wrong.keys()
    assert {one.row - 1: int(one.removed) for one in found.labels[:4]} == wrong
    assert (found.comments, found.without_words, found.grouped_by) == (300, 1, "article")


def test_too_few_decisions_are_refused():
    with pytest.raises(DataError, match="no labelled comment"):
        find_doubtful([])
    with pytest.raises(DataError, match="none was removed"):
        find_doubtful([Comment("1", "a quiet remark", "csv", label=0)])
