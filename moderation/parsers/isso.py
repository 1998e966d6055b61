"""Isso's database: SQLite with the tables `threads` and `comments`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moderation.comments import Comment, Status
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.values import read_id, read_moment, read_number
from moderation.text import tidy

NAME = "isso"

# isso-comments/isso: isso/db/comments.py. 4 is a comment deleted that has replies; one without
# is gone from the table.
MODES = {1: Status.PUBLISHED, 2: Status.PENDING, 4: Status.REMOVED}
_SIGNS = ("tid", "mode", "remote_addr", "voters")
_QUERY = """
    SELECT comments.id, comments.parent, comments.created, comments.mode, comments.text,
        comments.author, comments.likes, comments.dislikes, threads.uri, threads.title
    FROM comments LEFT JOIN threads ON threads.id = comments.tid
    ORDER BY comments.rowid
"""


def recognises(head: str) -> bool:
    """Tell the database by what creates its tables."""
    statements = [line for line in head.split("CREATE TABLE") if "comments" in line[:60]]
    return "threads" in head and any(
        all(name in statement for name in _SIGNS) for statement in statements
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A comment as the query finds it; SQLite takes values of any kind in any column."""

    id: Any
    parent: Any
    created: Any
    mode: Any
    text: Any
    author: Any
    likes: Any
    dislikes: Any
    uri: Any
    title: Any


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of all threads in the order of their ids; the article is the thread's uri.

    Isso does not say who deleted a comment: it counts as removed. Its words are gone.

    Raises:
        SourceError: the database is damaged, or not Isso's.

    """
    for values in source.database().rows(_QUERY):
        row = Row(*values)
        if row.id in (None, ""):
            notes.left_out["comments without an id"] += 1
        else:
            yield _to_comment(row, notes)


def _to_comment(row: Row, notes: Notes) -> Comment:
    status = MODES.get(row.mode)
    if status is None:
        notes.left_out["comments in a state that is not known"] += 1
    is_gone = status is Status.REMOVED and not row.text
    return Comment(
        id=str(row.id),
        text=None if is_gone or not isinstance(row.text, str) else tidy(row.text),
        source=NAME,
        status=status,
        parent_id=read_id(_only(row.parent, int, str)),
        article_id=_only(row.uri, str) or notes.article_id,
        article_title=_only(row.title, str) or notes.article_title,
        author=_only(row.author, str) or None,
        created_at=read_moment(_only(row.created, int, float, str), notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(_only(row.likes, int, float)),
        negative_votes=read_number(_only(row.dislikes, int, float)),
    )


def _only(value: Any, *kinds: type) -> Any:
    """Return a value of a kind that its column is meant for, else None."""
    return value if isinstance(value, kinds) else None
