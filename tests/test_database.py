"""The store of the review desk: made, missed, and left when its file was deleted."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from moderation import review
from moderation.comments import Comment
from moderation.database import is_missing, open_store
from moderation.errors import ReviewError
from moderation.tables import Held

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REMARK = Comment("1", "a quiet remark", "csv")


def test_the_folder_of_a_sqlite_file_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "review.db"
    open_store(f"sqlite:///{path}")
    assert path.is_file()


def test_a_sqlite_file_that_is_made_may_be_read_by_nobody_else(tmp_path):
    """Comments and their authors are in it; whoever wants to share a file says so by its mode."""
    path = tmp_path / "review.db"
    store = open_store(f"sqlite:///{path}")
    with store.writing() as session:
        review.add_comments(session, [REMARK], added_at=NOON)
        files = sorted(tmp_path.iterdir())
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)
        assert len(files) > 1
    path.chmod(0o640)
    open_store(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_database_that_is_not_to_be_created_is_missed_in_words(tmp_path):
    path = tmp_path / "review.db"
    with pytest.raises(ReviewError, match="no such database; put it back, or review"):
        open_store(f"sqlite:///{path}", create=False)
    assert not path.exists()


def test_a_file_deleted_under_way_is_noticed(tmp_path):
    """A connection kept open would write on into a file that no longer has a name."""
    path = tmp_path / "review.db"
    store = open_store(f"sqlite:///{path}")
    with store.writing() as session:
        review.add_comments(session, [REMARK], added_at=NOON)
    path.unlink()
    with store.reading() as session, pytest.raises(OperationalError, match="unable to open"):
        review.count_waiting(session)
    assert not path.exists()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("sqlite:///{}/review.db", True),
        ("sqlite:///{}", True),
        ("sqlite:///{}/there.db", False),
        ("sqlite://", False),
        ("sqlite:///file:{}/a.db?uri=true", False),
        ("postgresql://host/desk", False),
        ("nothing", False),
    ],
)
def test_only_a_sqlite_file_that_is_not_there_is_missing(address, expected, tmp_path):
    """A folder of that name is no file, either; whether a server is there, it has to be asked."""
    (tmp_path / "there.db").touch()
    assert is_missing(address.format(tmp_path)) is expected


def test_a_reading_session_writes_nothing(tmp_path):
    """A reader that turned writer could be refused because another has written since."""
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    with store.reading() as session, pytest.raises(Exception, match="readonly"):
        review.add_comments(session, [REMARK], added_at=NOON)
    with store.reading() as session:
        assert review.count_comments(session) == 0


def add_and_fail(store):
    with store.writing() as session:
        review.add_comments(session, [REMARK], added_at=NOON)
        raise ZeroDivisionError


def test_what_fails_in_a_writing_session_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        add_and_fail(store)
    with store.reading() as session:
        assert review.count_comments(session) == 0


def test_who_reads_sees_the_store_as_it_was_at_the_first_question(store):
    with store.reading() as session:
        assert review.count_comments(session) == 0
        with store.writing() as other:
            review.add_comments(other, [REMARK], added_at=NOON)
        assert review.count_comments(session) == 0
    with store.reading() as session:
        assert review.count_comments(session) == 1


def write(store, id: str) -> None:
    with store.writing() as session:
        review.add_comments(session, [Comment(id, "a quiet remark", "csv")], added_at=NOON)


def test_who_writes_waits_until_another_has_written(store):
    with ThreadPoolExecutor(1) as other:
        with store.writing() as session:
            review.add_comments(session, [REMARK], added_at=NOON)
            second = other.submit(write, store, "2")
            assert not second.done()
        second.result(timeout=60)
    with store.reading() as session:
        assert review.count_comments(session) == 2


def test_who_waits_too_long_to_write_is_told_and_writes_nothing(tmp_path, monkeypatch):
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    other = sqlite3.connect(tmp_path / "review.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("moderation.database.PATIENCE", 0.05)
    with pytest.raises(OperationalError, match="database is locked"):
        write(store, "1")
    other.close()
    write(store, "1")
    with store.reading() as session:
        assert review.count_comments(session) == 1


def test_a_row_that_points_nowhere_is_refused(store):
    """As PostgreSQL does always, and SQLite only when it is asked to."""
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(Held(comment_key="nobody", held_at=NOON))


def test_the_present_schema_is_not_made_where_nothing_is_to_be_changed(address):
    with pytest.raises(ReviewError, match="has no tables, expected 0003"):
        open_store(address, change=False)
    open_store(address).engine.dispose()
    open_store(address, change=False).engine.dispose()
