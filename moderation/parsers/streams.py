"""Raw streams between an input and its readers: failures as one line, and who closes what."""

import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from typing import IO, BinaryIO

from moderation.errors import SourceError

BUFFER_BYTES = 1 << 16
DAMAGE = (
    gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError
)  # fmt: skip
"""What says that packed data is damaged."""


def borrow(stream: IO[bytes]) -> BinaryIO:
    """Return a stream over one that belongs to somebody else, who closes it."""
    probe = b""
    with contextlib.suppress(AttributeError, OSError):
        probe = stream.read(0)
    if not isinstance(probe, bytes):
        raise SourceError("a file opened as text; open it in binary mode: open(path, 'rb')")
    return io.BufferedReader(Borrowed(stream), BUFFER_BYTES)


class Guarded(io.RawIOBase):
    """A raw stream whose failures become one clear line; it closes what it lies over, too."""

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        *,
        over: BinaryIO | None = None,
        packing: str | None = None,
    ) -> None:
        self._wrapped = stream
        self._name = name
        self._over = over
        self._packing = packing
        self.passed = 0
        """How many bytes went through."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        try:
            chunk = self._wrapped.read(len(buffer))
        except EOFError as error:
            raise SourceError(
                f"{self._name}: the {self._packing} file is cut off; fetch or copy it again"
            ) from error
        except DAMAGE as error:
            raise self._damaged() from error
        except OSError as error:
            if error.errno is None and self._packing:  # as bzip2 and zstd say it
                raise self._damaged() from error
            raise SourceError(
                f"{self._name}: cannot be read ({error.strerror or type(error).__name__})"
            ) from error
        self.passed += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _damaged(self) -> SourceError:
        return SourceError(
            f"{self._name}: damaged {self._packing or 'packed'} data; fetch or copy it again"
        )

    def close(self) -> None:
        self._wrapped.close()
        if self._over is not None:
            self._over.close()  # which GzipFile leaves open
        super().close()


class Prefixed(io.RawIOBase):
    """A stream with its beginning, which was read already, put back in front."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        if not self._head:
            chunk = self._rest.read(len(buffer))
            buffer[: len(chunk)] = chunk
            return len(chunk)
        taken = min(len(buffer), len(self._head))
        buffer[:taken] = self._head[:taken]
        self._head = self._head[taken:]
        return taken

    def close(self) -> None:
        self._rest.close()
        super().close()


class Borrowed(io.RawIOBase):
    """Reads a stream that belongs to somebody else and leaves it open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._owned_elsewhere = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        chunk = self._owned_elsewhere.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Recoded(io.RawIOBase):
    """The text of a stream as UTF-8."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        if not self._ready:
            self._ready = self._text.read(BUFFER_BYTES).encode("utf-8", "surrogatepass")
        chunk, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._text.close()
        super().close()
