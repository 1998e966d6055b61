"""What Hypothesis draws for a reader: samples of its format that were damaged, each in its way."""

import copy
import gzip
import json
from pathlib import Path

from hypothesis import strategies as st

from tests.fuzzing.targets import PAGES_AND_XML, TOKENS, find_samples

TOKEN = st.sampled_from(TOKENS)
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


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Return what a reader is given: its samples in every way that they can be damaged."""
    samples = find_samples(name)
    if name in PAGES_AND_XML:
        return st.one_of(*map(cut_up, samples))
    spoilt_ones = [spoilt(path) for path in samples if is_json(path)]
    return st.one_of(*map(damaged, samples), *spoilt_ones)


def is_json(sample: Path) -> bool:
    return sample.suffix in {".json", ".jsonl"}


def content_of(sample: Path) -> bytes:
    content = sample.read_bytes()
    return gzip.decompress(content) if sample.suffix == ".gz" else content


@st.composite
def cut_up(draw: st.DrawFn, sample: Path) -> bytes:
    """Return a page or XML with parts of it lost, moved or repeated, and tokens put in."""
    page = sample.read_bytes().decode("utf-8", "replace")
    for _ in range(draw(st.integers(1, 6))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(page))] * 2)))
        part = draw(
            st.one_of(TOKEN, st.just(page[begin:end] * 2), st.just(""), st.text(max_size=9))
        )
        at = draw(st.sampled_from([begin, end]))
        page = page[:at] + part + page[draw(st.sampled_from([at, end])) :]
    return page.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1252"])), "replace")


@st.composite
def damaged(draw: st.DrawFn, sample: Path) -> bytes:
    """Return a sample with bytes of it lost or replaced."""
    content = bytearray(content_of(sample))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content) - 1))
        length = draw(st.sampled_from([0, 1, 1, 2, 20]))
        content[place : place + length] = draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"{", b"]", b"\n"]))
        )
    return bytes(content)


@st.composite
def spoilt(draw: st.DrawFn, sample: Path) -> bytes:
    """Return JSON with values of any kind in any place, or without them."""
    text = sample.read_text(encoding="utf-8")
    is_lines = sample.suffix == ".jsonl"
    values = (
        [json.loads(line) for line in text.splitlines() if line] if is_lines else json.loads(text)
    )
    for _ in range(draw(st.integers(1, 4))):
        _spoil(values, draw)
    return ("\n".join(map(json.dumps, values)) if is_lines else json.dumps(values)).encode()


def _spoil(value: object, draw: st.DrawFn) -> None:
    """Replace or remove something within a value, as deep as chance has it."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 5)) == 0:
            break
        value = inner
    if draw(st.booleans()):
        value[key] = copy.deepcopy(draw(ODD))
    elif isinstance(value, dict):
        del value[key]
