"""Opens an input: a path, bytes or an open file, unpacked and decoded, with clear refusals."""

import codecs
import hashlib
import io
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path, PurePath
from typing import IO, BinaryIO, cast

from moderation.errors import NothingToRead, SourceError
from moderation.parsers.databases import SQLITE_MAGIC, Database
from moderation.parsers.encodings import HEAD_BYTES, check_encoding, find_encoding
from moderation.parsers.limits import DEFAULT_LIMITS, Limits
from moderation.parsers.packing import Allowance, unpack
from moderation.parsers.streams import Prefixed, Recoded, borrow

Openable = str | os.PathLike[str] | bytes | IO[bytes]

PAGE_BYTES = 1 << 26
"""The largest page that is read whole; tables are streamed and have no such limit."""
SPOOL_BYTES = 1 << 26
"""What needs seeking and lies in no file: up to this size it is kept in memory, above on disk."""
_OPENED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""What a shell has opened already, as in `<(...)`, has these names."""
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
WARC_MAGIC = b"WARC/"
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257


class Source:
    """One input, unpacked as it is read; `name` is what messages call it."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        name: str,
        encoding: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        around: Allowance | None = None,
        path: Path | None = None,
    ) -> None:
        """Take a stream over; `around` is what its archive allows, `path` where it lies."""
        self.name = name
        self.limits = limits
        self.around = around
        self._forced = encoding
        self._found: str | None = None
        self._database: Database | None = None
        unpacked = unpack(stream, name, limits, around)
        opened = unpacked.stream
        self.allowance = unpacked.allowance
        self._path = None if unpacked.is_packed else path
        try:
            self.head = opened.read(HEAD_BYTES)
            self._stream = io.BufferedReader(Prefixed(self.head, opened), HEAD_BYTES)
            if self.is_text and not self.head_text().strip():
                raise NothingToRead(f"{name}: the file is empty; expected comments")
        except BaseException:
            opened.close()
            raise

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened; streams that were handed over open are left to their owner."""
        if self._database is not None:
            self._database.close()
        self._stream.close()

    @property
    def is_parquet(self) -> bool:
        return self.head.startswith(b"PAR1")

    @property
    def is_zip(self) -> bool:
        return self.head.startswith(ZIP_MAGICS)

    @property
    def is_tar(self) -> bool:
        return self.head[TAR_MAGIC_AT:].startswith(TAR_MAGIC)

    @property
    def is_warc(self) -> bool:
        return self.head.startswith(WARC_MAGIC)

    @property
    def is_archive(self) -> bool:
        return self.is_zip or self.is_tar or self.is_warc

    @property
    def is_text(self) -> bool:
        return not (self.is_parquet or self.is_sqlite or self.is_archive)

    @property
    def is_sqlite(self) -> bool:
        return self.head.startswith(SQLITE_MAGIC)

    @property
    def encoding(self) -> str:
        """The text encoding: the one forced, or found by mark, declaration and trial."""
        if self._forced is not None:
            return self._forced
        if self._found is None:
            self._found = find_encoding(self.head, name=self.name)
        return self._found

    def head_text(self) -> str:
        """
        Return the decoded beginning, without a character that is cut at its end.

        Of an SQLite database it is what creates its tables (`Database.schema`).
        """
        if self.is_sqlite:
            return self.database().schema
        decoder = codecs.getincrementaldecoder(self.encoding)()
        try:
            return decoder.decode(self.head)
        except UnicodeDecodeError as error:
            raise self.undecodable(error) from error

    def lines(self) -> io.TextIOWrapper:
        """Return the text as a stream, line ends as they are."""
        return io.TextIOWrapper(self._stream, encoding=self.encoding, newline="")

    def binary(self) -> BinaryIO:
        """Return the unpacked bytes from the beginning, in the encoding that the source has."""
        return cast(BinaryIO, self._stream)

    def utf8(self) -> BinaryIO:
        """
        Return the text from the beginning as UTF-8 without a mark, as parsers of JSON want it.

        Reading it raises UnicodeDecodeError where the text is not of its encoding; what is UTF-8
        already is passed on unread.
        """
        if self.encoding == "utf-8":
            return self.binary()
        return cast(BinaryIO, io.BufferedReader(Recoded(self.lines()), HEAD_BYTES))

    def database(self) -> Database:
        """Return the SQLite database that the source is; it is closed with the source."""
        if self._database is None:
            self._database = Database(self.binary(), self.name)
        return self._database

    def page(self) -> str:
        """Return the whole text of a page, refusing one too large to be a page."""
        body = self._stream.read(PAGE_BYTES + 1)
        if len(body) > PAGE_BYTES:
            raise SourceError(
                f"{self.name}: larger than {PAGE_BYTES >> 20} MB, which no saved page is; "
                "if it is a table, name its format with --format"
            )
        if self._forced is None and len(body) > len(self.head):
            self._found = find_encoding(body, name=self.name)
        try:
            return body.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise self.undecodable(error) from error

    def undecodable(self, error: UnicodeDecodeError) -> SourceError:
        """Return the refusal of bytes that are not of the encoding."""
        return SourceError(
            f"{self.name}: byte 0x{error.object[error.start]:02x} does not belong to "
            f"{self.encoding}; repair it, or say which encoding it is with --encoding"
        )

    def seekable(self) -> IO[bytes]:
        """Return the unpacked bytes as a file that can be sought; the caller closes it."""
        if self._path is not None:
            return _open_path(self._path)
        spooled = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 the caller closes it
        shutil.copyfileobj(self._stream, spooled, HEAD_BYTES)
        spooled.seek(0)
        return spooled


def open_source(
    source: Openable,
    *,
    name: str | None = None,
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Source:
    """
    Open a path, the bytes themselves, an open binary file, or "-" for standard input.

    Raises:
        SourceError: it is missing, a folder, empty, or not to be read with these permissions.

    """
    if encoding is not None:
        check_encoding(encoding)
    if isinstance(source, str | os.PathLike) and source != "-":
        path = Path(source)
        stream = _open_path(path)
        # A pipe can be opened once.
        lies_at = path if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else None
        return Source(
            stream, name=name or spell_name(path), encoding=encoding, limits=limits, path=lies_at
        )
    opened, found = _open(source)
    return Source(opened, name=name or found, encoding=encoding, limits=limits)


def _open(source: bytes | str | IO[bytes]) -> tuple[BinaryIO, str]:
    """Return the stream of an input that is no path, and what it is called."""
    if isinstance(source, bytes):
        return io.BytesIO(source), "bytes"
    if isinstance(source, str):
        return borrow(sys.stdin.buffer), "standard input"
    return borrow(source), str(getattr(source, "name", "open file"))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with _open_path(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def printable(name: str) -> str:
    r"""
    Return a file's name fit for print and JSON: old archives hold names that are not UTF-8.

    >>> printable("Ausfuhr \udce4.csv") == "Ausfuhr \ufffd.csv"
    True
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _open_path(path: Path) -> io.BufferedReader:
    shown = show_path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(
                f"{spell_name(path)}: a folder; expected a file: name the files in it"
            )
        if not stat.S_ISREG(mode) and not str(path).startswith(_OPENED):
            raise SourceError(
                f"{spell_name(path)}: a pipe, socket or device; expected a file: to read from it, "
                "pass it on to standard input (-)"
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceError(f"{shown}: no such file") from error
    except PermissionError as error:
        raise SourceError(f"{spell_name(path)}: no permission to read it") from error
    except OSError as error:
        raise SourceError(f"{shown}: cannot be opened ({error.strerror})") from error
    except ValueError as error:  # a zero character in it
        raise SourceError(f"{shown}: not the name of a file") from error


def show_path(path: PurePath | str) -> str:
    """Return a path for a message: one line of it, even where a page's text was given instead."""
    line = str(path).encode(errors="backslashreplace").decode()
    return line if line.isprintable() and len(line) < 400 else f"a name of {len(line)} characters"


def spell_name(path: PurePath | str) -> str:
    r"""
    Return the name of a file that there is on one line, whatever is in it.

    >>> print(spell_name("two\nlines.csv"))
    two\nlines.csv
    """
    name = str(path).encode(errors="backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
