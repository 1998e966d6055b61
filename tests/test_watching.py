"""The watch on automatic actions, against wealth worked out start by start and stake by stake."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import watching
from moderation.policy import ErrorLimit
from moderation.watching import Watch, alarm_level, bet, error_interval

HEAVIEST = 4.0
AUDITS = st.lists(st.tuples(st.booleans(), st.sampled_from([4.0, 2.0, 0.3, 1e-3])), max_size=12)
ERRORS = st.sampled_from([1e-9, 0.01, 0.3, 0.9, 1 - 1e-9])


def wealth_by_hand(audits, error, heaviest):
    """Return the wealth after the last audit: each start of each stake multiplied out by itself."""
    stakes, shares = watching._find_stakes(error)
    total = Fraction(0)
    for stake, share in zip(stakes.tolist(), shares.tolist(), strict=True):
        factors = [
            1 + Fraction(stake) * Fraction(weight) / Fraction(heaviest) * (wrong - Fraction(error))
            for wrong, weight in audits
        ]
        starts = [Fraction(watching._coming_in(start, error)) for start in range(len(audits))]
        grown = [math.prod(factors[start:], start=Fraction(1)) for start in range(len(audits))]
        first = Fraction(1, 2) * math.prod(factors, start=Fraction(1))
        total += Fraction(share) * (first + sum(map(math.prod, zip(starts, grown, strict=True))))
    return float(total) + watching._waiting(len(audits), error)


def after(watch, audits):
    return watch.after([wrong for wrong, _ in audits], [weight for _, weight in audits])


@given(AUDITS, ERRORS)
def test_wealth_is_that_of_every_start_and_stake_on_its_own(audits, error):
    watch = after(Watch(ErrorLimit(error), HEAVIEST), audits)
    expected = wealth_by_hand(audits, error, HEAVIEST)
    assert watch.wealth == pytest.approx(expected, rel=1e-9)
    assert watch.audited == len(audits)
    assert watch.wrong == sum(wrong for wrong, _ in audits)


@given(AUDITS, st.integers(0, 12), ERRORS)
def test_two_parts_are_exactly_the_whole(audits, cut, error):
    begun = Watch(ErrorLimit(error), HEAVIEST)
    assert after(after(begun, audits[:cut]), audits[cut:]) == after(begun, audits)


@pytest.mark.parametrize("error", [1e-9, 0.01, 0.5, 1 - 1e-9])
def test_a_bet_against_a_promise_kept_exactly_wins_nothing_on_average(error):
    """Each stake's factor has mean one at the limit, and none can lose more than it has."""
    stakes, shares = watching._find_stakes(error)
    factors = [1 + stakes * (wrong - error) for wrong in (0, 1)]
    assert (1 - error) * factors[0] + error * factors[1] == pytest.approx(1, rel=1e-6)
    assert min(factors[0].min(), factors[1].min()) > 0
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("error", [1e-6, 0.01, 0.9])
def test_what_comes_in_later_is_what_waited(error):
    came = math.fsum(watching._coming_in(number, error) for number in range(2000))
    assert came + watching._waiting(2000, error) == pytest.approx(0.5, rel=1e-12)


def test_nothing_audited_tells_nothing():
    watch = Watch(ErrorLimit(0.01)).after([])
    assert (watch.audited, watch.wrong, watch.alarmed_at, watch.wealth) == (0, 0, None, 1)
    assert (watch.interval.low, watch.interval.high, watch.interval.of) == (0, 1, 0)
    assert math.isnan(watch.interval.value)


def test_all_wrong_raises_the_alarm_at_once_and_never_overflows():
    watch = Watch(ErrorLimit(0.01)).after([True] * 3000)
    assert watch.alarmed_at == 2
    assert math.isfinite(watch.wealth)
    assert (watch.interval.value, watch.interval.high) == (1, 1)
    assert watch.interval.low > 0.99


def test_all_right_never_alarms_and_bets_run_dry():
    watch = Watch(ErrorLimit(0.3)).after([False] * 3000)
    assert watch.alarmed_at is None
    assert 0 < watch.wealth < 0.3
    assert (watch.interval.value, watch.interval.low) == (0, 0)
    assert watch.interval.high < 0.01


def test_after_ten_million_audits_a_broken_promise_is_still_noticed():
    """What was bet first has long underflowed; what comes in still tells."""
    tired = Watch(ErrorLimit(0.05), audited=10_000_000, capital=(0.0,) * watching.STAKES)
    watch = tired.after(np.random.default_rng(0).random(1000) < 0.15)
    assert tired.audited < watch.alarmed_at < tired.audited + 1000


def test_an_alarm_stays():
    alarmed = Watch(ErrorLimit(0.01)).after([True] * 5)
    later = alarmed.after([False] * 20_000)
    assert later.wealth < 1
    assert later.alarmed_at == alarmed.alarmed_at


def test_the_alarm_is_the_first_audit_at_which_wealth_reaches_the_level():
    wrong = np.random.default_rng(1).random(2000) < 0.03
    promise = ErrorLimit(0.01, 0.9)
    steps = [Watch(promise)]
    for one in wrong:
        steps.append(steps[-1].after([one]))
    reached = [step.audited for step in steps if step.wealth >= alarm_level(promise)]
    assert alarm_level(promise) == pytest.approx(10)
    assert steps[-1].alarmed_at == reached[0]


def test_without_weights_all_count_as_the_heaviest():
    promise = ErrorLimit(0.05)
    plain = Watch(promise).after([True, False, True])
    weighed = Watch(promise, 50.0).after([True, False, True])
    assert weighed.wealth == plain.wealth
    assert weighed.interval == plain.interval
    assert weighed == Watch(promise, 50.0).after([True, False, True], [50.0] * 3)


def test_runs_side_by_side_are_those_one_by_one():
    wrong = np.random.default_rng(2).random((60, 3)) < 0.1
    capital = np.full((watching.STAKES, 3), watching.FIRST_HALF)
    *_, wealth = bet(capital, wrong, np.full((60, 1), 0.5), error=0.05)
    each = [Watch(ErrorLimit(0.05), 2.0).after(run, np.ones(60)).wealth for run in wrong.T]
    assert wealth.tolist() == pytest.approx(each, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "weights", "message"),
    [
        ([True], [0.0], "weights from 0.0 to 0.0: expected numbers above 0"),
        ([True, False], [1.0, -1.0], "weights from -1.0 to 1.0"),
        ([True], [math.nan], "weights from nan"),
        ([True], [math.inf], "none above the heaviest, 4.0, that was fixed in advance"),
        ([True], [4.1], "none above the heaviest"),
        ([True], [1.0, 1.0], r"\(2,\) weights of \(1,\) audits"),
        ([math.nan], None, "yes or no"),
        ([0.5], None, "yes or no"),
        ([[True]], None, "yes or no"),
    ],
)
def test_audits_that_say_nothing_are_refused(wrong, weights, message):
    with pytest.raises(ValueError, match=message):
        Watch(ErrorLimit(0.01), HEAVIEST).after(wrong, weights)
    with pytest.raises(ValueError, match=message):
        error_interval(wrong, weights, heaviest=HEAVIEST)


@pytest.mark.parametrize("heaviest", [0, -1, math.nan, math.inf])
def test_the_heaviest_weight_is_a_number_above_zero(heaviest):
    with pytest.raises(ValueError, match="expected a number above 0"):
        Watch(ErrorLimit(0.01), heaviest)


def test_the_confidence_of_an_interval_is_a_share():
    with pytest.raises(ValueError, match="confidence is 1"):
        error_interval([True], confidence=1)


def is_believed(share, audits, level, heaviest):
    """Tell whether neither direction's mixed bets, multiplied out, reach the level."""
    cautious_to_bold = watching._FRACTIONS.tolist()
    parts = np.exp(watching._LOG_SHARES).tolist()
    for up in (True, False):
        odds = share if up else 1 - share
        wealth = sum(
            part
            * math.prod(
                1 + bold / odds * weight / heaviest * ((wrong == up) - odds)
                for wrong, weight in audits
            )
            for bold, part in zip(cautious_to_bold, parts, strict=True)
        )
        if wealth >= level:
            return False
    return True


@given(AUDITS.filter(bool))
def test_an_interval_ends_where_bets_against_a_share_begin_to_win(audits):
    wrong, weights = zip(*audits, strict=True)
    found = error_interval(wrong, weights, heaviest=HEAVIEST)
    inside = [found.low + 1e-6, found.value, found.high - 1e-6]
    for share in inside:
        if 1e-6 < share < 1 - 1e-6:
            assert is_believed(share, audits, 40, HEAVIEST)
    for share in (found.low - 1e-6, found.high + 1e-6):
        if 0 < share < 1:
            assert not is_believed(share, audits, 40, HEAVIEST)


def test_weights_undo_that_errors_were_looked_for():
    """Of 1,000 doubtful actions each was audited, of 9,000 sure ones one in nine."""
    rng = np.random.default_rng(3)
    wrong = np.append(rng.random(1000) < 0.1, rng.random(1000) < 0.01)
    found = error_interval(wrong, np.repeat([1.0, 9.0], 1000), heaviest=9.0)
    assert found.low < 0.019 < found.high
    assert found.value == pytest.approx(0.019, abs=0.004)
    assert error_interval(wrong).low > 0.03


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_the_interval_holds_the_share_at_every_look_in_most_runs(share):
    """All looks together may fail in 5 of 100 runs; 3 standard errors above that fail the test."""
    rng, failed = np.random.default_rng(4), 0
    looks = np.unique(np.geomspace(3, 1500, 25).astype(int))
    for _ in range(100):
        wrong = rng.random(1500) < share
        intervals = [error_interval(wrong[:look]) for look in looks]
        failed += not all(one.low <= share <= one.high for one in intervals)
    assert failed <= 11


def test_a_promise_kept_to_the_limit_seldom_alarms_and_a_broken_one_does():
    rng = np.random.default_rng(5)
    for truth, expected in ((0.05, (0, 0.08)), (0.15, (1, 1))):
        capital = np.full((watching.STAKES, 300), watching.FIRST_HALF)
        wrong = rng.random((2000, 300)) < truth
        played = bet(capital, wrong, np.ones((2000, 1)), error=0.05)
        alarmed = np.any([wealth >= 20 for wealth in played], axis=0).mean()
        assert expected[0] <= alarmed <= expected[1]


def test_a_watch_goes_on_from_what_was_kept_of_it():
    promise = ErrorLimit(0.02)
    kept = Watch(promise).after([False] * 100)
    again = replace(Watch(promise), **vars(kept))
    assert again.after([True]) == kept.after([True])
