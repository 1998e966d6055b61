"""Comments of the New York Times: tables of its community API, and the API's own answers."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline
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
from moderation.text import markup_to_text

NAME = "nyt"

# The columns of the data sets made of api.nytimes.com/svc/community (AashitaK/nyt-comments).
STATUSES = {"approved": Status.PUBLISHED}
TOP_LEVEL = frozenset({"0", "-1"})
_SIGNS = frozenset({"commentID", "commentBody", "recommendations", "userDisplayName"})
_ANSWER = "results.comments.item"


class Record(Struct, rename={"id": "commentID", "body": "commentBody", "parent": "parentID",
                             "article": "articleID", "asset": "assetURL",
                             "author": "userDisplayName", "created": "createDate",
                             "is_pick": "editorsSelection"}):  # fmt: skip
    """The fields of a comment that are read."""

    id: Identifier | None = None
    body: str | None = None
    parent: Identifier | None = None
    article: Identifier | None = None
    asset: str | None = None
    author: str | None = None
    created: Moment | None = None
    recommendations: Number | None = None
    is_pick: bool | Number | None = None
    status: str | None = None
    replies: list["Record"] | None = None


_UNKEPT = {
    *Record.__struct_encode_fields__,
    *("commentSequence", "permID", "picURL", "userURL", "userID", "inReplyTo", "approveDate"),
    *("updateDate", "parentUserDisplayName", "userTitle", "userLocation", "commentTitle"),
}


def recognises(head: str) -> bool:
    """Tell a table by four of its columns, an answer of the API by where they are."""
    header = find_header(head)
    if header:
        return set(header) >= _SIGNS
    found = outline(head)
    return any(
        {f"{path}{name}" for name in _SIGNS} <= found.keys()
        for path in ("", "item.", f"{_ANSWER}.")
    )


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments, all of them published ones: the API shows no others.

    `extra` keeps what a table says of the article and of the comment's kind, and nothing of its
    author.

    Raises:
        ParseError: the table or document is malformed.

    """
    records = Records(Record, notes)
    if find_header(source.head_text()):
        for row in read_rows(source, notes, read=_UNKEPT, needed=_SIGNS):
            yield from _to_comments(records.salvage(row), read_extra(row, notes), notes)
    else:
        is_answer = _ANSWER in outline(source.head_text())
        found = records.items(source, _ANSWER) if is_answer else records.read(source)
        for record in _flatten(found):
            yield from _to_comments(record, {}, notes)


def _flatten(records: Iterator[Record]) -> Iterator[Record]:
    for record in records:
        waiting = [record]
        while waiting:
            one = waiting.pop()
            yield one
            for reply in reversed(one.replies or []):
                reply.asset = reply.asset or one.asset  # told once, of the comment they answer
                waiting.append(reply)


def _to_comments(record: Record, extra: Mapping[str, object], notes: Notes) -> Iterator[Comment]:
    identifier, parent = read_row_id(record.id), read_row_id(record.parent)
    if identifier is None:
        notes.left_out["comments without an id"] += 1
        return
    yield Comment(
        id=identifier,
        text=None if record.body is None else markup_to_text(record.body),
        source=NAME,
        status=read_state(record.status or "approved", STATUSES, notes),
        parent_id=None if parent in TOP_LEVEL else parent,
        article_id=record.asset or read_row_id(record.article) or notes.article_id,
        article_title=notes.article_title,
        author=record.author,
        created_at=read_moment(record.created, notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(record.recommendations),
        highlighted=bool(record.is_pick),
        extra=extra,
    )
