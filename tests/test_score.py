"""The scoring command: every column kept, scores added, whole or not at all."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from moderation import languages, load_model
from moderation.score import main
from tests.conftest import REPOSITORY

HEADER = "id,comment_text,section,likes\n"
ROWS = 'a,the ferry,news,3\nb,"two, words",sport,\nc,,news,0\n'


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text(HEADER + ROWS, encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_scores_and_the_models_version_join_the_columns_that_were_there(
    trained, table, tmp_path, ending
):
    out = tmp_path / f"out.{ending}"
    assert main([str(trained), str(table), "-o", str(out)]) == 0
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv}.get(ending)
    frame = read(out) if read else pd.read_json(out, lines=True)
    scorer = load_model(trained)
    assert frame["score"][:2].to_numpy() == pytest.approx(scorer.score(["the ferry", "two, words"]))
    assert frame["score"].isna().tolist() == [False, False, True]  # a blank text says nothing
    assert set(frame["model"]) == {scorer.version}
    assert frame["section"].tolist() == ["news", "sport", "news"]
    assert frame["positive_votes"].isna().tolist() == [False, True, False]


def test_a_page_is_scored_and_comments_without_words_have_no_score(trained, tmp_path, capsys):
    page = sorted((Path(__file__).parents[1] / "data" / "archive").glob("*.html"))[1]
    assert main([str(trained), str(page), "-o", str(tmp_path / "out.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    wordless = [row for row in rows if row["text"] is None]
    assert wordless
    assert all(row["score"] is None for row in wordless)
    assert all(0 < row["score"] < 1 for row in rows if row["text"] is not None)
    assert f"not scored: {len(wordless)} without words" in capsys.readouterr().err


def test_old_scores_are_replaced_and_said(trained, tmp_path, capsys):
    table = tmp_path / "in.csv"
    table.write_text("text,score\nthe ferry,0.123\n")
    assert main([str(trained), str(table), "-o", str(tmp_path / "out.csv")]) == 0
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["score"].tolist() != [0.123]
    assert "replaced the input's columns score" in capsys.readouterr().err


def test_the_result_can_go_to_a_pipe(trained, table, capsys):
    assert main([str(trained), str(table), "-o", "-"]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == list("abc")


def test_a_table_without_rows_gives_a_table_without_rows(trained, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER)
    assert main([str(trained), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.parquet")]) == 0
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert len(frame) == 0
    assert {"text", "section", "score", "model"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("content", "output", "message"),
    [
        (HEADER + ROWS, "out.xlsx", "unknown ending"),
        (HEADER + ROWS, "missing/out.csv", "cannot be written"),
        ("", "out.csv", "the file is empty"),
        (HEADER + ROWS + 'd,"open quote', "out.csv", "malformed CSV"),
    ],
)
def test_a_refusal_leaves_no_output_and_no_part_of_one(
    trained, tmp_path, content, output, message, capsys
):
    (tmp_path / "in.csv").write_text(content)
    assert main([str(trained), str(tmp_path / "in.csv"), "-o", str(tmp_path / output)]) == 1
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv"}


def test_a_missing_model_is_said_before_the_input_is_read(table, tmp_path, capsys):
    assert main([str(tmp_path / "no.joblib"), str(table), "-o", str(tmp_path / "out.csv")]) == 1
    assert "no such model" in capsys.readouterr().err


def test_options_that_are_wrong_are_bad_usage(trained, table):
    with pytest.raises(SystemExit) as refused:
        main([str(trained), str(table)])
    assert refused.value.code == 2


def test_scores_at_another_base_rate(trained, table, tmp_path):
    out = tmp_path / "out.csv"
    assert main([str(trained), str(table), "-o", str(out), "--base-rate", "0.5"]) == 0
    expected = load_model(trained).score(["the ferry", "two, words"], base_rate=0.5)
    assert pd.read_csv(out)["score"].dropna().tolist() == pytest.approx(expected.tolist())


def test_a_base_rate_that_is_no_share_is_refused(trained, table, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(trained), str(table), "-o", "-", "--base-rate", "50"])
    assert stopped.value.code == 2
    assert "'50' is not a share between 0 and 1, such as 0.02" in capsys.readouterr().err


BASE = REPOSITORY / "models/base.joblib"


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_the_models_other_scores_are_added(table, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    assert main([str(BASE), str(table), "-o", str(out), "--attributes"]) == 0
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv}.get(ending)
    frame = read(out) if read else pd.read_json(out, lines=True)
    scorer = load_model(BASE)
    assert {"TOXICITY", "INSULT"} < set(scorer.attributes)
    for name, scores in scorer.score_attributes(["the ferry", "two, words"]).items():
        assert frame[name][:2].to_numpy() == pytest.approx(scores)
        assert np.isnan(frame[name][2])
    assert frame["score"][:2].tolist() == pytest.approx(frame[scorer.attribute][:2].tolist())


def test_scores_that_none_of_the_first_comments_has_are_numbers_all_the_same(tmp_path):
    """Its type is known, however many comments without words come first."""
    table, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    table.write_text("id,text\n" + "x,\n" * 2100 + "y,the ferry\n")
    assert main([str(BASE), str(table), "-o", str(out), "--attributes", "--languages"]) == 0
    frame = pd.read_parquet(out)
    assert frame["TOXICITY"].dtype == np.float64
    assert frame[["TOXICITY", "language"]].notna().sum().tolist() == [1, 1]


def test_languages_are_added_where_there_are_words(trained, tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    german = "Die neue Bücherei neben der alten Brücke ist seit heute offen."
    english = "The new library beside the old bridge is open since today."
    table.write_text(f"id,text\na,{german}\nb,{english}\nc,ok\nd,\n", encoding="utf-8")
    assert main([str(trained), str(table), "-o", str(out), "--languages"]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["language"] for row in rows] == ["de", "en", "und", None]
    assert list(rows[0])[-3:] == ["score", "model", "language"]


def test_columns_called_like_what_is_added_are_replaced_and_said(tmp_path, capsys):
    table = tmp_path / "in.csv"
    table.write_text("text,TOXICITY,language\nthe ferry,0.123,xx\n")
    out = str(tmp_path / "out.csv")
    assert main([str(BASE), str(table), "-o", out, "--attributes", "--languages"]) == 0
    frame = pd.read_csv(out)
    assert frame["TOXICITY"].tolist() != [0.123]
    assert frame["language"].tolist() == ["und"]
    assert "replaced the input's columns TOXICITY, language" in capsys.readouterr().err
    assert main([str(BASE), str(table), "-o", out]) == 0
    assert pd.read_csv(out)[["TOXICITY", "language"]].to_numpy().tolist() == [[0.123, "xx"]]


def test_a_table_without_rows_has_the_added_columns(tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    table.write_text(HEADER)
    assert main([str(BASE), str(table), "-o", str(out), "--attributes", "--languages"]) == 0
    types = pq.read_schema(out)
    assert str(types.field("TOXICITY").type) == "double"
    assert str(types.field("language").type) == "string"


def test_without_the_package_for_languages_nothing_is_begun(
    trained, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._load_detector.cache_clear()
    out = tmp_path / "out.csv"
    assert main([str(trained), str(table), "-o", str(out), "--languages"]) == 1
    assert "pip install 'moderation[languages]'" in capsys.readouterr().err
    assert not out.exists()


def test_a_cluster_whose_package_is_not_there_is_one_line(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "moderation.distributed.cluster", raising=False)
    given = [str(trained), str(tmp_path), "-o", str(tmp_path / "out"), "--engine", "dask"]
    assert main(given) == 1
    assert "needs distributed: pip install 'moderation[scale]'" in capsys.readouterr().err
