"""Labels on their way from the spool to the store: none lost, none twice, whatever fails."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import IntegrityError

from moderation import delivery, review
from moderation.database import open_store
from moderation.delivery import Delivered, deliver, find_lock
from moderation.errors import OutputError, SpoolError
from moderation.locks import hold
from moderation.review import SentLabel
from moderation.review.audit import Account, follow
from moderation.spool import Spool
from moderation.tables import Decision, StoredLabel
from tests.desks import after, remark
from tests.labels import insult, sent
from tests.processes import PROCESSES


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "labels.spool", most=10_000)
    yield spool
    spool.close()


def put(spool: Spool, *labels: SentLabel) -> None:
    spool.put([label.to_json() for label in labels])


def labels(number: int, *, first: int = 1) -> list[SentLabel]:
    """Return labels on as many comments, decisions and others in turn."""
    make = (insult, sent)
    return [make[n % 2](n, remark(f"{n}")) for n in range(first, first + number)]


def run(spool: Spool, store, **facts) -> Delivered:
    known = {"url": str(store.engine.url), "now": after(60)}
    return deliver(spool, lambda: store, **(known | facts))


def check(store, *, labels: int, decisions: int) -> None:
    with store.reading() as session:
        assert list(follow(session, Account())) == []
        assert session.scalar(select(func.count()).select_from(StoredLabel)) == labels
        assert session.scalar(select(func.count()).select_from(Decision)) == decisions


def test_what_waits_is_recorded_and_taken_out(spool, store):
    put(spool, *labels(5))
    assert run(spool, store) == Delivered(Counter(recorded=3, kept=2), left=0)
    check(store, labels=5, decisions=3)
    assert run(spool, store) == Delivered(left=0)


def test_not_more_than_a_batch_is_taken_at_once(spool, store):
    put(spool, *labels(5))
    assert [run(spool, store, limit=2).left for _ in range(3)] == [3, 1, 0]
    check(store, labels=5, decisions=3)


def test_without_anything_to_deliver_no_database_is_opened(spool):
    def refuse():
        raise AssertionError

    assert deliver(spool, refuse, url="sqlite://", now=after(0)) == Delivered(left=0)


def test_words_are_in_no_file_after_the_delivery(spool, store):
    put(spool, *labels(5))
    run(spool, store)
    files = spool.path.parent.glob("labels.spool*")
    assert not any(b"quiet" in file.read_bytes() for file in files)


def test_what_was_recorded_but_not_taken_out_is_recorded_once(spool, store, monkeypatch):
    """As where a process dies, or the disk of the spool fails, between the two."""

    def fail(_numbers):
        raise SpoolError("the disk is full")

    put(spool, *labels(4))
    with monkeypatch.context() as broken:
        broken.setattr(spool, "drop", fail)
        assert run(spool, store) == Delivered(error="the disk is full")
    assert run(spool, store) == Delivered(Counter(repeated=4), left=0)
    check(store, labels=4, decisions=2)


def test_where_another_process_delivers_it_is_left_to_that(spool, store):
    put(spool, *labels(2))
    with hold(find_lock(spool.path)):
        assert run(spool, store) == Delivered(left=2, busy=True)
    assert run(spool, store).left == 0


def test_a_spool_that_cannot_be_used_is_told(tmp_path, store):
    (tmp_path / "spool").write_text("shopping list\n" * 99)
    told = run(Spool(tmp_path / "spool", most=1), store)
    assert told.left is None
    assert told.error == (
        f"{tmp_path}/spool: the file is no SQLite database; name another one, or move it away"
    )


def test_a_lock_that_cannot_be_made_is_told(spool, store, monkeypatch):
    def refuse(path, **_how):
        raise OutputError(f"{path.name}: cannot be written")

    monkeypatch.setattr(delivery, "hold", refuse)
    assert run(spool, store).error == "labels.spool.lock: cannot be written"


# What cannot be recorded


POISON = {
    "no JSON": "{",
    "no label": "[]",
    "another version's": json.dumps(json.loads(sent(90).to_json()) | {"colour": "red"}),
    "a token that is a number": json.dumps(json.loads(sent(91).to_json()) | {"token": 7}),
    "a number that is too large": sent(92, remark("92", rating=2**70)).to_json(),
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_what_cannot_be_recorded_is_kept_aside_and_stops_no_other(spool, store, body):
    first, *others = labels(6)
    put(spool, first)
    spool.put([body])
    put(spool, *others)
    told = run(spool, store)
    assert (told.outcomes, told.refused, told.left) == (Counter(recorded=3, kept=3), 1, 0)
    [refused] = spool.list_refused()
    assert refused.body == body
    assert refused.reason.isidentifier()
    check(store, labels=6, decisions=3)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_name_that_is_too_long_for_an_index_of_postgresql_is_kept_aside(spool, store):
    """The server reports it as it does an outage; so it would be tried for ever."""
    letters = Random(0)
    name = "".join(letters.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(20_000))
    put(spool, sent(1), sent(2, remark(name)), sent(3, remark("3")))
    told = run(spool, store)
    assert (told.outcomes, told.refused, told.error) == (Counter(recorded=2), 1, None)
    assert [one.reason for one in spool.list_refused()] == ["OperationalError"]


def test_what_was_kept_aside_is_delivered_when_it_is_tried_again(spool, store, monkeypatch):
    put(spool, *labels(3))

    def refuse(*_args, **_how):
        raise IntegrityError("statement", {}, Exception())

    with monkeypatch.context() as broken:
        broken.setattr(delivery, "record_labels", refuse)
        assert run(spool, store) == Delivered(refused=3, left=0)
    assert spool.retry_refused() == 3
    assert run(spool, store) == Delivered(Counter(recorded=2, kept=1), left=0)


# The database away and back


def test_a_file_that_was_moved_away_loses_nothing(spool, tmp_path):
    path = tmp_path / "review.db"
    url = f"sqlite:///{path}"
    store = open_store(url)
    put(spool, *labels(2))
    assert run(spool, store, limit=1).left == 1
    moved = move(path, tmp_path / "away")
    told = run(spool, store, url=url)
    assert (told.outcomes, told.left) == (Counter(), 1)
    assert told.error.startswith(f"{url}: the file cannot be opened; see that it is there")
    put(spool, *labels(2, first=3))
    assert list(tmp_path.glob("review.db*")) == []
    for file in moved:
        file.rename(tmp_path / file.name)
    assert run(spool, store) == Delivered(Counter(recorded=1, kept=2), left=0)
    check(store, labels=4, decisions=2)
    store.engine.dispose()


def move(path: Path, folder: Path) -> list[Path]:
    folder.mkdir()
    return [file.rename(folder / file.name) for file in path.parent.glob(f"{path.name}*")]


def test_a_server_without_the_database_loses_nothing(spool, postgresql):
    url = postgresql.new_database()
    store = open_store(url)
    put(spool, *labels(3))
    assert run(spool, store, limit=1).left == 2
    name = make_url(url).database
    postgresql.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    postgresql.run(f"ALTER DATABASE {name} RENAME TO {name}_away")
    told = run(spool, store, url=url)
    assert (told.outcomes, told.left) == (Counter(), 2)
    assert told.error.endswith("the server has no database of that name; make it with: "
                               "createdb NAME")  # fmt: skip
    assert run(spool, store, url=url).left == 2
    postgresql.run(f"ALTER DATABASE {name}_away RENAME TO {name}")
    assert run(spool, store) == Delivered(Counter(recorded=1, kept=1), left=0)
    check(store, labels=3, decisions=2)
    store.engine.dispose()
    postgresql.drop(url)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_connection_that_breaks_in_the_middle_loses_nothing(spool, store, monkeypatch):
    put(spool, *labels(3))

    def record(session, some, **how):
        counts = review.record_labels(session, some, **how)
        if broken:
            broken.pop()
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            with store.engine.connect() as other:
                other.execute(text(f"SELECT pg_terminate_backend({pid})"))
        return counts

    broken = [True]
    monkeypatch.setattr(delivery, "record_labels", record)
    told = run(spool, store)
    assert (told.outcomes, told.refused, told.left) == (Counter(), 0, 3)
    assert told.error.endswith("the server has broken off; check that it runs, then try again")
    assert run(spool, store) == Delivered(Counter(recorded=2, kept=1), left=0)
    check(store, labels=3, decisions=2)


def test_a_database_that_cannot_be_opened_is_told(spool):
    put(spool, *labels(1))
    url = "sqlite:////proc/review.db"
    told = deliver(spool, lambda: open_store(url), url=url, now=after(0))
    assert told.left == 1
    assert told.error.startswith("sqlite:////proc/review.db: the file cannot be opened")


# Killed, and two at once


def deliver_all(url: str, path: Path, told) -> None:
    """Deliver in small batches until nothing is left, and tell how many had which outcome."""
    store, spool = open_store(url), Spool(path, most=10_000)
    told.send("began")
    counts: Counter[str] = Counter()
    while (done := run(spool, store, limit=7)).left:
        assert done.error is None
        counts += done.outcomes
    told.send(dict(counts + done.outcomes))
    told.recv()  # until it is killed


def start(url: str, path: Path):
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(target=deliver_all, args=(url, path, there))
    process.start()
    there.close()
    assert here.recv() == "began"
    return process, here


def test_processes_that_deliver_at_once_record_each_label_once(spool, address):
    store = open_store(address)
    put(spool, *labels(140))
    started = [start(address, spool.path) for _ in range(2)]
    counts = Counter()
    for process, told in started:
        counts += Counter(told.recv())
        process.kill()
        process.join()
    assert counts == Counter(recorded=70, kept=70)
    check(store, labels=140, decisions=70)
    store.engine.dispose()


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_whoever_is_killed_while_delivering_loses_nothing_and_records_nothing_twice(spool, address):
    store = open_store(address)
    moments = Random(2)
    put(spool, *labels(40))
    began = monotonic()
    while run(spool, store, limit=7).left:
        pass
    took, total, middle = monotonic() - began, 40, 0
    for turn in range(10):
        put(spool, *labels(40, first=total + 1))
        total += 40
        process, told = start(address, spool.path)
        middle += not told.poll(moments.random() * took * 1.2)
        process.kill()
        process.join()
        if turn % 3 == 0:
            run(spool, store)
    assert middle > 0
    while run(spool, store).left:
        pass
    assert (spool.count(), spool.count_refused()) == (0, 0)
    check(store, labels=total, decisions=total // 2)
    store.engine.dispose()
