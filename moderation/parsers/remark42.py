"""Remark42's own backup: a line on the site, its users and its pages, then one for each comment."""

from collections.abc import Iterator

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Identifier, Number, read_id, read_moment, read_number
from moderation.text import markup_to_text

NAME = "remark42"

# umputun/remark42: backend/app/migrator/native.go (the lines), backend/app/store/comment.go.
HARD_DELETED = "deleted"
"""The user of comments that went with their author's data."""
COLUMNS = ("controversy",)
_COMMENT = frozenset({"pid", "locator.url", "user.id", "time"})


class User(Struct):
    id: str | None = None
    name: str | None = None


class Locator(Struct):
    url: str | None = None


class Record(Struct, rename={"parent": "pid", "deleted": "delete"}):
    """The fields of a comment that are read, and those that tell the first line."""

    id: Identifier | None = None
    parent: Identifier | None = None
    text: str | None = None
    orig: str | None = None
    user: User | None = None
    locator: Locator | None = None
    score: Number | None = None
    votes: dict[str, bool] | None = None
    controversy: float | None = None
    time: str | None = None
    pin: bool | None = None
    deleted: bool | None = None
    title: str | None = None
    version: int | None = None


def recognises(head: str) -> bool:
    """Tell a backup by its first comment, or by what its first line says of users."""
    first, _, rest = head.lstrip().partition("\n")
    found = outline(first)
    if found.keys() >= _COMMENT:
        return True
    is_first_line = {"version", "users"} <= found.keys() and "comments" not in found
    told = "users.item.blocked.status" in found or outline(rest).keys() >= _COMMENT
    return is_first_line and told


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of a backup; `article_id` is the address of the page.

    Remark42 does not say who deleted a comment: it counts as removed, unless all data of its
    author went with it. The words go in either case. A pinned comment is highlighted; `extra`
    keeps the controversy, which is high where votes are many and divided.

    Raises:
        ParseError: a line is no JSON object.

    """
    notes.columns = COLUMNS
    for record in Records(Record, notes).read(source):
        identifier = read_id(record.id)
        if identifier is not None:
            yield _to_comment(record, identifier, notes)
        elif record.version is None:
            notes.left_out["comments without an id"] += 1


def _to_comment(record: Record, identifier: str, notes: Notes) -> Comment:
    user = record.user or User()
    votes = list((record.votes or {}).values())
    return Comment(
        id=identifier,
        text=None if record.deleted else _read_words(record),
        source=NAME,
        status=_find_status(record, user),
        parent_id=read_id(record.parent),
        article_id=(record.locator and record.locator.url) or notes.article_id,
        article_title=record.title or notes.article_title,
        author=None if user.id == HARD_DELETED else user.name or user.id,
        created_at=read_moment(record.time, notes),
        captured_at=notes.captured_at,
        positive_votes=votes.count(True) if votes else None,
        negative_votes=votes.count(False) if votes else None,
        rating=None if record.deleted else read_number(record.score),
        highlighted=record.pin is True,
        extra={} if record.controversy is None else {"controversy": record.controversy},
    )


def _read_words(record: Record) -> str | None:
    """Return what a reader sees; what was typed, Markdown, only where nothing else is there."""
    if record.text:
        return markup_to_text(record.text)
    return record.orig if record.text is None else record.text


def _find_status(record: Record, user: User) -> Status:
    if not record.deleted:
        return Status.PUBLISHED
    return Status.WITHDRAWN if user.id == HARD_DELETED else Status.REMOVED
