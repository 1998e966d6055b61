"""Members of tar files, read as a stream; nothing is unpacked by their names (POSIX.1-2001)."""

import tarfile
from collections.abc import Iterator
from functools import partial
from tarfile import ReadError, TarFile, TarInfo
from typing import BinaryIO, cast

from moderation.errors import SourceError
from moderation.parsers.limits import Limits
from moderation.parsers.members import Member, Members, Skipped
from moderation.parsers.sources import Source

HEADER_BYTES = 1 << 20
"""The longest name or list of properties: tarfile holds them in memory."""
_DAMAGED = (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]


class _Entry(TarInfo):
    """A header that is refused where it is damaged, or longer than any honest one."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> "_Entry":
        try:
            return super().fromtarfile(tarfile)
        except _DAMAGED as error:  # which for tarfile, after the first file, is a good end
            raise ReadError("damaged header") from error

    def _proc_member(self, archive: TarFile) -> TarInfo:
        if not self.isreg() and self.size > HEADER_BYTES:
            raise ReadError("too long a header")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def find_members(source: Source) -> Members:
    """
    Yield the files of a tar in their order, each to be read before the next.

    Raises:
        SourceError: it is damaged, cut off, or holds more than the limits allow.

    """
    skipped = Skipped()
    try:
        with tarfile.open(fileobj=source.binary(), mode="r|", tarinfo=_Entry) as archive:
            for entry in _readable(archive, skipped, source.limits):
                yield Member(entry.name, partial(_open, archive, entry), source.allowance)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise SourceError(
            f"{source.name}: damaged tar file, or one cut off; fetch or copy it again"
        ) from error
    yield from skipped.unread(source.name)


def _readable(archive: TarFile, skipped: Skipped, limits: Limits) -> Iterator[TarInfo]:
    number = 0
    while (entry := archive.next()) is not None:
        number += 1
        if number > limits.members:
            raise limits.too_many()
        archive.members.clear()  # type: ignore[attr-defined] # which would grow with the archive
        if entry.isdir():
            continue
        if not entry.isreg():
            skipped["that are links or devices"] += 1
        elif not skipped.has(entry.name):
            yield entry


def _open(archive: TarFile, entry: TarInfo) -> BinaryIO:
    return cast(BinaryIO, archive.extractfile(entry))
