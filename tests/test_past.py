"""Past comments as columns: every format gives the same ones, and what is no table is refused."""

import gzip
import math
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import DataError, ParseError, SourceError
from moderation.frames import write_rows
from moderation.past import read_ids, read_past, read_texts
from moderation.past.comments import Categories
from moderation.past.tables import WHITE_SPACE, measure
from moderation.policy import LIKELY_TO_REJECT

NOON = datetime(2026, 1, 14, 12, 0, 0, 250_000, tzinfo=UTC)
ROWS = [
    {
        "id": "a", "text": " the ferry\u2003", "score": 0.25, "TOXICITY": 0.5, "label": 1,
        "status": "published", "weight": 2.5, "section": "sport", "community": "north",
        "language": "en", "decided_by": "mo", "created_at": NOON, "decided_at": NOON,
        "article_id": "x", "model": "m1", "source": "csv",
    },
    {
        "id": "b", "text": "naïve 🚢 bridge", "score": 0.1, "TOXICITY": None, "label": None,
        "status": "removed", "weight": 1.0, "section": "city", "community": None,
        "language": "und", "decided_by": None, "created_at": None, "decided_at": None,
        "article_id": "y", "model": "m1", "source": "csv",
    },
    {
        "id": "c", "text": None, "score": None, "TOXICITY": None, "label": None,
        "status": "removed", "weight": 1.0, "section": None, "community": "south",
        "language": None, "decided_by": None, "created_at": NOON, "decided_at": None,
        "article_id": None, "model": "m1", "source": "csv",
    },
    {
        "id": "d", "text": "a line,\nand \"another\"", "score": 1.0, "TOXICITY": 0.0,
        "label": None, "status": "pending", "weight": None, "section": "sport",
        "community": "south", "language": "de", "decided_by": "li", "created_at": NOON,
        "decided_at": NOON, "article_id": "x", "model": "m1", "source": "csv",
    },
    {
        "id": "e", "text": "a garden", "score": 0.3, "TOXICITY": 0.2, "label": None,
        "status": "published", "weight": None, "section": "sport", "community": "south",
        "language": "de", "decided_by": "mo", "created_at": NOON, "decided_at": NOON,
        "article_id": "x", "model": "m1", "source": "bbc_module",
    },
]  # fmt: skip
OWN = ["LIKELY_TO_REJECT"]
BOTH = ("LIKELY_TO_REJECT", "TOXICITY")
ENDINGS = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")


def write(folder, rows, ending=".csv"):
    path = folder / f"past{ending}"
    write_rows(rows, path)
    return path


def read_scores(path):
    return read_past(path, attributes=OWN)


def as_lists(past):
    """Return everything known, comparable: NaN and NaT are None."""
    found = {}
    for name, value in vars(past).items():
        if isinstance(value, Categories):
            found[name] = [value.name(row) for row in range(len(past))], value.names
        elif isinstance(value, np.ndarray):
            found[name] = str(value.dtype), [None if v != v else v for v in value.tolist()]
        elif name == "scores":
            found[name] = {
                attribute: [None if math.isnan(v) else v for v in scores.tolist()]
                for attribute, scores in value.items()
            }
        else:
            found[name] = value
    return found


def test_the_own_attribute_is_that_of_the_model():
    assert LIKELY_TO_REJECT == LIKELY_TO_REJECT


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_what_the_table_says(ending, tmp_path):
    past = read_past(write(tmp_path, ROWS, ending), attributes=BOTH)
    found = as_lists(past)
    assert found["scores"] == {
        "LIKELY_TO_REJECT": [0.25, 0.1, None, 1.0, 0.3],
        "TOXICITY": [0.5, None, None, 0.0, 0.2],
    }
    assert found["labels"] == ("int8", [1, 1, 1, -1, -1])
    assert found["weights"] == ("float64", [2.5, 1.0, 1.0, None, None])
    assert found["characters"] == ("int32", [9, 14, -1, 21, 8])
    noon = NOON.replace(tzinfo=None)
    assert found["created_at"] == ("datetime64[us]", [noon, None, noon, noon, noon])
    assert found["decided_at"] == ("datetime64[us]", [noon, None, None, noon, noon])
    assert found["decided_by"] == (["mo", None, None, "li", "mo"], ("mo", "li"))
    assert found["sections"] == (["sport", "city", None, "sport", "sport"], ("sport", "city"))
    assert found["communities"][0] == ["north", None, "south", "south", "south"]
    assert found["languages"][0] == ["en", "und", None, "de", "de"]
    assert found["articles"] == (["x", "y", None, "x", "x"], ("x", "y"))
    assert (past.model, len(past), past.left_out) == ("m1", 5, {})


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_no_column_tells_is_none(ending, tmp_path):
    rows = [{"id": "1", "text": "a ferry", "score": 0.5}]
    past = read_past(write(tmp_path, rows, ending), attributes=OWN)
    empty = (past.created_at, past.decided_at, past.decided_by, past.sections, past.communities)
    assert {*empty, past.languages, past.articles, past.model} == {None}
    assert (past.labels.tolist(), past.weights.tolist()) == ([-1], [1.0])


@pytest.mark.parametrize("ending", ENDINGS)
def test_values_written_otherwise_are_read_the_same(ending, tmp_path):
    """Numbers and times as words, labels as numbers with a point, other names of columns."""
    path = tmp_path / f"past{ending}"
    columns = {
        "comment": pa.array(["a ferry", "", "  "]).dictionary_encode(),
        "score": ["0.5", None, "1"],
        "label": pa.array([1.0, None, 0.0]),
        "state": ["approved", "Rejected", "spam"],
        "created": ["2026-01-14T12:00:00Z", "yesterday", "2026-01-14"],
        "decided_at": ["soon", "soon", "2026-01-14T13:00+01:00"],
        "section": [7, 7, None],
        "characters": pa.array([7, 0, 2]),
    }
    table = pa.table(columns)
    if ending == ".parquet":
        pq.write_table(table, path)
    else:
        write_rows(table.to_pylist(), path)
    past = read_scores(path)
    found = as_lists(past)
    noon = datetime(2026, 1, 14, 12)
    assert found["scores"]["LIKELY_TO_REJECT"] == [0.5, None, 1.0]
    assert past.labels.tolist() == [1, 1, 0]
    assert past.created_at.tolist() == [noon, None, datetime(2026, 1, 14)]
    assert past.decided_at.tolist() == [None, None, noon]
    assert past.characters.tolist() == [7, -1, 2]
    assert found["sections"][0] == ["7", "7", None]
    assert past.left_out == {
        "values of 'created' not understood": 1,
        "values of 'decided_at' not understood": 2,
    }


@given(
    st.lists(st.text() | st.none(), max_size=20), st.sampled_from([pa.string(), pa.large_string()])
)
def test_arrow_measures_as_python_does(texts, held):
    expected = [len((text or "").strip()) for text in texts]
    assert measure(pa.array(texts, held)).to_pylist() == expected


@given(
    st.text(
        alphabet=st.characters(codec="utf-8") | st.sampled_from(WHITE_SPACE + "\u200b\ufeff\x1b")
    )
)
def test_white_space_is_the_same_to_both(text):
    assert measure(pa.array([text])).to_pylist() == [len(text.strip())]


def test_no_white_space_is_forgotten():
    assert set(WHITE_SPACE) == {chr(c) for c in range(0x110000) if chr(c).isspace()}


def test_words_are_not_read_where_nobody_asks(tmp_path):
    path = tmp_path / "past.parquet"
    pq.write_table(pa.table({"text": [b"\xff"], "score": [0.5]}), path)
    past = read_past(path, attributes=OWN, needs_characters=False)
    assert past.characters.tolist() == [-1]
    csv = write(tmp_path, ROWS)
    assert set(read_past(csv, attributes=BOTH, needs_characters=False).characters) == {-1}


def test_columns_of_other_arrow_types_are_read(tmp_path):
    """Words and names as dictionaries, names as numbers, lists or empty, nothing at all."""
    path = tmp_path / "past.parquet"
    columns = {
        "text": pa.array(["ferry ", None, "a bridge"]).dictionary_encode(),
        "score": pa.array([0, 1, None], pa.int8()),
        "section": ["", "city", None],
        "community": [["a"], None, ["b"]],
        "language": pa.array(["en", "de", "en"]).dictionary_encode(),
        "decided_by": pa.nulls(3),
        "label": pa.array([True, None, False]),
    }
    pq.write_table(pa.table(columns), path)
    past = read_scores(path)
    assert past.characters.tolist() == [5, -1, 8]
    assert past.sections.codes.tolist() == [-1, 0, -1]
    assert past.sections.names == ("city",)
    assert past.communities.codes.tolist() == [0, -1, 1]
    assert past.languages.codes.tolist() == [0, 1, 0]
    assert past.decided_by is None
    assert past.labels.tolist() == [1, -1, 0]


def test_a_text_that_is_none_is_refused(tmp_path):
    path = tmp_path / "past.parquet"
    pq.write_table(pa.table({"text": [1], "score": [0.5]}), path)
    with pytest.raises(ParseError, match=r"past\.parquet: the text is a int64, expected a string"):
        read_scores(path)


def test_a_table_of_scores_need_not_have_words(tmp_path):
    path = tmp_path / "past.parquet"
    pq.write_table(pa.table({"id": ["1", "2"], "score": [0.5, 0.7], "label": [0, 1]}), path)
    past = read_scores(path)
    assert (past.labels.tolist(), past.characters.tolist()) == ([0, 1], [-1, -1])


def test_many_batches_are_one_table(tmp_path):
    """More rows than are read at once, the names of each batch in another order."""
    rng = np.random.default_rng(0)
    sections = rng.choice(["a", "b", "c", None], 150_000)
    table = pd.DataFrame({"text": "ferry", "score": rng.random(150_000), "section": sections})
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
        past = read_scores(path)
        assert past.scores["LIKELY_TO_REJECT"].tolist() == table["score"].tolist()
        found = [past.sections.name(row) for row in range(0, 150_000, 1000)]
        assert found == list(sections[::1000])
        assert past.sections.names == tuple(dict.fromkeys(s for s in sections if s))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("change", "attributes", "message"),
    [
        ({}, ["INSULT"], "no column 'INSULT'.*add it"),
        ({"score": 1.5}, BOTH, r"row 2: 'score' is 1\.5, expected a number from 0 to 1"),
        ({"score": -0.1}, BOTH, "row 2: 'score' is -0.1"),
        ({"TOXICITY": 80.0}, BOTH, "row 2: 'TOXICITY' is 80, .*divide percentages by 100"),
        ({"weight": -1.0}, BOTH, "row 2: 'weight' is -1, expected a number from 0 to 1e.09"),
        ({"weight": None}, BOTH, "1 labelled comments have no weight"),
        ({"model": "m2"}, BOTH, "2 versions of the model .'m1', 'm2'.*score all comments"),
    ],
)
def test_what_does_not_add_up_is_refused(ending, change, attributes, message, tmp_path):
    path = write(tmp_path, [ROWS[0], {**ROWS[1], **change}, *ROWS[2:]], ending)
    with pytest.raises(DataError, match=message) as caught:
        read_past(path, attributes=attributes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_comments_without_a_score_are_refused(ending, tmp_path):
    rows = [{"text": "a ferry", "label": 1}]
    path = write(tmp_path, rows, ending)
    with pytest.raises(DataError, match=r"no column 'score'.*python -m moderation\.score"):
        read_scores(path)
    path = write(tmp_path, [{**row, "score": None} for row in rows], ending)
    with pytest.raises(DataError, match="none of 1 comments has a score"):
        read_scores(path)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("score", "a heron", DataError),
        ("label", "a heron", ParseError),
        ("status", "a heron", ParseError),
    ],
)
def test_a_value_of_another_kind_is_refused_without_its_words(
    ending, column, value, error, tmp_path
):
    rows = [
        {"text": "ferry", "score": "0.5", "label": "1", "status": "ok"},
        {"text": "ferry", "score": "0.5", "label": "1", "status": "ok", column: value},
    ]
    path = tmp_path / f"past{ending}"
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write_rows(rows, path)
    with pytest.raises(error, match="row 2") as caught:
        read_scores(path)
    assert "heron" not in str(caught.value)


@pytest.mark.parametrize("value", [True, [0.5], {"value": 0.5}])
@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_a_score_is_a_number(value, ending, tmp_path):
    path = tmp_path / f"past{ending}"
    rows = [{"text": "ferry", "score": value}]
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write_rows(rows, path)
    with pytest.raises(DataError, match=r"past\.\w+: row 1: 'score' is not a number"):
        read_scores(path)


def test_an_empty_table_is_refused(tmp_path):
    path = tmp_path / "past.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "score": pa.array([], "f8")}), path)
    with pytest.raises(DataError, match="without rows"):
        read_scores(path)
    (tmp_path / "past.csv").write_text("text,score\n")
    with pytest.raises(DataError, match="without rows"):
        read_past(tmp_path / "past.csv", attributes=OWN)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.parquet", b"PAR1 and no more", ParseError),
        ("a.csv", b"", SourceError),
        ("a.csv", b"name,score\nferry,0.5\n", ParseError),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(name, content, error, tmp_path):
    (tmp_path / name).write_bytes(content)
    for read in (
        lambda p: read_past(p, attributes=OWN),
        lambda p: read_texts(p, [0]),
    ):
        with pytest.raises(error) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_saved_page_is_refused(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html><body><p>a ferry</p></body></html>")
    for read in (read_scores, lambda path: read_texts(path, [0])):
        with pytest.raises(DataError, match="a saved page; expected a table"):
            read(page)


def test_packed_parquet_is_unpacked(tmp_path):
    path = write(tmp_path, ROWS, ".parquet")
    packed = tmp_path / "packed.parquet.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    found, expected = (as_lists(read_past(p, attributes=BOTH)) for p in (packed, path))
    assert found == expected


@pytest.mark.parametrize("rows", [[3, 0, 2], np.array([3, 0, 2]), np.arange(5) > 2])
def test_taking_rows_takes_all_that_is_known_of_them(rows, tmp_path):
    past = read_past(write(tmp_path, ROWS), attributes=BOTH)
    numbers = np.arange(5)[rows]
    found = as_lists(past.take(np.asarray(rows)))
    assert found["labels"][1] == past.labels[numbers].tolist()
    assert found["sections"][0] == [past.sections.name(int(row)) for row in numbers]
    assert found["decided_at"][1] == past.decided_at[numbers].tolist()
    assert len(found["scores"]["TOXICITY"]) == len(numbers)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_words_of_some_rows_are_found_again(ending, tmp_path):
    path = write(tmp_path, ROWS, ending)
    found = read_texts(path, [3, 0, 3, 2])
    assert [words.id for words in found] == ["d", "a", "d", "c"]
    assert [words.text for words in found][:2] == ['a line,\nand "another"', " the ferry\u2003"]
    assert found[3].text is None
    assert read_texts(path, []) == []
    with pytest.raises(IndexError, match="no row 5"):
        read_texts(path, [0, 5])


@pytest.mark.parametrize(
    ("ending", "without"),
    [*product(ENDINGS, ["", "id"]), (".parquet", "text")],
)
def test_ids_are_those_that_come_with_the_words(ending, without, tmp_path):
    """Without a column of them, too; a table of Parquet needs no words for its ids."""
    rows = [{name: value for name, value in row.items() if name != without} for row in ROWS]
    path = write(tmp_path, rows, ending)
    found = read_ids(path)
    if without != "text":
        assert found == [words.id for words in read_texts(path, range(len(ROWS)))]
    if without != "id":
        assert found == list("abcde")
    assert len(set(found)) == len(ROWS)
