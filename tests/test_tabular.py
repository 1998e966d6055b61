"""Tables of comments: CSV, JSON Lines and Parquet, and `.gz` of each."""

import gzip
import io
import json
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.comments import Comment
from moderation.errors import ModerationError, ParseError, SourceError
from moderation.parsers import Reading, read_comments

ROWS = [
    {"id": "1", "text": "First words", "likes": 3, "topic": "ferries"},
    {"id": "2", "text": 'Commas, "quotes",\nand lines;\ttabs | bars', "likes": 0, "topic": ""},
    {"id": "3", "text": "  Ünïcödé 👏  ", "likes": None, "topic": "bridges"},
]


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    def quote(value: object) -> str:
        text = "" if value is None else str(value).replace('"', '""')
        return f'"{text}"'

    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join(delimiter.join(map(quote, line)) + "\r\n" for line in lines).encode()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream, compression="none")
    return stream.getvalue()


def read(content: bytes, **options: Any) -> list[Comment]:
    return list(read_comments(content, **options))


def refusal(content: bytes, **options: Any) -> str:
    with pytest.raises(ModerationError) as refused:
        read(content, **options)
    return str(refused.value)


WRITE = {"csv": as_csv, "jsonl": as_json_lines, "parquet": as_parquet}


@pytest.mark.parametrize(("name", "write"), WRITE.items(), ids=WRITE)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_table_is_read_in_each_format(name, write: Callable[..., bytes], pack):
    reading = read_comments(pack(write(ROWS)))
    comments = list(reading)
    assert reading.format == name
    assert [c.text for c in comments] == [row["text"] for row in ROWS]
    assert [c.positive_votes for c in comments] == [3, 0, None]
    assert [c.extra.get("topic") for c in comments] == ["ferries", "", "bridges"]
    assert {c.source for c in comments} == {name}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_delimiter_is_found(delimiter, encoding):
    content = as_csv(ROWS, delimiter).decode().encode(encoding)
    assert [c.text for c in read(content)] == [row["text"] for row in ROWS]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "{0}", "{0}{0}"])
def test_line_ends_are_those_of_any_system(line_end, start):
    content = f"{start}id,text{{0}}1,a{{0}}{{0}}2,b".format(line_end).encode()
    assert [c.text for c in read(content, format="csv")] == ["a", "b"]


def test_a_table_of_texts_only_is_read():
    assert [c.text for c in read(b"text\nwell, I agree\nso do I\n")] == ["well, I agree", "so do I"]


def test_a_header_alone_is_a_table_without_comments():
    reading = read_comments(b"id,text,label\n")
    assert list(reading) == []
    assert reading.summary() == "bytes: csv, no comments found"


def test_markup_in_the_texts_does_not_make_a_table_a_page():
    """Bodies of WordPress or Disqus are HTML."""
    content = b"id,text\n1,<p>One</p>\n2,<div>Two</div>\n3,<!-- x -->\n"
    assert [c.text for c in read(content)] == ["<p>One</p>", "<div>Two</div>", "<!-- x -->"]


def test_rows_of_another_length_are_left_out_and_counted():
    reading = read_comments(b"id,text,x\n1,a,\n2,b\n3,c,,\n4,d,\n5,e,\n6,f,\n")
    assert [c.id for c in reading] == ["1", "4", "5", "6"]
    assert reading.notes.left_out == {"rows without exactly 3 fields": 2}
    assert reading.summary() == "bytes: csv, 4 comments; not read: 2 rows without exactly 3 fields"


def test_rows_are_counted_as_they_stand_in_the_table():
    """Whoever looks for row 4 finds it, also behind one that was left out."""
    content = b"text,label\na,0\nb\nc,1\nd,perhaps\n"
    assert refusal(content, format="csv").startswith("bytes: row 4: the label is 'perhaps'")
    ids = [c.id for c in read(b"text,label\na,0\nb\nc,1\n", format="csv")]
    assert [name.partition("-")[0] for name in ids] == ["1", "3"]


def test_columns_are_named_by_the_caller():
    content = b"text,words\nnot this,this\n"
    reading = read_comments(content, columns={"text": "words"})
    assert [c.text for c in reading] == ["this"]
    assert reading.notes.left_out == {"column 'text', in whose place another is read": 1}


@pytest.mark.parametrize(("name", "write"), WRITE.items(), ids=WRITE)
def test_a_table_without_a_text_is_refused(name, write):
    message = refusal(write([{"id": "1", "words": "a"}] * 3), format=name)
    assert "no text column among 'id', 'words'; expected 'text', or name it: --column" in message


def test_a_table_without_a_header_is_refused_without_its_words():
    content = b"1,I would never have thought that\n2,Nor I\n"
    assert "never" not in refusal(content, format="csv")


@pytest.mark.parametrize("column", ["text", "topic"])
def test_two_columns_of_one_name_are_refused(column):
    content = f"id,text,topic,{column}\n1,a,b,c\n".encode()
    assert f"two columns are called '{column}'; rename one" in refusal(content, format="csv")
    stream = io.BytesIO()
    pq.write_table(pa.table([["a"], ["b"], ["c"]], names=["text", column, column]), stream)
    assert f"two columns are called '{column}'" in refusal(stream.getvalue())


def test_columns_without_a_name_are_no_columns():
    """Spreadsheets leave delimiters at the ends of lines, data frames an index at the start."""
    assert read(b",text,,\n0,a,,\n1,b,,\n", format="csv")[1].text == "b"


@pytest.mark.parametrize(
    "content",
    [
        b'id,text\n1,"never closed\n2,b\n' + b"3,c\n" * 1000,
        b'id,text\n1,"closed" but too early\n',
        b'id,text\n"1,a\n2,b"x\n',
    ],
    ids=["open", "early", "late"],
)
def test_a_quotation_mark_out_of_place_is_refused(content):
    message = refusal(content, format="csv")
    assert "malformed CSV" in message
    assert "is a quotation mark left open?" in message


def test_an_open_quotation_mark_does_not_fill_the_memory():
    """A value longer than any comment ends the reading, not the file."""
    content = b'id,text\n1,"' + b"words and words\n" * 2_000_000
    assert "is a quotation mark left open?" in refusal(content)


def test_values_may_be_long_and_many():
    content = 'id,text\n1,"' + "x" * 5_000_000 + '"\n' + '2,"a\nb, ""c"""\n' * 50_000
    comments = read(content.encode())
    assert len(comments[0].text) == 5_000_000
    assert comments[-1].text == 'a\nb, "c"'
    assert len(comments) == 50_001


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"text": "a"}\n{"text": "b"', "line 2: malformed JSON; expected one object on each"),
        ('{"text": "a"}\n\n[1]', "line 3: a JSON list; expected one object on each line"),
        ('{"text": "a"}\nnull', "line 2: a JSON NoneType; expected one object"),
        ('{\n "text": "a"\n}', "one JSON object over several lines with 'text'; expected"),
        ('{"text": "a"} {"text": "b"}', "line 1: malformed JSON"),
        ('{"text": "a", "x": ' + "[" * 100_000, "line 1: malformed JSON"),
        ('{"text": "a", "x": ' + "1" * 5000 + "}", "line 1: malformed JSON"),
        ('[{"text": "a"}]', "a JSON array with 'text'; expected one object on each"),
        ('\n [\n  ["text"]]', "a JSON array"),
        ('{"text": 3}', "row 1: the text is a int, expected a string"),
        ("{}", "no text column among none"),
    ],
    ids=lambda value: value[:24],
)
def test_malformed_json_lines_are_refused(lines, message):
    assert message in refusal(lines.encode())


def test_json_objects_may_have_other_keys_each():
    lines = '{"text": "a", "x": 1}\n\n{"y": [2], "text": "b"}\n{"text": null}\n'
    reading = read_comments(lines.encode())
    assert [(c.text, c.extra) for c in reading] == [("a", {"x": 1}), ("b", {"y": [2]}), (None, {})]


def test_keys_that_come_late_are_counted():
    lines = '{"text": "a"}\n' * 1000 + '{"text": "b", "late": 1}\n'
    reading = read_comments(lines.encode())
    assert len(list(reading)) == 1001
    assert reading.notes.left_out == {"values of keys first seen after row 1000": 1}


def test_objects_may_have_many_keys():
    lines = [json.dumps({"text": "a", **{f"k{n}_{m}": 1 for m in range(100)}}) for n in range(300)]
    assert len(read("\n".join(lines).encode())) == 300


@pytest.mark.parametrize("half", ["\\ud83d", "\\uDE00", "\\ud83d word \\ude00"])
def test_half_a_character_becomes_the_sign_for_one(half):
    """JavaScript cuts texts in the middle of an emoji; no file can hold the half."""
    [comment] = read(f'{{"text": "a {half}", "x": ["{half}"], "y": "\\ud83d\\ude00"}}'.encode())
    assert "\ufffd" in comment.text
    assert "\ufffd" in comment.extra["x"][0]
    assert comment.extra["y"] == "😀"


@pytest.mark.parametrize("start", [b'{"text": "', b"id,text\n1,", b'id,text\n1,"'])
def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(start, monkeypatch):
    """A packed file of a megabyte may unpack to one line of gigabytes."""
    monkeypatch.setattr("moderation.parsers.tabular.LINE_CHARACTERS", 1000)
    assert "a line longer than any comment; expected" in refusal(start + b"x" * 2000 + b'"}')


PARQUET = as_parquet([{"id": str(n), "text": f"words number {n}"} for n in range(500)])


@pytest.mark.parametrize("length", [4, 5, 8, 100, len(PARQUET) // 2, len(PARQUET) - 1])
def test_parquet_that_is_cut_off_is_refused(length):
    assert "damaged or incomplete Parquet; write or copy it again" in refusal(PARQUET[:length])


def test_damaged_parquet_is_refused_or_read():
    """Arrow tells damage in several ways; each is one clear line."""
    chance = random.Random(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(PARQUET)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        try:
            read(bytes(damaged))
        except (ParseError, SourceError):
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([2**62], pa.timestamp("us"), "a time out of range"),
        ([b"a\xff"], None, "a text that is not UTF-8"),
    ],
)
def test_parquet_with_what_no_text_or_time_can_be_is_refused(values, kind, message):
    array = pa.array(values, kind)
    if kind is None:
        buffers = pa.array(values, pa.binary()).buffers()
        array = pa.StringArray.from_buffers(1, buffers[1], buffers[2])
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"], "x": array}), stream)
    assert message in refusal(stream.getvalue())


def test_times_of_parquet_are_plain_times():
    stream = io.BytesIO()
    nanoseconds = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    pq.write_table(pa.table({"text": ["a"], "created": nanoseconds}), stream)
    [comment] = read(stream.getvalue())
    assert type(comment.created_at) is datetime
    assert comment.created_at.isoformat() == "2023-11-14T22:13:20.123456+00:00"


def line_of(name: str) -> bytes:
    words = "a sentence of some words. " * 40
    return f"{words}\n".encode() if name == "csv" else as_json_lines([{"text": words}])


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_the_memory_does_not_grow_with_the_table(name, tmp_path):
    """A hundred megabytes, packed; the child tells what it took beyond its imports."""
    path = tmp_path / f"comments.{name}.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write((b"text\n" if name == "csv" else b"") + line_of(name) * 100_000)
    child = (
        "import resource, sys, moderation.parsers as parsers\n"
        "usage = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = usage()\n"
        "print(sum(1 for _ in parsers.read_comments(sys.argv[1])), usage() - before)\n"
    )
    command = [sys.executable, "-c", child, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, kilobytes = map(int, done.stdout.split())
    assert count == 100_000
    assert kilobytes < 15_000


def test_the_reading_counts_as_it_goes():
    reading: Reading = read_comments(as_csv(ROWS))
    assert reading.count == 0
    next(reading)
    assert (reading.count, reading.with_text) == (1, 1)
    assert len(list(reading)) == 2
    assert reading.count == 3


def test_a_long_parquet_file_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("moderation.parsers.sources.SPOOL_BYTES", 1000)
    draws = random.Random(0)
    path = tmp_path / "long.parquet"
    with pq.ParquetWriter(path, pa.schema({"text": pa.string()})) as writer:
        for _ in range(40):
            texts = [draws.randbytes(500).hex() for _ in range(500)]
            writer.write_batch(pa.record_batch([texts], names=["text"]))
    tracemalloc.start()  # pyarrow reads by Python's file, and keeps its bytes
    held = [tracemalloc.get_traced_memory()[0] for _ in read_comments(path)]
    tracemalloc.stop()
    assert len(held) == 20_000
    assert max(held) < path.stat().st_size / 4
