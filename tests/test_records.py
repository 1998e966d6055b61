"""Records of JSON exports: how a file may be written, and what becomes of what is odd in one."""

import io

import pytest
from msgspec import Struct

from moderation.errors import ParseError
from moderation.parsers import records
from moderation.parsers.brackets import Brackets
from moderation.parsers.documents import outline, read_items
from moderation.parsers.limits import DEFAULT_LIMITS
from moderation.parsers.notes import Notes
from moderation.parsers.records import Records
from moderation.parsers.sources import open_source


class Inner(Struct):
    name: str | None = None
    size: int | None = None


class Record(Struct):
    id: str | int | None = None
    votes: int | None = None
    inner: Inner | None = None
    several: list[Inner] | None = None


ONE, TWO = Record("a", 1), Record("b", 2)
LINES = b'{"id": "a", "votes": 1}\n{"id": "b", "votes": 2}\n'


def read(content: bytes, notes: Notes | None = None) -> list[Record]:
    with open_source(content) as source:
        return list(Records(Record, notes or Notes()).read(source))


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.replace(b"\n", b"\r\n"),
        LINES.rstrip(),
        b"\n" + LINES.replace(b"\n", b"\n \n\n"),
        b"\xef\xbb\xbf" + LINES,
        LINES.decode().encode("utf-16"),
        b"[" + LINES.rstrip().replace(b"\n", b",\n") + b"]",
        b'[\n  {\n "votes": 1, "id": "a"}, {"id": "b", "votes": 2, "more": [{}]}]',
    ],
    ids=["lines", "crlf", "no_last_end", "blank", "mark", "utf16", "array", "spread_array"],
)
def test_lines_and_arrays_of_objects_are_the_same(content):
    assert read(content) == [ONE, TWO]


def test_one_object_may_go_over_several_lines():
    assert read(b'{\n  "id": "a",\n  "votes": 1\n}\n') == [ONE]


@pytest.mark.parametrize(
    ("line", "record", "left_out"),
    [
        (b'{"id": 7, "votes": "3"}', Record(7, 3), {}),
        (b'{"id": [], "votes": 3}', Record(None, 3), {"values of 'id' not understood": 1}),
        (
            b'{"inner": {"name": "x", "size": "big"}}',
            Record(inner=Inner("x")),
            {"values of 'size' not understood": 1},
        ),
        (
            b'{"several": [{"name": 1}, null, {"name": "y"}]}',
            Record(several=[Inner(), Inner("y")]),
            {"values of 'name' not understood": 1},
        ),
        (b'{"several": ["x", {}]}', Record(), {"values of 'several' not understood": 1}),
        (
            b'{"votes": NaN, "id": "\\ud83d"}',
            Record("\ufffd"),
            {"values of 'votes' not understood": 1},
        ),
    ],
    ids=["spelled", "list", "within", "in_list", "no_object", "half"],
)  # fmt: skip
def test_what_is_not_of_its_type_is_left_out_and_counted(line, record, left_out):
    notes = Notes()
    assert read(LINES + line, notes) == [ONE, TWO, record]
    assert dict(notes.left_out) == left_out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": "c"', "line 3: malformed JSON; expected one object on each line"),
        (b'{"id": "c"} {}', "line 3: malformed JSON; expected one object on each line"),
        (b"[1]", "line 3: a JSON list; expected one object on each line"),
        (b"null", "line 3: a JSON NoneType; expected one object on each line"),
        (b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "line 3: nested more than 200 levels deep"),
    ],
    ids=["cut", "two", "list", "null", "deep"],
)
def test_a_line_that_is_no_object_is_refused_with_its_number(line, said):
    with pytest.raises(ParseError, match=said):
        read(LINES + line)


def test_a_line_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(records, "LINE_BYTES", 1 << 21)
    with pytest.raises(ParseError, match="longer than any comment"):
        read(b'{"id": "' + b"x" * (1 << 22))


PAIR = (
    b'{"a": [1, {"b": "\\ud83d\\ude00 \\ud83d \\ude00 \\\\ud83d \\\\\\\\\\ud83d"}, []],'
    b' "c": {"a": [9.5]}}'
)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 11, 12, 13, 65536])
def test_what_lies_at_paths_is_the_same_however_it_arrives(step):
    """Half characters are mended, whole ones kept, wherever a block ends."""
    stream = io.BytesIO(PAIR)
    whole = stream.read
    stream.read = lambda size=-1: whole(min(size, step))
    assert list(read_items(stream, {"a.item", "c.a.item"}, DEFAULT_LIMITS)) == [
        ("a.item", 1),
        ("a.item", {"b": "😀 \ufffd \ufffd \\ud83d \\\\\ufffd"}),
        ("a.item", []),
        ("c.a.item", 9.5),
    ]


@pytest.mark.parametrize("text", ['{"a": [1', '{"a": [1]} 2', '{"a": [tru]}'])
def test_a_document_that_breaks_off_or_is_malformed_is_refused(text):
    with pytest.raises(ParseError, match="malformed JSON, or a file that breaks off"):
        list(read_items(io.BytesIO(text.encode()), {"a.item"}, DEFAULT_LIMITS))


def test_a_document_that_nests_too_deeply_is_refused():
    with pytest.raises(ParseError, match="nested more than 200 levels deep"):
        list(read_items(io.BytesIO(b"[" * 1_000_000), {"item"}, DEFAULT_LIMITS))


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"a": 1}\n{"b": malformed', {"": None, "a": 1}),
        (
            '{\n "a": {"b": "\\ud83d"}, "c": [{"d',
            {"": None, "a": None, "a.b": "\ufffd", "c": None, "c.item": None},
        ),
        ("no JSON", {}),
        ("", {}),
    ],
    ids=["lines", "cut", "text", "empty"],
)  # fmt: skip
def test_the_outline_of_what_begins(text, paths):
    assert outline(text) == paths


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 50, 200, 999])
@pytest.mark.parametrize("level", ["[", '{"a":', ' {"long name of a level": ['])
def test_lines_with_more_brackets_than_levels_are_always_found(level, depth):
    """Wherever they stand among others; of lines with few none is looked at."""
    brackets = Brackets(depth)
    for before in range(9):
        deep = level * (depth // (level.count("[") + level.count("{")) + 1)
        lines = [b'{"id": 1}' * before, deep.encode(), b"words, and more words"]
        assert brackets.may_exceed(b"\n".join(lines), lines)
    few = [b'{"id": 1, "text": "words of a comment of the usual length, and some more of it"}'] * 99
    assert brackets.may_exceed(b"\n".join(few), few) == (depth < 24)
