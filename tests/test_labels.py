"""`python -m moderation.labels`: what waits and what is kept aside, seen and looked after."""

import json
from datetime import UTC, datetime

import pytest

from moderation import labels
from moderation.delivery import find_lock
from moderation.locks import hold
from moderation.spool import Spool
from tests.desks import remark
from tests.labels import insult, sent

BROKEN = json.dumps(json.loads(sent(3).to_json()) | {"colour": "red"})


@pytest.fixture
def spool(tmp_path, monkeypatch):
    """Return a spool in which two labels wait and one is kept aside, besides what is no label."""
    monkeypatch.setenv("MODERATION_SPOOL", str(tmp_path / "spool.db"))
    monkeypatch.setenv("MODERATION_DATABASE_URL", f"sqlite:///{tmp_path}/review.db")
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    spool = Spool(tmp_path / "spool.db", most=100, clock=lambda: noon)
    good = [sent(1, remark("1")), sent(2, remark("2")), insult(4, remark("4"))]
    first, *others = [label.to_json() for label in good]
    spool.put([first, BROKEN, *others])
    spool.refuse({2: "DataError", 4: "IntegrityError"})
    yield spool
    spool.close()


def run(capsys, *words: str) -> tuple[int, list[str], list[str]]:
    """Return the exit status, and the lines on standard output and on standard error."""
    status = labels.main(words)
    found = capsys.readouterr()
    return status, found.out.splitlines(), found.err.splitlines()


def test_what_waits_and_what_is_kept_aside_is_told_without_a_word_of_it(spool, capsys):
    status, out, err = run(capsys, "list")
    assert (status, err) == (0, ["2 wait since 2026-03-01 12:00 UTC", "2 kept aside"])
    assert out == [
        "2\tDataError\tcannot be read",
        "4\tIntegrityError\t2026-03-01 12:04\tcoral\t4\tINSULT=0.9",
    ]


def test_what_waits_is_delivered(spool, capsys):
    status, out, err = run(capsys, "deliver")
    assert (status, out) == (0, [])
    assert err[-2:] == ["2 recorded", "2 delivered, 0 kept aside"]
    assert (spool.count(), spool.count_refused()) == (0, 2)


def test_what_is_kept_aside_is_tried_again_and_what_fails_again_is_kept(spool, capsys):
    status, _, err = run(capsys, "retry")
    assert status == 0
    assert "2 wait again" in err
    assert err[-3:] == ["1 kept", "2 recorded", "3 delivered, 1 kept aside"]
    assert [refused.id for refused in spool.list_refused()] == [2]


def test_what_is_kept_aside_is_erased_by_its_number_and_by_no_other(spool, capsys):
    status, _, err = run(capsys, "drop", "2", "3")
    assert status == 1
    assert "spool.db: 3: no such number" in err[-1]
    assert spool.count_refused() == 2
    assert run(capsys, "drop", "2", "2") == (0, [], ["1 erased, 1 kept aside"])
    assert [refused.id for refused in spool.list_refused()] == [4]


def test_where_the_service_delivers_it_is_left_to_that(spool, capsys):
    with hold(find_lock(spool.path)):
        assert run(capsys, "deliver") == (0, [], ["the service is delivering them"])
    assert spool.count() == 2


def test_a_database_that_fails_is_told_and_nothing_is_lost(spool, capsys, tmp_path):
    (tmp_path / "review.db").write_text("shopping list\n" * 99)
    status, _, err = run(capsys, "retry")
    assert status == 1
    assert err[-1].endswith("; 3 go on waiting")
    assert (spool.count(), spool.count_refused()) == (3, 1)


def test_without_a_spool_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MODERATION_SPOOL", str(tmp_path / "none.db"))
    for command in ("list", "deliver", "retry"):
        status, out, [line] = run(capsys, command)
        assert (status, out) == (0, [])
        assert "none.db: no spool yet, so nothing waits" in line
    assert list(tmp_path.iterdir()) == []
