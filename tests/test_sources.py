"""Opening an input: what it may be, in which encoding, and what is refused."""

import gzip
import io
import os
import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import ModerationError, ParseError, SourceError
from moderation.parsers import find_files, find_time_in_name, read_comments
from moderation.parsers.encodings import find_encoding
from moderation.parsers.sources import PAGE_BYTES, digest, open_source
from tests.limits import without_privileges

TABLE = "id,text\n1,Grüße aus Köln – „fein“\n2,naïve café\n"
ITEM = '<li id="comment_1"><p class="cmt-text">{}</p></li>'


def texts(source, **options) -> list[str | None]:
    return [comment.text for comment in read_comments(source, **options)]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def sqlite_file(path: Path) -> bytes:
    with sqlite3.connect(path) as connection:
        connection.execute("create table comments (id, text)")
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("name", ["comments.csv", "comments", "comments.csv.gz", "comments.txt.GZ"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_is_unpacked_by_its_content_whatever_its_name(name, is_packed, tmp_path):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TABLE.encode()) if is_packed else TABLE.encode())
    assert texts(path) == texts(str(path)) == ["Grüße aus Köln – „fein“", "naïve café"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_bytes_and_open_files_are_read_like_a_path(pack, tmp_path):
    path = tmp_path / "comments"
    path.write_bytes(pack(TABLE.encode()))
    with path.open("rb") as stream, path.open("rb", buffering=0) as raw:
        found = [texts(path.read_bytes()), texts(io.BytesIO(path.read_bytes()))]
        found += [texts(stream), texts(raw)]
        assert not stream.closed, "it belongs to whoever opened it"
    assert found == [["Grüße aus Köln – „fein“", "naïve café"]] * 4


def test_a_file_opened_as_text_is_refused(tmp_path):
    path = tmp_path / "comments.csv"
    path.write_text(TABLE, encoding="utf-8")
    with path.open(encoding="utf-8") as stream, pytest.raises(SourceError, match="binary mode"):
        read_comments(stream)
    with pytest.raises(SourceError, match="binary mode"):
        read_comments(io.StringIO(TABLE))


@pytest.mark.parametrize(
    "content",
    [TABLE, "id,words\n1,a\n", "", "id,text\n1,", "id,text,label\n1,a,x\n", "A page."],
    ids=["good", "no text column", "empty", "ragged", "bad row", "page"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_whatever_happens_the_file_is_closed(content, pack, tmp_path):
    path = tmp_path / "comments.csv"
    path.write_bytes(pack(content.encode()))
    before = open_files()
    try:
        reading = read_comments(path)
        list(reading)
    except ModerationError as error:
        reading = error
    assert open_files() == before, reading


def test_reading_may_stop_early_or_never_begin(tmp_path):
    path = tmp_path / "comments.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()))
    before = open_files()
    next(read_comments(path))
    read_comments(path)
    assert open_files() == before


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
        ("cp1252", b""),
    ],
)
def test_the_encoding_is_found(encoding, mark):
    assert texts(mark + TABLE.encode(encoding)) == ["Grüße aus Köln – „fein“", "naïve café"]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-16-le", "iso2022_jp", "cp1252"])
def test_an_encoding_can_be_forced(encoding):
    text = {"cp1252": "café", "iso2022_jp": "日本"}.get(encoding, "Волга")
    assert texts(f"id,text\n1,{text}\n".encode(encoding), encoding=encoding) == [text]


@pytest.mark.parametrize(
    ("declared", "actual", "text"),
    [
        ("utf-8", "utf-8", "naïve – fein"),
        ("iso-8859-1", "cp1252", "naïve – fein"),
        ("windows-1252", "cp1252", "naïve – fein"),
        ("iso-8859-1", "utf-8", "naïve – fein"),
        ("utf-8", "cp1252", "naïve – fein"),
        ("utf-16", "utf-8", "naïve – fein"),
        ("windows-1251", "cp1251", "Волга широка"),
        ("windows-1251", "utf-8", "Волга широка"),
        ("shift_jis", "shift_jis", "日本の川"),
        ("iso-2022-jp", "iso2022_jp", "日本の川"),
        ("klingon", "utf-8", "naïve – fein"),
        ("hex", "utf-8", "naïve – fein"),
        ("rot13", "cp1252", "naïve – fein"),
        ("idna", "utf-8", "naïve – fein"),
        ("unicode_escape", "utf-8", "naïve – fein"),
    ],
)
def test_a_declaration_counts_where_the_bytes_do_not_contradict_it(declared, actual, text):
    """Saved pages are often in UTF-8 whatever they declare: what reads as UTF-8 is UTF-8."""
    page = f'<html><meta charset="{declared}"><ul>{ITEM.format(text)}</ul></html>'
    assert texts(page.encode(actual)) == [text]


def test_only_markup_declares_an_encoding():
    """In a table a reader may have written it."""
    assert find_encoding(b'id,text\n1,<meta charset="utf-7">+AGE-', name="x") == "utf-8"


def test_a_page_is_in_the_encoding_that_all_of_it_shows():
    page = "<p>" + "x" * 100_000 + "</p>" + ITEM.format("naïve – fein")
    assert texts(page.encode("cp1252")) == ["naïve – fein"]


def test_a_table_that_leaves_its_encoding_is_refused_there():
    table = b"id,text\n" + b"1,plain\n" * 20_000 + b"2,na\xefve\n"
    reading = read_comments(table)
    with pytest.raises(SourceError, match=r"byte 0xef does not belong to utf-8; .*--encoding"):
        list(reading)
    assert reading.count > 10_000


@pytest.mark.parametrize(
    "content",
    [
        "naïve, déjà vu, café".encode() + b"\xff",
        "naïve, déjà vu, café".encode()[:-1],
        "naïve, déjà vu".encode() + "café".encode("cp1252"),
    ],
    ids=["stray byte", "cut character", "two encodings"],
)
def test_damaged_utf8_is_refused_rather_than_read_as_gibberish(content):
    with pytest.raises(SourceError, match="or damaged; repair it"):
        read_comments(content)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe" + b"\x00\xd8a\x00" * 9,
        b"\xef\xbb\xbfid,text\n1,\xff\n",
        b"\xff\xfe\0\0abcdefgh",
        b"\xff\xfei\x00d",
    ],
)
def test_a_mark_that_the_bytes_contradict_is_refused(content):
    with pytest.raises(SourceError, match="does not belong to utf"):
        list(read_comments(content))


@pytest.mark.parametrize("name", ["hex", "rot13", "idna", "undefined", "nonsense", "a\0b"])
def test_a_name_that_is_no_encoding_of_text_is_refused(name):
    with pytest.raises(SourceError, match="no encoding is called"):
        read_comments(b"id,text\n1,a\n", encoding=name)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b" \n\t\r\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", b"\xff\xfe"),
        gzip.compress(b"", mtime=0),
        *("\n\n".encode("utf-16"), " \n".encode("utf-16-le"), gzip.compress(b"\n\n", mtime=0)),
    ],
)
@pytest.mark.parametrize("format", [None, "csv", "jsonl", "bbc", "bbc_text"])
def test_what_is_empty_is_refused(content, format):
    with pytest.raises(SourceError, match="the file is empty"):
        read_comments(content, format)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89",
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0",
        random.Random(0).randbytes(5000),
        random.Random(1).randbytes(40),
        b"\x7fELF\x02\x01\x01" + b"\0" * 60,
        gzip.compress(gzip.compress(TABLE.encode() * 20)),
        b"\0" * 1000,
    ],
    ids=["png", "gif", "random", "short random", "elf", "packed twice", "zeros"],
)
@pytest.mark.parametrize("format", [None, "csv", "bbc_text"])
def test_binary_data_is_refused(content, format):
    with pytest.raises(SourceError, match=r"binary data; expected|does not belong to"):
        read_comments(content, format)


def test_a_database_of_something_else_is_refused(tmp_path):
    with pytest.raises(ParseError, match="an SQLite database with the tables 'comments', which"):
        read_comments(sqlite_file(tmp_path / "comments.db"))


@pytest.mark.parametrize("is_long", [False, True])
def test_a_packed_file_is_refused_wherever_it_is_cut_off(is_long):
    """Also where only the check sum behind the last row is missing."""
    rows = "".join(f"{n},word {n * n % 9973}\n" for n in range(20_000 if is_long else 3))
    packed = gzip.compress(f"id,text\n{rows}".encode(), mtime=0)
    cuts = {*range(1, 60), len(packed) // 2, *range(len(packed) - 9, len(packed))}
    for cut in sorted(cut for cut in cuts if cut < len(packed)):
        with pytest.raises(SourceError, match=r"is cut off; fetch or copy it again|binary data"):
            list(read_comments(packed[:cut]))


def test_a_packed_file_is_refused_where_it_is_damaged():
    rows = "".join(f"{n},word {n * n % 9973}\n" for n in range(2000))
    packed = gzip.compress(f"id,text\n{rows}".encode(), mtime=0)
    for place in range(12, len(packed), 37):
        damaged = bytearray(packed)
        damaged[place] ^= 0x55
        with pytest.raises(SourceError, match=r"damaged gzip|cut off|binary|damaged; repair"):
            list(read_comments(bytes(damaged), "csv"))


def test_rubbish_behind_a_packed_file_is_refused():
    with pytest.raises(SourceError, match="damaged gzip data"):
        list(read_comments(gzip.compress(TABLE.encode()) + b"rubbish"))


def test_several_packed_files_in_a_row_are_one():
    """`cat a.csv.gz b.csv.gz` is a legal gzip file."""
    packed = gzip.compress(b"id,text\n1,a\n") + gzip.compress(b"2,b\n")
    assert texts(packed) == ["a", "b"]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="a folder; expected a file"):
        read_comments(tmp_path)


@pytest.mark.parametrize("name", ["missing.csv", "missing/comments.csv"])
def test_a_missing_file_is_refused(name, tmp_path):
    with pytest.raises(SourceError, match=r"\.csv: no such file"):
        read_comments(tmp_path / name)


def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "comments.csv"
    path.write_text(TABLE, encoding="utf-8")
    path.chmod(0)
    with without_privileges(), pytest.raises(SourceError, match="no permission to read it"):
        read_comments(path)


def test_a_file_behind_a_file_is_refused(tmp_path):
    (tmp_path / "comments.csv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be opened"):
        read_comments(tmp_path / "comments.csv" / "inner.csv")


@pytest.mark.parametrize("text", ["a\0b", "some words\nof a page", "words " * 2000])
def test_a_text_given_for_a_path_is_not_repeated(text):
    """Nor is the message longer than a line."""
    with pytest.raises(SourceError) as refused:
        read_comments(text)
    assert "words" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_stream_that_fails_is_one_clear_line():
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def read(self, size=-1):
            if size == 0:
                return b""
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match=r"cannot be read \(Input/output error\)"):
        read_comments(Broken())


def test_a_page_too_large_to_be_one_is_refused():
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    with pytest.raises(SourceError, match=f"larger than {PAGE_BYTES >> 20} MB"):
        read_comments(Endless())


def read_or_refuse(content: bytes) -> str:
    """Return the refusal, if any; anything but comments and the package's own errors fails."""
    try:
        assert all(comment.source for comment in read_comments(content))
    except ModerationError as error:
        return str(error)
    return ""


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused_in_a_line_or_read(content):
    assert read_or_refuse(content).isprintable()


@settings(deadline=None)
@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-7"]))
def test_random_text_is_refused_in_a_line_or_read(text, encoding):
    assert read_or_refuse(text.encode(encoding, "replace")).isprintable()


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("ferry-20260114T1230Z.html", datetime(2026, 1, 14, 12, 30)),
        ("20130705140211.html", datetime(2013, 7, 5, 14, 2, 11)),
        ("ferry_2013-07-05.html", datetime(2013, 7, 5)),
        ("ferry 2013-07-05 14.02.11.html", datetime(2013, 7, 5, 14, 2, 11)),
        ("ferry-2013-07-05_1402.csv.gz", datetime(2013, 7, 5, 14, 2)),
        ("uk-20120521-20130705T1402Z.html", datetime(2013, 7, 5, 14, 2)),
        ("uk-20120521.html", datetime(2012, 5, 21)),
        ("/archive/20120521/ferry.html", None),
        ("ferry-20130231.html", None),
        ("ferry-20131301.html", None),
        ("ferry-2013.html", None),
        ("002_ab5b4fd25105b7c2.txt", None),
        ("x20130705140211.html", None),
        ("201307051402111.html", None),
        ("-", None),
    ],
)
def test_the_time_that_a_name_tells(name, moment):
    """Of two, the one with a clock: the other digits may be the article's number."""
    assert find_time_in_name(name) == (moment and moment.replace(tzinfo=UTC))


def test_of_a_folder_the_readable_files_are_taken(tmp_path):
    for name in ("b.html", "a/z.CSV", "a/y.jsonl.gz", "notes.md", "review.db", ".x.csv.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "page_files.html").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert found == ["a/y.jsonl.gz", "a/z.CSV", "b.html"]


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, monkeypatch):
    """Root may look into any: the system's refusal is put in its place."""
    (tmp_path / "a.csv").touch()

    def walk(folder, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder / "closed")))
        yield str(folder), [], ["a.csv"]

    monkeypatch.setattr("moderation.parsers.files.os.walk", walk)
    with pytest.raises(SourceError, match="closed: the folder cannot be looked into"):
        find_files([tmp_path])


def test_a_folder_with_nothing_to_read_is_refused(tmp_path):
    with pytest.raises(SourceError, match="a folder without pages or tables"):
        find_files([tmp_path])
    assert find_files([tmp_path / "named.csv"]) == [tmp_path / "named.csv"]


def test_the_digest_of_a_file(tmp_path):
    path = tmp_path / "comments.csv"
    path.write_bytes(b"abc")
    assert digest(path).startswith("ba7816bf8f01cfea")
    with pytest.raises(SourceError, match="a folder; expected a file"):
        digest(tmp_path)


def test_a_source_closes_what_it_opened(tmp_path):
    path = tmp_path / "comments.csv"
    path.write_text(TABLE, encoding="utf-8")
    before = open_files()
    with open_source(path) as source:
        assert source.head_text() == TABLE
        assert open_files() == before + 1
    assert open_files() == before
