"""The BBC's DNA comments API: a forum's comments, or a list of them, as JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.bbc import find_placeholder
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Identifier, Number, read_id, read_number
from moderation.text import markup_to_text

NAME = "bbc_api"

# rocketeerbkw/DNA: BBC.Dna.Api/Contracts/CommentInfo.Contract.cs and the enumeration
# CommentStatus.Hidden, which XML spells and JSON numbers. There is no 4.
CODES = {
    0: "NotHidden",
    1: "Removed_FailedModeration",
    2: "Hidden_AwaitingReferral",
    3: "Hidden_AwaitingPreModeration",
    5: "Removed_ForumRemoved",
    6: "Removed_EditorComplaintTakedown",
    7: "Removed_UserDeleted",
    8: "Removed_UserContentRemoved",
}
STATUSES = {
    "NotHidden": Status.PUBLISHED,
    "Removed_FailedModeration": Status.REMOVED,
    "Hidden_AwaitingReferral": Status.PENDING,
    "Hidden_AwaitingPreModeration": Status.PENDING,
    "Removed_ForumRemoved": Status.WITHDRAWN,
    "Removed_EditorComplaintTakedown": Status.REMOVED,
    "Removed_UserDeleted": Status.WITHDRAWN,
    "Removed_UserContentRemoved": Status.REMOVED,
}
TIME_LAYOUT = "%d/%m/%Y %H:%M:%S"
"""`created.at`, in the time of the United Kingdom (DateTimeHelper.Contract.cs)."""
ZONE = "Europe/London"
_PATHS = ("", "comments.item.", "commentsList.comments.item.", "item.")


class User(Struct, rename="camel"):
    user_id: Identifier | None = None
    display_name: str | None = None


class Created(Struct):
    at: str | None = None


class Record(Struct, rename="camel"):
    """The fields of a comment, CommentInfo."""

    id: Identifier | None = None
    text: str | None = None
    created: Created | None = None
    user: User | None = None
    status: Identifier | None = None
    forum_uri: str | None = None
    is_editor_pick: bool | None = None
    index: Number | None = None
    nero_rating_value: Number | None = None
    nero_positive_rating_value: Number | None = None
    nero_negative_rating_value: Number | None = None


class CommentsList(Struct, rename="camel"):
    total_count: Number | None = None
    comments: list[Record] | None = None


class Forum(Struct, rename="camel"):
    """A forum, or a list of comments: which of the fields are there tells."""

    title: str | None = None
    parent_uri: str | None = None
    comments_list: CommentsList | None = None
    total_count: Number | None = None
    comments: list[Record] | None = None


def recognises(head: str) -> bool:
    """Tell a comment of the API by its forum, its status and where to complain of it."""
    found = outline(head)
    return any(
        {f"{path}{name}" for name in ("forumUri", "complaintUri", "status", "text")} <= found.keys()
        for path in _PATHS
    )


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of a forum, a list, or one on each line; the API has no replies.

    The article is the page that the forum belongs to. The status, as the API calls it, is the
    reason of what is hidden or removed, whose words it does not tell.

    Raises:
        ParseError: the document is malformed or breaks off.

    """
    for record in _read(source, notes):
        identifier = read_id(record.id)
        if identifier is None:
            notes.left_out["comments without an id"] += 1
        else:
            yield _to_comment(record, identifier, notes)


def _read(source: Source, notes: Notes) -> Iterator[Record]:
    found = outline(source.head_text())
    if "forumUri" in found or "item" in found:
        return Records(Record, notes).read(source)
    forum = Records(Forum, notes).document(source.page())
    listed = forum.comments_list or CommentsList(forum.total_count, forum.comments)
    notes.article_id = forum.parent_uri or notes.article_id
    notes.article_title = forum.title or notes.article_title
    notes.total = read_number(listed.total_count)
    return iter(listed.comments or [])


def _to_comment(record: Record, identifier: str, notes: Notes) -> Comment:
    user = record.user or User()
    text = None if record.text is None else markup_to_text(record.text)
    placeholder = find_placeholder(text or "")
    code = CODES.get(record.status) if isinstance(record.status, int) else read_id(record.status)
    status = STATUSES.get(code or "")
    if status is None and record.status is not None:
        notes.left_out["comments in a state that is not known"] += 1
    is_hidden = status is not Status.PUBLISHED and placeholder is not None
    return Comment(
        id=identifier,
        text=None if is_hidden else text,
        source=NAME,
        status=placeholder.status if status is None and placeholder else status,
        number=read_number(record.index),
        article_id=notes.article_id or record.forum_uri,
        article_title=notes.article_title,
        author=user.display_name or read_id(user.user_id),
        created_at=_read_time(record.created, notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(record.nero_positive_rating_value),
        negative_votes=read_number(record.nero_negative_rating_value),
        rating=read_number(record.nero_rating_value),
        removal_reason=None if status in (None, Status.PUBLISHED) else code,
        highlighted=record.is_editor_pick is True,
    )


def _read_time(created: Created | None, notes: Notes) -> datetime | None:
    if created is None or not created.at:
        return None
    try:
        moment = datetime.strptime(created.at, TIME_LAYOUT)
        return moment.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        notes.left_out["times that are not understood"] += 1
        return None
