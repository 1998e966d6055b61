"""The decisions made last that are in force."""

from datetime import UTC, datetime, timedelta

import pytest

from moderation import review
from moderation.comments import Comment, Status
from moderation.policy import Action
from moderation.review.latest import last_decided

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def session(session):
    review.add_comments(session, [remark(n) for n in range(5)], added_at=NOON)
    return session


def remark(number, text="a remark"):
    return Comment(str(number), f"{text} {number}", "csv", article_id="a")


def decide(session, number, action, *, overrules=None):
    return review.record_decision(
        session, review.key_of(remark(number)), action, decided_by="anna", decided_at=NOON,
        house_rule="spam" if action is Action.REMOVE else None, overrules=overrules,
    )  # fmt: skip


def found(session, limit=9):
    return [(comment.id, comment.label) for comment in last_decided(session, limit=limit)]


def test_the_latest_come_last_and_no_more_than_were_asked_for(session):
    for number, action in ((3, Action.REMOVE), (0, Action.APPROVE), (2, Action.REMOVE)):
        decide(session, number, action)
    assert found(session) == [("3", 1), ("0", 0), ("2", 1)]
    assert found(session, limit=2) == [("0", 0), ("2", 1)]
    removed = last_decided(session, limit=1)[0]
    assert (removed.status, removed.removal_reason) == (Status.REMOVED, "spam")


def test_what_was_overruled_undone_or_rewritten_is_not_in_force(session):
    first = decide(session, 1, Action.APPROVE)
    decide(session, 1, Action.REMOVE, overrules=first)
    decide(session, 2, Action.APPROVE)
    decide(session, 3, Action.APPROVE)
    review.undo(session, decided_by="anna", decided_at=NOON + timedelta(1))
    review.add_comments(session, [remark(2, "another remark")], added_at=NOON)
    assert found(session) == [("1", 1)]


def test_they_are_those_that_training_learns_from(session):
    for number in (4, 1, 0):
        decide(session, number, Action.REMOVE)
    assert last_decided(session, limit=9) == list(review.decided_comments(session))
