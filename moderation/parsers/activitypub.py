"""ActivityPub: notes, and the activities and collections (Mastodon's outbox) that hold them."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline, read_items
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import read_moment, read_number
from moderation.text import markup_to_text, tidy

NAME = "activitypub"

# W3C: ActivityStreams 2.0 vocabulary, ActivityPub.
CONTEXT = "://www.w3.org/ns/activitystreams"
"""With http in some writers' files, with https in others'."""
COLLECTIONS = frozenset(
    {"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"}
)
HOLDERS = frozenset({"Create", "Update"})
"""Activities whose object is a note as it was written or changed."""
TYPES = COLLECTIONS | HOLDERS | {"Note", "Tombstone", "Delete", "Announce", "Like"}
COLUMNS = ("summary",)
ADDRESSES = "objects of which only the address is there"
_LISTS = frozenset(
    {f"{page}{name}.item" for page in ("", "first.") for name in ("items", "orderedItems")}
)


class Record(Struct, rename="camel"):
    """The properties that are read, whatever type has them."""

    id: str | None = None
    type: str | list[str] | None = None
    content: str | None = None
    content_map: dict[str, str] | None = None
    media_type: str | None = None
    summary: str | None = None
    published: str | None = None
    deleted: str | None = None
    in_reply_to: Any = None
    attributed_to: Any = None
    actor: Any = None
    conversation: str | None = None
    context: str | None = None
    object: Any = None
    replies: Any = None
    first: Any = None
    items: Any = None
    ordered_items: Any = None
    likes: Any = None
    dislikes: Any = None


def recognises(head: str) -> bool:
    """Tell an object by the context of ActivityStreams and one of the types that are read."""
    found = outline(head)
    kind = found.get("type") or found.get("type.item")
    return CONTEXT in head and "@context" in found and kind in TYPES


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the notes of a file: an object, one on each line, or a collection of any size.

    Deleted notes are withdrawn: a tombstone does not say by whom. Where the activity gives a
    reason, as Lemmy's moderators do, they are removed. `article_id` is the conversation.
    `extra` keeps the summary, which warns of the content.

    Raises:
        ParseError: the document is malformed, breaks off, or nests too deeply.

    """
    notes.columns = COLUMNS
    records = Records(Record, notes)
    waiting: list[Record] = []
    for found in _read(source, records, notes):
        waiting.append(found)
        while waiting:
            record = waiting.pop()
            comment = _to_comment(record, notes)
            if comment is not None:
                yield comment
            for held in reversed(_find_inside(record, notes)):
                if isinstance(held, Mapping):
                    waiting.append(records.salvage(held))
                elif held is not None:
                    notes.left_out[ADDRESSES] += 1


def _read(source: Source, records: Records[Record], notes: Notes) -> Iterator[Record]:
    if not _LISTS & outline(source.head_text()).keys():
        yield from records.read(source)
        return
    for _, value in read_items(source.utf8(), _LISTS, notes.limits):
        if isinstance(value, Mapping):
            yield records.salvage(value)
        else:
            notes.left_out[ADDRESSES] += 1


def _find_inside(record: Record, notes: Notes) -> list[Any]:
    """Return what an activity, a collection or a note holds that may be notes."""
    kind = _kind(record)
    if kind in HOLDERS:
        return [record.object]
    if kind in COLLECTIONS:
        return [record.first, *_listed(record.items), *_listed(record.ordered_items)]
    if kind == "Note":
        return [record.replies]
    if kind not in {"Tombstone", "Delete"}:
        notes.left_out["objects and activities that are no comments"] += 1
    return []


def _to_comment(record: Record, notes: Notes) -> Comment | None:
    kind = _kind(record)
    if kind not in {"Note", "Tombstone", "Delete"}:
        return None
    gone = kind != "Note"
    identifier = _address(record.object if kind == "Delete" else record.id)
    if identifier is None:
        notes.left_out["comments without an id"] += 1
        return None
    reason = record.summary if kind == "Delete" else None
    return Comment(
        id=identifier,
        text=None if gone else _read_words(record),
        source=NAME,
        status=_find_status(gone, reason),
        parent_id=_address(record.in_reply_to),
        article_id=record.conversation or record.context or notes.article_id,
        article_title=notes.article_title,
        author=_find_author(record.attributed_to) or (None if gone else _find_author(record.actor)),
        created_at=read_moment(record.published, notes),
        captured_at=notes.captured_at,
        positive_votes=_find_total(record.likes),
        negative_votes=_find_total(record.dislikes),
        removal_reason=reason,
        extra={"summary": record.summary} if record.summary and not gone else {},
    )


def _kind(record: Record) -> str | None:
    kinds = [record.type] if isinstance(record.type, str) else record.type or []
    return next((kind for kind in kinds if kind in TYPES), None)


def _find_status(gone: bool, reason: str | None) -> Status:
    if not gone:
        return Status.PUBLISHED
    return Status.REMOVED if reason else Status.WITHDRAWN


def _read_words(record: Record) -> str | None:
    content = record.content
    if content is None:
        content = next(iter((record.content_map or {}).values()), None)
    if content is None:
        return None
    is_html = record.media_type in (None, "text/html")
    return markup_to_text(content) if is_html else tidy(content)


def _address(value: Any) -> str | None:
    """Return the id of an object, which may be there itself, by its address, or in a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def _find_author(value: Any) -> str | None:
    """Return the first author's id, or the name, where the id is missing."""
    for one in _listed(value):
        if (address := _address(one)) is not None:
            return address
        name = one.get("preferredUsername") if isinstance(one, Mapping) else None
        if isinstance(name, str) and name:
            return name
    return None


def _listed(value: Any) -> list[Any]:
    """Return what a property holds as a list; one value may stand alone (JSON-LD)."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _find_total(value: Any) -> int | None:
    """Return how many likes there are: a number, or what a collection says of itself."""
    if isinstance(value, Mapping):
        value = value.get("totalItems")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return read_number(value) if is_number else None
