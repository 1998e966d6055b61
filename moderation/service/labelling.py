"""`make_label`: what a client says of a comment as a label, or why it cannot be one."""

from datetime import UTC, datetime
from typing import Any

from moderation.comments import Comment
from moderation.perspective import errors
from moderation.review import SentLabel

LONGEST_NAME = 2048
"""Characters of what names a comment, where it is, and who wrote it or sent it."""


def make_label(comment: Comment, *, at: str, **said: Any) -> SentLabel:
    """
    Return a label on a comment.

    Raises:
        ApiError: it says something that cannot be stored; `at` is its place in the request.

    """
    named = (comment.id, comment.parent_id, comment.article_id, comment.article_title,
             comment.author, said["community"], said["token"], said["decided_by"])  # fmt: skip
    if any(len(name) > LONGEST_NAME for name in named if name is not None):
        raise errors.invalid_request(f"{at}: expected names of at most {LONGEST_NAME} characters")
    try:
        return SentLabel(comment=comment, **said)
    except ValueError as error:
        raise errors.invalid_request(f"{at}: {error}") from None


def to_utc(moment: datetime | None, *, at: str) -> datetime | None:
    """
    Return a time in UTC; one without a zone is taken for that.

    Raises:
        ApiError: there it is before the year 1, or after 9999.

    """
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise errors.invalid_value(at, "a time in the years 1 to 9999", str(moment)) from None
