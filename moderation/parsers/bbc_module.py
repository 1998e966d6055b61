"""BBC pages and answers of the comments module, 2012-2019: HTML, or JSON around HTML."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import lxml.etree
import lxml.html
from lxml.html import HtmlElement

from moderation.comments import Comment, Status
from moderation.errors import ParseError
from moderation.parsers.bbc import (
    find_page_number,
    find_placeholder,
    find_reply_number,
    parse_time,
)
from moderation.parsers.notes import Notes
from moderation.text import html_to_text

NAME = "bbc_module"


def _has_class(name: str) -> str:
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


# The module's markup, as its public readers address it: li.cmt-normal#comment_<id>, a.userId<n>,
# span.cmt-time, p.cmt-text with <BR /> for line ends, span.cmt-rating-positive-value and
# -negative-value. "Comment number N." stands beside them for screen readers (seed page 002).
_COMMENTS = "//li[starts-with(@id, 'comment_')][.//p[" + _has_class("cmt-text") + "]]"
_TEXT = ".//p[" + _has_class("cmt-text") + "]"
_AUTHOR = "string((.//a[starts-with(@class, 'userId')])[1])"
_TIME = "string((.//*[" + _has_class("cmt-time") + "])[1])"
_POSITIVE = "string((.//*[" + _has_class("cmt-rating-positive-value") + "])[1])"
_NEGATIVE = "string((.//*[" + _has_class("cmt-rating-negative-value") + "])[1])"
_RATING = "string((.//*[" + _has_class("cmt-rating-value-net") + "])[1])"
_OUTSIDE_TEXT = ".//text()[not(ancestor::p[" + _has_class("cmt-text") + "])]"
_ADDRESSES = (
    "string(//link[@rel='canonical']/@href)",
    "string(//meta[@property='og:url']/@content)",
)
_TITLES = ("string(//meta[@property='og:title']/@content)", "string(//h1)", "string(//title)")

_NUMBER = re.compile(r"Comment number\s+(\d+)\s*\.")
_EDITORS_PICK = re.compile(r"editor\W?s?\W?pick", re.I)
_SIGNED = re.compile(r"^[+-]?\d+$")
# How archives write the time of a capture into the page: the Wayback Machine's closing remark
# and SingleFile's opening one.
_WAYBACK = re.compile(r"FILE ARCHIVED ON (\d{2}:\d{2}:\d{2} [A-Z][a-z]{2} \d{1,2}, \d{4})")
_SINGLE_FILE = re.compile(r"saved date: \w{3} (\w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2}) GMT([+-]\d{4})")


def recognises(page: str) -> bool:
    """Tell whether a page is in the module's markup."""
    return "cmt-text" in page and 'id="comment_' in page.replace("'", '"').replace('\\"', '"')


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    document = _parse_html(page)
    if notes.captured_at is None:
        notes.captured_at = find_capture_time(page)
    if notes.article_id is None:
        notes.article_id = _first(document, _ADDRESSES)
    if notes.article_title is None:
        notes.article_title = _first(document, _TITLES)
    if shown := find_page_number("\n".join(_loose_lines(document))):
        notes.page, notes.pages = shown.page, shown.pages
    yield from _parse_list(document, notes)


def parse_envelope(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of the module's JSON answer: `{comments: html, summary: {total}}`."""
    try:
        envelope = json.loads(page)
    except json.JSONDecodeError as error:
        raise ParseError(
            f"JSON that breaks off or is malformed at line {error.lineno}; fetch the page again"
        ) from error
    body = envelope.get("comments") if isinstance(envelope, dict) else None
    if not isinstance(body, str):
        raise ParseError("JSON without a 'comments' text; expected the comments module's answer")
    notes.total = _total(envelope)
    if body.strip():
        yield from _parse_list(_parse_html(body), notes)


def find_capture_time(page: str) -> datetime | None:
    """Return when an archive says that it took the page."""
    if match := _WAYBACK.search(page):
        return datetime.strptime(match[1], "%H:%M:%S %b %d, %Y").replace(tzinfo=UTC)
    if match := _SINGLE_FILE.search(page):
        taken = datetime.strptime(f"{match[1]} {match[2]}", "%b %d %Y %H:%M:%S %z")
        return taken.astimezone(UTC)
    return None


def _parse_html(page: str) -> HtmlElement:
    try:
        # The text is decoded already: without this, a declared encoding would be applied again.
        parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=False)
        return lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.ParserError as error:
        raise ParseError("a page without any markup; expected HTML") from error


def _parse_list(document: HtmlElement, notes: Notes) -> Iterator[Comment]:
    nodes = document.xpath(_COMMENTS)
    numbers = [_find_number(node) for node in nodes]
    ids = {number: _id(node) for number, node in zip(numbers, nodes, strict=True) if number}
    for node, number in zip(nodes, numbers, strict=True):
        yield _to_comment(node, number, ids, notes)


def _to_comment(
    node: HtmlElement, number: int | None, ids: dict[int, str], notes: Notes
) -> Comment:
    text = html_to_text(node.xpath(_TEXT)[0])
    placeholder = find_placeholder(text)
    shown_time = node.xpath(_TIME).strip()
    created_at = parse_time(shown_time, captured_at=notes.captured_at)
    if shown_time and created_at is None:
        notes.left_out["times that say only how long ago, on a page of unknown time"] += 1
    return Comment(
        id=_id(node),
        text=None if placeholder else text,
        source=NAME,
        status=placeholder.status if placeholder else Status.PUBLISHED,
        parent_id=_find_parent(text, number, ids, notes),
        number=number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=" ".join(node.xpath(_AUTHOR).split()) or None,
        created_at=created_at,
        captured_at=notes.captured_at,
        positive_votes=_votes(node, _POSITIVE),
        negative_votes=_votes(node, _NEGATIVE),
        rating=_votes(node, _RATING),
        removal_reason=placeholder.reason if placeholder else None,
        highlighted=bool(_EDITORS_PICK.search(node.get("class", ""))),
    )


def _id(node: HtmlElement) -> str:
    return str(node.get("id").removeprefix("comment_"))


def _find_number(node: HtmlElement) -> int | None:
    match = _NUMBER.search(" ".join(" ".join(node.xpath(_OUTSIDE_TEXT)).split()))
    return int(match[1]) if match else None


def _find_parent(text: str, number: int | None, ids: dict[int, str], notes: Notes) -> str | None:
    answered = find_reply_number(text, number=number)
    if answered is None:
        return None
    if answered not in ids:
        notes.left_out["parents of replies that stand on another page"] += 1
    return ids.get(answered)


def _votes(node: HtmlElement, path: str) -> int | None:
    """Return a count as shown; a missing or unreadable one is unknown, not zero."""
    shown = node.xpath(path).strip().replace(",", "")
    return int(shown) if _SIGNED.match(shown) else None


def _loose_lines(document: HtmlElement) -> Iterator[str]:
    """Yield the short lines of a page that stand outside its comments."""
    outside = document.xpath("//text()[not(ancestor::li[starts-with(@id, 'comment_')])]")
    yield from (" ".join(line.split()) for line in outside if len(line) < 80)
    for element in document.xpath("//*[contains(@class, 'pagination')]"):
        yield " ".join(element.text_content().split())


def _first(document: HtmlElement, paths: tuple[str, ...]) -> str | None:
    found = (" ".join(document.xpath(path).split()) for path in paths)
    return next((value for value in found if value), None)


def _total(envelope: dict[str, Any]) -> int | None:
    summary = envelope.get("summary")
    total = summary.get("total") if isinstance(summary, dict) else None
    return total if isinstance(total, int) else None
