"""Commento's and Comentario's exports: one document with the comments of a domain."""

from collections.abc import Iterator

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline, read_items
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Number, read_moment, read_number, read_state
from moderation.text import markup_to_text, tidy

NAME = "commento"

# Commento, and Comentario's version 1: api/comment.go; Comentario's version 3:
# internal/svc/impex_comentario.go and the API's model of a comment.
STATES = {
    "approved": Status.PUBLISHED,
    "unapproved": Status.PENDING,
    "flagged": Status.PENDING,
}
TOP_LEVEL = frozenset({"", "root", "00000000-0000-0000-0000-000000000000"})
ANONYMOUS = frozenset({"anonymous", "0" * 64, "00000000-0000-0000-0000-000000000000"})
DELETED_TEXT = "[deleted]"
_SIGNS = (
    {"comments.item.commentHex"},
    {"comments.item.pageId", "comments.item.userCreated"},
    {"pages.item.domainId", "pages.item.path"},  # many of them, before the first comment
    {"comments", "commenters"},
)


class Page(Struct):
    """A page of version 3, to which its comments refer."""

    id: str | None = None
    path: str | None = None
    title: str | None = None


class Record(Struct, rename="camel"):
    """The fields of a comment: those from `id` on are of version 3."""

    comment_hex: str | None = None
    commenter_hex: str | None = None
    parent_hex: str | None = None
    domain: str | None = None
    host: str | None = None
    url: str | None = None
    path: str | None = None
    markdown: str | None = None
    html: str | None = None
    score: Number | None = None
    state: str | None = None
    creation_date: str | None = None
    deleted: bool | None = None
    id: str | None = None
    parent_id: str | None = None
    page_id: str | None = None
    is_sticky: bool | None = None
    is_approved: bool | None = None
    is_pending: bool | None = None
    is_deleted: bool | None = None
    created_time: str | None = None
    user_created: str | None = None
    user_deleted: str | None = None
    author_name: str | None = None


def recognises(head: str) -> bool:
    """Tell an export by its version and what its comments, pages or commenters are called."""
    found = outline(head)
    return "version" in found and any(names <= found.keys() for names in _SIGNS)


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of an export.

    The author is the id of the commenter, whose name stands behind the comments. A comment
    deleted by another than its author, or by nobody knows whom, is removed.

    Raises:
        ParseError: the document is malformed or breaks off.

    """
    records, pages = Records(Record, notes), Records(Page, notes)
    known: dict[str, Page] = {}
    paths = {"pages.item", "comments.item"}
    for path, value in read_items(source.utf8(), paths, notes.limits):
        if not isinstance(value, dict):
            notes.left_out["records that are no JSON object"] += 1
        elif path == "pages.item":
            page = pages.salvage(value)
            known[page.id or ""] = page
        else:
            record = records.salvage(value)
            if identifier := record.comment_hex or record.id:
                yield _to_comment(record, identifier, known.get(record.page_id or ""), notes)
            else:
                notes.left_out["comments without an id"] += 1


def _to_comment(record: Record, identifier: str, page: Page | None, notes: Notes) -> Comment:
    is_blanked = DELETED_TEXT in (record.markdown, record.html)
    deleted = record.deleted or record.is_deleted or is_blanked
    parent = record.parent_hex or record.parent_id or ""
    author = record.commenter_hex or record.user_created
    return Comment(
        id=identifier,
        text=None if deleted else _read_words(record),
        source=NAME,
        status=_find_deletion(record) if deleted else _find_status(record, notes),
        parent_id=None if parent in TOP_LEVEL else parent,
        article_id=_find_article(record, page) or notes.article_id,
        article_title=(page and page.title) or notes.article_title,
        author=record.author_name or None if author in ANONYMOUS else author,
        created_at=read_moment(record.creation_date or record.created_time, notes),
        captured_at=notes.captured_at,
        rating=None if deleted else read_number(record.score),
        highlighted=record.is_sticky is True,
        removal_reason="flagged" if record.state == "flagged" else None,
    )


def _read_words(record: Record) -> str | None:
    """Return what a reader sees; Markdown where, as in Commento's exports, there is no HTML."""
    if record.html:
        return markup_to_text(record.html)
    return None if record.markdown is None else tidy(record.markdown)


def _find_deletion(record: Record) -> Status:
    is_own = record.user_deleted is not None and record.user_deleted == record.user_created
    return Status.WITHDRAWN if is_own else Status.REMOVED


def _find_status(record: Record, notes: Notes) -> Status | None:
    if record.state is not None:
        return read_state(record.state, STATES, notes)
    if record.is_pending:
        return Status.PENDING
    if record.is_approved is None:
        return None
    return Status.PUBLISHED if record.is_approved else Status.REMOVED


def _find_article(record: Record, page: Page | None) -> str | None:
    path = (page and page.path) or record.path or record.url
    host = record.domain or record.host
    return f"{host}{path}" if host and path and path.startswith("/") else path
