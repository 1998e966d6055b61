"""Records of an XML export, one after another: nothing is expanded, fetched or kept."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import lxml.etree

from moderation.errors import ParseError
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source

CHUNK_CHARACTERS = 1 << 16
RECORD_CHARACTERS = 1 << 24
"""The most between the ends of two records: beyond it the file is something else."""

Element = Any
"""An element of lxml, which has no types."""

# Before the first element there may be remarks and instructions; what else is no XML.
_PROLOG = re.compile(r"\ufeff?(?:\s|<\?(?s:.*?)\?>|<!--(?s:.*?)-->)*")
_ROOT = re.compile(r"<[A-Za-z_][^>]*>")
# Exporters write what a reader pasted; XML 1.0 allows none of these (2.2, Char).
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])
_TO_SPACES = bytes(0x20 if code in _CONTROLS else code for code in range(0x100))


def find_root(head: str) -> str | None:
    """
    Return the first tag of an XML text with its attributes, None where it is no XML.

    >>> find_root('<?xml version="1.0"?><!-- an export --> <rss version="2.0"><channel>')
    '<rss version="2.0">'
    """
    match = _ROOT.match(head, _end_of_prolog(head))
    return match[0] if match else None


def read_records(source: Source, parents: Mapping[str, str], notes: Notes) -> Iterator[Element]:
    """
    Yield each element that is named in `parents` and stands in the parent named with it.

    Names are without a namespace. An element is emptied once the next one is asked for, and what
    stands before it is forgotten: memory does not grow with the file.

    Raises:
        ParseError: malformed, cut off, with a document type, or a record that never ends.

    """
    parser = lxml.etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in parents],
        encoding="utf-8",  # the text is decoded already, whatever the file declares
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # 2048 levels, and texts of any length up to that of a record
    )
    waiting = 0
    for chunk in _chunks(source, notes):
        waiting += len(chunk)
        error = _feed(parser, chunk)
        for _, element in parser.read_events():
            if local_name(element.getparent()) == parents[local_name(element)]:
                waiting = 0
                yield element
                _forget(element)
        if error is not None:
            raise error
        if waiting > RECORD_CHARACTERS:
            raise ParseError(
                f"{RECORD_CHARACTERS >> 20} million characters without the end of a record; "
                "expected an export of comments"
            )


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; "" for None."""
    return element.tag.rpartition("}")[2] if element is not None else ""


def read_fields(element: Element) -> dict[str, Element]:
    """Return the children of a record by their names without a namespace."""
    return {child.tag.rpartition("}")[2]: child for child in element}


def read_body(element: Element | None) -> str | None:
    """Return what an element holds; markup that was not escaped is given back as markup."""
    if element is None:
        return None
    if len(element):
        inside = lxml.etree.tostring(element, encoding="unicode", method="html", with_tail=False)
        return str(inside)
    return element.text or ""


def read_word(element: Element | None) -> str:
    """Return an element's text without the spaces around it; "" for a missing one."""
    return (element.text or "").strip() if element is not None else ""


def _chunks(source: Source, notes: Notes) -> Iterator[bytes]:
    stream = source.lines()
    text = stream.read(CHUNK_CHARACTERS)
    _check_prolog(text)
    while text:
        body = text.encode("utf-8", "replace")
        readable = body.translate(_TO_SPACES)
        if readable != body:
            unreadable = len(body) - len(body.translate(None, _CONTROLS))
            notes.left_out["control characters, which XML does not allow"] += unreadable
        yield readable
        text = stream.read(CHUNK_CHARACTERS)
    yield b""


def _check_prolog(head: str) -> None:
    begin = _end_of_prolog(head)
    if head.startswith("<!DOCTYPE", begin):
        raise ParseError(
            "a document type declaration (<!DOCTYPE ...>), which no export has and through which "
            "a file can grow without bound or name others; remove it if the file is to be trusted"
        )
    if not _ROOT.match(head, begin):
        raise ParseError("no element at its beginning; expected an XML export")


def _end_of_prolog(head: str) -> int:
    match = _PROLOG.match(head)
    return match.end() if match else 0


def _feed(parser: Any, chunk: bytes) -> ParseError | None:
    """Give a chunk to the parser, b"" at the end; a failure waits until what precedes it is read"""
    try:
        if chunk:
            parser.feed(chunk)
        else:
            parser.close()
    except lxml.etree.XMLSyntaxError as error:
        return ParseError(f"line {error.lineno}: {_cause(error)}")
    return None


def _cause(error: lxml.etree.XMLSyntaxError) -> str:
    if error.code in (
        lxml.etree.ErrorTypes.ERR_DOCUMENT_END,
        lxml.etree.ErrorTypes.ERR_TAG_NOT_FINISHED,
    ):
        return "the XML is cut off; fetch or copy it again"
    if error.code == lxml.etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return "elements nested thousands deep, or a text without end; expected an export"
    return "malformed XML; export it again, or repair it there"


def _forget(element: Element) -> None:
    """Empty an element, which has to stay for what follows it, and drop all that stands before."""
    element.clear()
    parent = element.getparent()
    while (before := element.getprevious()) is not None:
        parent.remove(before)
