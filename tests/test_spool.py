"""The file that keeps labels until they are delivered: through kills, and shared by processes."""

import os
import shutil
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from moderation import spool as module
from moderation.errors import SpoolError, SpoolFull
from moderation.spool import Refused, Spool
from tests.processes import PROCESSES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "labels.spool"


@pytest.fixture
def spool(path):
    spool = Spool(path, most=10)
    yield spool
    spool.close()


def bodies(spool: Spool, limit: int = 99) -> list[str]:
    return [body for _, body in spool.take(limit)]


def numbers(spool: Spool, *wanted: str) -> list[int]:
    return [number for number, body in spool.take(99) if body in wanted]


def in_files(path: Path, words: str) -> bool:
    """Tell whether some bytes are anywhere in the file or its log."""
    return any(words.encode() in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_what_is_put_is_taken_in_its_order_until_it_is_dropped(spool):
    spool.put(["one", "two"])
    spool.put(["three"])
    assert bodies(spool) == bodies(spool) == ["one", "two", "three"]
    assert bodies(spool, 2) == ["one", "two"]
    spool.drop(numbers(spool, "one", "three"))
    assert (bodies(spool), spool.count()) == (["two"], 1)


def test_any_text_comes_back_as_it_was(spool):
    texts = ["", "NUL \x00 inside", "😀 \u2028 \r\n", "x" * 1_000_000]
    spool.put(texts)
    assert bodies(spool) == texts


def test_another_process_finds_what_was_put(path, spool):
    spool.put(["one"])
    other = Spool(path, most=10)
    assert bodies(other) == ["one"]
    other.drop(numbers(other, "one"))
    assert spool.count() == 0
    other.close()


def test_when_the_first_came_is_known(path):
    moments = iter([NOON, NOON + timedelta(minutes=1)])
    spool = Spool(path, most=10, clock=lambda: next(moments))
    assert spool.oldest() is None
    spool.put(["one"])
    spool.put(["two"])
    assert spool.oldest() == NOON
    spool.drop(numbers(spool, "one"))
    assert spool.oldest() == NOON + timedelta(minutes=1)
    spool.close()


def test_more_than_may_wait_is_refused_as_a_whole(spool):
    spool.put(["x"] * 9)
    with pytest.raises(SpoolFull, match=r"9 items wait .* 2 more came; expected at most 10"):
        spool.put(["y"] * 2)
    spool.put(["z"])
    assert bodies(spool) == [*"xxxxxxxxx", "z"]
    spool.drop(numbers(spool, "z"))
    spool.put(["y"])


def test_what_cannot_be_stored_is_put_with_none_of_the_others(spool):
    with pytest.raises(UnicodeEncodeError):
        spool.put(["one", "half a pair \ud800"])
    assert spool.count() == 0
    spool.put(["two"])
    assert bodies(spool) == ["two"]


def test_a_spool_for_nothing_is_refused(path):
    with pytest.raises(ValueError, match="most is 0; expected at least 1 item"):
        Spool(path, most=0)


def test_nothing_is_made_before_it_is_used(path):
    Spool(path, most=1).close()
    assert not path.exists()


# What is kept aside


def test_what_is_refused_is_kept_aside_and_counts_against_the_most(spool):
    spool.put([*"abcdefghi"])
    [number] = numbers(spool, "b")
    spool.refuse({number: "ReviewError"})
    assert (spool.count(), spool.count_refused()) == (8, 1)
    assert spool.list_refused() == [Refused(number, "ReviewError", "b")]
    assert "body" not in repr(spool.list_refused())
    with pytest.raises(SpoolFull):
        spool.put(["x", "y"])


def test_what_was_kept_aside_waits_again_in_its_place(spool):
    spool.put([*"abc"])
    spool.refuse(dict.fromkeys(numbers(spool, "a", "c"), "ReviewError"))
    assert spool.retry_refused() == 2
    assert (bodies(spool), spool.list_refused()) == ([*"abc"], [])
    assert spool.retry_refused() == 0


def test_what_was_kept_aside_can_be_taken_out(spool):
    spool.put([*"abc"])
    spool.refuse(dict.fromkeys(numbers(spool, "a", "c"), "ReviewError"))
    spool.drop_refused([spool.list_refused()[0].id])
    assert [one.body for one in spool.list_refused(limit=1)] == ["c"]


def test_a_number_is_never_given_again(spool):
    """Whoever has taken something may drop it late, and means no other."""
    spool.put(["one"])
    late = numbers(spool, "one")
    spool.drop(late)
    spool.put(["two"])
    spool.drop(late)
    assert bodies(spool) == ["two"]


# The file


def test_only_its_owner_may_read_the_file_and_its_log(path, spool):
    old = os.umask(0)
    try:
        spool.put(["one"])
    finally:
        os.umask(old)
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert files == {f"labels.spool{ending}": 0o600 for ending in ("", "-wal", "-shm")}


def test_a_file_that_others_could_read_is_closed_to_them(path, spool):
    path.touch(mode=0o644)
    spool.put(["one"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("take_out", ["drop", "drop_refused"])
def test_what_was_taken_out_is_in_no_file(path, spool, take_out):
    words = "a quiet remark about the ferry"
    spool.put([f"{words} {n} {'x' * 5000}" for n in range(9)])
    assert in_files(path, words)
    everything = [number for number, _ in spool.take(9)]
    if take_out == "drop_refused":
        spool.refuse(dict.fromkeys(everything, "ReviewError"))
    getattr(spool, take_out)(everything)
    assert not in_files(path, words)


def test_what_another_process_was_reading_meanwhile_is_overwritten_by_the_next(path, spool):
    spool.put(["a quiet remark"])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM waiting").fetchone() == (1,)
    spool.drop([1])
    assert in_files(path, "quiet")
    reader.close()
    spool.sweep()
    assert not in_files(path, "quiet")


def test_a_file_that_was_deleted_is_made_anew(path, spool):
    """Else what is put would go where nobody looks, and nobody were told."""
    spool.put(["one"])
    for file in path.parent.iterdir():
        file.unlink()
    spool.put(["two"])
    assert bodies(Spool(path, most=10)) == ["two"]


def test_a_file_that_was_put_in_its_place_is_used(path, spool, tmp_path):
    other = Spool(tmp_path / "other", most=10)
    other.put(["two"])
    other.close()
    spool.put(["one"])
    spool.close()
    spool.put(["one more"])
    shutil.move(tmp_path / "other", path)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink()
    assert bodies(spool) == ["two"]


def write_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE invoice (id)")
    connection.close()


def damage(path: Path) -> None:
    """Overwrite all pages but the first of a file in which something waits."""
    spool = Spool(path, most=1000)
    spool.put(["x" * 2000] * 100)
    spool.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x55" * (len(content) - 4096))


def lose_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {module.APPLICATION}")
    connection.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("shopping list\n" * 100), "the file is no SQLite database"),
        (write_sqlite, "the database of another program; name a file that is the spool's alone"),
        (damage, "the file is damaged; move it away, and keep it for what waited in it"),
        (lose_tables, r"the file cannot be used \(OperationalError\); move it away, and keep it"),
        (lambda path: path.mkdir(), "the file cannot be opened"),
    ],
    ids=["no database", "another program's", "damaged", "without tables", "a folder"],
)
def test_a_file_that_is_no_spool_is_told_in_one_line(path, spool, make, reason):
    make(path)
    mode = path.stat().st_mode
    with pytest.raises(SpoolError, match=reason) as refused:
        spool.take(10)
    assert path.stat().st_mode == mode or make in (damage, lose_tables)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match=r"labels: cannot be used \(File exists\)"):
        Spool(tmp_path / "file" / "labels", most=1).count()


def test_a_file_that_stays_locked_is_told_and_is_used_when_it_is_free(path, spool, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    spool.put(["one"])
    spool.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert bodies(spool) == ["one"]
        with pytest.raises(SpoolError, match="another program keeps it locked"):
            spool.put(["two"])
    other.close()
    spool.put(["three"])
    assert bodies(spool) == ["one", "three"]


def test_a_new_file_that_stays_locked_is_told(path, spool, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SpoolError, match="another program keeps it locked"):
            spool.put(["one"])
    other.close()


def test_a_file_that_others_read_in_another_mode_is_told(path, spool, monkeypatch):
    """SQLite refuses to change the mode at once, however patient it is to be."""
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    spool.put(["one"])
    spool.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM waiting").fetchone() == (1,)
        with pytest.raises(SpoolError, match="another program keeps it locked"):
            spool.put(["two"])
    other.close()
    spool.put(["three"])
    assert bodies(spool) == ["one", "three"]


class BusyAtFirst:
    """A connection that is refused at once for some times, as where two make a file at once."""

    def __init__(self, times: int) -> None:
        self.refusals = times

    def execute(self, _statement):
        if self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError()
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error


def test_whoever_is_refused_at_once_tries_again():
    connection = BusyAtFirst(3)
    module._write_ahead(connection)
    assert connection.refusals == 0


def test_a_full_disk_is_told_and_nothing_is_put_by_half(path, spool):
    spool.put(["one"])
    connection, _ = spool._opened
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolError, match="the disk is full; make room"):
        spool.put(["two", "x" * 100_000])
    assert bodies(spool) == ["one"]


def test_a_spool_is_not_used_after_a_fork(spool, monkeypatch):
    spool.put(["one"])
    monkeypatch.setattr(os, "getpid", lambda: 0)
    with pytest.raises(ValueError, match="after a fork, make another"):
        spool.count()


# Against a list


class Listed(RuleBasedStateMachine):
    """A spool does what two lists would do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.spool = Spool(Path(self.folder.name) / "spool", most=12)
        self.waiting: list[str] = []
        self.refused: list[str] = []

    @rule(items=st.lists(st.text(max_size=3), max_size=6))
    def put(self, items):
        if len(self.waiting) + len(self.refused) + len(items) > 12:
            with pytest.raises(SpoolFull):
                self.spool.put(items)
        else:
            self.spool.put(items)
            self.waiting += items

    @rule(number=st.integers(0, 5))
    def drop(self, number):
        self.spool.drop([row for row, _ in self.spool.take(number)])
        del self.waiting[:number]

    @precondition(lambda self: self.waiting)
    @rule()
    def refuse(self):
        self.spool.refuse({self.spool.take(1)[0][0]: "ReviewError"})
        self.refused.append(self.waiting.pop(0))

    @rule()
    def drop_refused(self):
        self.spool.drop_refused([one.id for one in self.spool.list_refused(limit=1)])
        del self.refused[:1]

    @rule()
    def close(self):
        self.spool.close()

    @invariant()
    def holds_the_same(self):
        assert bodies(self.spool) == self.waiting
        assert [one.body for one in self.spool.list_refused()] == self.refused
        assert self.spool.count() == len(self.waiting)
        assert (self.spool.oldest() is None) == (not self.waiting)

    def teardown(self):
        self.spool.close()
        self.folder.cleanup()


TestListed = Listed.TestCase
TestListed.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


# Many at once


def put_many(path: Path, name: str, each: int) -> None:
    spool = Spool(path, most=100_000)
    for number in range(each):
        spool.put([f"{name} {number} a", f"{name} {number} b"])
    spool.close()


def test_processes_and_threads_that_put_at_once_lose_nothing(path):
    """All open the new file at once; two threads share a spool."""
    processes = [PROCESSES.Process(target=put_many, args=(path, f"p{n}", 40)) for n in range(3)]
    for process in processes:
        process.start()
    shared = Spool(path, most=100_000)
    threads = [
        Thread(target=lambda n=n: [shared.put([f"t{n} {i}"]) for i in range(40)]) for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for one in (*processes, *threads):
        one.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    found = bodies(shared, 1000)
    expected = {f"p{n} {i} {part}" for n in range(3) for i in range(40) for part in "ab"}
    assert set(found) == expected | {f"t{n} {i}" for n in range(2) for i in range(40)}
    assert len(found) == 320
    shared.close()


def put_until_killed(path: Path, name: str, told) -> None:
    spool = Spool(path, most=100_000)
    number = 0
    while True:
        spool.put([f"{name} {number} {part}" for part in range(5)])
        told.send(number)
        number += 1


def test_whoever_is_killed_while_putting_has_put_all_or_none_and_what_was_told(path):
    moments = Random(1)
    told = {}
    for turn in range(10):
        here, there = PROCESSES.Pipe()
        process = PROCESSES.Process(target=put_until_killed, args=(path, f"{turn}", there))
        process.start()
        there.close()
        last = here.recv()
        process.join(moments.random() * 0.02)
        process.kill()
        process.join()
        while here.poll():
            try:
                last = here.recv()
            except EOFError:
                break
        here.close()
        told[turn] = last
    spool = Spool(path, most=100_000)
    batches: dict[tuple[int, int], set[int]] = {}
    for body in bodies(spool, 100_000):
        turn, number, part = map(int, body.split())
        batches.setdefault((turn, number), set()).add(part)
    assert set(map(frozenset, batches.values())) == {frozenset(range(5))}
    assert {(turn, n) for turn, last in told.items() for n in range(last + 1)} <= batches.keys()
    assert len(batches) <= sum(last + 2 for last in told.values())
    spool.close()
