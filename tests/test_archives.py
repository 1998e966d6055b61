"""Comments in archives: what is read of them, and what they must not do."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.captures import PAGE_SOURCES
from moderation.datasets import GatherReport, gather
from moderation.errors import MissingPackage, ModerationError, SourceError
from moderation.parsers import FORMATS, Limits, Options, Reading, Unread, read_comments, read_each
from tests.packing import Warc, make_tar, make_zip

TABLE = b"id,text\n1,one\n2,two\n"
LINES = b'{"id": "3", "text": "three"}\n'
ITEM = '<li class="cmt-normal" id="comment_{}"><p class="cmt-text">{}</p></li>'
PAGE = f"<title>Ferry</title><ul>{ITEM.format(7, 'seven')}</ul>".encode()
FILES = {"a/comments.csv": TABLE, "more.jsonl": LINES, "ferry-20260114T1230Z.html": PAGE}
SWOLLEN = b"id,text\n" + (b"1," + b"a" * 100_000 + b"\n") * 200
TEXTS = ["one", "two", "three", "seven"]
PACKED = {
    "zip": make_zip,
    "tar": make_tar,
    "tar.gz": lambda files: make_tar(files, mode="w:gz"),
    "tar.xz": lambda files: make_tar(files, mode="w:xz"),
    "tar.bz2": lambda files: make_tar(files, mode="w:bz2"),
    "tar.zst": lambda files: zstandard.compress(make_tar(files)),
}


def texts(source, **options) -> list[str | None]:
    return [comment.text for comment in read_comments(source, **options)]


def unread(source, **options) -> dict[str, int]:
    """Return what was left out, by its cause; comments are read on the way."""
    found = {}
    for part in read_each(source, Options(**options)):
        if isinstance(part, Unread):
            found[part.why] = found.get(part.why, 0) + part.number
        else:
            list(part)
    return found


@pytest.mark.parametrize("kind", PACKED)
def test_the_files_of_an_archive_are_read_one_after_the_other(kind, tmp_path):
    path = tmp_path / "unnamed"
    path.write_bytes(PACKED[kind](FILES))
    reading = read_comments(path)
    assert [comment.text for comment in reading] == TEXTS
    assert reading.summary() == f"{path}: {kind.partition('.')[0]}, 4 comments"
    assert texts(path.read_bytes()) == texts(io.BytesIO(path.read_bytes())) == TEXTS


def test_each_file_is_told_with_its_format_and_time(tmp_path):
    path = tmp_path / "site.zip"
    path.write_bytes(make_zip(FILES))
    readings = [part for part in read_each(path, Options()) if isinstance(part, Reading)]
    assert [reading.format for reading in readings] == ["csv", "jsonl", "bbc_module"]
    assert readings[0].name == f"{path}/a/comments.csv"
    comments = list(read_comments(path))
    assert comments[-1].captured_at == datetime(2026, 1, 14, 12, 30, tzinfo=UTC)


def test_what_is_no_comment_is_left_out_and_counted():
    files = {
        **FILES,
        "page_files/style.css": b"p {}",
        "page_files/logo.png": b"\x89PNG",
        "page_files/photo.png": b"\x89PNG",
        "settings.json": b'{"name": "ferry"}',
        "empty.html": b"",
        "image.txt": bytes(range(256)),
        "__MACOSX/._comments.csv": b"\0\5\26\7",
        ".hidden.csv": TABLE,
    }
    archive = make_zip(files)
    assert texts(archive) == TEXTS
    assert unread(archive) == {
        "of the kind .css": 1,
        "of the kind .png": 2,
        "of no format that is read": 1,
        "that are empty or no text": 2,
        "that the system keeps for itself": 2,
    }
    assert "not read: 2 files of the kind .png" in drained(archive).summary()


def drained(source) -> Reading:
    reading = read_comments(source)
    list(reading)
    return reading


@pytest.mark.parametrize("pack", [make_zip, make_tar])
@pytest.mark.parametrize(
    "name", ["../outside.csv", "/etc/cron.csv", "a/../../b.csv", "C:\\b.csv", "..\\..\\b.csv"]
)
def test_a_name_that_leads_outside_is_not_followed(pack, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = pack({name: TABLE, "in.csv": LINES})
    assert unread(archive) == {"with a name that leads out of the archive": 1}
    assert texts(archive) == ["three"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".", "without a name"),
        ("a/b.\u202eodd\n", "of other kinds"),
        ("words." + "x" * 60, "of other kinds"),
        ("keys.json", "of the kind .json"),
    ],
)
def test_a_name_that_is_odd_is_not_repeated(name, why):
    assert unread(make_zip({name: TABLE, "in.csv": LINES})) == {why: 1}


def test_links_and_devices_are_not_followed():
    archive = make_tar(FILES, links=True)
    assert texts(archive) == TEXTS
    assert unread(archive) == {"that are links or devices": 4}


def test_a_link_in_a_zip_is_not_followed():
    stream = io.BytesIO(make_zip(FILES))
    with zipfile.ZipFile(stream, "a") as archive:
        entry = zipfile.ZipInfo("link.csv")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert texts(stream.getvalue()) == TEXTS
    assert unread(stream.getvalue()) == {"that are links or devices": 1}


def test_what_is_encrypted_is_left_out():
    archive = bytearray(make_zip({"comments.csv": TABLE}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(magic) + at] |= 1
    assert unread(bytes(archive)) == {"that are encrypted": 1}


def test_an_archive_in_an_archive_is_read_and_no_deeper():
    inner = make_zip({"inner.csv": TABLE})
    assert texts(make_tar({"a.zip": inner})) == ["one", "two"]
    deeper = make_zip({"b.zip": make_zip({"a.zip": inner}), "c.csv": TABLE})
    assert texts(deeper) == ["one", "two"]
    assert unread(deeper) == {"that are archives within an archive in an archive": 1}


def test_packed_files_in_an_archive_are_unpacked():
    files = {
        "a.csv.gz": gzip.compress(TABLE),
        "b.jsonl.zst": zstandard.compress(LINES),
        "c.jsonl.bz2": bz2.compress(LINES),
        "d.jsonl.xz": lzma.compress(LINES),
    }
    assert texts(make_zip(files)) == ["one", "two", "three", "three", "three"]


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_that_is_cut_off_or_damaged_is_refused_in_a_line(kind):
    """Or read: a byte may be one that means nothing. What is read is never made up."""
    rows = b"".join(b"%d,a word %d\n" % (n, n * n % 997) for n in range(300))
    archive = PACKED[kind]({"one.csv": b"id,text\n" + rows, "two.csv": TABLE})
    end = len(archive.rstrip(b"\0"))
    cut = [archive[:size] for size in range(0, end, end // 12 + 1)]
    damaged = []
    for place in range(0, len(archive), len(archive) // 25 + 1):
        copy = bytearray(archive)
        copy[place] ^= 0x5A
        damaged.append(bytes(copy))
    for content in (*cut, *damaged):
        try:
            list(read_comments(content))
        except ModerationError as error:
            assert str(error).isprintable()  # noqa: PT017 both are right
    for content in cut[1:]:
        with pytest.raises(ModerationError):
            assert list(read_comments(content)) == "refused"


def test_a_place_before_the_beginning_of_a_zip_is_refused():
    """A finding of the test below: the directory says that a file begins before the archive."""
    content = bytearray(make_zip(FILES))
    end = content.rindex(b"PK\x05\x06")
    content[end + 16 : end + 20] = (1 << 20).to_bytes(4, "little")
    with pytest.raises(ModerationError, match="damaged"):
        list(read_comments(bytes(content)))


def test_a_damaged_file_does_not_keep_the_others_from_being_read():
    archive = make_zip({"bad.csv": b"id,text,label\n1,a,1\n2,b,7\n", "good.csv": TABLE})
    bad, good = read_each(archive, Options())
    with pytest.raises(ModerationError, match=r"bytes/bad\.csv: row 2: the label is '7'"):
        list(bad)
    assert [comment.text for comment in good] == ["one", "two"]
    with pytest.raises(ModerationError, match="row 2"):
        list(read_comments(archive))


@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_a_bomb_is_refused_before_it_swells(pack):
    swollen = pack({"comments.csv": SWOLLEN})
    packed = gzip.compress(swollen) if pack is make_tar else swollen
    with pytest.raises(SourceError, match="unpacks to more than 100 times its size"):
        list(read_comments(packed, limits=Limits(ratio=100)))


def test_a_bomb_of_many_small_files_is_refused():
    """Each unpacks to less than would be looked at; together they are a bomb."""
    archive = make_zip({f"{n}.csv": SWOLLEN[:3_000_000] for n in range(10)})
    with pytest.raises(SourceError, match="unpacks to more than 100 times"):
        list(read_comments(archive, limits=Limits(ratio=100)))


def test_a_bomb_within_an_archive_counts_as_its_own():
    archive = make_zip({"a.tar": make_tar({"b.csv.gz": gzip.compress(SWOLLEN)})})
    with pytest.raises(SourceError, match="unpacks to more than 200 times"):
        list(read_comments(archive, limits=Limits(ratio=200)))


@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_too_many_files_are_refused(pack):
    archive = pack({f"{n}.csv": TABLE for n in range(4)})
    assert len(texts(archive, limits=Limits(members=4))) == 8
    with pytest.raises(ModerationError, match=r"more than 3 files or records .* --max-members"):
        list(read_comments(archive, limits=Limits(members=3)))


def test_a_header_of_a_tar_that_would_fill_the_memory_is_refused():
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    with pytest.raises(SourceError, match="damaged tar file"):
        list(read_comments(entry.tobuf(tarfile.GNU_FORMAT) + b"x" * 4096))


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = len(os.listdir("/proc/self/fd"))
    for pack in PACKED.values():
        list(read_comments(pack(FILES)))
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_a_damaged_archive_is_read_or_refused(kind, data):
    content = bytearray(PACKED[kind](FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        list(read_comments(bytes(content)))
    except ModerationError as error:
        assert str(error).isprintable()  # noqa: PT017 both are right


ADDRESS = "https://courier.example/ferry"
MORNING, EVENING = "2026-01-14T08:00:00Z", "2026-01-14T20:00:00Z"
REMOVED = "This comment was removed because it broke the house rules."


def page(*texts: str) -> bytes:
    return "".join(ITEM.format(n, text) for n, text in enumerate(texts, 1)).encode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_pages_of_a_web_archive_tell_where_and_when(packed, is_chunked, encoding):
    warc = Warc(packed=packed)
    warc.add(ADDRESS, MORNING, page("one"), encoding=encoding, is_chunked=is_chunked)
    warc.add(ADDRESS, EVENING, page("one", "two"), encoding=encoding, is_chunked=is_chunked)
    comments = list(read_comments(warc.finish()))
    assert [(c.text, c.article_id) for c in comments] == [
        ("one", ADDRESS),
        ("one", ADDRESS),
        ("two", ADDRESS),
    ]
    assert [c.captured_at.hour for c in comments] == [8, 20, 20]


def test_what_a_web_archive_holds_beside_pages_is_counted():
    warc = Warc()
    warc.add(ADDRESS, MORNING, page("one"))
    warc.add(f"{ADDRESS}/a.png", MORNING, b"\x89PNG", kind="image/png")
    warc.add(f"{ADDRESS}/gone", MORNING, page("none"), status="404 Not Found")
    warc.add(f"{ADDRESS}/api", MORNING, b'{"id": 1, "text": "an item"}', kind="application/json")
    warc.add(f"{ADDRESS}/api.csv", MORNING, TABLE, kind="text/html")
    warc.add(ADDRESS, EVENING, b"", record="revisit")
    warc.add(ADDRESS, EVENING, b"GET / HTTP/1.1\r\n\r\n", record="request")
    archive = warc.finish()
    assert texts(archive) == ["one"]
    assert unread(archive) == {
        "answers that are no page and no JSON": 1,
        "answers with status 404": 1,
        "of no format that is read": 2,
        "answers that were the same as before": 1,
    }


def test_answers_of_the_comments_module_are_read_from_a_web_archive():
    body = (Path(__file__).parent / "pages/bbc_module/answer.json").read_bytes()
    archive = Warc().add(ADDRESS, MORNING, body, kind="application/json").finish()
    assert {comment.source for comment in read_comments(archive)} == {"bbc_module"}


def test_a_web_archive_in_a_zip_is_read():
    archive = make_zip({"site.warc": Warc().add(ADDRESS, MORNING, page("one")).finish()})
    assert texts(archive) == ["one"]


def test_a_web_archive_that_is_cut_off_is_refused(capsys):
    archive = Warc().add(ADDRESS, MORNING, page("one")).add(ADDRESS, EVENING, page("two")).finish()
    for size in range(len(archive) - 100, 400, -97):
        with pytest.raises(SourceError, match="damaged web archive, or one cut off"):
            assert list(read_comments(archive[:size])) == "refused"
    assert capsys.readouterr() == ("", "")


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_damaged_web_archive_is_read_or_refused(data):
    content = bytearray(Warc().add(ADDRESS, MORNING, page("one")).finish())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(5, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        list(read_comments(bytes(content)))
    except ModerationError as error:
        assert str(error).isprintable()  # noqa: PT017 both are right


@pytest.mark.parametrize(
    ("package", "content"),
    [
        ("warcio.archiveiterator", Warc().add(ADDRESS, MORNING, PAGE).finish()),
        ("zstandard", zstandard.compress(TABLE)),
    ],
)
def test_a_missing_package_is_named(package, content, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingPackage, match=r"pip install 'moderation\[archives\]'"):
        list(read_comments(content))


def test_training_learns_from_the_captures_of_a_web_archive():
    warc = Warc().add(ADDRESS, MORNING, page("one", "two", "three"))
    report = GatherReport()
    comments = read_comments(warc.add(ADDRESS, EVENING, page("one", REMOVED)).finish())
    dataset = gather(comments, report)
    assert sorted(zip(dataset.texts, dataset.labels, strict=True)) == [("one", 0), ("two", 1)]
    assert "joined 2 captures of 1 articles: 1 comments removed and 1 kept" in report.lines()


def test_what_joins_as_captures_is_read_by_that_name():
    assert set(FORMATS) >= PAGE_SOURCES
