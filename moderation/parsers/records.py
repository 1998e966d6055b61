"""JSON records: the lines, arrays and documents of an export, of which only a part is needed."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, BinaryIO, Generic, TypeVar, get_args, get_origin

import msgspec

from moderation.errors import ParseError
from moderation.parsers.brackets import Brackets
from moderation.parsers.documents import read_items
from moderation.parsers.limits import is_deeper
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source

LINE_BYTES = 1 << 26
"""The longest record: beyond it the file is something else."""
_BLOCK_BYTES = 1 << 18  # larger ones leave the nearest caches: a fifth slower
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

T = TypeVar("T", bound=msgspec.Struct)


class Records(Generic[T]):
    """
    Decodes JSON objects into the fields of a struct, each of which has a default.

    What is not of a field's type is left out and counted, the rest of the record is kept.
    """

    def __init__(self, kind: type[T], notes: Notes) -> None:
        self._kind = kind
        self._notes = notes
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, source: Source) -> Iterator[T]:
        """
        Yield the records of a file: an object on each line, an array of them, or only one.

        Raises:
            ParseError: a line is no JSON object, or what nests too deeply.

        """
        head = source.head_text().lstrip()
        first, ended, _ = head.partition("\n")
        if head.startswith("["):
            yield from self.items(source, "item")
        elif ended and not first.rstrip().endswith("}"):  # an object over several lines
            yield self.document(source.page())
        else:
            yield from self._lines(source.utf8())

    def items(self, source: Source, path: str) -> Iterator[T]:
        """
        Yield the objects of an array that lies at a path of one document, as it is read.

        Raises:
            ParseError: the document is malformed, breaks off, or nests too deeply.

        """
        for _, value in read_items(source.utf8(), {path}, self._notes.limits):
            if isinstance(value, dict):
                yield self.salvage(value)
            else:
                self._notes.left_out["records that are no JSON object"] += 1

    def document(self, text: str) -> T:
        """
        Return a whole file as one record.

        Raises:
            ParseError: it is no JSON object, or nests too deeply.

        """
        written = text.encode("utf-8", "surrogatepass")
        self._check_depth(written, "")
        try:
            return self._decode(text)
        except _NOT_JSON:
            return self._mend(written, "", "one object")

    def salvage(self, value: Mapping[str, Any]) -> T:
        """Return what is of use in a decoded object, or a row of a table."""
        return _salvage(value, self._kind, self._notes)

    def _lines(self, stream: BinaryIO) -> Iterator[T]:
        decode = self._decode
        number = 0
        brackets = Brackets(self._notes.limits.depth)
        for block, lines in _split(stream):
            is_deep = brackets.may_exceed(block, lines)
            for line in lines:
                number += 1
                if is_deep:
                    self._check_depth(line, f"line {number}: ")
                try:
                    record = decode(line)
                except _NOT_JSON:
                    if not line.strip():
                        continue
                    record = self._mend(line, f"line {number}: ", "one object on each line")
                yield record

    def _check_depth(self, written: bytes, place: str) -> None:
        """Refuse what nests too deeply; it is decoded to be sure where it has so many brackets."""
        depth = self._notes.limits.depth
        if written.count(b"{") + written.count(b"[") <= depth:
            return
        with contextlib.suppress(ValueError):  # said where it is read
            try:
                if not is_deeper(json.loads(written), depth):
                    return
            except RecursionError:
                pass
            raise ParseError(f"{place}{self._notes.limits.too_deep()}")

    def _mend(self, written: bytes, place: str, wanted: str) -> T:
        """Return what can be read of a record that is not as it should be."""
        try:
            value = read_json(written.decode("utf-8"))
            if isinstance(value, dict):
                return _salvage(value, self._kind, self._notes)
        except RecursionError as error:
            raise ParseError(f"{place}{self._notes.limits.too_deep()}") from error
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            raise ParseError(f"{place}malformed JSON; expected {wanted}") from error
        raise ParseError(f"{place}a JSON {type(value).__name__}; expected {wanted}")


def read_json(text: str) -> Any:
    r"""
    Return decoded JSON, with U+FFFD for the half characters that cut texts leave.

    >>> read_json('["one \\ud83d"]') == ["one \ufffd"]
    True
    """
    value = json.loads(text)
    if "\\ud" not in text and "\\uD" not in text:
        return value
    spelled = json.dumps(value, ensure_ascii=False)
    return json.loads(spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield blocks with their lines, of which one that never ends must not fill the memory."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        whole = rest + block
        *lines, rest = whole.split(b"\n")
        yield whole, lines
        if len(rest) > LINE_BYTES:
            raise ParseError("a line longer than any comment; expected a record on each")
    yield rest, [rest]


def _salvage(record: Mapping[str, Any], kind: type[T], notes: Notes) -> T:
    """Return the fields of a record that are of their types; others are counted."""
    found = {}
    for field in _fields(kind):
        if (held := record.get(field.encode_name)) is None:
            continue
        try:
            found[field.name] = _convert(held, field.type, notes)
        except (msgspec.ValidationError, OverflowError):
            notes.left_out[f"values of {field.encode_name!r} not understood"] += 1
    return kind(**found)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _convert(held: Any, wanted: Any, notes: Notes) -> Any:
    """Return a value as a type wants it; within structs and lists of them, what is of use."""
    for one in get_args(wanted) if isinstance(wanted, UnionType) else (wanted,):
        if isinstance(held, dict) and isinstance(one, type) and issubclass(one, msgspec.Struct):
            return _salvage(held, one, notes)
        if isinstance(held, list) and get_origin(one) is list:
            [inner] = get_args(one)
            return [_convert(value, inner, notes) for value in held if value is not None]
    return msgspec.convert(held, wanted, strict=False)
