"""Unpacks gzip, bzip2, xz and zstd while it is read, and stops where a bomb begins to swell."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, BinaryIO, cast

from moderation.errors import MissingPackage, SourceError
from moderation.parsers.limits import RATIO_FROM, Limits
from moderation.parsers.streams import BUFFER_BYTES, Guarded

MAGIC_BYTES = 6
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_WINDOW = 1 << 31
"""What `zstd --long=31` needs, as which the dumps of Reddit come."""
# A frame of zstd may say "the same byte 128 kB long" in four bytes: little is fed at a time.
_FED_BYTES = 1 << 10


class Zstandard(io.RawIOBase):
    """Unpacks zstd, frame after frame, and knows where the last one is cut off."""

    def __init__(self, packed: io.BufferedReader, name: str) -> None:
        self._packed = packed
        self._package = _import_zstandard(name)
        self._frame: Any = None
        self._ready = memoryview(b"")
        self._unused = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        while not self._ready and self._unpack():
            pass
        taken = min(len(buffer), len(self._ready))
        buffer[:taken] = self._ready[:taken]
        self._ready = self._ready[taken:]
        return taken

    def _unpack(self) -> bool:
        """Unpack a little more; tell whether there is any."""
        fed = self._unused or self._packed.read(_FED_BYTES)
        self._unused = b""
        if not fed:
            if self._frame is not None:
                raise EOFError
            return False
        if self._frame is None:
            unpacker = self._package.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
            self._frame = unpacker.decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(fed))
        except self._package.ZstdError as error:
            raise OSError("damaged") from error
        if self._frame.eof:
            self._unused, self._frame = self._frame.unused_data, None
        return True


@dataclass(frozen=True)
class Packing:
    """A way of packing: what it is called, and what unpacks it."""

    name: str
    unpack: Callable[[io.BufferedReader, str], BinaryIO]


PACKINGS: Mapping[bytes, Packing] = {
    b"\x1f\x8b": Packing("gzip", lambda packed, _: cast(BinaryIO, gzip.GzipFile(fileobj=packed))),
    b"BZh": Packing("bzip2", lambda packed, _: cast(BinaryIO, bz2.BZ2File(packed))),
    b"\xfd7zXZ\0": Packing("xz", lambda packed, _: cast(BinaryIO, _open_xz(packed))),
    ZSTD_MAGIC: Packing("zstd", lambda packed, name: cast(BinaryIO, Zstandard(packed, name))),
}
"""By the bytes that each begins with."""


class Allowance:
    """
    How much may still come out of an input, and out of the archive around it.

    Args:
        name: of the input, for the refusal.
        limits: what is allowed.
        packed: returns how many packed bytes have been read so far.
        around: what the archive around it allows.

    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        packed: Callable[[], int],
        around: "Allowance | None" = None,
    ) -> None:
        self._name = name
        self._limits = limits
        self._packed = packed
        self._around = around
        self._unpacked = 0
        self.refusal: SourceError | None = None
        """Why no more of it is read, once more came than may."""

    def take(self, count: int) -> None:
        """
        Count bytes that came out.

        Raises:
            SourceError: they are more than may come.

        """
        if self._around is not None:
            self._around.take(count)
        self._unpacked += count
        if self._unpacked > self._limits.size:
            self.refusal = self._limits.too_large(self._name)
        elif self._unpacked > max(RATIO_FROM, self._limits.ratio * self._packed()):
            self.refusal = self._limits.too_dense(self._name)
        if self.refusal is not None:
            raise self.refusal


class Measured(io.RawIOBase):
    """A stream that is refused once more came out of it than may."""

    def __init__(self, stream: BinaryIO, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        chunk = self._stream.read(len(buffer))
        self._allowance.take(len(chunk))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        super().close()


@dataclass(frozen=True)
class Unpacked:
    """An input with what packed it taken off, and what may still come out of it."""

    stream: BinaryIO
    allowance: Allowance
    is_packed: bool


def unpack(
    stream: BinaryIO, name: str, limits: Limits, around: Allowance | None = None
) -> Unpacked:
    """
    Take off what packs a stream, once, if anything does; the result closes the stream.

    Raises:
        MissingPackage: it is zstd, and the package that unpacks that is not installed.
        SourceError: when read: it is damaged, cut off, or more than the limits allow.

    """
    raw = Guarded(stream, name)
    allowance = Allowance(name, limits, lambda: raw.passed, around)
    opened: io.BufferedReader = io.BufferedReader(raw, BUFFER_BYTES)
    try:
        if (packing := find_packing(opened.peek(MAGIC_BYTES))) is not None:
            whole = packing.unpack(opened, name)
            unpacked = Guarded(whole, name, over=opened, packing=packing.name)
            opened = io.BufferedReader(unpacked, BUFFER_BYTES)
        measured = Measured(cast(BinaryIO, opened), allowance)
        buffered = cast(BinaryIO, io.BufferedReader(measured, BUFFER_BYTES))
        return Unpacked(buffered, allowance, is_packed=packing is not None)
    except BaseException:
        opened.close()
        raise


def find_packing(head: bytes) -> Packing | None:
    """Return how something that begins so is packed, or None where it is not."""
    return next((one for magic, one in PACKINGS.items() if head.startswith(magic)), None)


def _open_xz(packed: io.BufferedReader) -> lzma.LZMAFile:
    return lzma.LZMAFile(packed)


def _import_zstandard(name: str) -> ModuleType:
    try:
        import zstandard
    except ImportError as error:
        raise MissingPackage(
            f"{name}: packed with zstd, which needs the package zstandard: "
            "pip install 'moderation[archives]'"
        ) from error
    return zstandard
