"""What a policy would have done: every number against counting comment by comment."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.desk import Desk, Pace, replay
from moderation.metrics import wilson, wilson_bounds
from moderation.past import Categories, PastComments
from moderation.policy import Action, ErrorLimit, Evidence, Policy, Rule, decide
from moderation.shares import Share
from moderation.simulation import simulate
from moderation.verdicts import decide_all

FOUND = Evidence(model="m1", labels=400, removed=40, acted=300, errors=0, bound=0.01)
OWN = "LIKELY_TO_REJECT"
CLEAN = Rule(OWN, 0.2, Action.APPROVE, "clean", goal=ErrorLimit(0.01), evidence=FOUND, audit=0.1)
SURE = Rule(OWN, 0.9, Action.REMOVE, "sure", goal=ErrorLimit(0.05), evidence=FOUND, audit=0.5)
LIKELY = Rule(OWN, 0.5, Action.REMOVE, "likely")
POLICY = Policy((CLEAN, SURE, LIKELY), otherwise=Action.HOLD)
DESK = Desk(Pace(600.0), moderators=2, begins=8, ends=18)
START = datetime(2026, 1, 14, tzinfo=UTC)

COMMENTS = st.lists(
    st.tuples(
        st.none() | st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.7, 0.9, 1.0]),
        st.sampled_from([-1, 0, 1]),
        st.sampled_from([None, "city", "sport"]),
        st.none() | st.integers(0, 3 * 24 * 60),
        st.sampled_from([0.0, 0.5, 1.0, 20.0]),
    ),
    min_size=1,
    max_size=60,
)


def make_past(comments, *, weighted=True):
    scores, labels, sections, minutes, weights = zip(*comments, strict=True)
    names = tuple(dict.fromkeys(name for name in sections if name))
    codes = np.array([names.index(s) if s else -1 for s in sections], dtype=np.int32)
    at = [
        None if m is None else (START + timedelta(minutes=m)).replace(tzinfo=None) for m in minutes
    ]
    return PastComments(
        scores={OWN: np.array(scores, dtype=np.float64)},
        labels=np.array(labels, dtype=np.int8),
        weights=np.array(weights) if weighted else np.ones(len(comments)),
        characters=np.full(len(comments), -1, dtype=np.int32),
        created_at=np.array(at, dtype="datetime64[us]"),
        sections=Categories(codes, names),
    )


def run(past, policy=POLICY, desk=DESK):
    return simulate(past, decide_all(past, policy), desk=desk)


def fate_of(score):
    verdict = decide({OWN: score}, POLICY)
    return str(verdict.action) if verdict.automatic else "hold"


def count(rows, fate, label=None):
    return sum(fate_of(row[0]) == fate and label in (None, row[1]) for row in rows)


def check_fate(fate, rows):
    """Compare with counting; shares are those of `wilson`, there being no weights."""
    counted = [count(rows, name) for name in ("hold", "approve", "remove")]
    assert [fate.held, fate.approved, fate.removed] == counted
    assert fate.comments == len(rows)
    for share, name, wrong in (
        (fate.got_through, "approve", 1),
        (fate.wrongly_removed, "remove", 0),
    ):
        hits, of = count(rows, name, wrong), count(rows, name, 0) + count(rows, name, 1)
        check_share(share, hits, of)


def check_share(share, hits, of):
    if not of:
        assert share is None
        return
    expected = wilson(hits, of)
    assert (share.hits, share.of) == (hits, of)
    found = (share.value, share.low, share.high)
    assert found == pytest.approx((expected.value, expected.low, expected.high), abs=1e-9)


@given(COMMENTS)
def test_everything_is_as_counted_one_by_one(comments):
    found = run(make_past(comments, weighted=False))
    check_fate(found.total, comments)
    for fate in found.sections:
        check_fate(fate, [row for row in comments if row[2] == fate.name])
    assert {fate.name for fate in found.sections} == {row[2] for row in comments}
    for hour, fate in enumerate(found.hours):
        inside = [r for r in comments if r[3] is not None and r[3] // 60 % 24 == hour]
        check_fate(fate, inside)
    deserving = [row for row in comments if row[1] == 1]
    check_share(found.missed, count(deserving, "approve"), len(deserving))
    assert found.unlabelled == sum(row[1] < 0 for row in comments)
    assert found.unlabelled_approved == count(comments, "approve", -1)
    assert not found.is_weighted


@given(COMMENTS)
def test_reasons_are_those_of_the_verdicts(comments):
    found = run(make_past(comments, weighted=False)).reasons
    verdicts = [decide({OWN: row[0]}, POLICY) for row in comments]
    keys = [(str(v.cause), str(v.rule or ""), str(v.action), v.automatic) for v in verdicts]
    assert {(r.cause, r.rule, r.action, r.automatic): r.comments for r in found} == Counter(keys)
    assert [r.comments for r in found] == sorted((r.comments for r in found), reverse=True)
    for reason in found:
        labels = [
            row[1]
            for row, key in zip(comments, keys, strict=True)
            if key == (reason.cause, reason.rule, reason.action, reason.automatic) and row[1] >= 0
        ]
        check_share(reason.deserved, sum(labels), len(labels))


@given(COMMENTS)
def test_weighted_shares_are_weighted(comments):
    found = run(make_past(comments))
    rows = [r for r in comments if fate_of(r[0]) == "approve" and r[1] >= 0 and r[4] > 0]
    if not rows:
        assert found.total.got_through is None
        return
    share, total = found.total.got_through, sum(r[4] for r in rows)
    assert share.value == pytest.approx(sum(r[4] for r in rows if r[1] == 1) / total)
    assert (share.hits, share.of) == (sum(r[1] for r in rows), len(rows))
    effective = total**2 / sum(r[4] ** 2 for r in rows)
    if variance := sum((r[4] * (r[1] - share.value)) ** 2 for r in rows) / total**2:
        effective = min(effective, share.value * (1 - share.value) / variance)
    assert (share.low, share.high) == pytest.approx(wilson_bounds(share.value, effective))


def test_an_interval_of_weighted_comments_holds_what_is_true():
    """Of 22,000 comments, all of 2,000 are labelled and 400 of the other 20,000 drawn."""
    rng, covered, draws = np.random.default_rng(0), 0, 200
    true = (2000 * 0.05 + 20_000 * 0.02) / 22_000
    weights = np.repeat([1.0, 50.0], [2000, 400])
    for _ in range(draws):
        labels = rng.random(2400) < np.repeat([0.05, 0.02], [2000, 400])
        rows = [(0.1, int(label), None, None, w) for label, w in zip(labels, weights, strict=True)]
        share = run(make_past(rows)).total.got_through
        covered += share.low <= true <= share.high
    assert covered >= 0.92 * draws


def test_work_is_what_is_held_and_audited_at_the_pace():
    rows = (
        [(0.1, 0, None, 0, 1.0)] * 20 + [(0.5, 1, None, 0, 1.0)] * 3 + [(1.0, 1, None, 0, 1.0)] * 8
    )
    found = run(make_past(rows))
    assert found.audited == pytest.approx(20 * 0.1 + 8 * 0.5)
    assert found.work == pytest.approx((3 + 6) * 600 / 3600)


@given(COMMENTS)
def test_delays_are_those_of_the_queue(comments):
    found = run(make_past(comments))
    held = [row for row in comments if fate_of(row[0]) == "hold"]
    timed = [row for row in held if row[3] is not None]
    assert found.untimed == len(held) - len(timed)
    created = np.array([START.timestamp() + 60.0 * row[3] for row in timed])
    scores = np.array([row[0] for row in timed], dtype=float)
    decided = replay(created, scores, DESK)
    moments = [START.timestamp() + 60.0 * row[3] for row in comments if row[3] is not None]
    assert found.unfinished == ((decided > max(moments)).sum() if moments else None)
    labels = np.array([row[1] for row in timed])
    for delays, chosen in ((found.delays, labels > -2), (found.deserving_delays, labels == 1)):
        waited = (decided - created)[chosen[: len(timed)]] if len(timed) else []
        if not len(waited):
            assert delays is None
            continue
        assert delays.comments == len(waited)
        expected = np.quantile(waited, [0.5, 0.9, 1])
        assert (delays.median, delays.nine_in_ten, delays.worst) == pytest.approx(expected)
        assert len(delays.quantiles) == 101


def test_the_likeliest_hundredth_stands_for_what_no_label_tells():
    """Of 300 comments without a label, the three highest; labelled ones do not count."""
    rows = [(0.2 + 0.002 * k, -1, None, 10 * k, 1.0) for k in range(300)]
    rows += [(0.85, 0, None, 10 * k, 1.0) for k in range(300)]
    found = run(make_past(rows))
    assert found.likeliest_delays.comments == 3
    assert found.deserving_delays is None


def test_without_scores_nothing_is_likeliest():
    rows = [(None, -1, None, 10 * k, 1.0) for k in range(5)]
    assert run(make_past(rows)).likeliest_delays is None


def test_without_times_there_are_no_delays():
    past = make_past([(0.5, 1, "city", None, 1.0)] * 4)
    bare = PastComments(**{**vars(past), "created_at": None, "sections": None})
    for found in (run(past), run(bare)):
        assert (found.delays, found.unfinished, found.days, found.untimed) == (None, None, None, 4)
    assert (run(bare).hours, run(bare).sections) == ((), ())


def test_the_time_from_the_first_to_the_last_is_told_in_days():
    rows = [(0.5, 1, None, minute, 1.0) for minute in (60, 0, 36 * 60)]
    assert run(make_past(rows)).days == 1.5


def test_where_the_own_attribute_is_missing_the_highest_score_orders():
    toxic = Rule("TOXICITY", 0.5, Action.HOLD)
    threat = Rule("THREAT", 0.5, Action.HOLD)
    past = make_past([(0.5, 1, None, 0, 1.0)] * 3)
    scores = {"TOXICITY": np.array([0.6, 0.5, math.nan]), "THREAT": np.array([0.1, 0.9, 0.7])}
    past = PastComments(**{**vars(past), "scores": scores})
    policy = Policy((toxic, threat), otherwise=Action.HOLD)
    found = run(past, policy, Desk(Pace(60.0)))
    assert found.delays.quantiles[::50] == (60, 120, 180)


def test_a_share_says_its_interval_and_counts():
    share = Share(0.0123, 0.008, 0.0181, 12, 1234)
    assert str(share) == "1.23% [0.80%, 1.81%] (12 of 1,234)"
