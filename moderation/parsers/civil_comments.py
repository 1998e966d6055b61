"""Civil Comments with all its columns: whether each was approved, its votes and its scores."""

from collections.abc import Iterator

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.rows import find_header, read_extra, read_row_id, read_rows
from moderation.parsers.sources import Source
from moderation.parsers.values import (
    Identifier,
    Moment,
    Number,
    read_moment,
    read_number,
    read_state,
)
from moderation.text import tidy

NAME = "civil_comments"

# The data set "Jigsaw Unintended Bias in Toxicity Classification"; `rating` is what became of a
# comment on its newspaper's page, and no vote.
STATUSES = {"approved": Status.PUBLISHED, "rejected": Status.REMOVED}
_SIGNS = frozenset({"comment_text", "publication_id", "article_id", "rating", "disagree"})


class Record(Struct):
    """The columns that fill fields of a comment."""

    id: Identifier | None = None
    comment_text: str | None = None
    parent_id: Identifier | None = None
    article_id: Identifier | None = None
    created_date: Moment | None = None
    rating: str | None = None
    likes: Number | None = None
    disagree: Number | None = None


_READ = frozenset(Record.__struct_encode_fields__)


def recognises(head: str) -> bool:
    """Tell the table by five of its columns."""
    return set(find_header(head)) >= _SIGNS


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments; `likes` are votes for one, `disagree` against it.

    `extra` keeps all other columns: the shares of readers who found it toxic, an insult and so
    on, the identities they saw it mention, and the further reactions.

    Raises:
        ParseError: the table is malformed.

    """
    records = Records(Record, notes)
    for row in read_rows(source, notes, read=_READ, needed=_SIGNS):
        record = records.salvage(row)
        identifier = read_row_id(record.id)
        if identifier is None:
            notes.left_out["comments without an id"] += 1
            continue
        yield Comment(
            id=identifier,
            text=None if record.comment_text is None else tidy(record.comment_text),
            source=NAME,
            status=read_state(record.rating, STATUSES, notes),
            parent_id=read_row_id(record.parent_id),
            article_id=read_row_id(record.article_id) or notes.article_id,
            article_title=notes.article_title,
            created_at=read_moment(record.created_date, notes),
            captured_at=notes.captured_at,
            positive_votes=read_number(record.likes),
            negative_votes=read_number(record.disagree),
            extra=read_extra(row, notes),
        )
