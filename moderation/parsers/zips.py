"""Members of zip files; nothing is unpacked by their names (APPNOTE.TXT 6.3, PKWARE)."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO, cast

from moderation.errors import SourceError
from moderation.parsers.limits import Limits
from moderation.parsers.members import Member, Members, Skipped
from moderation.parsers.packing import Allowance
from moderation.parsers.sources import Source

_ENCRYPTED = 0x1
_METHODS = frozenset(
    {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
)
# The directory of a zip is held in memory: this is more than any honest entry of it takes.
_ENTRY_BYTES = 512
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_COMMENT_BYTES = 1 << 16


def find_members(source: Source) -> Members:
    """
    Yield the files of a zip in their order, each to be read before the next.

    Raises:
        SourceError: it is damaged, or holds more than the limits allow.

    """
    with source.seekable() as stream:
        size = stream.seek(0, 2)
        _check_directory(stream, size, source.limits)
        allowance = Allowance(source.name, source.limits, lambda: size, source.around)
        skipped = Skipped()
        try:
            with zipfile.ZipFile(stream) as archive:
                for entry in _readable(archive, skipped, source.limits):
                    yield Member(entry.filename, partial(_open, archive, entry), allowance)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
            raise SourceError(f"{source.name}: damaged zip file; fetch or copy it again") from error
        yield from skipped.unread(source.name)


def _readable(
    archive: zipfile.ZipFile, skipped: Skipped, limits: Limits
) -> Iterator[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise limits.too_many()
    for entry in entries:
        if entry.filename.endswith("/"):
            continue
        if (fault := _find_fault(entry)) is not None:
            skipped[fault] += 1
        elif not skipped.has(entry.filename):
            yield entry


def _find_fault(entry: zipfile.ZipInfo) -> str | None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "that are links or devices"
    if entry.flag_bits & _ENCRYPTED:
        return "that are encrypted"
    if entry.compress_type not in _METHODS:
        return "packed in a way that is not read"
    return None


def _open(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(entry))


def _check_directory(stream: IO[bytes], size: int, limits: Limits) -> None:
    """Refuse a directory too large to be held, before it is read."""
    stream.seek(max(0, size - _COMMENT_BYTES - _END.size))
    tail = stream.read()
    place = tail.rfind(_END_MAGIC)
    if 0 <= place <= len(tail) - _END.size:
        directory = _END.unpack_from(tail, place)[5]
        if directory > limits.members * _ENTRY_BYTES:
            raise limits.too_many()
    stream.seek(0)
