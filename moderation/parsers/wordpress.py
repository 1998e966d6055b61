"""WordPress exports (WXR 1.0 to 1.2): RSS with the comments of each post, as `export.php` writes.

An export never has comments marked as spam, unless another tool wrote it: `export.php` leaves
them out. Votes are those of the plugins Comments Like Dislike and wpDiscuz.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from moderation.comments import Comment, Status
from moderation.parsers.bbc import read_count
from moderation.parsers.html import one_line
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.xml_records import (
    Element,
    Record,
    find_root,
    local_name,
    read_records,
    read_word,
    read_words,
)
from moderation.text import markup_to_text

NAME = "wordpress"
EXTRA = ("akismet_result", "rating_given")
"""Kept in `Comment.extra`: whether Akismet took it for spam, and the stars of a review."""

_NAMESPACE = "http://wordpress.org/export/1."
_RSS = re.compile(r"<rss\b[^>]*[\"']http://wordpress\.org/export/1\.\d+/[\"']")
# Each of them is a record of its own, and forgotten before the next one is read.
_RECORDS = {
    "comment": "item", "item": "channel", "author": "channel", "category": "channel",
    "tag": "channel", "term": "channel",
}  # fmt: skip
_STATUS: dict[str, tuple[Status, str | None]] = {
    "1": (Status.PUBLISHED, None),
    "0": (Status.PENDING, None),
    "spam": (Status.REMOVED, "spam"),
    "trash": (Status.REMOVED, "trash"),
    "post-trashed": (Status.WITHDRAWN, "post-trashed"),  # its article was, not the comment
}
_WORDS_OF_READERS = frozenset({"", "comment", "review"})
_OTHER_SITES = frozenset({"pingback", "trackback"})
_NO_TIME = "0000-00-00 00:00:00"
_AKISMET = "akismet_result"
_STARS = "rating"
_LIKES, _DISLIKES = "cld_like_count", "cld_dislike_count"
_SEPARATE = "wpdiscuz_votes_seperate"  # as wpDiscuz spells it: a serialised array of PHP
_SEPARATE_VOTES = re.compile(r's:4:"like";i:(\d{1,9});s:7:"dislike";i:(\d{1,9});')


@dataclass(frozen=True)
class _Article:
    address: str | None
    title: str | None


def recognises(head: str) -> bool:
    """Tell whether a text begins as an export of WordPress."""
    return _RSS.match(find_root(head) or "") is not None


def parse(source: Source, notes: Notes) -> Iterator[Comment]:
    """
    Yield the comments of an export in its order.

    Raises:
        ParseError: malformed or cut off XML, or XML that tries to grow.

    """
    notes.columns = EXTRA
    item: Element | None = None
    article = _Article(None, None)
    for element, record in read_records(source, _RECORDS, notes, bodies=("comment_content",)):
        if local_name(element) != "comment" or _NAMESPACE not in element.tag:
            continue
        if element.getparent() is not item:  # the article's fields stand before its comments
            item = element.getparent()
            article = _read_article(read_words(item))
        comment = _read_comment(record, article, notes)
        if comment is not None:
            yield comment


def _read_article(fields: dict[str, str]) -> _Article:
    names = ("link", "guid", "post_id")
    address = next((word for name in names if (word := read_word(fields, name))), None)
    return _Article(address, one_line(markup_to_text(read_word(fields, "title"))))


def _read_comment(record: Record, article: _Article, notes: Notes) -> Comment | None:
    fields = record.fields
    same, kind = read_word(fields, "comment_id"), read_word(fields, "comment_type")
    if not same:
        notes.left_out["comments without an id"] += 1
        return None
    if kind not in _WORDS_OF_READERS:
        notes.left_out[
            "pingbacks and trackbacks, which other sites write"
            if kind in _OTHER_SITES
            else "entries of another type than comments"
        ] += 1
        return None
    told = _read_told(record)
    status, reason = _find_status(read_word(fields, "comment_approved"), notes)
    positive, negative = _find_votes(told)
    return Comment(
        id=same,
        text=_read_text(fields.get("comment_content"), notes),
        source=NAME,
        status=status,
        parent_id=_find_parent(read_word(fields, "comment_parent")),
        article_id=article.address or notes.article_id,
        article_title=article.title,
        author=one_line(read_word(fields, "comment_author")),
        created_at=_read_time(read_word(fields, "comment_date_gmt"), notes),
        captured_at=notes.captured_at,
        positive_votes=positive,
        negative_votes=negative,
        removal_reason=reason,
        extra={
            "akismet_result": told.get(_AKISMET),
            "rating_given": told.get(_STARS),
        },
    )


def _find_status(approved: str, notes: Notes) -> tuple[Status | None, str | None]:
    if approved not in _STATUS:
        notes.left_out["values of comment_approved that are not known"] += 1
    return _STATUS.get(approved, (None, None))


def _find_parent(shown: str) -> str | None:
    return None if shown in ("", "0") else shown


def _read_text(body: str | None, notes: Notes) -> str | None:
    """Return the words; WordPress shows a line end of the stored body as one."""
    if body is None:
        notes.left_out["words of comments that have none in the export"] += 1
        return None
    return markup_to_text(body, keep_lines=True)


def _read_time(shown: str, notes: Notes) -> datetime | None:
    """Return a time such as "2014-01-14 17:32:12"; the zeroes of an unknown one are none."""
    try:
        return datetime.fromisoformat(shown).replace(tzinfo=UTC)
    except ValueError:
        if shown not in ("", _NO_TIME):
            notes.left_out["times in a layout that is not known"] += 1
        return None


def _read_told(record: Record) -> dict[str, str]:
    """Return what plugins keep with a comment, by its key."""
    told = record.each("commentmeta")
    return {read_word(one, "meta_key"): read_word(one, "meta_value") for one in told}


def _find_votes(told: dict[str, str]) -> tuple[int | None, int | None]:
    if match := _SEPARATE_VOTES.search(told.get(_SEPARATE, "")):
        return int(match[1]), int(match[2])
    return read_count(told.get(_LIKES, "")), read_count(told.get(_DISLIKES, ""))
