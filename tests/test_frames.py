"""The one table schema, and comments to files and back."""

import gzip
import io
import json
import os
import stat
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.comments import Comment, Status
from moderation.errors import OutputError, SourceError
from moderation.frames import SCHEMA, batched, to_rows, write_rows
from moderation.parsers import read_comments
from tests.limits import without_privileges

ENDINGS = ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"]
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
FULL = Comment(
    id="7",
    text='Words, "quoted"\nand broken\r\nover lines\r. ünï 👏 \u2028 end',
    source="bbc_module",
    status=Status.REMOVED,
    parent_id="3",
    number=5,
    article_id="https://courier.example/ferry",
    article_title="A headline, with a comma",
    author="Ada",
    created_at=NOON,
    captured_at=NOON + timedelta(microseconds=1),
    positive_votes=0,
    negative_votes=4,
    rating=-4,
    removal_reason="Off topic",
    highlighted=True,
    label=1,
)
BARE = Comment(id="8", text=None, source="bbc_text", status=Status.PENDING)

# Not the characters that no file holds, nor the controls that make a file one of no text.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t"))
NAMES = TEXTS.filter(bool)
COUNTS = st.none() | st.integers(-(2**62), 2**62)
MOMENTS = st.none() | st.datetimes(
    datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
)
COMMENTS = st.builds(
    Comment,
    id=NAMES,
    text=TEXTS,
    source=NAMES,
    parent_id=st.none() | NAMES,
    number=COUNTS,
    article_id=st.none() | NAMES,
    article_title=st.none() | NAMES,
    author=st.none() | NAMES,
    created_at=MOMENTS,
    captured_at=MOMENTS,
    positive_votes=COUNTS,
    negative_votes=COUNTS,
    rating=COUNTS,
    removal_reason=st.none() | NAMES,
    highlighted=st.booleans(),
    label=st.none() | st.sampled_from([0, 1]),
)
HIDDEN = st.builds(Comment, id=NAMES, text=st.none(), source=NAMES, status=st.sampled_from(
    [Status.REMOVED, Status.PENDING, Status.WITHDRAWN]
))  # fmt: skip


def write(path: Path, comments: Sequence[Comment], extra: Sequence[str] = ()) -> Path:
    assert write_rows(to_rows(comments, extra=extra), path) == len(comments)
    return path


def again(path: Path) -> list[Comment]:
    return list(read_comments(path))


@pytest.mark.parametrize("ending", ENDINGS)
def test_comments_come_back_as_they_were_written(ending, tmp_path):
    path = write(tmp_path / f"comments.{ending}", [FULL, BARE])
    assert again(path) == [FULL, BARE]


@pytest.mark.parametrize("ending", ENDINGS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(comments=st.lists(COMMENTS | HIDDEN, min_size=1, max_size=5))
def test_any_comments_come_back_as_they_were_written(comments, ending, tmp_path):
    path = write(tmp_path / f"comments.{ending}", comments)
    assert again(path) == comments


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_rows_give_the_same_bytes(ending, tmp_path):
    first = write(tmp_path / f"a.{ending}", [FULL, BARE]).read_bytes()
    second = write(tmp_path / f"b.{ending}", [FULL, BARE]).read_bytes()
    assert first == second


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_comments_are_a_table_with_columns(ending, tmp_path):
    path = write(tmp_path / f"comments.{ending}", [])
    if ending.startswith("jsonl"):  # an empty file: lines are all it has
        with pytest.raises(SourceError, match="empty"):
            again(path)
    else:
        assert again(path) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_more_rows_than_a_batch_are_all_written_in_order(ending, tmp_path):
    comments = [Comment(str(number), f"words {number}", "csv") for number in range(5000)]
    assert again(write(tmp_path / f"comments.{ending}", comments)) == comments


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "value",
    [
        *(date(2026, 1, 14), time(12, 30), timedelta(1), Decimal("1.5"), b"ab\xff", NOON),
        *([1, 2], {"a": [NOON]}, True, 0.5, "words", -3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_further_columns_of_any_type_are_written(value, ending, tmp_path):
    comments = [Comment(str(n), "words", "csv", extra={"x": value} if n else {}) for n in range(3)]
    read = again(write(tmp_path / f"comments.{ending}", comments, extra=["x"]))
    assert [comment.text for comment in read] == ["words"] * 3
    assert read[0].extra.get("x") in (None, "")
    assert read[1].extra["x"] == read[2].extra["x"] != ""


def test_parquet_takes_mixed_and_changing_values_as_text(tmp_path):
    """Objects whose keys vary would lose the later ones in a column of one type."""
    values: list[Any] = [1, "two", {"a": 1}, {"b": [2]}, None, *[{"late": n} for n in range(3000)]]
    comments = [Comment(str(n), "a", "csv", extra={"x": x}) for n, x in enumerate(values)]
    read = again(write(tmp_path / "comments.parquet", comments, extra=["x"]))
    assert [c.extra.get("x") for c in read[:5]] == ["1", "two", '{"a": 1}', '{"b": [2]}', None]
    assert read[-1].extra["x"] == '{"late": 2999}'


@pytest.mark.parametrize(
    ("late", "field"), [({"extra": {"x": "secret"}}, "x"), ({"number": 2**70}, "number")]
)
def test_parquet_refuses_a_column_that_changes_its_type_and_shows_no_value(late, field, tmp_path):
    comments = [Comment(str(n), "a", "csv", extra={"x": n}) for n in range(3000)]
    comments.append(Comment("last", "a", "csv", **late))
    with pytest.raises(OutputError, match=f"column '{field}' is no int64") as refused:
        write_rows(to_rows(comments, extra=["x"]), tmp_path / "comments.parquet")
    assert "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("scores", "column"),
    [
        (["0.25", "", None, 0.5], [0.25, None, None, 0.5]),
        ([None] * 3000 + ["1e-05"], [None] * 3000 + [1e-05]),
        (["high", "low", None], ["high", "low", None]),
        ([[1, 2], None], ["[1, 2]", None]),
    ],
    ids=["spelled", "spelled-late", "words", "lists"],
)
def test_scores_of_a_table_without_types_are_numbers_where_all_are(scores, column, tmp_path):
    comments = [Comment(str(n), "a", "csv", extra={"score": s}) for n, s in enumerate(scores)]
    path = write(tmp_path / "comments.parquet", comments, extra=["score"])
    assert pq.read_table(path)["score"].to_pylist() == column


def test_a_further_column_does_not_overwrite_a_field():
    [row] = to_rows([Comment("1", "words", "csv", extra={"text": "others"})], extra=["text", "x"])
    assert (row["text"], row["x"]) == ("words", None)
    assert list(row) == [*SCHEMA.names, "x"]


# A file of nothing but control characters is taken for binary data.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\r\n"))
EXTRA = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | (
    st.sampled_from(["1", "True", "nan", "-1.5e3", '"', '""', ',"",', '",1,"', "\n", "\r", "'=1"])
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.tuples(st.none() | WORDS, EXTRA, EXTRA), min_size=1, max_size=5))
def test_what_a_csv_holds_comes_back_with_its_types(values, tmp_path):
    """Texts are in quotation marks, whatever they look like, and what is missing is not."""
    comments = [
        Comment(str(number), text, "csv", extra={"x": x, "y": y})
        for number, (text, x, y) in enumerate(values)
    ]
    read = again(write(tmp_path / "comments.csv", comments, extra=["x", "y"]))
    assert [comment.text for comment in read] == [comment.text for comment in comments]
    for name in ("x", "y"):
        found = [comment.extra.get(name) for comment in read]
        held = [comment.extra[name] for comment in comments]
        assert list(map(repr, found)) == list(map(repr, held))


@pytest.mark.parametrize(
    ("header", "held"),
    [
        ('"text","x"', "1"),
        (",".join([*SCHEMA.names, "x"]), "1"),
        (",".join(f'"{name}"' for name in [*SCHEMA.names, "x"]), 1),
    ],
    ids=["of others", "saved again by others", "written here"],
)
def test_quotation_marks_mean_something_in_tables_that_were_written_here_alone(
    header, held, tmp_path
):
    path = tmp_path / "comments.csv"
    row = ["words" if name in ("text", '"text"') else "" for name in header.split(",")[:-1]]
    path.write_text("\n".join([header, ",".join([*row, "1"])]))
    [comment] = again(path)
    assert comment.extra == {"x": held}


@pytest.mark.parametrize(
    ("row", "text"),
    [('"words"\n', "words"), ('""', ""), ("", None), ('wo"rds', 'wo"rds')],
    ids=["quoted", "quoted and empty", "missing", "edited by hand"],
)
def test_rows_of_our_own_that_were_edited_are_read(row, text, tmp_path):
    path = tmp_path / "comments.csv"
    names = [name for name in SCHEMA.names if name != "text"]
    header = ",".join(f'"{name}"' for name in [*names, "text"])
    path.write_text(f"\n{header}\n\n{',' * len(names)}{row}\n{',' * len(names)}{row}")
    assert [comment.text for comment in again(path)] == [text, text]


def test_a_row_of_another_length_changes_nothing_about_the_next(tmp_path):
    path = tmp_path / "comments.csv"
    header = ",".join(f'"{name}"' for name in [*SCHEMA.names, "x"])
    values = ['"words"' if name == "text" else "" for name in SCHEMA.names]
    longer = ['"1"'] * 19
    rows = [[*values, '"1"'], longer, [*values, "1"], ['"a"'], [], [*values, '""']]
    path.write_text("\n".join([header, *map(",".join, rows)]))
    reading = read_comments(path)
    assert [comment.extra for comment in reading] == [{"x": "1"}, {"x": 1}, {"x": ""}]
    assert reading.notes.left_out == {"rows without exactly 18 fields": 2}


@pytest.mark.parametrize("quoted", [True, False], ids=["written here", "of others"])
def test_a_csv_is_read_in_bounded_memory(quoted, tmp_path):
    path = tmp_path / "comments.csv"
    names = [*SCHEMA.names, "x"]
    header = ",".join(f'"{name}"' if quoted else name for name in names)
    row = ",".join('"words words words"' if name == "text" else "" for name in names)
    path.write_text("\n".join([header, *[row] * 100_000]))
    reading = read_comments(path)
    next(reading)
    tracemalloc.start()
    number = sum(1 for _ in reading)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 99_999
    assert peak < 1_000_000 < path.stat().st_size


def test_csv_is_utf8_with_line_feeds_and_empty_unknowns(tmp_path):
    path = write(tmp_path / "comments.csv", [BARE])
    header, row = path.read_bytes().decode().splitlines()
    assert header == ",".join(f'"{name}"' for name in SCHEMA.names)
    assert row == '"8",,,,,,,,,,,,"pending",,False,,"bbc_text"'
    assert b"\r" not in path.read_bytes()


def test_json_lines_spell_out_what_is_unknown(tmp_path):
    lines = write(tmp_path / "comments.jsonl", [FULL, BARE]).read_text("utf-8").split("\n")
    full, bare = map(json.loads, lines[:2])
    assert list(full) == list(bare) == SCHEMA.names
    assert full["created_at"] == "2026-01-14T12:00:00Z"
    assert (bare["text"], bare["positive_votes"], bare["highlighted"]) == (None, None, False)
    assert "ünï 👏" in lines[0]


def test_parquet_has_the_types_of_the_schema(tmp_path):
    path = write(tmp_path / "comments.parquet", [BARE])
    assert pq.read_schema(path).equals(SCHEMA)


@pytest.mark.parametrize(
    "name", ["comments.txt", "comments", "comments.json", "comments.parquet.gz", "csv"]
)
def test_an_unknown_ending_is_refused_before_anything_is_read(name, tmp_path):
    rows = iter([{"text": "a"}])
    with pytest.raises(OutputError, match=r"unknown ending; expected one of \.parquet, \.csv"):
        write_rows(rows, tmp_path / name)
    assert list(rows), "nothing was taken"


@pytest.mark.parametrize("name", ["missing/comments.csv", "file/comments.csv"])
def test_a_folder_that_is_none_is_refused_before_anything_is_read(name, tmp_path):
    (tmp_path / "file").write_text("x")
    rows = iter([{"text": "a"}])
    with pytest.raises(OutputError, match=r"comments\.csv: cannot be written"):
        write_rows(rows, tmp_path / name)
    assert list(rows), "nothing was taken"


def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with without_privileges(), pytest.raises(OutputError, match=r"written \(Permission denied\)"):
        write_rows(to_rows([FULL]), tmp_path / "comments.csv")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "comments.csv").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_rows(to_rows([FULL]), tmp_path / "comments.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["comments.csv"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("error", [SourceError, KeyboardInterrupt, OSError, ValueError])
@pytest.mark.parametrize("after", [0, 5000])
def test_what_was_there_stays_when_the_rows_break_off(ending, error, after, tmp_path, capfd):
    """And no temporary file is left, and nothing is said by a writer that is thrown away."""

    def rows():
        yield from to_rows([FULL] * after)
        raise error("broken off")

    path = tmp_path / f"comments.{ending}"
    path.write_text("what was there")
    with pytest.raises((error, OutputError)):
        write_rows(rows(), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(path.name, "what was there")]
    assert capfd.readouterr() == ("", "")


def test_a_file_is_written_with_the_rights_that_a_new_file_has(tmp_path):
    mask = os.umask(0o027)
    try:
        path = write(tmp_path / "comments.csv", [FULL])
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_ending_may_be_in_capitals(tmp_path):
    path = write(tmp_path / "COMMENTS.CSV.GZ", [FULL])
    assert gzip.decompress(path.read_bytes()).startswith(b'"id","parent_id"')


def test_standard_output_gets_json_lines(capfdbinary):
    assert write_rows(to_rows([FULL, BARE]), "-") == 2
    lines = io.BytesIO(capfdbinary.readouterr().out).readlines()
    assert [json.loads(line)["id"] for line in lines] == ["7", "8"]


def test_batches_are_filled_and_read_no_further():
    taken: list[int] = []
    source = (taken.append(number) or number for number in range(7))
    batches = batched(source, 3)
    assert next(batches) == [0, 1, 2]
    assert taken == [0, 1, 2]
    assert list(batches) == [[3, 4, 5], [6]]
