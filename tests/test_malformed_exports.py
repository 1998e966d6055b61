"""Exports that are not as they should be: refused in one line or read in part, never worse."""

import contextlib
import copy
import gzip
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import ModerationError, ParseError, SourceError
from moderation.parsers import read_comments
from tests.test_exports import EXPORTS, name_of

FORMATS = [
    *("activitypub", "bbc_api", "bbc_containers", "civil_comments", "commento", "coral"),
    *("guardian", "hacker_news", "isso", "nyt", "reddit", "remark42"),
]
SAMPLES = [
    path
    for name in FORMATS
    for path in sorted((EXPORTS / name).iterdir())
    if ".expected" not in path.suffixes
]
JSON = [path for path in SAMPLES if path.suffix in {".json", ".jsonl"}]
QUICK = settings(max_examples=25)  # of each sample
HALF = "half a character \ud83d"
DEEP: list = []
for _ in range(250):
    DEEP = [DEEP]
ODD = st.sampled_from(
    [
        *(None, True, False, 0, -1, 2**63, 10**30, 1e308, -0.5, "", "x", "0", "\x00", HALF),
        *("2024-13-45", "9999-12-31T23:59:59-23:59", "t3_", "1e5", "99999999999999", " "),
        *([], {}, [None], [[]], ["x", 1, None], {"$date": {}}, {"id": []}, {"$date": 1e18}, DEEP),
    ]
)


def read(content: bytes, name: str | None) -> None:
    """Read all there is; what comes of it can be written."""
    with contextlib.suppress(ModerationError):
        for comment in read_comments(content, name):
            json.dumps(asdict(comment), default=str, ensure_ascii=False).encode()


def content_of(sample: Path) -> bytes:
    content = sample.read_bytes()
    return gzip.decompress(content) if sample.suffix == ".gz" else content


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
@QUICK
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read_in_part(sample, data):
    damaged = bytearray(content_of(sample))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        length = data.draw(st.sampled_from([0, 1, 1, 2, 20]))
        damaged[place : place + length] = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"{", b"]", b"\n"]))
        )
    read(bytes(damaged), data.draw(st.sampled_from([None, sample.parent.name])))


@pytest.mark.parametrize("sample", JSON, ids=name_of)
@QUICK
@given(data=st.data())
def test_values_of_any_kind_in_any_place_are_left_out(sample, data):
    text = sample.read_text(encoding="utf-8")
    is_lines = sample.suffix == ".jsonl"
    values = (
        [json.loads(line) for line in text.splitlines() if line] if is_lines else json.loads(text)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(values, data)
    written = "\n".join(map(json.dumps, values)) if is_lines else json.dumps(values)
    read(written.encode(), sample.parent.name)


def spoil(value: object, data: st.DataObject) -> None:
    """Replace or remove something within a value, as deep as chance has it."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 5)) == 0:
            break
        value = inner
    if data.draw(st.booleans()):
        value[key] = copy.deepcopy(data.draw(ODD))
    elif isinstance(value, dict):
        del value[key]


@pytest.mark.parametrize("sample", JSON, ids=name_of)
def test_what_breaks_off_is_refused_with_its_place(sample):
    """A download that was cut: all lines before it are read, a document is refused."""
    content = content_of(sample)
    with pytest.raises(ParseError, match=r"malformed JSON|breaks off"):
        list(read_comments(content.rstrip()[:-2], sample.parent.name))


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("isso", "nyt")])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["array", "object"])
def test_nesting_without_end_is_refused_at_once(name, opening):
    read(opening * 500_000, name)


def test_a_database_whose_names_are_no_text_is_refused():
    """SQLite names what is wrong in bytes that are not UTF-8."""
    content = (EXPORTS / "isso/comments.db").read_bytes()
    damaged = content.replace(b"CREATE TABLE comments", b"CREATE TABLE comm\xdcnt(")
    assert damaged != content
    with pytest.raises(SourceError, match="damaged SQLite database"):
        list(read_comments(damaged))
