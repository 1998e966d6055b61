"""Finds the encoding of a text by its mark, its declaration and by trial."""

import codecs
import re

from moderation.errors import NothingToRead, SourceError

HEAD_BYTES = 1 << 16
"""How much of an input is looked at to find its format and encoding."""

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
        raise NothingToRead(
            f"{name}: binary data; expected a page or a table as text, Parquet, SQLite, an "
            "archive, or .gz of those"
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


def check_encoding(encoding: str) -> None:
    """
    Refuse a name that is no encoding of text.

    Raises:
        SourceError: no encoding of text is called so.

    """
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
