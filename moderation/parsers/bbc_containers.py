"""BBC comments since 2024, as their pages fetch them: a container, or the replies to a comment."""

from collections.abc import Iterator

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.bbc import find_placeholder
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Identifier, Number, read_id, read_moment, read_number
from moderation.text import markup_to_text

NAME = "bbc_containers"

# bbc.co.uk/wc-data/container/comments, as public readers of it name its fields. Of the states
# none has written down the values: they are told by what they begin with.
STATES = {
    "published": Status.PUBLISHED,
    "visible": Status.PUBLISHED,
    "active": Status.PUBLISHED,
    "live": Status.PUBLISHED,
    "ok": Status.PUBLISHED,
    "nothidden": Status.PUBLISHED,
    "pending": Status.PENDING,
    "hidden": Status.PENDING,
    "await": Status.PENDING,
    "referred": Status.PENDING,
    "removed_userdeleted": Status.WITHDRAWN,
    "deleted_by_user": Status.WITHDRAWN,
    "removed": Status.REMOVED,
    "rejected": Status.REMOVED,
    "failed": Status.REMOVED,
    "deleted": Status.REMOVED,
}


class Author(Struct, rename="camel"):
    user_id: Identifier | None = None
    display_name: str | None = None


class Rating(Struct):
    positive: Number | None = None
    negative: Number | None = None


class Record(Struct, rename="camel"):
    """The fields of a comment, or of a reply to one."""

    id: Identifier | None = None
    comment_id: Identifier | None = None
    in_reply_to_id: Identifier | None = None
    date_created: str | None = None
    author: Author | None = None
    text: str | None = None
    rating: Rating | None = None
    replies: list["Record"] | None = None
    total_replies: Number | None = None
    status: str | None = None
    is_editors_pick: bool | None = None


class Container(Struct, rename="camel"):
    """What the page fetches, or one page of several that were kept in a list."""

    url: str | None = None
    title: str | None = None
    total_posts_count: Number | None = None
    can_load_more: bool | None = None
    comments: list[Record] | None = None
    replies: list[Record] | None = None


def recognises(head: str) -> bool:
    """Tell a container by its counts and the names that its comments have."""
    found = outline(head)
    for path in ("", "item."):
        if {f"{path}totalPostsCount", f"{path}totalCommentsCount", f"{path}comments"} <= set(found):
            return True
    return {"replies.item.inReplyToId", "replies.item.commentId"} <= found.keys()


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of a container, each before its replies.

    Raises:
        ParseError: the document is malformed or breaks off.

    """
    for container in Records(Container, notes).read(source):
        notes.article_id = container.url or notes.article_id
        notes.article_title = container.title or notes.article_title
        notes.total = read_number(container.total_posts_count)
        for record in _flatten([*(container.comments or []), *(container.replies or [])], notes):
            identifier = read_id(record.id)
            if identifier is None:
                notes.left_out["comments without an id"] += 1
            else:
                yield _to_comment(record, identifier, notes)


def _flatten(records: list[Record], notes: Notes) -> Iterator[Record]:
    waiting = records[::-1]
    while waiting:
        record = waiting.pop()
        yield record
        replies = record.replies or []
        missing = (read_number(record.total_replies) or 0) - len(replies)
        if missing > 0:
            notes.left_out["replies that the page had yet to fetch"] += missing
        waiting.extend(reversed(replies))


def _to_comment(record: Record, identifier: str, notes: Notes) -> Comment:
    author, rating = record.author or Author(), record.rating or Rating()
    text = None if record.text is None else markup_to_text(record.text)
    placeholder = find_placeholder(text or "")
    status = placeholder.status if placeholder else _find_status(record.status, notes)
    return Comment(
        id=identifier,
        text=None if placeholder else text,
        source=NAME,
        status=status,
        parent_id=read_id(record.in_reply_to_id) or read_id(record.comment_id),
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=author.display_name or read_id(author.user_id),
        created_at=read_moment(record.date_created, notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(rating.positive),
        negative_votes=read_number(rating.negative),
        removal_reason=placeholder.reason if placeholder else None,
        highlighted=record.is_editors_pick is True,
    )


def _find_status(state: str | None, notes: Notes) -> Status | None:
    """Return the status that a state means; a comment without one is shown."""
    if state is None:
        return Status.PUBLISHED
    plain = state.strip().casefold()
    found = next((status for name, status in STATES.items() if plain.startswith(name)), None)
    if found is None:
        notes.left_out["comments in a state that is not known"] += 1
    return found
