"""The decisions made last that are in force, as labelled comments."""

from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from moderation.comments import Comment, Status
from moderation.policy import Action
from moderation.review.stored import to_comment
from moderation.tables import Decision, StoredComment


def last_decided(session: Session, *, limit: int) -> list[Comment]:
    """Return the comments decided last whose decision is in force, labelled, the latest last."""
    rows = session.execute(
        select(StoredComment, Decision)
        .select_from(Decision)
        .join(StoredComment, _in_force())
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    found = [
        replace(
            to_comment(row),
            status=Status.REMOVED if decision.action is Action.REMOVE else Status.PUBLISHED,
            removal_reason=decision.house_rule,
            label=int(decision.action is Action.REMOVE),
        )
        for row, decision in rows
    ]
    return found[::-1]


def _in_force() -> ColumnElement[bool]:
    # By the comment's key as well: then decisions are walked from the last one, not all comments.
    return (Decision.comment_key == StoredComment.key) & (Decision.id == StoredComment.decision_id)
