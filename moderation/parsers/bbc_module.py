"""BBC pages and answers of the comments module, 2012-2019: HTML, or JSON around HTML."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml.html import HtmlElement

from moderation.comments import Comment, Status
from moderation.errors import ParseError
from moderation.parsers.bbc import (
    find_page_number,
    find_placeholder,
    find_reply_number,
    parse_time,
    read_count,
)
from moderation.parsers.html import (
    find_capture_time,
    has_class,
    page_address,
    page_title,
    parse_html,
    path,
    take_out,
)
from moderation.parsers.notes import Notes
from moderation.text import html_to_text

NAME = "bbc_module"

# The module's markup, as its public readers address it: li.cmt-normal#comment_<id>, a.userId<n>,
# span.cmt-time, p.cmt-text with <BR /> for line ends, span.cmt-rating-positive-value and
# -negative-value. "Comment number N." stands beside them for screen readers (seed page 002).
_IS_TEXT = has_class("cmt-text")
_ITEMS = path("//li[starts-with(@id, 'comment_')]")
_NESTED_ITEMS = path("//li[starts-with(@id, 'comment_')]//li[starts-with(@id, 'comment_')]")
_TEXT = path(f".//p[{_IS_TEXT}]")
_AUTHOR = path("string((.//a[starts-with(@class, 'userId')])[1])")
_TIME = path(f"string((.//*[{has_class('cmt-time')}])[1])")
_POSITIVE = path(f"string((.//*[{has_class('cmt-rating-positive-value')}])[1])")
_NEGATIVE = path(f"string((.//*[{has_class('cmt-rating-negative-value')}])[1])")
_RATING = path(f"string((.//*[{has_class('cmt-rating-value-net')}])[1])")
_OUTSIDE_TEXT = path(f".//text()[not(ancestor::p[{_IS_TEXT}])]")
_OUTSIDE_ITEMS = path("//text()[not(ancestor::li[starts-with(@id, 'comment_')])]")
_PAGINATION = path("//*[contains(@class, 'pagination')]")

# SingleFile writes attributes without quotation marks; in the JSON answer they are escaped.
_COMMENT_ID = re.compile(r"""\bid\s*=\s*\\?["']?comment_""", re.I)
_NUMBER = re.compile(r"Comment number (\d{1,9})\s?\.")
_EDITORS_PICK = re.compile(r"editor\W?s?\W?pick", re.I)


def recognises(page: str) -> bool:
    """Tell whether a page is in the module's markup."""
    return "cmt-text" in page and _COMMENT_ID.search(page) is not None


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    document = parse_html(page)
    notes.captured_at = find_capture_time(page) or notes.captured_at
    notes.article_id = page_address(document) or notes.article_id
    notes.article_title = page_title(document)
    if shown := find_page_number("\n".join(_loose_lines(document))):
        notes.page, notes.pages = shown.page, shown.pages
    yield from _parse_list(document, notes)


def parse_envelope(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of the module's JSON answer: `{comments: html, summary: {total}}`."""
    try:
        envelope = json.loads(page)
    except (ValueError, RecursionError) as error:
        raise ParseError("JSON that breaks off or is malformed; fetch the page again") from error
    body = envelope.get("comments") if isinstance(envelope, dict) else None
    if not isinstance(body, str):
        raise ParseError("JSON without a 'comments' text; expected the comments module's answer")
    notes.total = _total(envelope)
    if body.strip():
        yield from _parse_list(parse_html(body), notes)


def _parse_list(document: HtmlElement, notes: Notes) -> Iterator[Comment]:
    nodes: dict[str, HtmlElement] = {}
    picks: set[str] = set()
    items = _ITEMS(document)
    for nested in _NESTED_ITEMS(document):  # by a tag left open: nobody writes another's comment
        take_out(nested)
    for node in items:
        if not _TEXT(node):
            if "cmt-normal" in node.get("class", ""):
                notes.left_out["items of the comment list without a text"] += 1
        elif not _id(node):
            notes.left_out["items of the comment list without an id"] += 1
        elif nodes.setdefault(_id(node), node) is not node:
            notes.left_out["comments that the page shows twice"] += 1
        if _EDITORS_PICK.search(node.get("class", "")):
            picks.add(_id(node))
    numbers = {same: _find_number(node) for same, node in nodes.items()}
    ids = {number: same for same, number in numbers.items() if number is not None}
    for same, node in nodes.items():
        yield _to_comment(node, numbers[same], ids, notes, highlighted=same in picks)


def _to_comment(
    node: HtmlElement, number: int | None, ids: dict[int, str], notes: Notes, *, highlighted: bool
) -> Comment:
    text = html_to_text(_TEXT(node)[0])
    placeholder = find_placeholder(text)
    return Comment(
        id=_id(node),
        text=None if placeholder else text,
        source=NAME,
        status=placeholder.status if placeholder else Status.PUBLISHED,
        parent_id=_find_parent(text, number, ids, notes),
        number=number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=" ".join(_AUTHOR(node).split()) or None,
        created_at=_find_time(node, notes),
        captured_at=notes.captured_at,
        positive_votes=read_count(_POSITIVE(node)),
        negative_votes=read_count(_NEGATIVE(node)),
        rating=read_count(_RATING(node)),
        removal_reason=placeholder.reason if placeholder else None,
        highlighted=highlighted,
    )


def _id(node: HtmlElement) -> str:
    return str(node.get("id").removeprefix("comment_"))


def _find_number(node: HtmlElement) -> int | None:
    match = _NUMBER.search(" ".join(" ".join(_OUTSIDE_TEXT(node)).split()))
    return int(match[1]) if match else None


def _find_parent(text: str, number: int | None, ids: dict[int, str], notes: Notes) -> str | None:
    answered = find_reply_number(text, number=number)
    if answered is None:
        return None
    if answered not in ids:
        notes.left_out["parents of replies that stand on another page"] += 1
    return ids.get(answered)


def _find_time(node: HtmlElement, notes: Notes) -> datetime | None:
    shown = _TIME(node).strip()
    created_at = parse_time(shown, captured_at=notes.captured_at)
    if shown and created_at is None:
        is_relative = shown.lower().endswith(("ago", "now"))
        notes.left_out[
            "times that say only how long ago, on a page of unknown time"
            if is_relative and notes.captured_at is None
            else "times in a layout that is not known"
        ] += 1
    return created_at


def _loose_lines(document: HtmlElement) -> Iterator[str]:
    """Yield the short lines of a page that stand outside its comments."""
    lines = (" ".join(line.split()) for line in _OUTSIDE_ITEMS(document))
    yield from (line for line in lines if len(line) < 80)
    for element in _PAGINATION(document):
        yield " ".join(element.text_content().split())


def _total(envelope: dict[str, Any]) -> int | None:
    summary = envelope.get("summary")
    total = summary.get("total") if isinstance(summary, dict) else None
    return total if isinstance(total, int) else None
