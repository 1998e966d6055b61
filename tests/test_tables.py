"""Tables, the addresses of databases, and what is not done to decisions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, select, update

from moderation import review
from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.tables import Decision, StoredComment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def decision(session):
    review.add_comments(session, [Comment("1", "a quiet remark", "csv")], added_at=NOON)
    key = session.scalars(select(StoredComment.key)).one()
    decided = review.record_decision(
        session, key, Action.APPROVE, decided_by="anna", decided_at=NOON
    )
    session.commit()
    return decided


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
)
def test_times_come_back_aware_and_in_utc(session, zone):
    moment = NOON.astimezone(zone)
    review.add_comments(
        session,
        [Comment("1", "a quiet remark", "csv", created_at=moment, captured_at=moment)],
        added_at=NOON,
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
