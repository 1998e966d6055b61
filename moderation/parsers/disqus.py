"""Disqus exports: XML of threads, which are articles, and of the posts in them, which are comments.

The names are those of Disqus's own schema (http://disqus.com/api/schemas/1.0/disqus.xsd), as
`isso.migrate` and Remark42's importer read them, too. An export has no votes. It says that a post
was deleted, not by whom: `removal_reason` names what it says, so that rules can tell them apart.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from moderation.comments import Comment, Status
from moderation.parsers.html import one_line
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.values import to_utc
from moderation.parsers.xml_records import (
    find_root,
    local_name,
    read_records,
    read_word,
)
from moderation.text import markup_to_text

NAME = "disqus"
EXTRA = ("username", "forum")
"""Kept in `Comment.extra`: the account's name and the short name of the site."""

_ROOT = re.compile(
    r"<(?:[\w.-]+:)?disqus\b[^>]*\bxmlns(?::\w+)?\s*=\s*[\"']https?://disqus\.com[/\"']"
)
_RECORDS = {"thread": "disqus", "post": "disqus"}
_ID, _THREAD_ID, _PARENT_ID = (
    f"{name}@{{http://disqus.com/disqus-internals}}id" for name in ("", "thread", "parent")
)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_REASONS = {(True, False): "deleted", (False, True): "spam", (True, True): "deleted, spam"}


class _Thread(NamedTuple):
    address: str | None
    title: str | None
    forum: str | None


def recognises(head: str) -> bool:
    """Tell whether a text begins as an export of Disqus."""
    return _ROOT.match(find_root(head) or "") is not None


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the posts of an export in its order; the threads stand before the posts in them.

    Raises:
        ParseError: malformed or cut off XML, or XML that tries to grow.

    """
    notes.columns = EXTRA
    threads: dict[str, _Thread] = {}
    for element, record in read_records(source, _RECORDS, notes, bodies=("message",)):
        fields = record.fields
        kind, same = local_name(element), fields.get(_ID)
        if not same:
            notes.left_out[f"{kind}s without an id"] += 1
        elif kind == "thread":
            threads[same] = _read_thread(fields)
        else:
            yield _read_post(same, fields, threads, notes)


def _read_thread(fields: dict[str, str]) -> _Thread:
    address = read_word(fields, "link") or read_word(fields, "id")
    return _Thread(
        address or None,
        one_line(markup_to_text(read_word(fields, "title"))),
        read_word(fields, "forum"),
    )


def _read_post(
    same: str, fields: dict[str, str], threads: dict[str, _Thread], notes: Notes
) -> Comment:
    status, reason, unknown = _judge(read_word(fields, "isDeleted"), read_word(fields, "isSpam"))
    if unknown:
        notes.left_out["marks of deleted or spam that say neither true nor false"] += unknown
    thread_id = fields.get(_THREAD_ID)
    thread = threads.get(thread_id or "")
    if thread is None:
        notes.left_out["articles of comments that the export does not have"] += 1
    return Comment(
        id=same,
        text=_read_text(fields.get("message"), status, notes),
        source=NAME,
        status=status,
        parent_id=fields.get(_PARENT_ID),
        article_id=(thread and thread.address) or thread_id or notes.article_id,
        article_title=thread and thread.title,
        author=one_line(read_word(fields, "author/name")),
        created_at=_read_time(read_word(fields, "createdAt"), notes),
        captured_at=notes.captured_at,
        removal_reason=reason,
        extra={
            "username": read_word(fields, "author/username") or None,
            "forum": read_word(fields, "forum") or (thread and thread.forum) or None,
        },
    )


@lru_cache(64)
def _judge(deleted: str, spam: str) -> tuple[Status | None, str | None, int]:
    """
    Return what became of a post, why, and how many of its marks say neither true nor false.

    It is not known unless each mark is plainly no.
    """
    marks = _FLAGS.get(deleted), _FLAGS.get(spam)
    reason = _REASONS.get((marks[0] is True, marks[1] is True))
    status = Status.REMOVED if reason else Status.PUBLISHED if None not in marks else None
    return status, reason, marks.count(None)


def _read_text(body: str | None, status: Status | None, notes: Notes) -> str | None:
    """Return the words; a deleted post may have lost them, and one without any is counted."""
    text = markup_to_text(body) if body else ""
    if text or (body is not None and status is Status.PUBLISHED):
        return text
    if status is not Status.REMOVED:
        notes.left_out["messages of posts that were not removed"] += 1
    return None


def _read_time(shown: str, notes: Notes) -> datetime | None:
    """Return a time such as "2013-10-10T19:20:29Z"; one without a zone is in UTC."""
    try:
        return to_utc(datetime.fromisoformat(shown))
    except (ValueError, OverflowError):  # the year 1 in a zone ahead of UTC
        if shown:
            notes.left_out["times in a layout that is not known"] += 1
        return None
