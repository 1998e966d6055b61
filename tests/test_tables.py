"""Tables, the addresses of databases, and what is not done to decisions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, select, update

from moderation import review
from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.tables import Decision, StoredComment, create_session_factory, mask_password

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def session():
    sessions = create_session_factory("sqlite://")
    with sessions() as session:
        yield session
    sessions.kw["bind"].dispose()


@pytest.fixture
def decision(session):
    review.add_comments(session, [Comment("1", "a quiet remark", "csv")])
    key = session.scalars(select(StoredComment.key)).one()
    decided = review.record_decision(
        session, key, Action.APPROVE, decided_by="anna", decided_at=NOON
    )
    session.commit()
    return decided


def test_the_folder_of_a_sqlite_file_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "review.db"
    create_session_factory(f"sqlite:///{path}")
    assert path.is_file()


def test_a_database_that_is_not_to_be_created_is_missed_in_words(tmp_path):
    path = tmp_path / "review.db"
    with pytest.raises(ReviewError, match="no such database; review comments in the app first"):
        create_session_factory(f"sqlite:///{path}", create=False)
    assert not path.exists()


def test_a_file_deleted_under_way_is_noticed(tmp_path):
    """A connection kept open would write on into a file that no longer has a name."""
    path = tmp_path / "review.db"
    sessions = create_session_factory(f"sqlite:///{path}")
    with sessions.begin() as session:
        review.add_comments(session, [Comment("1", "a quiet remark", "csv")])
    path.unlink()
    with sessions() as session, pytest.raises(Exception, match="no such table"):
        review.count_waiting(session)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "not a database address"),
        ("data/review.db", "not a database address"),
        ("postgresql://anna:tulip@host:port/x", "not a database address"),
        ("nosuch://anna:tulip@host/x", "not a database address"),
        ("sqlite://anna:tulip@host/x.db", "not a database address"),
        ("oracle+cx_oracle://anna:tulip@host/x", "needs the Python package cx_Oracle"),
        ("oracle+cx_oracle://host/x?user=anna&password=tulip", "pip install cx_Oracle"),
        ("sqlite:////dev/null/review.db", "cannot be reached"),
        ("sqlite:////dev", "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_its_password(url, message):
    with pytest.raises(ReviewError, match=message) as refusal:
        create_session_factory(url)
    assert "tulip" not in str(refusal.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "review.db"
    path.write_text("shopping list\n" * 100)
    with pytest.raises(ReviewError, match="cannot be reached"):
        create_session_factory(f"sqlite:///{path}")
    assert path.read_text().startswith("shopping list")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/review.db", "sqlite:///data/review.db"),
        ("postgresql://anna:tulip@host/x", "postgresql://anna:***@host/x"),
        ("postgresql://anna:tu%40lip@host/x", "postgresql://anna:***@host/x"),
        ("postgresql://host/x?user=anna&password=tulip", "postgresql://host/x"),
        ("anna:tulip@host", "the database address"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert mask_password(url) == shown


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
)
def test_times_come_back_aware_and_in_utc(session, zone):
    moment = NOON.astimezone(zone)
    review.add_comments(
        session, [Comment("1", "a quiet remark", "csv", created_at=moment, captured_at=moment)]
    )
    session.commit()
    session.expunge_all()
    [row] = session.scalars(select(StoredComment))
    assert (row.created_at, row.captured_at) == (NOON, NOON)
    assert row.created_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(session, decision):
    with pytest.raises(Exception, match="attach a time zone"):
        review.undo(session, decided_by="anna", decided_at=NOON.replace(tzinfo=None))


def test_a_decision_is_not_updated(session, decision):
    decision.action = Action.REMOVE
    with pytest.raises(ReviewError, match="is history: add another"):
        session.commit()


def test_a_decision_is_not_deleted(session, decision):
    session.delete(decision)
    with pytest.raises(ReviewError, match="is history: add another"):
        session.commit()


@pytest.mark.parametrize("change", [update(Decision).values(decided_by="ben"), delete(Decision)])
def test_decisions_are_not_changed_in_bulk(session, decision, change):
    with pytest.raises(ReviewError, match="are history: add another"):
        session.execute(change)


def test_states_are_stored_as_words_that_a_person_can_read(session, decision):
    status = session.connection().exec_driver_sql("select status from comment").scalar()
    action = session.connection().exec_driver_sql("select action from decision").scalar()
    assert (status, action) == (Status.PUBLISHED.value, Action.APPROVE.value)
