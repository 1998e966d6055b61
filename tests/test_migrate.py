"""The command that brings a database to another schema."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from moderation.database import connect
from moderation.errors import OutputError
from moderation.migrate import copy_aside, main
from moderation.schema import find_revision
from tests.databases import make_old_database, read_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLES = ("comment", "decision", "score")


def revision(address: str) -> str | None:
    engine = connect(address)
    found = find_revision(engine)
    engine.dispose()
    return found


def copies(address: str) -> list[Path]:
    file = Path(address.removeprefix("sqlite:///"))
    return sorted(file.parent.glob("review.db.0*"))


def test_an_earlier_database_is_brought_to_the_newest_schema(old_address, capsys):
    assert main(["--database", old_address]) == 0
    told = capsys.readouterr()
    assert told.out == "the database has schema 0003 now; it had schema 0001\n"
    assert "sealed 8 of 8 decisions" in told.err
    assert revision(old_address) == "0003"


def test_an_empty_database_is_made(address, capsys):
    assert main(["--database", address]) == 0
    assert capsys.readouterr().out == "the database has schema 0003 now; it had no tables\n"


def test_a_second_time_there_is_nothing_to_do(old_address, capsys):
    main(["--database", old_address])
    capsys.readouterr()
    assert main(["--database", old_address]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("the database has schema 0003 already; nothing to do\n", "")


def test_what_would_be_lost_is_said_and_nothing_changed_until_it_is_to_be(old_address, capsys):
    before = read_rows(old_address, *TABLES)
    main(["--database", old_address])
    capsys.readouterr()
    assert main(["--database", old_address, "--to", "0001"]) == 1
    refused = capsys.readouterr().err
    assert refused.startswith("lost: 8 digests of decisions")
    assert "nothing was changed; where it is to be lost, say --discard" in refused
    assert revision(old_address) == "0003"
    assert main(["--database", old_address, "--to", "0001", "--discard"]) == 0
    assert read_rows(old_address, *TABLES) == before


def test_discarding_is_spelled_out(old_address, capsys):
    with pytest.raises(SystemExit):
        main(["--database", old_address, "--to", "0001", "--disc"])
    with pytest.raises(SystemExit):
        main(["--database", old_address, "--to", "0007"])
    assert "invalid choice: '0007'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "loss"),
    [
        ("UPDATE decision SET note = 'a word'", "8 notes on decisions"),
        ("UPDATE decision SET weight = 50 WHERE id < 3", "2 weights of decisions drawn by lot"),
        ("UPDATE decision SET kind = 'reopening' WHERE id = 2", "1 escalations and reopenings"),
        ("UPDATE comment SET forgotten_at = captured_at", "8 marks of erased words"),
        (
            "INSERT INTO person VALUES ('anna', 'lead', '{}', '2026-03-01 12:00:00')",
            "1 roles and personal settings",
        ),
    ],
)
def test_each_loss_is_counted(old_address, capsys, change, loss):
    main(["--database", old_address])
    engine = connect(old_address).execution_options(writes=True)
    with engine.begin() as connection:
        connection.execute(text(change))
    engine.dispose()
    assert main(["--database", old_address, "--to", "0001"]) == 1
    assert f"lost: {loss}" in capsys.readouterr().err


def test_a_file_is_copied_before_it_is_changed(tmp_path, capsys):
    address = f"sqlite:///{tmp_path}/review.db"
    make_old_database(address)
    before = read_rows(address, *TABLES)
    assert main(["--database", address]) == 0
    [copy] = copies(address)
    assert f"copied to {copy}; delete it when all is well" in capsys.readouterr().err
    assert read_rows(f"sqlite:///{copy}", *TABLES) == before
    assert revision(f"sqlite:///{copy}") == "0001"


def test_a_copy_holds_what_is_not_yet_in_the_file_itself(tmp_path):
    file = tmp_path / "review.db"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE invoice (id)")
    copy = copy_aside(file, revision="0001", now=NOON)
    assert copy.name == "review.db.0001-20260301T120000Z"
    with sqlite3.connect(copy) as copied:
        assert copied.execute("SELECT name FROM sqlite_master").fetchall() == [("invoice",)]
    copied.close()
    writer.close()


def test_a_copy_may_be_read_by_whoever_may_read_the_file(tmp_path):
    file = tmp_path / "review.db"
    file.touch(mode=0o600)
    copy = copy_aside(file, revision="0001", now=NOON)
    assert copy.stat().st_mode & 0o777 == 0o600


def test_no_copy_takes_the_place_of_another(tmp_path):
    file = tmp_path / "review.db"
    file.touch()
    copy_aside(file, revision="0001", now=NOON)
    with pytest.raises(OutputError, match="is there already"):
        copy_aside(file, revision="0001", now=NOON)


def test_where_no_copy_can_be_made_nothing_is_changed(tmp_path):
    file = tmp_path / "review.db"
    file.write_text("shopping list\n" * 100)
    with pytest.raises(OutputError, match="cannot be made"):
        copy_aside(file, revision="0001", now=NOON)
    assert list(tmp_path.iterdir()) == [file]


def test_check_says_the_schema_and_changes_nothing(old_address, capsys):
    assert main(["--database", old_address, "--check"]) == 1
    assert "has schema 0001, expected 0003" in capsys.readouterr().err
    assert revision(old_address) == "0001"
    main(["--database", old_address])
    capsys.readouterr()
    assert main(["--database", old_address, "--check"]) == 0
    assert capsys.readouterr().out.endswith("has schema 0003, that of this version\n")


def test_check_finds_a_change_that_no_version_made(old_address, capsys):
    main(["--database", old_address])
    engine = connect(old_address).execution_options(writes=True)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_comment_author"))
    engine.dispose()
    assert main(["--database", old_address, "--check"]) == 1
    assert "1 changes that no version made (the first: add_index)" in capsys.readouterr().err


def test_check_makes_no_database(tmp_path, capsys):
    assert main(["--database", f"sqlite:///{tmp_path}/review.db", "--check"]) == 1
    assert "no such database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_an_address_the_desks_own_is_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MODERATION_DATABASE_URL", f"sqlite:///{tmp_path}/desk.db")
    assert main([]) == 0
    assert (tmp_path / "desk.db").is_file()


def test_a_server_that_does_not_answer_is_told_in_one_line(postgresql, capsys):
    assert main(["--database", postgresql.address("nowhere"), "--check"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
