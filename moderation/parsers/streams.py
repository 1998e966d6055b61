"""Raw streams between an input and its readers: failures as one line, and who closes what."""

import contextlib
import gzip
import io
import zlib
from typing import IO, BinaryIO

from moderation.errors import SourceError

BUFFER_BYTES = 1 << 16


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
        self, stream: BinaryIO | gzip.GzipFile, name: str, *, over: BinaryIO | None = None
    ) -> None:
        self._wrapped = stream
        self._name = name
        self._over = over

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def] # io's own signature
        try:
            chunk = self._wrapped.read(len(buffer))
        except EOFError as error:
            raise SourceError(
                f"{self._name}: the gzip file is cut off; fetch or copy it again"
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"{self._name}: damaged gzip data; fetch or copy it again") from error
        except OSError as error:
            raise SourceError(
                f"{self._name}: cannot be read ({error.strerror or type(error).__name__})"
            ) from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

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
