"""Isso's database: SQLite with the tables `threads` and `comments`."""

from collections.abc import Iterator
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
TABLES = ("threads", "comments")
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


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of all threads in the order of their ids; the article is the thread's uri.

    Isso does not say who deleted a comment: it counts as removed. Its words are gone.

    Raises:
        SourceError: the database is damaged, or not Isso's.

    """
    for row in source.database().rows(_QUERY):
        if row[0] is None:
            notes.left_out["comments without an id"] += 1
        else:
            yield _to_comment(*row, notes=notes)


def _to_comment(
    identifier: Any, parent: Any, created: Any, mode: Any, text: Any, author: Any,
    likes: Any, dislikes: Any, uri: Any, title: Any, *, notes: Notes,
) -> Comment:  # fmt: skip
    status = MODES.get(mode)
    if status is None:
        notes.left_out["comments in a state that is not known"] += 1
    is_gone = status is Status.REMOVED and not text
    return Comment(
        id=str(identifier),
        text=None if is_gone or not isinstance(text, str) else tidy(text),
        source=NAME,
        status=status,
        parent_id=read_id(_only(parent, int, str)),
        article_id=_only(uri, str) or notes.article_id,
        article_title=_only(title, str) or notes.article_title,
        author=_only(author, str) or None,
        created_at=read_moment(_only(created, int, float, str), notes),
        captured_at=notes.captured_at,
        positive_votes=read_number(_only(likes, int, float)),
        negative_votes=read_number(_only(dislikes, int, float)),
    )


def _only(value: Any, *kinds: type) -> Any:
    """Return a value of a kind that the column is meant for; SQLite takes any in any column."""
    return value if isinstance(value, kinds) else None
