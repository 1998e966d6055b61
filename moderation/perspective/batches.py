"""Many calls in one request: multipart/mixed, as Google's client libraries write and read it."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from moderation.perspective.errors import bad_batch

MOST_PARTS: Final = 1_000
"""Calls in one batch: Google's limit."""
_LONGEST_HEAD: Final = 16_384
_LONGEST_TYPE: Final = 1_000
_AS_IT_IS: Final = frozenset({"", "7bit", "8bit", "binary"})
"""What Content-Transfer-Encoding may be."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (\S+)(?: HTTP/[0-9.]{1,4})?")
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One call of a batch; the names of its headers are lower-case. No key is shown where it is."""

    content_id: str | None
    method: str
    path_with_query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What one call is answered with; `content_id` is that of the call."""

    content_id: str | None
    status: int
    headers: Mapping[str, str]
    body: bytes


def read_batch(body: bytes, content_type: str) -> list[BatchPart]:
    """
    Read the calls of a batch, in their order (RFC 2046, section 5.1; RFC 9112, section 3).

    Lines may end in LF alone, as Python's client ends them. What stands around the parts is not
    read, and each part's length is that of the part, whatever its Content-Length says.

    Raises:
        ApiError: it is no batch, a part is no call, or there are more than `MOST_PARTS`.

    """
    return [_read_part(piece) for piece in _split(body, _find_boundary(content_type))]


def write_batch(answers: Sequence[BatchAnswer]) -> tuple[str, bytes]:
    """
    Return the content type and the body that answer a batch.

    The boundary is a hash of the bodies: the same answers give the same bytes, and no body holds
    it.
    """
    digest = hashlib.sha256()
    for answer in answers:
        digest.update(answer.body)
    boundary = f"batch_{digest.hexdigest()[:32]}"
    lines: list[bytes] = []
    for answer in answers:
        lines += [f"--{boundary}".encode(), *_write_part(answer)]
    lines += [f"--{boundary}--".encode(), b""]
    return f'multipart/mixed; boundary="{boundary}"', b"\r\n".join(lines)


def _find_boundary(content_type: str) -> bytes:
    message = Message()
    if len(content_type) <= _LONGEST_TYPE and not _CONTROL.search(content_type):
        message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/mixed" or not boundary or not boundary.isascii():
        raise bad_batch("expected the content type multipart/mixed with a boundary")
    return boundary.encode()


def _split(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield what stands between the delimiters, each part with the line end before it."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    begin, parts = -1, 0
    for match in delimiter.finditer(body):
        if begin >= 0:
            parts += 1
            if parts > MOST_PARTS:
                raise bad_batch(f"the batch has more than {MOST_PARTS} calls")
            yield body[begin : match.start()]
        begin = match.end()
        if match[1]:
            if parts:
                return
            break
    raise bad_batch("expected calls between delimiters, and a closing delimiter")


def _read_part(piece: bytes) -> BatchPart:
    head, call = _cut(piece.removeprefix(b"\r").removeprefix(b"\n"))
    headers = _read_headers(head)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/http":
        raise bad_batch("expected the content type application/http of each call")
    if headers.get("content-transfer-encoding", "").lower() not in _AS_IT_IS:
        raise bad_batch("expected calls that are not encoded")
    head, body = _cut(call.lstrip(b"\r\n"))
    first, _, rest = head.replace("\r\n", "\n").partition("\n")
    request = _REQUEST_LINE.fullmatch(first.strip())
    if request is None:
        raise bad_batch("expected a request line in each call")
    return BatchPart(
        headers.get("content-id"), request[1], _find_path(request[2]), _read_headers(rest), body
    )


def _cut(piece: bytes) -> tuple[str, bytes]:
    """Return the head and the body that a blank line parts; no blank line, no body."""
    blank = _BLANK_LINE.search(piece, 0, _LONGEST_HEAD)
    head, body = (piece[: blank.start()], piece[blank.end() :]) if blank else (piece, b"")
    if len(head) > _LONGEST_HEAD:
        raise bad_batch(f"expected headers of at most {_LONGEST_HEAD} bytes")
    return head.decode("latin-1"), body


def _read_headers(head: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for line in head.replace("\r\n", "\n").rstrip("\n").split("\n") if head.strip() else ():
        header = _HEADER.fullmatch(line)
        if _CONTROL.search(line) or not (header or (name and line.startswith((" ", "\t")))):
            raise bad_batch("expected a name and a value in each header")
        if header is None:
            headers[name] += f" {line.strip()}"  # it was folded at a space
        else:
            name = header[1].lower()
            headers[name] = header[2].strip()
    return headers


def _find_path(target: str) -> str:
    """Return path and query of what is asked for; a client may name this server before it."""
    try:
        parts = urlsplit(target)
    except ValueError:
        parts = urlsplit("")
    if not parts.path.startswith("/") or parts.scheme not in {"", "http", "https"}:
        raise bad_batch("expected a path that begins with / in each call")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _write_part(answer: BatchAnswer) -> Iterator[bytes]:
    yield b"Content-Type: application/http"
    if answer.content_id is not None:
        yield f"Content-ID: {_answer_id(answer.content_id)}".encode("latin-1", "replace")
    yield b""
    yield f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
    for name, value in answer.headers.items():
        yield f"{name}: {value}".encode("latin-1")
    yield b""
    yield answer.body


def _answer_id(content_id: str) -> str:
    """
    Return the id that an answer has, as Google's servers write it.

    >>> _answer_id("<abc + 1>")
    '<response-abc + 1>'
    """
    if content_id.startswith("<"):
        return f"<response-{content_id[1:]}"
    return f"response-{content_id}"
