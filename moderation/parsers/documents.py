"""JSON documents of any size: what lies at a path of one, and the outline of how one begins."""

import contextlib
import io
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped] # it ships no types

from moderation.errors import ParseError
from moderation.parsers.limits import DEFAULT_LIMITS, Limits

_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})
_BEGINNING = _OPENING | {"null", "boolean", "number", "string"}
_OUTLINED_EVENTS = 20_000
# Half characters, which cut texts leave and ijson refuses; kept are backslashes that are escaped
# themselves, and two halves in a row, which are a whole one.
_HALVES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_FIRST_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_PAIR_BYTES = 12


def read_items(
    stream: BinaryIO, paths: Collection[str], limits: Limits
) -> Iterator[tuple[str, Any]]:
    """
    Yield what lies at paths of one JSON document, each with its path, as the document is read.

    A path names keys, and `item` for what an array holds: `discussion.comments.item`.

    Raises:
        ParseError: it is malformed, breaks off, or nests too deeply.

    """
    wanted = {tuple(path.split(".")): path for path in paths}
    lengths = {len(keys) for keys in wanted}
    builder: Any = None
    found: tuple[str, ...] = ()
    for keys, event, value in _walk(stream, limits):
        if builder is None:
            if event not in _BEGINNING or len(keys) not in lengths or tuple(keys) not in wanted:
                continue
            builder, found = ijson.ObjectBuilder(), tuple(keys)
        builder.event(event, value)
        if len(keys) == len(found) and event not in _OPENING:
            yield wanted[found], builder.value
            builder = None


@lru_cache(maxsize=8)
def outline(head: str) -> Mapping[str, object]:
    """
    Return the paths of the first JSON value of a text, with what is first found at each.

    The text may be cut off anywhere. Objects and arrays are found as None.

    >>> outline('{"id": 7, "user": {"name": "ann"}, "tags": ["a", "b"], "tex')
    {'': None, 'id': 7, 'user': None, 'user.name': 'ann', 'tags': None, 'tags.item': 'a'}
    """
    found: dict[str, object] = {}
    text = head.lstrip()
    first = text.partition("\n")[0].rstrip()
    if text.startswith("{") and first.endswith("}"):  # perhaps more lines, perhaps malformed ones
        text = first
    if text.startswith(("{", "[")):
        events = _walk(io.BytesIO(text.encode("utf-8", "replace")), DEFAULT_LIMITS)
        with contextlib.suppress(ParseError):
            for keys, event, value in itertools.islice(events, _OUTLINED_EVENTS):
                if event in _BEGINNING:
                    found.setdefault(".".join(keys), value)
    return found


def _walk(stream: BinaryIO, limits: Limits) -> Iterator[tuple[list[str], str, Any]]:
    """Yield the events of a document, each with the keys that lead to its value."""
    keys: list[str] = []
    try:
        for event, value in ijson.basic_parse(_Whole(stream)):
            if event in _CLOSING:
                keys.pop()
            elif event == "map_key":
                keys[-1] = value
            yield keys, event, float(value) if isinstance(value, Decimal) else value
            if event in _OPENING:
                keys.append("item")
            if len(keys) > limits.depth:
                raise limits.too_deep()
    except UnicodeDecodeError:
        raise
    except (ijson.JSONError, ValueError) as error:  # whose words hold those of the file
        raise ParseError("malformed JSON, or a file that breaks off; fetch it again") from error


class _Whole:
    """Reads a stream with U+FFFD in place of half characters."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = b""

    def read(self, size: int) -> bytes:
        """Return about as many bytes, and never a part of a character that is escaped."""
        if size == 0:
            return b""  # which asks whether these are bytes
        while block := self._stream.read(size):
            ready = self._held + block
            cut = _find_cut(ready)
            ready, self._held = ready[:cut], ready[cut:]
            if ready:
                return _mend(ready)
        ready, self._held = self._held, b""
        return _mend(ready)


def _find_cut(ready: bytes) -> int:
    """Return where the escapes begin of which some may be still to come."""
    cut = ready.find(b"\\", max(0, len(ready) - _PAIR_BYTES + 1))
    if cut < 0:
        return len(ready)
    before = len(ready[:cut]) - len(ready[:cut].rstrip(b"\\"))
    cut -= before % 2  # of two backslashes the second begins nothing
    first_half = _FIRST_HALF.match(ready, max(0, cut - _PAIR_BYTES // 2), cut)
    return first_half.start() if first_half else cut


def _mend(whole: bytes) -> bytes:
    return _HALVES.sub(lambda half: half[1] or rb"\ufffd", whole) if b"\\u" in whole else whole
