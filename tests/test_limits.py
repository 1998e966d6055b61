"""Limits: each refuses in one line what is beyond it, and names the option that raises it."""

import bz2
import gzip
import json
import lzma
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from moderation.comments import Comment
from moderation.errors import ModerationError
from moderation.parse import main
from moderation.parsers import Limits, read_comments
from moderation.parsers.limits import RATIO_FROM, is_deeper
from moderation.parsers.reading import limit_time
from tests.packing import make_zip

ROW = b"1," + b"some words here " * 1000 + b"\n"
TABLE = b"id,text\n" + ROW * 3
SWOLLEN = b"id,text\n" + b"1," + b"a" * 4000 + b"\n"
DEEP = {"id": 1, "text": "words", "x": json.loads("[" * 60 + "]" * 60)}
COMMENT = {"id": "1", "body": "words", "subreddit": "a", "link_id": "t3_x"} | {"x": DEEP["x"]}
DISQUS = (
    '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">'
    '<post dsq:id="1"><message>{}</message><isDeleted>false</isDeleted>'
    "<isSpam>false</isSpam></post></disqus>"
)
ENTITY = f'<?xml version="1.0"?><!DOCTYPE disqus [<!ENTITY a "x">]>{DISQUS.format("words")}'
BEYOND = {
    "size": (TABLE, ["--max-size", "20K"], "60K"),
    "size packed": (gzip.compress(TABLE), ["--max-size", "20K"], "1M"),
    "ratio": (gzip.compress(SWOLLEN * 5000), ["--max-ratio", "20"], "5000"),
    "depth of lines": (json.dumps(DEEP).encode(), ["--max-depth", "50"], "70"),
    "depth of an export's lines": (json.dumps(COMMENT).encode(), ["--max-depth", "50"], "70"),
    "depth of XML": (
        DISQUS.format("<b>" * 60 + "words" + "</b>" * 60).encode(),
        ["--max-depth", "50"],
        "70",
    ),
    "entities": (ENTITY.encode(), [], "1"),
    "seconds": (TABLE, ["--max-seconds", "1e-9"], "600"),
    "members": (
        make_zip({"a.csv": TABLE, "b.csv": TABLE, "c.csv": TABLE}),
        ["--max-members", "2"],
        "3",
    ),
}


def option_of(name: str) -> str:
    return f"--max-{name.split()[0]}"


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_a_limit_is_refused_in_one_line_that_names_the_option(
    name, tmp_path, capsys
):
    content, lowered, raised = BEYOND[name]
    path, output = tmp_path / "input", tmp_path / "out.csv"
    path.write_bytes(content)
    assert main([str(path), *lowered, "-o", str(output)]) == 1
    errors = capsys.readouterr().err
    assert errors.splitlines()[-1].startswith("parse: ")
    assert f"if that is right, raise {option_of(name)}" in errors
    assert str(path) in errors
    assert main([str(path), option_of(name), raised, "-o", str(output)]) == 0
    assert len(list(read_comments(output))) >= 1


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_bomb_of_any_packing_is_refused(pack):
    bomb = pack(SWOLLEN * 5000)
    with pytest.raises(ModerationError, match="unpacks to more than 20 times its size"):
        list(read_comments(bomb, limits=Limits(ratio=20)))


def test_little_may_be_packed_to_nothing():
    """The ratio counts from 16 MB on."""
    small = gzip.compress(b"id,text\n" + b"1," + b"a" * (RATIO_FROM // 2) + b"\n")
    assert len(list(read_comments(small, limits=Limits(ratio=1)))) == 1


def test_a_bomb_is_not_unpacked_to_be_refused(tmp_path):
    """A gigabyte in a megabyte: of time and memory it takes what the limit allows."""
    block = zstandard.ZstdCompressor().compress(b"1,a" + b"a" * (1 << 20) + b"\n")
    path = tmp_path / "bomb.csv.zst"
    path.write_bytes(zstandard.compress(b"id,text\n") + block * 1000)
    with pytest.raises(ModerationError, match="unpacks to more than"):
        list(read_comments(path))
    assert peak_of(path) < 60_000


def peak_of(path: Path) -> int:
    """Return the kilobytes that it takes to refuse a file, beyond the imports."""
    child = (
        "import resource, sys, moderation.errors, moderation.parsers as parsers\n"
        "usage = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = usage()\n"
        "try: print(len(list(parsers.read_comments(sys.argv[1]))))\n"
        "except moderation.errors.ModerationError: print(usage() - before)\n"
    )
    command = [sys.executable, "-c", child, str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_time_is_only_counted_while_it_is_read():
    """Not while somebody looks at the comments."""
    moments = iter([0.0, 1.0, 100.0, 101.0, 200.0, 200.5, 300.0])
    comments = [Comment(str(n), "words", "csv") for n in range(3)]
    passed = limit_time(iter(comments), Limits(seconds=2.9), lambda: next(moments))
    assert list(passed) == comments


def test_a_slow_source_is_refused():
    def slow():
        for number in range(3):
            time.sleep(0.05)
            yield Comment(str(number), "words", "csv")

    with pytest.raises(ModerationError, match=r"not read in 0\.01 seconds"):
        list(limit_time(slow(), Limits(seconds=0.01)))


@pytest.mark.parametrize("given", ["x", "", "1.5G", "-1", "10P", "0", "0K"])
def test_a_size_that_is_none_is_bad_usage(given, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["x.csv", "--max-size", given])
    assert "is not a number of bytes, such as 4000000 or 20G" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--max-ratio", "--max-depth", "--max-members", "--jobs"])
@pytest.mark.parametrize("given", ["0", "-1", "1.5", "²"])
def test_a_number_that_leaves_nothing_is_bad_usage(option, given, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["x.csv", f"{option}={given}"])
    *_, line = capsys.readouterr().err.splitlines()
    assert line.endswith(f"{option}: '{given}' is not a whole number from 1 on, such as 200")


@pytest.mark.parametrize("levels", [1, 2, 50])
def test_levels_are_counted(levels):
    value: object = "x"
    for number in range(levels):
        value = [value] if number % 2 else {"a": 1, "b": value}
    assert is_deeper(value, levels - 1)
    assert not is_deeper(value, levels)


def test_the_help_tells_every_limit(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(option_of(name) in shown for name in BEYOND)
