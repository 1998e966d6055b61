"""Quotas hold for all processes together, whichever of them is killed when."""

import math
import subprocess
import sys
import textwrap
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.quota import Quota


def take(quota, now, name="coral", per_minute=6, units=1):
    return quota.take(name, per_minute=per_minute, units=units, now=now)


def test_a_minutes_worth_may_be_sent_at_once_and_then_it_refills_evenly():
    quota = Quota()
    assert [take(quota, 100.0) for _ in range(6)] == [0.0] * 6
    assert take(quota, 100.0) == pytest.approx(10)
    assert take(quota, 104.0) == pytest.approx(6)
    assert take(quota, 110.0) == 0
    assert take(quota, 110.0) == pytest.approx(10)


def test_who_waited_a_minute_has_a_whole_one_and_no_more():
    quota = Quota()
    assert take(quota, 100.0, units=6) == 0
    assert take(quota, 100_000.0, units=6) == 0
    assert take(quota, 100_000.0) > 0


def test_what_is_refused_takes_nothing():
    quota = Quota()
    assert take(quota, 100.0, units=4) == 0
    assert take(quota, 100.0, units=3) == pytest.approx(10)
    assert take(quota, 100.0, units=2) == 0


def test_more_than_a_minutes_worth_never_comes_free():
    assert take(Quota(), 100.0, units=7) == math.inf


def test_each_key_has_its_own():
    quota = Quota()
    assert take(quota, 100.0, "coral", units=6) == 0
    assert take(quota, 100.0, "bot", units=6) == 0
    assert take(quota, 100.0, "coral") > 0


@given(
    per_minute=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 40), st.integers(1, 5)), max_size=60),
)
def test_no_bucket_gives_more_than_flowed_into_it(per_minute, steps):
    """Against a bucket that is simply filled and emptied; waiting as told is always enough."""
    quota, now, level = Quota(1), 1000.0, float(per_minute)
    for passed, units in steps:
        now += passed
        level = min(per_minute, level + passed * per_minute / 60)
        wait = take(quota, now, per_minute=per_minute, units=units)
        if wait == 0:
            level -= units
            assert level > -1e-3
        elif wait < math.inf:
            assert wait == pytest.approx((units - level) * 60 / per_minute, abs=1e-3)
            now, level = now + wait, float(units)
            assert take(quota, now, per_minute=per_minute, units=units) == 0
            level = 0.0


def test_a_key_that_another_process_met_first_is_found():
    quota = Quota()
    assert take(quota, 100.0, "bot") == 0
    assert take(quota, 100.0, units=6) == 0
    quota._known.clear()  # as in a process that has not met them
    assert take(quota, 100.0) > 0


def test_a_slot_is_given_to_another_once_its_bucket_is_full_again():
    quota = Quota(2)
    assert take(quota, 100.0, "a", units=6) == 0
    assert take(quota, 100.0, "b", units=3) == 0
    assert take(quota, 110.0, "c") == pytest.approx(20)
    assert take(quota, 130.0, "c", units=6) == 0
    assert take(quota, 130.0, "a") == 0
    assert take(quota, 130.0, "b") == pytest.approx(40)
    assert take(quota, 170.0, "b", units=6) == 0


def test_a_clock_that_began_anew_locks_nobody_out_for_long():
    quota = Quota()
    assert take(quota, 1e6, units=6) == 0
    assert 0 < take(quota, 10.0) <= 10
    assert take(quota, 80.0, "other") == 0


@pytest.mark.parametrize("wrong", [{"per_minute": 0}, {"units": 0}, {"units": -1}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 1 or more"):
        take(Quota(), 100.0, **wrong)


def test_room_for_no_key_is_refused():
    with pytest.raises(ValueError, match="slots=0"):
        Quota(0)


def test_threads_share_it():
    quota, granted = Quota(), []

    def send():
        granted.extend(take(quota, 100.0, per_minute=500) == 0 for _ in range(300))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 500


FORKED = textwrap.dedent("""
    import os, random, signal, sys, time
    from moderation.quota import Quota

    quota, (reads, writes) = Quota(4), os.pipe()

    def work(seed):
        rng = random.Random(seed)
        while True:
            name = rng.choice("ab") if time.monotonic() < late else rng.choice("abc")
            if quota.take(name, per_minute=3000, now=1000.0) == 0:
                os.write(writes, name.encode())

    def start(seed):
        pid = os.fork()
        if not pid:
            work(seed)
        return pid

    late = time.monotonic() + 0.3
    workers = [start(seed) for seed in range(3)]
    rng = random.Random(7)
    for seed in range(40):
        time.sleep(0.02 * rng.random())
        victim = workers.pop(0)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        workers.append(start(100 + seed))
    time.sleep(0.5)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    os.close(writes)
    told = b""
    while read := os.read(reads, 1 << 16):
        told += read
    print(*(told.count(name) for name in (b"a", b"b", b"c")), 3 - len(set(told)))
    print(*(quota.take(name, per_minute=3000, now=1000.0) > 0 for name in "abc"))
""")


def test_forked_processes_share_it_and_those_killed_leave_it_usable():
    """What a killed one took and could not tell of is lost to its key: never more than one each."""
    told = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    counts, exhausted = told.splitlines()
    *counts, missing = map(int, counts.split())
    assert missing == 0
    assert all(3000 - 45 <= count <= 3000 for count in counts)
    assert exhausted == "True True True"
