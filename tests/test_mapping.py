"""Tables and JSON of any shape: mapping files, and what is proposed for one."""

import io
import json
import tomllib
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.comments import Comment, Status
from moderation.errors import ModerationError, ParseError, SourceError
from moderation.parse import main
from moderation.parsers import Reading, read_comments
from moderation.parsers.guessing import guess_mapping
from moderation.parsers.mapping import make_mapping, read_mapping
from moderation.parsers.sources import open_source
from moderation.proposing import mask, spell_mapping

SECRETS = ("zanzibar", "Quimby", "4711")
MAPPING = """
kind = "json"
name = "courier"
records = "data.items"
time = "seconds"
markup = "html"

[fields]
id = "nr"
parent_id = "reply.to"
text = "body.html"
author = "who.nick"
created_at = "meta.posted"
positive_votes = "votes.0"
status = "state"
label = "state"

[status]
"0" = "published"
"2" = "removed"
"true" = "pending"

[label]
"0" = 0
"2" = 1
"""
ITEMS = [
    {
        "nr": 1,
        "body": {"html": "<p>The ferry &amp; the <b>bus</b>.<br>Late 🙂</p>"},
        "who": {"nick": "Ada"},
        "meta": {"posted": 1768393800},
        "votes": [3, 1],
        "state": 0,
        "page": "ferry",
    },
    {"nr": "b", "reply": {"to": 1}, "body": {"html": None}, "meta": {"posted": "x"}, "state": 2},
    {"nr": 3.0, "body": {"html": "pending"}, "votes": ["many"], "state": True, "who": None},
    {"nr": 4, "body": {"html": ""}, "state": "odd", "id": "own"},
    "not an object",
]
DOCUMENT = json.dumps({"meta": {"n": 3}, "data": {"items": ITEMS}}).encode()


def read(content: bytes, mapping: str) -> Reading:
    return read_comments(content, mapping=make_mapping(tomllib.loads(mapping)))


def test_a_mapping_tells_what_is_what():
    reading = read(DOCUMENT, MAPPING)
    comments = list(reading)
    assert comments[0] == Comment(
        id="1",
        text="The ferry & the bus.\nLate 🙂",
        source="courier",
        author="Ada",
        created_at=datetime(2026, 1, 14, 12, 30, tzinfo=UTC),
        positive_votes=3,
        label=0,
        extra={"page": "ferry"},
    )
    assert [(c.id, c.parent_id, c.text, c.status, c.label) for c in comments[1:]] == [
        ("b", "1", None, Status.REMOVED, 1),
        ("3", None, "pending", Status.PENDING, None),
        ("4", None, "", None, None),
    ]
    assert reading.notes.left_out == {
        "values of 'meta.posted' not understood as created_at": 1,
        "values of 'positive_votes' not understood": 1,
        "values that [status] of the mapping does not name": 1,
        "values that [label] of the mapping does not name": 2,
        "records that are no JSON object": 1,
    }


def as_csv() -> bytes:
    return b'nr;Wann;"der.Text"\n1;14.01.2026 12:30;one\n2;;two\n3;never;three\n'


def as_parquet() -> bytes:
    stream = io.BytesIO()
    columns = {"nr": [1, 2, 3], "Wann": ["14.01.2026 12:30", None, "never"]}
    pq.write_table(pa.table({**columns, "der.Text": ["one", "two", "three"]}), stream)
    return stream.getvalue()


def as_lines() -> bytes:
    rows = [{"nr": 1, "Wann": "14.01.2026 12:30", "der.Text": "one"}]
    rows += [{"nr": 2, "der.Text": "two"}, {"nr": 3, "Wann": "never", "der": {"Text": "three"}}]
    return b"\n".join(json.dumps(row).encode() for row in rows)


@pytest.mark.parametrize(
    ("kind", "make"),
    [("csv", as_csv), ("parquet", as_parquet), ("jsonl", as_lines)],
    ids=["csv", "parquet", "jsonl"],
)
def test_every_kind_of_table_can_be_mapped(kind, make):
    """A name with a point in it is that name first, and a path only where there is none."""
    fields = '[fields]\ntext = "der.Text"\nid = "nr"\ncreated_at = "Wann"\n'
    reading = read(make(), f'kind = "{kind}"\ntime = "%d.%m.%Y %H:%M"\n{fields}')
    comments = list(reading)
    assert [(c.id, c.text) for c in comments] == [("1", "one"), ("2", "two"), ("3", "three")]
    assert comments[0].created_at == datetime(2026, 1, 14, 12, 30, tzinfo=UTC)
    assert reading.notes.left_out == {"values of 'Wann' not understood as created_at": 1}


@pytest.mark.parametrize("time", ["milliseconds", "seconds", "iso"])
def test_times_are_read_as_the_mapping_says(time):
    moment = datetime(2026, 1, 14, 12, 30, tzinfo=UTC)
    number = int(moment.timestamp()) * (1000 if time == "milliseconds" else 1)
    row = {"t": "words", "at": moment.isoformat() if time == "iso" else number}
    told = f'kind = "jsonl"\ntime = "{time}"\n[fields]\ntext = "t"\ncreated_at = "at"\n'
    [comment] = read(json.dumps(row).encode(), told)
    assert comment.created_at == moment


WRONG = {
    "no fields": ('kind = "csv"', "does not say where the text is"),
    "no kind": ('[fields]\ntext = "a"', "kind is None; expected csv or jsonl or json or parquet"),
    "kind": ('kind = "xml"\n[fields]\ntext = "a"', "kind is 'xml'"),
    "name": ('kind = "csv"\nmood = 1\n[fields]\ntext = "a"', "does not know 'mood'"),
    "field": ('kind = "csv"\n[fields]\ntext = "a"\nmood = "b"', "[fields] does not know 'mood'"),
    "place": ('kind = "csv"\n[fields]\ntext = 3', "[fields] is no table of names, each with a"),
    "no table": ('kind = "csv"\nfields = ["text"]', "[fields] is no table of names, each with a"),
    "status": (
        'kind = "csv"\n[fields]\ntext = "a"\n[status]\n"1" = "gone"',
        "a value of [status] is 'gone'; expected published or",
    ),
    "label": ('kind = "csv"\n[fields]\ntext = "a"\n[label]\n"1" = 2', "[label] is 2"),
    "true": ('kind = "csv"\n[fields]\ntext = "a"\n[label]\n"1" = true', "[label] is no table"),
    "markup": ('kind = "csv"\nmarkup = "bb"\n[fields]\ntext = "a"', "markup is 'bb'"),
    "time": ('kind = "csv"\ntime = 3\n[fields]\ntext = "a"', "time is no text"),
    "no such time": (
        'kind = "csv"\ntime = "unix"\n[fields]\ntext = "a"',
        "'unix'; expected iso, s",
    ),
    "no such directive": (
        'kind = "csv"\ntime = "%d.%Q"\n[fields]\ntext = "a"',
        "time is '%d.%Q'; expected iso, seconds, milliseconds, or a pattern such as '%d.%m",
    ),
    "a time of a field": (
        'kind = "csv"\n[fields]\ntext = "a"\ncreated_at.format = "iso"',
        "it has created_at.format, but the keys that tell how to read are kind, name, records, ti",
    ),
    "a time at the top": (
        'kind = "csv"\ncreated_at.format = "iso"\n[fields]\ntext = "a"',
        "does not know 'created_at'; expected kind, name, records, time",
    ),
    "toml": ("kind = ", "no TOML; python -m moderation.parse --guess writes one"),
    "bytes": ("\udcff", "no TOML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mapping_that_says_what_cannot_be_is_refused(name, tmp_path, capsys):
    told, message = WRONG[name]
    path = tmp_path / "mapping.toml"
    path.write_bytes(told.encode(errors="surrogateescape"))
    (tmp_path / "x.csv").write_text("a\nwords\n", encoding="utf-8")
    assert main([str(tmp_path / "x.csv"), "--mapping", str(path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"parse: {path}: ")
    assert message in line


@pytest.mark.parametrize("option", ["--format=csv", "--column=text=a"])
def test_beside_a_mapping_nothing_else_says_what_is_what(option, tmp_path, capsys):
    mapping, data = tmp_path / "mapping.toml", tmp_path / "x.csv"
    mapping.write_text('kind = "csv"\n[fields]\ntext = "a"\n', encoding="utf-8")
    data.write_text("a\nwords\n", encoding="utf-8")
    assert main([str(data), "--mapping", str(mapping), option]) == 1
    output, errors = capsys.readouterr()
    said = f"parse: --mapping and {option.partition('=')[0]} exclude each other: "
    assert (output, errors.startswith(said), errors.count("\n")) == ("", True, 1)


def test_a_missing_mapping_is_refused(tmp_path):
    with pytest.raises(SourceError, match="cannot be opened"):
        read_mapping(tmp_path / "none.toml")


def test_a_mapping_of_other_data_is_refused():
    with pytest.raises(ParseError, match=r"none of the first 2 .* at 'b'; they have 'a'"):
        list(read(b'{"a": 1}\n{"a": 2}\n', 'kind = "jsonl"\n[fields]\ntext = "b"'))


def posts(count: int = 30):
    """What some other system might answer, with an odd shape."""
    for number in range(count):
        yield {
            "uuid": f"u-{number:04}",
            "in_reply_to": f"u-{number - 1:04}" if number % 3 else None,
            "content": {
                "rendered": f"<p>{SECRETS[0]} no. {number}, said the ferryman.</p>",
                "length": 30,
            },
            "member": {"display_name": SECRETS[1], "phone": SECRETS[2]},
            "when": {"created": f"2026-01-{number % 28 + 1:02}T12:30:00+01:00"},
            "thread": f"https://courier.example/{number % 4}",
            "likes": number % 5,
            "is_deleted": number % 7 == 0,
            "tags": [{"name": "a"}, {"name": "b"}],
        }


def flat(post: dict) -> dict:
    return {
        "uuid": post["uuid"],
        "in_reply_to": post["in_reply_to"] or "",
        "content": post["content"]["rendered"],
        "member": post["member"]["display_name"],
        "created": post["when"]["created"],
        "thread": post["thread"],
        "likes": post["likes"],
        "is_deleted": str(post["is_deleted"]),
    }


def posts_as_csv() -> bytes:
    rows = [flat(post) for post in posts()]
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines).encode()


def posts_as_parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(posts())), stream)
    return stream.getvalue()


GUESSED = {
    "lines": lambda: b"".join(json.dumps(post).encode() + b"\n" for post in posts()),
    "one line": lambda: json.dumps({"meta": [], "result": {"posts": list(posts())}}).encode(),
    "pretty": lambda: json.dumps({"posts": list(posts())}, indent=2).encode(),
    "array": lambda: json.dumps(list(posts())).encode(),
    "csv": posts_as_csv,
    "parquet": posts_as_parquet,
}


@pytest.mark.parametrize("name", GUESSED)
def test_a_proposed_mapping_reads_the_file(name, tmp_path, capsys):
    """No word of the data is in the proposal, which is shown to whoever helps."""
    path, mapping = tmp_path / "posts", tmp_path / "mapping.toml"
    path.write_bytes(GUESSED[name]())
    assert main([str(path), "--guess"]) == 0
    proposed = capsys.readouterr().out
    mapping.write_text(proposed, encoding="utf-8")
    assert not any(secret in proposed for secret in SECRETS)
    reading = read_comments(path, mapping=read_mapping(mapping))
    comments = list(reading)
    assert reading.notes.left_out == {}
    assert len(comments) == 30
    assert comments[8] == Comment(
        id="u-0008",
        parent_id="u-0007",
        text="zanzibar no. 8, said the ferryman.",
        source="mapping",
        author="Quimby",
        created_at=datetime(2026, 1, 9, 11, 30, tzinfo=UTC),
        article_id="https://courier.example/0",
        positive_votes=3,
        extra=comments[8].extra,
    )
    assert [c.id for c in comments if c.status is Status.REMOVED] == [
        "u-0000", "u-0007", "u-0014", "u-0021", "u-0028",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><body>words</body></html>", "no table and no JSON"),
        (b"Some prose, and more of it.\n", "no table and no JSON"),
        (b'{"name": "x", "list": [1, 2]}', "nothing in the first 1 records looks like"),
        (b'{"name": {\n"x": 1}}', "without an array of records"),
        (b"[1, 2, 3]", "nothing in the first 0 records"),
        (b"a,b\n1,2\n3,4\n5,6\n", "nothing in the first 3 records"),
    ],
)
def test_where_nothing_looks_like_comments_none_is_proposed(content, message):
    with open_source(content) as source, pytest.raises(ParseError, match=message):
        guess_mapping(source)


def test_of_several_files_the_one_that_was_looked_at_is_named(tmp_path, capsys):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.html").write_text("<p>A page.</p>", encoding="utf-8")
    (folder / "b.jsonl").write_bytes(GUESSED["lines"]())
    (folder / "c.txt").touch()
    assert main([str(folder), str(folder / "b.jsonl"), "--guess"]) == 0
    output, errors = capsys.readouterr()
    assert tomllib.loads(output)["fields"]["id"] == "uuid"
    assert errors == f"proposed from {folder}/b.jsonl, file 2 of 4; others may differ\n"


@pytest.mark.parametrize("name", ["page.html", "empty.csv", "gone.csv"])
def test_where_no_mapping_is_proposed_the_file_is_named(name, tmp_path, capsys):
    (tmp_path / "page.html").write_text("<p>A page.</p>", encoding="utf-8")
    (tmp_path / "empty.csv").touch()
    assert main([str(tmp_path / name), "--guess"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"parse: {tmp_path / name}: ")


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        (["online", "deleted"], ["published", "removed"]),
        (["Approved", "spam"], ["published", "removed"]),
        (["visible", "hidden", "blocked"], ["published", "removed", "removed"]),
        (["live", "held", "removed"], ["published", "pending", "removed"]),
        (["live"], []),
        (["removed", "ferry"], []),
    ],
    ids=str,
)
def test_words_of_a_status_are_known_whatever_their_column_is_called(words, statuses):
    lines = [
        json.dumps({"nr": n, "words": f"The ferry no. {n} was late", "x": words[n % len(words)]})
        for n in range(12)
    ]
    with open_source("\n".join(lines).encode()) as source:
        mapping = guess_mapping(source).mapping
    assert [mapping.status.get(word) for word in words if mapping.status] == statuses
    assert mapping.fields.get("status") == ("x" if statuses else None)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
RECORDS = st.lists(
    st.dictionaries(st.text(max_size=8), VALUES | st.dictionaries(st.text(max_size=5), VALUES)),
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(RECORDS)
def test_whatever_the_data_a_proposal_can_be_given_back(records):
    """Or there is none; names with points and quotation marks included."""
    content = "".join(json.dumps({"words": f"a b {n}", **r}) + "\n" for n, r in enumerate(records))
    try:
        with open_source(content.encode() or b"{}") as source:
            toml = "\n".join(spell_mapping(guess_mapping(source)))
    except ModerationError as error:
        assert str(error).isprintable()  # noqa: PT017 both are right
        return
    mapping = make_mapping(tomllib.loads(toml))
    assert mapping.fields["text"]
    list(read_comments(content.encode(), mapping=mapping))


def test_what_is_masked_keeps_its_shape_only():
    assert mask("Ada, 7 Grüße\n\u202e🙂") == "xxx, 0 xxxxx···"
    assert mask("long " * 20) == "xxxx " * 8 + "…"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "json", "records": "data.itmes"}, "no records at 'data.itmes'"),
        ({"kind": "json", "records": "data"}, "no records at 'data'"),
        ({"kind": "csv"}, "no records in it; the mapping says that it is csv"),
    ],
    ids=["a slip of the pen", "an object", "another kind"],
)
def test_a_mapping_that_finds_no_records_is_refused(told, message):
    mapping = make_mapping({**told, "fields": {"text": "text"}})
    data = json.dumps({"data": {"items": [{"text": "One"}]}}).encode()
    with pytest.raises(ParseError, match=message):
        list(read_comments(data, mapping=mapping))


def test_a_place_that_no_record_has_is_told():
    mapping = make_mapping({"kind": "jsonl", "fields": {"text": "text", "id": "uiud"}})
    reading = read_comments(b'{"text": "One", "uuid": "7"}\n', mapping=mapping)
    assert [comment.text for comment in reading] == ["One"]
    assert "1 place of id in the mapping that no record has: 'uiud'" in reading.summary()
