"""Hacker News: items of its API, one on each line or in an array, and Algolia's copy of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Identifier, Moment, read_id, read_moment
from moderation.text import markup_to_text

NAME = "hacker_news"

# github.com/HackerNews/API: "The type of item."
TYPES = frozenset({"job", "story", "comment", "poll", "pollopt"})
# What stands in the place of the words of a dead comment for those who do not ask to see them.
PLACEHOLDERS = frozenset({"[dead]", "[flagged]", "[delayed]"})
REMEMBERED = 1 << 17
"""Of how many items before it a comment's parent may be, for its story to be known."""
_SIGNS = (
    {"by", "time"},
    {"deleted", "time"},
    {"dead", "time"},
    {"author", "created_at_i", "children"},  # Algolia's
)


class Record(Struct, rename={"object_id": "objectID"}):
    """The fields of an item; those from `author` on are Algolia's."""

    id: Identifier | None = None
    type: str | None = None
    by: str | None = None
    time: Moment | None = None
    text: str | None = None
    parent: Identifier | None = None
    title: str | None = None
    deleted: bool | None = None
    dead: bool | None = None
    author: str | None = None
    created_at_i: Moment | None = None
    parent_id: Identifier | None = None
    story_id: Identifier | None = None
    story_title: str | None = None
    children: list["Record"] | None = None
    object_id: Identifier | None = None
    comment_text: str | None = None


@dataclass(frozen=True, slots=True)
class _Story:
    id: str
    title: str | None


def recognises(head: str) -> bool:
    """Tell an item by its type, its time and one of the names that only items have."""
    found = outline(head)
    if {"hits.item.objectID", "hits.item.created_at_i", "hits.item._tags"} <= found.keys():
        return True
    for record in ("", "item."):
        names = {name.removeprefix(record) for name in found if name.startswith(record)}
        kind = found.get(f"{record}type")
        if kind in TYPES and "id" in names and any(sign <= names for sign in _SIGNS):
            return kind != "comment" or bool({"parent", "parent_id"} & names)
    return False


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments among the items; stories give the titles.

    Dead comments, which flags or moderators killed, are removed and may keep their words; deleted
    ones are withdrawn. The API does not say which story a comment is on: it is known where the
    comments up to the story are among the last `REMEMBERED` items.

    Raises:
        ParseError: a line is no JSON object.

    """
    stories: dict[str, _Story] = {}
    for record in _flatten(_read(source, notes)):
        identifier = read_id(record.id) or read_id(record.object_id)
        if identifier is None:
            notes.left_out["items without an id"] += 1
        elif record.type in (None, "comment") and not record.title:
            yield _to_comment(record, identifier, stories, notes)
        else:
            _remember(identifier, _Story(identifier, record.title), stories)
            notes.left_out["items that are no comments"] += 1


def _read(source: Source, notes: Notes) -> Iterator[Record]:
    records = Records(Record, notes)
    if "hits" in outline(source.head_text()):
        return records.items(source, "hits.item")
    return records.read(source)


def _flatten(records: Iterator[Record]) -> Iterator[Record]:
    """Yield records with those that nest in them, parents first, without recursion."""
    for record in records:
        waiting = [record]
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(reversed(one.children or []))


def _to_comment(
    record: Record, identifier: str, stories: dict[str, _Story], notes: Notes
) -> Comment:
    parent = read_id(record.parent) or read_id(record.parent_id)
    story = stories.get(parent or "")
    if (story_id := read_id(record.story_id)) is not None:
        story = _Story(story_id, record.story_title or (story.title if story else None))
    if story is not None:
        _remember(identifier, story, stories)
    text = record.text if record.text is not None else record.comment_text
    is_known = text is not None and not record.deleted and text.strip() not in PLACEHOLDERS
    return Comment(
        id=identifier,
        text=markup_to_text(text) if text is not None and is_known else None,
        source=NAME,
        status=_find_status(record),
        parent_id=None if story is not None and parent == story.id else parent,
        article_id=story.id if story else notes.article_id,
        article_title=story.title if story and story.title else notes.article_title,
        author=record.by or record.author,
        created_at=read_moment(record.time or record.created_at_i, notes),
        captured_at=notes.captured_at,
        removal_reason="dead" if record.dead and not record.deleted else None,
    )


def _find_status(record: Record) -> Status:
    # Algolia keeps neither name nor words of an item that is deleted, and does not say so.
    is_blank = record.text is None and record.comment_text is None
    if record.deleted or (is_blank and not (record.by or record.author or record.dead)):
        return Status.WITHDRAWN
    return Status.REMOVED if record.dead else Status.PUBLISHED


def _remember(identifier: str, story: _Story, stories: dict[str, _Story]) -> None:
    stories[identifier] = story
    if len(stories) > REMEMBERED:
        del stories[next(iter(stories))]
