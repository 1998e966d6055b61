"""The Guardian's discussion API: a page of a discussion, with replies within their comments."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import (
    Identifier,
    Number,
    read_id,
    read_moment,
    read_number,
    read_state,
)
from moderation.text import markup_to_text

NAME = "guardian"

# guardian/discussion-rendering: src/types.ts and src/fixtures.
STATUSES = {
    "visible": Status.PUBLISHED,
    "blocked": Status.REMOVED,
    "pending": Status.PENDING,
    "premod": Status.PENDING,
    "deleted": Status.WITHDRAWN,
}
REMOVAL_NOTICES = (
    "This comment was removed by a moderator",
    "This comment has been removed by a moderator",
)


class Profile(Struct, rename="camel"):
    user_id: Identifier | None = None
    display_name: str | None = None


class Answered(Struct, rename="camel"):
    comment_id: Identifier | None = None


class Record(Struct, rename="camel"):
    """The fields of a comment that are read."""

    id: Identifier | None = None
    body: str | None = None
    iso_date_time: str | None = None
    status: str | None = None
    num_recommends: Number | None = None
    is_highlighted: bool | None = None
    user_profile: Profile | None = None
    response_to: Answered | None = None
    responses: list["Record"] | None = None


class Discussion(Struct, rename="camel"):
    key: str | None = None
    web_url: str | None = None
    title: str | None = None
    comment_count: Number | None = None
    comments: list[Record] | None = None


class Answer(Struct):
    """What the API answers."""

    page: Number | None = None
    pages: Number | None = None
    discussion: Discussion | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    record: Record
    parent_id: str | None


def recognises(head: str) -> bool:
    """Tell an answer by the key of its discussion and the names of its comments."""
    found = outline(head)
    return {"discussion.key", "discussion.comments"} <= found.keys() and (
        "discussion.webUrl" in found or "discussion.comments.item.isoDateTime" in found
    )


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of a discussion's page, or of one on each line, parents before replies.

    A blocked comment shows a notice in place of its words, which becomes the removal's reason.

    Raises:
        ParseError: the document is malformed or breaks off.

    """
    for answer in Records(Answer, notes).read(source):
        discussion = answer.discussion or Discussion()
        notes.article_id = discussion.web_url or discussion.key or notes.article_id
        notes.article_title = discussion.title or notes.article_title
        notes.page, notes.pages = read_number(answer.page), read_number(answer.pages)
        notes.total = read_number(discussion.comment_count)
        for placed in _flatten(discussion.comments or []):
            identifier = read_id(placed.record.id)
            if identifier is None:
                notes.left_out["comments without an id"] += 1
            else:
                yield _to_comment(placed, identifier, notes)


def _flatten(records: list[Record]) -> Iterator[_Placed]:
    waiting = [_Placed(record, None) for record in reversed(records)]
    while waiting:
        placed = waiting.pop()
        yield placed
        own = read_id(placed.record.id)
        waiting.extend(_Placed(reply, own) for reply in reversed(placed.record.responses or []))


def _to_comment(placed: _Placed, identifier: str, notes: Notes) -> Comment:
    record = placed.record
    profile = record.user_profile or Profile()
    text = None if record.body is None else markup_to_text(record.body)
    notice = text if text is not None and text.startswith(REMOVAL_NOTICES) else None
    status = read_state(record.status, STATUSES, notes)
    is_hidden = notice is not None and status is not Status.PUBLISHED
    return Comment(
        id=identifier,
        text=None if is_hidden else text,
        source=NAME,
        status=status,
        parent_id=(record.response_to and read_id(record.response_to.comment_id))
        or placed.parent_id,
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=profile.display_name or read_id(profile.user_id),
        created_at=read_moment(record.iso_date_time, notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(record.num_recommends),
        removal_reason=notice if is_hidden else None,
        highlighted=record.is_highlighted is True,
    )
