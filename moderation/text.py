"""Comment HTML to plain text, and the words of a text with their places."""

import contextlib
import html
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
CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))
"""What no tree of lxml may hold, to take out with `str.translate`."""

_SPACES = re.compile(r"[^\S\n]+")
_COMMONEST = (("</p><p>", "\n\n"), ("<p>", "\n\n"), ("</p>", "\n\n"), ("<br>", "\n"))
"""Tags that need no other one, with what they show."""
# What comment editors write: paragraphs, links and emphasis, one of them in another at most.
# Elements that overlap are left to the parser, which knows where they end.
_WORDS = r"[^<&]++|&(?:amp|lt|gt|quot|nbsp);|<br ?/?>"
_LINK = r"<a(?: [a-z-]++=(?:\"[^\"<>&]*+\"|'[^'<>&]*+'))*+>"


def _elements(*names: str, inside: str) -> str:
    # Not one group and a reference to it: Python 3.11 fails on groups in a "*+".
    elements = [f"<{name}>(?:{inside})*+</{name}>" for name in names]
    return "|".join([*elements, f"{_LINK}(?:{inside})*+</a>"])


_INLINE = ("b", "em", "i", "s", "span", "strong", "sub", "sup", "u")
_SIMPLE = f"{_WORDS}|{_elements(*_INLINE, inside=_WORDS)}"
_PLAIN_BODY = re.compile(f"(?:{_WORDS}|</?p>|{_elements('div', *_INLINE, inside=_SIMPLE)})*+")
_TAG = re.compile(r"<[A-Za-z/!?]")
_TAG_OR_LINE_END = re.compile(r"<[A-Za-z/!?][^<>]*+|\r\n|\r|\n")
_ANY_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[^<>]*+>?|<!--(?s:.*?)(?:-->|\Z)")
# libxml2 takes the square of the number of attributes of one element: 20,000 take it ten seconds.
# Tags are found as in WHATWG HTML, 13.2.5; what stands in remarks and scripts is none.
ATTRIBUTES = 1000
"""More than any element of a page has."""
_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?+"""
_MARKUP = re.compile(
    r"<!--(?:-?>|(?s:.*?)(?:--!?>|\Z))|<(?:(?P<raw>script|style)(?=[\s/>])|[A-Za-z][^\s/>]*+)"
    rf"(?P<many>(?:[\s/]*+{_ATTRIBUTE}){{{ATTRIBUTES}}})?(?:[\s/]*+{_ATTRIBUTE})*+"
    r"(?(raw)(?s:.*?)(?:</(?P=raw)(?=[\s/>])|\Z))",
    re.I,
)
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
    return tidy("".join(_pieces(element)).translate(CONTROLS))


def tidy(text: str) -> str:
    """
    Fold spaces within lines and runs of blank lines, and strip both ends.

    >>> tidy("  one   two \\r\\n three\\n\\n\\n\\nfour ")
    'one two\\nthree\\n\\nfour'
    """
    text = text.strip()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" not in text:
        return _fold(text)
    lines = _fold_blank_lines(text).split("\n")
    return _fold_blank_lines("\n".join([line and _fold(line) for line in lines]))


def _fold_blank_lines(text: str) -> str:
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def markup_to_text(body: str, *, keep_lines: bool = False) -> str:
    """
    Return the text of a body that may be HTML; one with plain markup or none needs no parser.

    Line ends between words count where there is no tag, or with `keep_lines`.

    >>> markup_to_text("<p>One<br>two &amp; three</p>"), markup_to_text("1 < 2")
    ('One\\ntwo & three', '1 < 2')
    """
    if "<" not in body or _TAG.search(body) is None:
        return tidy(html.unescape(body) if "&" in body else body)
    if keep_lines and ("\n" in body or "\r" in body):
        body = _TAG_OR_LINE_END.sub(_mark_line_end, body)
    plain = _read_plain_markup(body)
    return _read_any_markup(body) if plain is None else plain


def has_many_attributes(page: str) -> bool:
    """Tell whether an element has more than `ATTRIBUTES`, which would take a parser minutes."""
    return any(tag["many"] for tag in _MARKUP.finditer(page))


def _mark_line_end(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("<") else "<br>"


def _read_any_markup(body: str) -> str:
    """Return the text of a body; markup made to hinder that is taken off unread."""
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    if not has_many_attributes(body):
        parser = HTMLParser(encoding="utf-8", huge_tree=True)  # 2048 levels, not 256
        readable = body.translate(CONTROLS).encode("utf-8", "replace")
        with contextlib.suppress(ValueError, etree.ParserError):
            document = document_fromstring(readable, parser=parser)
            if not any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
                return html_to_text(document)
    return tidy(html.unescape(_ANY_TAG.sub(_break_any, body.translate(_LINE_ENDS))))


def _break_any(tag: re.Match[str]) -> str:
    name = (tag[1] or "").lower()
    return "\n" if name == "br" else "\n\n" if name in BLOCKS else ""


def _read_plain_markup(body: str) -> str | None:
    """Return what `html_to_text` would of a body with nothing but common tags, else None."""
    flat = body.replace("\r", " ").replace("\n", " ")
    if not flat.isprintable():
        return None
    text = flat
    for tag, shown in _COMMONEST:
        text = text.replace(tag, shown)
    if "<" in text or "&" in text:
        if _PLAIN_BODY.fullmatch(flat) is None:
            return None
        text = text.replace("<div>", "\n\n").replace("</div>", "\n\n")
        text = html.unescape(_ANY_TAG.sub(_break_any, text) if "<" in text else text)
    return tidy(text)


def _fold(line: str) -> str:
    """Fold the spaces of a line; most have none to fold, which costs a tenth to see."""
    if "  " not in line and not _has_other_spaces(line):
        return line.strip(" ")
    return _SPACES.sub(" ", line).strip()


def _has_other_spaces(line: str) -> bool:
    """Tell whether a line may have white space beside spaces; looking for each is quickest."""
    if not line.isascii():
        return not line.isprintable()
    feeds = "\t" in line or "\v" in line or "\f" in line
    return feeds or "\x1c" in line or "\x1d" in line or "\x1e" in line or "\x1f" in line


def words(text: str) -> Iterator[Span]:
    """Yield the spans of the runs of characters between white space."""
    for match in _WORD.finditer(text):
        yield Span(*match.span())


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
