"""Reddit's comments: one on each line as dumps have them, an array of them, or a saved thread."""

from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from msgspec import Struct
from numpy import base_repr

from moderation.comments import Comment, Status
from moderation.parsers.documents import outline, read_items
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import Source
from moderation.parsers.values import Identifier, Moment, Number, read_id, read_moment, read_number
from moderation.text import tidy

NAME = "reddit"

# In place of the words (pushshift's and arctic_shift's dumps): moderators' and the author's doing.
PLACEHOLDERS = {
    "[removed]": Status.REMOVED,
    "[deleted]": Status.WITHDRAWN,
    "[ removed by reddit ]": Status.REMOVED,
    "[ removed by reddit on account of violating the content policy. ]": Status.REMOVED,
    "[ removed by reddit in response to a copyright notice. ]": Status.WITHDRAWN,
    "[deleted by user]": Status.WITHDRAWN,
}
# `removed_by_category` and arctic_shift's `_meta.removal_type`, where it was not for the rules.
WITHDRAWALS = frozenset(
    {"deleted", "author", "user", "copyright_takedown", "legal_operations", "[deleted]"}
)
DELETED_AUTHORS = frozenset({"[deleted]", "[removed]"})
COLUMNS = ("subreddit",)
REMEMBERED = 1 << 16
"""How many submissions back a comment's may be, for its title to be known."""
# What `https://www.reddit.com/comments/ID.json` answers: the submission, then its comments.
_THREAD = "item.data.children.item"


class Meta(Struct):
    """What arctic_shift found when it fetched a comment for the second time."""

    was_deleted_later: bool | None = None
    removal_type: str | None = None


class Record(Struct, rename={"meta": "_meta"}):
    """The fields of a comment that are read."""

    id: Identifier | None = None
    body: str | None = None
    author: str | None = None
    link_id: Identifier | None = None
    parent_id: Identifier | None = None
    subreddit: str | None = None
    link_title: str | None = None
    created_utc: Moment | None = None
    retrieved_on: Moment | None = None
    retrieved_utc: Moment | None = None
    score: Number | None = None
    score_hidden: bool | None = None
    removed_by_category: str | None = None
    removal_reason: str | None = None
    mod_reason_title: str | None = None
    removed: bool | None = None
    """Told to moderators alone, as are `spam` and `banned_by`; they see the words, too."""
    spam: bool | None = None
    meta: Meta | None = None
    selftext: str | None = None
    """Of a submission, as is its title."""
    title: str | None = None
    replies: Any = None
    """Of a saved thread: the list of them."""


def recognises(head: str) -> bool:
    """Tell comments of Reddit by the names of the submission and the community they are in."""
    found = outline(head)
    if found.get("item.kind") == "Listing" and found.get(f"{_THREAD}.kind") in {"t1", "t3"}:
        return True
    for record in ("", "item."):
        if f"{record}body" in found and f"{record}subreddit" in found:
            return str(found.get(f"{record}link_id", "")).startswith("t3_")
    return False


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of a dump; `article_id` is the submission's name, `t3_...`.

    A comment that is gone keeps its words where the dump has them: moderators' own exports, and
    those of arctic_shift, which fetches every comment twice. `extra` keeps the subreddit.

    Raises:
        ParseError: a line is no JSON object.

    """
    notes.columns = COLUMNS
    titles: dict[str, str] = {}
    for record in _read(source, notes):
        identifier = (read_id(record.id) or "").removeprefix("t1_")
        if not identifier:
            notes.left_out["comments without an id"] += 1
        elif record.selftext is not None and record.body is None:
            notes.left_out["submissions, which are no comments"] += 1
            _remember(f"t3_{identifier}", record.title, titles)
        else:
            yield _to_comment(record, identifier, titles, notes)


def _read(source: Source, notes: Notes) -> Iterator[Record]:
    records = Records(Record, notes)
    if f"{_THREAD}.kind" not in outline(source.head_text()):
        yield from records.read(source)
        return
    for _, child in read_items(source.utf8(), {_THREAD}, notes.limits):
        waiting = [child]
        while waiting:
            record = _find_data(waiting.pop(), records, notes)
            if record is not None:
                yield record
                waiting.extend(reversed(_find_replies(record)))


def _find_data(child: Any, records: Records[Record], notes: Notes) -> Record | None:
    """Return the comment or submission that an entry of a thread is, if it is one."""
    data = child.get("data") if isinstance(child, Mapping) else None
    if isinstance(data, Mapping) and child.get("kind") in ("t1", "t3"):
        return records.salvage(data)
    count = data.get("count") if isinstance(data, Mapping) else None
    notes.left_out["replies that the page had yet to fetch"] += count if type(count) is int else 1
    return None


def _find_replies(record: Record) -> list[Any]:
    data = record.replies.get("data") if isinstance(record.replies, Mapping) else None
    children = data.get("children") if isinstance(data, Mapping) else None
    return children if isinstance(children, list) else []


def _remember(name: str, title: str | None, titles: dict[str, str]) -> None:
    if title is not None:
        titles[name] = unescape(title)
        if len(titles) > REMEMBERED:
            del titles[next(iter(titles))]


def _to_comment(record: Record, identifier: str, titles: dict[str, str], notes: Notes) -> Comment:
    article = read_id(record.link_id)
    body = record.body
    said = PLACEHOLDERS.get(body.strip().casefold()) if body is not None else None
    hidden = said is not None or body is None
    status, reason = _find_status(record, said)
    return Comment(
        id=identifier,
        text=None if hidden or body is None else _read_body(body),
        source=NAME,
        status=status,
        parent_id=_find_parent(record),
        article_id=article or notes.article_id,
        article_title=unescape(record.link_title or "")
        or titles.get(article or "", notes.article_title),
        author=None if record.author in DELETED_AUTHORS else record.author,
        created_at=read_moment(record.created_utc, notes),
        captured_at=read_moment(record.retrieved_on or record.retrieved_utc, notes)
        or notes.captured_at,
        rating=None if record.score_hidden else read_number(record.score),
        removal_reason=reason,
        extra={} if record.subreddit is None else {"subreddit": record.subreddit},
    )


def _find_status(record: Record, said: Status | None) -> tuple[Status | None, str | None]:
    """Return what became of a comment and the site's code for why, the plainest evidence first."""
    category = record.removed_by_category
    if category is None and record.meta is not None and record.meta.was_deleted_later:
        category = record.meta.removal_type
        if category is None and said is None:  # it went away, and nobody says by whom
            return None, None
    if category is not None:
        withdrawn = category.casefold() in WITHDRAWALS
        return (Status.WITHDRAWN if withdrawn else Status.REMOVED), category
    if record.removed or record.spam:
        reason = record.mod_reason_title or record.removal_reason
        return Status.REMOVED, reason or ("spam" if record.spam else None)
    return said or Status.PUBLISHED, None


def _find_parent(record: Record) -> str | None:
    parent = read_id(record.parent_id)
    if parent is None or parent.startswith("t3_"):
        return None
    if not isinstance(record.parent_id, str) and isinstance(record.id, str):
        parent = _spell_number(parent)
        if record.link_id == f"t3_{parent}":
            return None
    return parent.removeprefix("t1_") or None


def _spell_number(number: str) -> str:
    """
    Return an id as Reddit spells it, to the base of 36; dumps of 2022 and after have a number.

    >>> _spell_number("41234567890"), _spell_number("-1")
    ('ixxzw7m', '-1')
    """
    return base_repr(int(number), 36).lower() if number.isdecimal() else number


def _read_body(body: str) -> str:
    """Return Markdown as it was written: Reddit escapes what HTML would misread."""
    return tidy(unescape(body) if "&" in body else body)
