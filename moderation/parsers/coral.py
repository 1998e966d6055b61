"""Coral's comments as `mongoexport` writes them: the collection `comments`, one on each line."""

import itertools
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import read_moment, read_number, read_state
from moderation.text import markup_to_text

NAME = "coral"

# GQLCOMMENT_STATUS of Coral's schema.graphql. NONE is published, and nobody looked at it.
STATUSES = {
    "APPROVED": Status.PUBLISHED,
    "NONE": Status.PUBLISHED,
    "PREMOD": Status.PENDING,
    "SYSTEM_WITHHELD": Status.PENDING,
    "REJECTED": Status.REMOVED,
}
FEATURED = "FEATURED"
DEFAULT_MODEL = "TOXICITY"
"""The attribute of the Perspective API that Coral asks for where an organisation names none."""
SAMPLED = 1000
"""How many comments are looked at to know which attributes their old scores are of."""
COUNTS = ("reactions", "flags", "revisions")


class MongoNumber(Struct, rename=lambda name: f"$number{name.capitalize()}"):
    """A number in the canonical form of MongoDB's extended JSON, `{"$numberDouble": "0.5"}`."""

    int: str | None = None
    long: str | None = None
    double: str | None = None


class MongoDate(Struct, rename={"date": "$date"}):
    """A time in MongoDB's extended JSON; as a number it is in milliseconds."""

    date: datetime | int | MongoNumber | None = None


class Perspective(Struct):
    score: float | MongoNumber | None = None
    model: str | None = None


class Metadata(Struct):
    """Of a revision its old score; of a story its title."""

    perspective: Perspective | None = None
    title: str | None = None


class Revision(Struct):
    body: str | None = None
    metadata: Metadata | None = None


class Tag(Struct):
    type: str | None = None


class Counts(Struct, rename="upper"):
    reaction: float | MongoNumber | None = None
    flag: float | MongoNumber | None = None


class Record(Struct, rename={"story": "storyID", "parent": "parentID", "author": "authorID",
                             "created_at": "createdAt", "deleted_at": "deletedAt",
                             "counts": "actionCounts"}):  # fmt: skip
    """The fields of a comment that are read, and `url` and `metadata` of a story."""

    id: str | None = None
    story: str | None = None
    parent: str | None = None
    author: str | None = None
    revisions: list[Revision] | None = None
    status: str | None = None
    tags: list[Tag] = []
    created_at: datetime | MongoDate | None = None
    deleted_at: datetime | MongoDate | None = None
    counts: Counts | None = None
    url: str | None = None
    metadata: Metadata | None = None


def recognises(head: str) -> bool:
    """Tell Coral's comments by their story and their revisions, its stories by their counts."""
    found = outline(head)
    return any(
        {f"{record}{name}" for name in names} <= found.keys()
        for record in ("", "item.")
        for names in (("storyID", "revisions", "status"), ("tenantID", "commentCounts", "url"))
    )


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of an export; its stories, where they come first, give titles.

    The text is that of the latest revision. A comment whose author's account was deleted is
    withdrawn whatever its status: Coral itself rejects those without replies. `extra` keeps the
    score that Coral had of the text under the attribute's name, as `moderation.passport` reads
    it, and how many reactions, flags and revisions there were.

    Raises:
        ParseError: a line is no JSON object.

    """
    records = Records(Record, notes).read(source)
    sample = list(itertools.islice(records, SAMPLED))
    models = {model for record in sample if (model := _find_model(record)) is not None}
    notes.columns = (*(sorted(models) or [DEFAULT_MODEL]), *COUNTS)
    titles: dict[str, str] = {}
    for record in itertools.chain(sample, records):
        if not record.id:
            notes.left_out["comments without an id"] += 1
        elif record.revisions is not None or record.story is not None:
            yield _to_comment(record, record.id, titles, notes)
        elif record.metadata is not None and record.metadata.title is not None:
            titles[record.id] = record.metadata.title
        else:
            notes.left_out["records that are neither comments nor stories"] += 1


def _to_comment(record: Record, identifier: str, titles: dict[str, str], notes: Notes) -> Comment:
    latest = record.revisions[-1] if record.revisions else None
    status = read_state(record.status, STATUSES, notes)
    withdrawn = record.deleted_at is not None
    body = None if latest is None or withdrawn else latest.body
    return Comment(
        id=identifier,
        text=None if body is None else markup_to_text(body),
        source=NAME,
        status=Status.WITHDRAWN if withdrawn else status,
        parent_id=record.parent or None,
        article_id=record.story or notes.article_id,
        article_title=titles.get(record.story or "", notes.article_title),
        author=record.author,
        created_at=_read_time(record.created_at, notes),
        captured_at=notes.captured_at,
        highlighted=bool(record.tags) and FEATURED in [tag.type for tag in record.tags],
        extra=_find_extra(record, latest, notes),
    )


def _find_extra(record: Record, latest: Revision | None, notes: Notes) -> dict[str, object]:
    found: dict[str, object] = {}
    if record.revisions is not None:
        found["revisions"] = len(record.revisions)
    if record.counts is not None:
        _keep(found, "reactions", record.counts.reaction)
        _keep(found, "flags", record.counts.flag)
    perspective = _find_old_score(latest)
    if perspective is not None:
        model = perspective.model or DEFAULT_MODEL
        if model not in notes.columns:
            notes.left_out[f"old scores of another attribute after comment {SAMPLED}"] += 1
        elif (score := _unwrap(perspective.score)) is not None:
            found[model] = score
    return found


def _keep(found: dict[str, object], name: str, value: float | MongoNumber | None) -> None:
    if value is not None and (number := read_number(_unwrap(value))) is not None:
        found[name] = number


def _find_old_score(latest: Revision | None) -> Perspective | None:
    return latest.metadata.perspective if latest and latest.metadata else None


def _find_model(record: Record) -> str | None:
    perspective = _find_old_score(record.revisions[-1] if record.revisions else None)
    return None if perspective is None else perspective.model or DEFAULT_MODEL


def _read_time(value: datetime | MongoDate | None, notes: Notes) -> datetime | None:
    moment = value.date if isinstance(value, MongoDate) else value
    if isinstance(moment, datetime):
        return read_moment(moment, notes)
    milliseconds = read_number(_unwrap(moment))
    if moment is not None and milliseconds is None:
        notes.left_out["times that are not understood"] += 1
    return read_moment(None if milliseconds is None else milliseconds / 1000, notes)


def _unwrap(value: float | MongoNumber | None) -> float | None:
    if not isinstance(value, MongoNumber):
        return value
    spelled = value.int or value.long or value.double
    try:
        return None if spelled is None else float(spelled)
    except ValueError:
        return None
