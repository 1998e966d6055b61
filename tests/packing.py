"""Makes archives in memory: what is in them, and what should not be."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


def make_zip(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def make_tar(files: Mapping[str, bytes], *, mode: str = "w", links: bool = False) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        if links:
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
                entry = tarfile.TarInfo("comments.csv")
                entry.type, entry.linkname = kind, "/etc/passwd"
                archive.addfile(entry)
    return stream.getvalue()


def chunked(body: bytes) -> bytes:
    halves = body[: len(body) // 2], body[len(body) // 2 :]
    return b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in halves if half) + b"0\r\n\r\n"


class Writer(WARCWriter):
    _create_temp_file = staticmethod(io.BytesIO)  # warcio leaves its own one open


class Warc:
    """A web archive while it is written."""

    def __init__(self, *, packed: bool = False) -> None:
        self._stream = io.BytesIO()
        self._writer = Writer(self._stream, gzip=packed)

    def add(
        self,
        address: str,
        date: str,
        body: bytes,
        *,
        kind: str = "text/html; charset=utf-8",
        status: str = "200 OK",
        encoding: str | None = None,
        is_chunked: bool = False,
        record: str = "response",
    ) -> "Warc":
        headers = [("Content-Type", kind)]
        if encoding == "gzip":
            body = gzip.compress(body)
        if encoding:
            headers.append(("Content-Encoding", encoding))
        if is_chunked:
            headers.append(("Transfer-Encoding", "chunked"))
            body = chunked(body)
        made = self._writer.create_warc_record(
            address,
            record,
            payload=io.BytesIO(body),
            http_headers=StatusAndHeaders(status, headers, protocol="HTTP/1.1"),
            warc_headers_dict={"WARC-Date": date},
        )
        self._writer.write_record(made)
        return self

    def finish(self) -> bytes:
        return self._stream.getvalue()
