"""Records of an XML export, one after another: nothing is expanded, fetched or kept."""

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import lxml.etree

from moderation.errors import ParseError
from moderation.parsers.layouts import Layouts
from moderation.parsers.limits import Limits
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source

CHUNK_CHARACTERS = 1 << 16
RECORD_BYTES = 1 << 24
RECORD_TAGS = 1 << 20
"""The most between the ends of two records: beyond it the file is something else."""

Element = Any
"""An element of lxml, which has no types."""

# Before the first element there may be remarks and instructions; what else is no XML.
_REMARKS = re.compile(r"(?:[\ufeff\s]|<\?(?s:.*?)\?>|<!--(?s:.*?)-->)*")
_LATE_DECLARATION = re.compile(r"\A(?=[\ufeff\s])[\ufeff\s]*(?:<\?xml\s[^>]*>)?")
_ROOT = re.compile(r"<[A-Za-z_][^>]*>")
_DOCTYPE = re.compile(
    r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*+"
    r"(?P<subset>\[(?:<!--(?s:.*?)-->|<\?(?s:.*?)\?>|\"[^\"]*\"|'[^']*'|[^\]\"'<]|<(?!!--|\?))*+\])?"
    r"\s*>\s*"
)
_ERRORS = lxml.etree.ErrorTypes
_CUT_OFF = frozenset(
    {
        _ERRORS.ERR_TAG_NOT_FINISHED,
        _ERRORS.ERR_CDATA_NOT_FINISHED,
        _ERRORS.ERR_COMMENT_NOT_FINISHED,
        _ERRORS.ERR_GT_REQUIRED,
    }
)
# Exporters write what a reader pasted; XML 1.0 allows none of these (2.2, Char).
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])
_TO_SPACES = bytes(0x20 if code in _CONTROLS else code for code in range(0x100))


def find_root(head: str) -> str | None:
    """
    Return the first tag of an XML text with its attributes, None where it is no XML.

    >>> find_root('<?xml version="1.0"?><!-- an export --> <rss version="2.0"><channel>')
    '<rss version="2.0">'
    """
    root = _ROOT.match(head, _skip_prolog(head))
    return root[0] if root else None


class Record(Protocol):
    """One record: its texts, and what of it has children of its own."""

    @property
    def fields(self) -> dict[str, str]:
        """
        The texts by their paths: "name", "author/name", "thread@{namespace}id", "" for its own.

        Names are without a namespace; of several of one name the last counts.
        """

    def each(self, name: str) -> Iterator[dict[str, str]]:
        """Yield the fields of every child of a name that has children itself."""


def read_records(
    source: Source,
    parents: Mapping[str, str],
    notes: Notes,
    *,
    bodies: Collection[str] = (),
    by_layout: bool = True,
) -> Iterator[tuple[Element, Record]]:
    """
    Yield each element that is named in `parents` and stands in the parent named with it.

    With it comes what it holds, without the records that stand in it: the element itself may be
    empty, and shows where the record is. Names are without a namespace. An element is good until
    the next one is asked for; what stands before it is forgotten soon after: memory does not grow
    with the file.

    `bodies` are children whose markup, where it was not escaped, is given back as markup.
    Without `by_layout` every element is built, which gives the same records, later.

    Raises:
        ParseError: malformed, cut off, with entities of its own, or a record that never ends.

    """
    parser = _make_parser(parents, notes.limits)
    # To walk through each record, few of which have so many elements, would take a fifth longer.
    has_many = lxml.etree.XPath(
        f"count(ancestor::*) + count(descendant-or-self::*) > {notes.limits.depth}",
        smart_strings=False,
    )
    text = _read_text(source, notes)
    head = next(text, "")
    begin = _find_beginning(head, notes.limits)
    # A document type may change how the values of attributes are read.
    by_layout = by_layout and "<!DOCTYPE" not in head[:begin]
    names = parents.keys() - parents.values() if by_layout else ()
    layouts = Layouts(names, find_root(head) or "", bodies)
    waiting = tags = 0
    for chunk in _chunks(head[:begin], chain([head[begin:]], text), layouts):
        waiting, tags = waiting + len(chunk), tags + chunk.count(b"<")
        error = _feed(parser, chunk)
        last = None
        for _, element in parser.read_events():
            mark = element.get(layouts.mark)
            records: Sequence[Record] = layouts.take(mark) if mark else [_Built(element, bodies)]
            name = _local(element.tag)
            if local_name(element.getparent()) == parents.get(name):  # a prefix may be undeclared
                last = element
                if has_many(element) and _is_deeper(element, notes.limits.depth):
                    raise notes.limits.too_deep()
                for record in records:
                    yield element, record
        if last is not None:
            waiting = tags = 0
            _forget_before(last)
        if error is not None:
            raise error
        if waiting > RECORD_BYTES or tags > RECORD_TAGS:
            raise ParseError(
                f"{waiting} bytes with {tags} tags and without the end of a record; "
                "expected an export of comments"
            )


def _make_parser(names: Iterable[str], limits: Limits) -> Any:
    """Return a parser that tells of the ends of elements of these names."""
    return lxml.etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        encoding="utf-8",  # the text is decoded already, whatever the file declares
        resolve_entities="internal",  # of which there are none, unless the limits are raised
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        # 2048 levels, texts as long as a record; else 256 levels, and entities may not grow either
        huge_tree=limits.entities == 0,
    )


class _Built:
    """A record whose elements were built."""

    def __init__(self, element: Element, bodies: Collection[str]) -> None:
        self._element = element
        self._bodies = bodies

    @property
    def fields(self) -> dict[str, str]:
        fields = {}
        for path, element in _walk(self._element):
            for key, value in element.items():
                fields[f"{path}@{key}"] = value
            has_children = len(element) > 0
            if has_children and path in self._bodies:
                fields[path] = _show_markup(element)
            elif not has_children or (element.text or "").strip():
                fields[path] = element.text or ""
        return fields

    def each(self, name: str) -> Iterator[dict[str, str]]:
        for child in self._element:
            if local_name(child) == name and len(child):
                yield read_words(child)


def _walk(record: Element) -> Iterator[tuple[str, Element]]:
    """Yield a record, its children and theirs, with their paths."""
    yield "", record
    for child in record:
        if name := local_name(child):
            yield name, child
            yield from ((f"{name}/{local_name(inner)}", inner) for inner in child)


def read_words(parent: Element) -> dict[str, str]:
    """Return the texts of an element's children by their names without a namespace."""
    return {local_name(child): child.text or "" for child in parent}


def read_word(fields: Mapping[str, str], path: str) -> str:
    """Return a text without the spaces around it; "" for a missing one."""
    return fields.get(path, "").strip()


def _show_markup(element: Element) -> str:
    return str(lxml.etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; "" for None, and for an entity."""
    return "" if element is None else _local(element.tag)


@lru_cache(1024)
def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _read_text(source: Source, notes: Notes) -> Iterator[str]:
    """Yield the text of an export in pieces, as XML 1.0 reads it: characters and line ends."""
    stream = source.lines()
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    text = _LATE_DECLARATION.sub(_blank, stream.read(CHUNK_CHARACTERS))
    while text:
        body = text.encode("utf-8", "replace")
        readable = body.translate(_TO_SPACES)
        if readable != body:
            unreadable = len(body) - len(body.translate(None, _CONTROLS))
            notes.left_out["control characters, which XML does not allow"] += unreadable
        yield line_ends.decode(readable.decode())
        text = stream.read(CHUNK_CHARACTERS)
    yield line_ends.decode("", final=True)


def _chunks(beginning: str, text: Iterable[str], layouts: Layouts) -> Iterator[bytes]:
    """Yield what is for the parser, b"" at the end."""
    yield beginning.encode()
    for piece in text:
        if rest := layouts.cut(piece):
            yield rest.encode()
    if rest := layouts.cut("", at_end=True):
        yield rest.encode()
    yield b""


def _blank(declaration: re.Match[str]) -> str:
    """Return a declaration that is not at the very beginning, where alone it may be, as spaces."""
    return "".join(c if c in "\r\n" else " " for c in declaration[0])


def _find_beginning(head: str, limits: Limits) -> int:
    """
    Return where the first tag ends.

    Raises:
        ParseError: declarations through which a file can grow, or no XML.

    """
    declared = _DOCTYPE.match(head, _skip_remarks(head, 0))
    subset = declared["subset"] if declared else None
    if subset and max(1, subset.count("<!ENTITY")) > limits.entities:
        raise limits.too_many_entities()
    root = _ROOT.match(head, _skip_prolog(head))
    if root is None:
        raise ParseError("no element at its beginning; expected an XML export")
    return root.end()


def _skip_prolog(head: str) -> int:
    """Return where the first element has to begin."""
    begin = _skip_remarks(head, 0)
    declared = _DOCTYPE.match(head, begin)
    return _skip_remarks(head, declared.end()) if declared else begin


def _skip_remarks(head: str, begin: int) -> int:
    match = _REMARKS.match(head, begin)
    return match.end() if match else begin


def _feed(parser: Any, chunk: bytes) -> ParseError | None:
    """Give a chunk to the parser, b"" at the end; a failure waits until what precedes it is read"""
    try:
        if chunk:
            parser.feed(chunk)
        else:
            parser.close()
    except lxml.etree.XMLSyntaxError as error:
        return ParseError(f"line {error.lineno}: {_cause(error.code, at_end=not chunk)}")
    return None


def _cause(code: int, *, at_end: bool) -> str:
    if code == _ERRORS.ERR_RESOURCE_LIMIT:
        return "elements nested thousands deep, or a text or entities that grow without end"
    if at_end and code in _CUT_OFF:
        return "the XML is cut off; fetch or copy it again"
    return "malformed XML; export it again, or repair it there"


def _is_deeper(record: Element, depth: int) -> bool:
    """Tell whether elements of a record stand within more others than these."""
    level = [record]
    depth -= sum(1 for _ in record.iterancestors())
    while level and depth > 0:
        depth -= 1
        level = [inner for outer in level for inner in outer]
    return bool(level)


def _forget_before(element: Element) -> None:
    """Drop what stands before an element, which has to stay for what follows, and before it all."""
    while (parent := element.getparent()) is not None:
        del parent[: parent.index(element)]
        element = parent
