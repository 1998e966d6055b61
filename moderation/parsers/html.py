"""Pages and comment bodies in HTML: parsed within bounds, and what a page says of itself."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import lxml.etree
import lxml.html
from lxml.etree import XPath
from lxml.html import HtmlElement

from moderation.errors import ParseError
from moderation.text import ATTRIBUTES, CONTROLS, has_many_attributes

Query = Callable[[HtmlElement], Any]


def has_class(name: str) -> str:
    """Return the XPath condition that an element has a class."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


def path(expression: str) -> Query:
    """Return an XPath expression, compiled."""
    compiled: Query = XPath(expression)
    return compiled


_ADDRESSES = (
    path("string(//link[@rel='canonical']/@href)"),
    path("string(//meta[@property='og:url']/@content)"),
)
_TITLES = (
    path("string(//meta[@property='og:title']/@content)"),
    path("string(//h1)"),
    path("string(//title)"),
)

# How archives write the time of a capture into the page: the Wayback Machine's closing remark
# and SingleFile's opening one. Readers cannot write remarks: their "<" is escaped.
_WAYBACK = re.compile(
    r"<!--\s{0,99}FILE ARCHIVED ON (\d{2}:\d{2}:\d{2} [A-Z][a-z]{2} \d{1,2}, \d{4})"
)
_SINGLE_FILE = re.compile(
    r"<!--\s{0,99}Page saved with SingleFile[^>]{0,5000}?"
    r"saved date: \w{3} (\w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2}) GMT([+-]\d{4})"
)


def parse_html(page: str) -> HtmlElement:
    """
    Return the document of a page.

    Raises:
        ParseError: there is no markup in it, its elements nest thousands deep, or one of them has
            more than `ATTRIBUTES`.

    """
    if has_many_attributes(page):
        raise ParseError(f"an element of more than {ATTRIBUTES} attributes, as no page has")
    # The text is decoded already: without this, a declared encoding would be applied again.
    # A huge tree may nest 2048 elements deep, unclosed tags make it so; the usual limit is 256.
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        document = lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.ParserError as error:
        raise ParseError("a page without any markup; expected HTML") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise ParseError("elements nested thousands deep, which no browser shows; save it again")
    return document


def take_out(element: HtmlElement) -> None:
    """Take an element out of the one around it, which keeps the words that follow it."""
    parent, before, words = element.getparent(), element.getprevious(), element.tail or ""
    parent.remove(element)
    # Control characters may be written as numbers; lxml reads them so, and refuses to set them.
    if before is None:
        parent.text = ((parent.text or "") + words).translate(CONTROLS)
    else:
        before.tail = ((before.tail or "") + words).translate(CONTROLS)


def page_address(document: HtmlElement) -> str | None:
    """Return the canonical address that a page gives of itself."""
    return _first(document, _ADDRESSES)


def page_title(document: HtmlElement) -> str | None:
    """Return the headline of a page."""
    return _first(document, _TITLES)


def find_capture_time(page: str) -> datetime | None:
    """Return when an archive says that it took the page."""
    try:
        if match := _WAYBACK.search(page):
            return datetime.strptime(match[1], "%H:%M:%S %b %d, %Y").replace(tzinfo=UTC)
        if match := _SINGLE_FILE.search(page):
            taken = datetime.strptime(f"{match[1]} {match[2]}", "%b %d %Y %H:%M:%S %z")
            return taken.astimezone(UTC)
    except ValueError:  # the 31st of a shorter month
        return None
    return None


def one_line(text: str | None) -> str | None:
    """
    Return a name or title on one line, None where there is nothing in it.

    >>> one_line(" Fish &#038; chips\\n <again> "), one_line("  ")
    ('Fish & chips <again>', None)
    """
    return " ".join(unescape(text).split()) or None if text else None


def _first(document: HtmlElement, paths: tuple[Query, ...]) -> str | None:
    found = (" ".join(query(document).split()) for query in paths)
    return next((value for value in found if value), None)
