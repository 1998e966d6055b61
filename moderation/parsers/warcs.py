"""Answers kept in web archives, as captures of pages (ISO 28500, WARC 1.0 and 1.1), by warcio."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, BinaryIO, Final, cast

from moderation.errors import MissingPackage, ModerationError, SourceError
from moderation.parsers.members import Member, Members, Skipped
from moderation.parsers.sources import Source
from moderation.parsers.streams import borrow

READ_TYPES: Final = re.compile(
    r"text/html|application/xhtml\+xml|(?:application|text)/(?:[\w.-]+\+)?json"
)
_DRAINED_BYTES: Final = 1 << 16


def find_members(source: Source) -> Members:
    """
    Yield the pages and the JSON of a web archive in their order, each to be read before the next.

    Raises:
        MissingPackage: warcio is not installed.
        SourceError: it is damaged, cut off, or holds more than the limits allow.

    """
    skipped = Skipped()
    for record in _records(source):
        if record.rec_type == "revisit":
            skipped["answers that were the same as before"] += 1
        elif record.rec_type == "response":
            if (fault := _find_fault(record)) is not None:
                skipped[fault] += 1
            else:
                yield _as_member(record, source)
    yield from skipped.unread(source.name)


def _find_fault(record: Any) -> str | None:
    if record.http_headers is None:
        return "answers that are not of the web"
    if (status := str(record.http_headers.get_statuscode())) != "200":
        return f"answers with status {status}" if status.isdecimal() else "answers without a status"
    kind = str(record.http_headers.get_header("Content-Type") or "").partition(";")[0].strip()
    return None if READ_TYPES.fullmatch(kind.lower()) else "answers that are no page and no JSON"


def _as_member(record: Any, source: Source) -> Member:
    address = record.rec_headers.get_header("WARC-Target-URI")
    return Member(
        str(address),
        lambda: borrow(cast(BinaryIO, record.content_stream())),
        source.allowance,
        article=address,
        captured_at=_read_date(record.rec_headers.get_header("WARC-Date")),
        is_answer=True,
    )


def _read_date(shown: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(shown or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _records(source: Source) -> Iterator[Any]:
    """Yield records; whatever fails in warcio, on bytes that anybody may have made, is damage."""
    archive = _Ending(source.binary())
    records, number = _open(archive, source.name), 0
    while True:
        try:
            record = next(records, None)
        except ModerationError:
            raise
        except Exception as error:
            raise _damaged(source) from error
        if record is None:
            break
        number += 1
        if number > source.limits.members:
            raise source.limits.too_many()
        yield record
        _drain(record, source)
    if not archive.is_complete:
        raise _damaged(source)


class _Ending:
    """Passes an archive on and remembers how it ended: every record ends with an empty line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._last = b""

    @property
    def is_complete(self) -> bool:
        return self._last.endswith((b"\r\n\r\n", b"\n\n"))

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        self._last = (self._last + chunk[-4:])[-4:]
        return chunk


def _drain(record: Any, source: Source) -> None:
    """Read what is left of a record, and refuse one that is shorter than it says."""
    while record.raw_stream.read(_DRAINED_BYTES):
        pass
    if getattr(record.raw_stream, "limit", 0):
        raise _damaged(source)


def _damaged(source: Source) -> SourceError:
    return SourceError(
        f"{source.name}: damaged web archive, or one cut off; fetch or copy it again"
    )


def _open(archive: _Ending, name: str) -> Iterator[Any]:
    try:
        warcio = import_module("warcio.archiveiterator")
    except ImportError as error:
        raise MissingPackage(
            f"{name}: a web archive, which needs the package warcio: "
            "pip install 'moderation[archives]'"
        ) from error
    logging.getLogger("warcio").setLevel(logging.ERROR)  # it would warn of odd addresses
    records = warcio.WARCIterator(archive)
    records.INC_RECORD = ""  # it would print what follows a record of wrong length: words, perhaps
    return iter(records)
