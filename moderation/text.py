"""Comment HTML to plain text, and the words of a text with their places."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who scores a comment reads no page
    from lxml.html import HtmlElement

# Elements that start a line of their own when a browser shows them.
BLOCKS = frozenset(
    {"blockquote", "div", "h1", "h2", "h3", "h4", "li", "ol", "p", "pre", "tr", "ul"}
)
SILENT = frozenset({"script", "style", "template"})
_LINE_ENDS = str.maketrans("\r\n", "  ")

_BLANK_LINES = re.compile(r"\n{3,}")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range `[begin, end)` of characters of a text."""

    begin: int
    end: int


def html_to_text(element: "HtmlElement") -> str:
    """
    Return what a reader sees of an element: plain text, line breaks and paragraphs kept.

    >>> from lxml.html import fromstring
    >>> html_to_text(fromstring("<p>One <b>two</b><br>three<p>four"))
    'One two\\nthree\\n\\nfour'
    """
    return tidy("".join(_pieces(element)))


def tidy(text: str) -> str:
    """
    Fold spaces within lines and runs of blank lines, and strip both ends.

    >>> tidy("  one   two \\r\\n three\\n\\n\\n\\nfour ")
    'one two\\nthree\\n\\nfour'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    joined = "\n".join(map(_fold, text.split("\n"))).strip("\n")
    return _BLANK_LINES.sub("\n\n", joined) if "\n\n\n" in joined else joined


def words(text: str) -> Iterator[Span]:
    """Yield the spans of the runs of characters between white space."""
    for match in _WORD.finditer(text):
        yield Span(*match.span())


def _fold(line: str) -> str:
    # The space is the only white space that counts as printable, and most lines have no other.
    is_plain = line.isprintable() and "  " not in line
    return line.strip(" ") if is_plain else " ".join(line.split())


def _pieces(element: "HtmlElement") -> Iterator[str]:
    """Yield the text of an element in document order; source line breaks count as spaces."""
    for event, node in _walk(element):
        name = node.tag if isinstance(node.tag, str) else None  # a comment's tag is a function
        if event == "tail":
            yield (node.tail or "").translate(_LINE_ENDS)
        elif name in BLOCKS:
            yield "\n\n"
        elif name == "br" and event == "text":
            yield "\n"
        if event == "text" and name is not None and name not in SILENT:
            yield (node.text or "").translate(_LINE_ENDS)


def _walk(element: "HtmlElement") -> "Iterator[tuple[str, HtmlElement]]":
    """Yield ("text", node), ("end", node) and ("tail", node), without recursion."""
    waiting = [("end", element), ("text", element)]
    while waiting:
        event, node = waiting.pop()
        yield event, node
        if event == "text" and node.tag not in SILENT:
            for child in reversed(node):
                waiting += [("tail", child), ("end", child), ("text", child)]
