"""Opens an input: a path, bytes or an open file, unpacked and decoded, with clear refusals."""

import codecs
import gzip
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from moderation.errors import SourceError
from moderation.parsers.streams import Guarded, Prefixed, borrow

Openable = str | os.PathLike[str] | bytes | IO[bytes]

HEAD_BYTES = 1 << 16
"""How much of an input is looked at to find its format and encoding."""
PAGE_BYTES = 1 << 26
"""The largest page that is read whole; tables are streamed and have no such limit."""
SPOOL_BYTES = 1 << 26
"""Compressed Parquet needs seeking: up to this size it is unpacked in memory, above on disk."""

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What HTML declares about itself in its first kilobyte (WHATWG HTML, 13.2.3.2).
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.I
)
# Browsers read these names as Windows-1252 (WHATWG Encoding, 4.2).
_LATIN = frozenset({"iso8859-1", "ascii", "latin-1", "cp1252"})
# Codecs for other things than a file's text; of the rest, encoding refuses "hex", "rot13", ...
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


class Source:
    """One input, unpacked as it is read; `name` is what messages call it."""

    def __init__(self, stream: BinaryIO, *, name: str, encoding: str | None = None) -> None:
        self.name = name
        self._forced = encoding
        self._found: str | None = None
        opened = io.BufferedReader(Guarded(stream, name), HEAD_BYTES)
        try:
            if opened.peek(2)[:2] == b"\x1f\x8b":
                unpacked = gzip.GzipFile(fileobj=opened)
                opened = io.BufferedReader(Guarded(unpacked, name, over=opened), HEAD_BYTES)
            self.head = opened.read(HEAD_BYTES)
            self._stream = io.BufferedReader(Prefixed(self.head, opened), HEAD_BYTES)
            if not self.is_parquet and not self.head_text().strip():
                raise SourceError(f"{name}: the file is empty; expected comments")
        except BaseException:
            opened.close()
            raise

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened; streams that were handed over open are left to their owner."""
        self._stream.close()

    @property
    def is_parquet(self) -> bool:
        return self.head.startswith(b"PAR1")

    @property
    def encoding(self) -> str:
        """The text encoding: the one forced, or found by mark, declaration and trial."""
        if self._forced is not None:
            return self._forced
        if self._found is None:
            self._found = find_encoding(self.head, name=self.name)
        return self._found

    def head_text(self) -> str:
        """Return the decoded beginning, without a character that is cut at its end."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        try:
            return decoder.decode(self.head)
        except UnicodeDecodeError as error:
            raise self.undecodable(error) from error

    def lines(self) -> io.TextIOWrapper:
        """Return the text as a stream, line ends as they are."""
        return io.TextIOWrapper(self._stream, encoding=self.encoding, newline="")

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
        """Return a file that can be sought, unpacked to a temporary one that goes when closed."""
        spooled = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 the caller closes it
        shutil.copyfileobj(self._stream, spooled, HEAD_BYTES)
        spooled.seek(0)
        return spooled


def open_source(
    source: Openable, *, name: str | None = None, encoding: str | None = None
) -> Source:
    """
    Open a path, the bytes themselves, an open binary file, or "-" for standard input.

    Raises:
        SourceError: it is missing, a folder, empty, or not to be read with these permissions.

    """
    if encoding is not None:
        _check_encoding(encoding)
    if isinstance(source, bytes):
        return Source(io.BytesIO(source), name=name or "bytes", encoding=encoding)
    if source == "-":
        return Source(borrow(sys.stdin.buffer), name=name or "standard input", encoding=encoding)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Source(_open_path(path), name=name or str(path), encoding=encoding)
    found = str(getattr(source, "name", "open file"))
    return Source(borrow(source), name=name or found, encoding=encoding)


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


def find_encoding(head: bytes, *, name: str) -> str:
    """
    Return the encoding of a text from its first bytes.

    In this order: a byte order mark, UTF-16 without one, UTF-8, what HTML declares, Windows-1252.
    Bytes beyond ASCII that happen to be UTF-8 are nothing else: a declaration is wrong more often.

    >>> find_encoding("naïve".encode("cp1252"), name="example")
    'cp1252'
    """
    for mark, marked in _BOMS:
        if head.startswith(mark):
            return marked
    if utf16 := _unmarked_utf16(head):
        return utf16
    if len(head) - len(head.translate(None, _CONTROLS)) > len(head) // 100:
        raise SourceError(
            f"{name}: binary data; expected a page or a table as text, Parquet, or .gz of those"
        )
    declared = _declared(head)
    if head.isascii():
        return declared or "utf-8"
    for encoding in ("utf-8", declared, None if _is_damaged_utf8(head) else "cp1252"):
        if encoding is not None and _decodes(head, encoding):
            return encoding
    raise SourceError(
        f"{name}: text that is neither UTF-8 nor Windows-1252, or damaged; repair it, or say "
        "which encoding it is with --encoding"
    )


def _open_path(path: Path) -> io.BufferedReader:
    shown = _shown(path)
    try:
        if path.is_dir():
            raise SourceError(f"{shown}: a folder; expected a file: name the files in it")
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceError(f"{shown}: no such file") from error
    except PermissionError as error:
        raise SourceError(f"{shown}: no permission to read it") from error
    except OSError as error:
        raise SourceError(f"{shown}: cannot be opened ({error.strerror})") from error
    except ValueError as error:  # a zero character in it
        raise SourceError(f"{shown}: not the name of a file") from error


def _shown(path: Path) -> str:
    """Return a path for a message: one line of it, even where a page's text was given instead."""
    line = str(path).encode(errors="backslashreplace").decode()
    return line if line.isprintable() and len(line) < 400 else f"a name of {len(line)} characters"


def _check_encoding(encoding: str) -> None:
    if not _is_charset(encoding):
        raise SourceError(f"no encoding is called {encoding!r}; try utf-8 or cp1252")


def _is_charset(name: str) -> bool:
    try:
        "".encode(name)
        return codecs.lookup(name).name not in _NO_CHARSETS
    except (LookupError, ValueError):
        return False


def _declared(head: bytes) -> str | None:
    """Return the encoding that a page or feed declares, as browsers understand the name."""
    match = _DECLARED.search(head[:1024]) if head.lstrip().startswith(b"<") else None
    name = match[1].decode("ascii", "replace") if match else ""
    if not _is_charset(name):
        return None
    found = codecs.lookup(name).name
    if found.startswith(("utf-16", "utf-32")):  # it was readable as ASCII so far: it cannot be
        return "utf-8"
    return "cp1252" if found in _LATIN else found


def _is_damaged_utf8(head: bytes) -> bool:
    """Tell UTF-8 with a few wrong bytes, which read as Windows-1252 would be gibberish."""
    sequences = _MULTIBYTE.findall(head)
    others = len(head.translate(None, bytes(range(0x80)))) - sum(map(len, sequences))
    return len(sequences) > 2 * others


def _unmarked_utf16(head: bytes) -> str | None:
    """Recognise UTF-16 without a mark: mostly Latin text has a zero in every second byte."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    return None


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True
