"""What is said of a database that cannot be used: one line, and no password in it."""

import socket
import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from moderation.database import open_store
from moderation.errors import ReviewError
from moderation.outages import explain, mask_password


def refusal(address: str, **how) -> str:
    with pytest.raises(ReviewError) as refused:
        open_store(address, **how)
    message = str(refused.value)
    assert "tulip" not in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/review.db", "sqlite:///data/review.db"),
        ("postgresql://anna:tulip@host/x", "postgresql://anna:***@host/x"),
        ("postgresql://anna:tu%40lip@host/x", "postgresql://anna:***@host/x"),
        ("postgresql://host/x?user=anna&password=tulip", "postgresql://host/x"),
        ("anna:tulip@host", "the database address"),
        ("postgresql://anna:tulip@host:port/x", "the database address"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert mask_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data/review.db",
        "postgresql://anna:tulip@host:port/x",
        "nosuch://anna:tulip@host/x",
        "sqlite://anna:tulip@host/x.db",
        "mysql://anna:tulip@host/x",
        "postgresql+nosuch://anna:tulip@host/x",
    ],
)
def test_what_is_no_address_is_refused(url):
    expected = "expected e.g. sqlite:///data/review.db or postgresql://name:password@host/database"
    assert refusal(url).endswith(f"not a database address; {expected}")


def test_a_driver_that_is_not_installed_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    assert "pip install 'moderation[postgresql]'" in refusal("postgresql://anna:tulip@host/x")


def test_a_folder_is_no_database(tmp_path):
    assert "this is a folder; name a file in it" in refusal(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "review.db"
    path.write_text("shopping list\n" * 100)
    assert "the file is no SQLite database" in refusal(f"sqlite:///{path}")
    assert path.read_text() == "shopping list\n" * 100


def test_a_folder_that_cannot_be_made_is_told():
    assert "its folder cannot be made (FileExistsError)" in refusal("sqlite:////dev/null/review.db")


def test_a_file_that_cannot_be_made_is_told():
    assert "the file cannot be opened" in refusal("sqlite:////proc/review.db")


def test_a_file_that_may_only_be_read_is_told(tmp_path):
    """As root nothing is read-only: here the connection is."""
    sqlite3.connect(tmp_path / "review.db").execute("CREATE TABLE invoice (id)").connection.close()
    assert "it may only be read" in refusal(f"sqlite:///file:{tmp_path}/review.db?mode=ro&uri=true")


def test_a_file_cut_in_the_middle_is_told(tmp_path):
    path = tmp_path / "review.db"
    open_store(f"sqlite:///{path}").engine.dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) // 2 - 4096))
    assert "the file is damaged" in refusal(f"sqlite:///{path}")


def test_a_file_that_another_program_keeps_locked_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("moderation.database.PATIENCE", 0.05)
    path = tmp_path / "review.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "another program keeps it locked" in refusal(f"sqlite:///{path}")
    other.close()


@pytest.mark.parametrize("password", ["tulip", ""])
def test_a_wrong_password_is_told(postgresql, password):
    postgresql.run("DROP ROLE IF EXISTS locked")
    postgresql.run("CREATE ROLE locked LOGIN PASSWORD 'narcissus'")
    address = postgresql.address("postgres", name="locked", password=password)
    assert "the server refuses the name or the password" in refusal(address)


def test_an_unknown_name_is_told(postgresql):
    assert "refuses the name" in refusal(postgresql.address("postgres", name="nobody"))


def test_a_database_that_the_server_does_not_have_is_told(postgresql):
    assert "make it with: createdb NAME" in refusal(postgresql.address("nowhere"))


def test_a_server_that_is_not_there_is_told(postgresql):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    address = f"postgresql://anna:tulip@localhost:{port}/x"
    assert "no server answers there; check that it runs" in refusal(address)


def test_a_name_without_rights_is_told(postgresql):
    postgresql.run("DROP ROLE IF EXISTS guest")
    postgresql.run("CREATE ROLE guest LOGIN")
    address = postgresql.new_database().replace("postgres@", "guest@")
    assert "let it own the database" in refusal(address)


def test_a_server_that_only_reads_is_told(postgresql):
    address = postgresql.new_database() + "&options=-cdefault_transaction_read_only%3Don"
    assert "name the server that takes writes" in refusal(address)


def test_a_table_that_another_program_keeps_locked_is_told(postgresql, monkeypatch):
    import psycopg

    monkeypatch.setattr("moderation.database.PATIENCE", 0.05)
    address = postgresql.new_database()
    open_store(address).engine.dispose()
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE alembic_version")
        assert "another program keeps it locked" in refusal(address)


def test_a_server_that_breaks_off_is_told(postgresql):
    store = open_store(postgresql.new_database())
    ended = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with store.reading() as session, pytest.raises(OperationalError) as broken:
        session.execute(ended)
    assert "the server has broken off" in str(explain(broken.value, "postgresql://host/x"))
    store.engine.dispose()


def test_a_connection_that_is_lost_without_a_word_is_told():
    lost = OperationalError("", None, ConnectionError("consuming input failed"))
    assert "the server has broken off" in str(explain(lost, "postgresql://host/x"))


def test_what_is_not_known_is_told_by_its_kind():
    assert str(explain(KeyError(), "")) == (
        "the database address: no answer (KeyError); check MODERATION_DATABASE_URL"
    )
