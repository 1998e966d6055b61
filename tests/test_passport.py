"""The command that carries thresholds over: what it reads, guesses, leaves out and refuses."""

import csv
import gzip
import json
import re

import numpy as np
import pytest

from moderation import load_model
from moderation.artifacts import read_manifest
from moderation.passport import main
from moderation.train import main as train
from tests.conftest import REPOSITORY
from tests.samples import labelled_comments

BASE = REPOSITORY / "models/base.joblib"
TEXTS = [comment.text for comment in labelled_comments(removed=300, kept=500)]


@pytest.fixture(scope="module")
def scores(trained):
    """Return old scores that put the comments into the order of the model's: shares below."""
    return ranks(load_model(trained).score(TEXTS))


def ranks(new):
    return ((np.argsort(np.argsort(new)) + 0.5) / len(new)).tolist()


def write(path, rows, header=("text", "toxicity")):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture
def table(tmp_path, scores):
    return write(tmp_path / "old.csv", zip(TEXTS, scores, strict=True))


def shown(printed):
    """Return the first number of each column of the rows of the table printed."""
    rows = [line.split("|")[1:6] for line in printed.splitlines() if re.match(r"\| 0\.\d", line)]
    numbers = [[re.search(r"\d+(\.\d+)?", cell) for cell in row] for row in rows]
    return [[float(found[0]) for found in row if found] for row in numbers]


def test_it_prints_a_row_for_each_threshold_and_what_it_means(trained, table, capsys):
    assert main([str(trained), str(table)]) == 0
    printed = capsys.readouterr()
    version = read_manifest(trained).version
    assert printed.out.startswith(
        "800 comments with an old score in 'toxicity', carried over to LIKELY_TO_REJECT of "
        f"model {version}."
    )
    rows = shown(printed.out)
    assert [row[:2] for row in rows] == [[0.5, 400], [0.6, 320], [0.7, 240], [0.8, 160], [0.9, 80]]
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert all(row[3] > 99 and row[4] > 90 for row in rows)
    assert "those only that matched before" in printed.out
    assert f"{table}: csv, 800 comments" in printed.err


def test_as_many_match_by_the_threshold_printed_to_the_json(trained, table, tmp_path):
    out = tmp_path / "passport.json"
    assert main([str(trained), str(table), "--threshold", "0.75", "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    [one] = told["thresholds"]
    assert (load_model(trained).score(TEXTS) >= one["threshold"]["value"]).sum() == one["matches"]
    assert one["kappa"] > 0.9
    assert told["model"] == read_manifest(trained).version
    assert (told["old_scores"], told["attribute"]) == ("toxicity", "LIKELY_TO_REJECT")
    assert told["learnt_from"] == []


def test_thresholds_are_told_on_the_services_scale_too(trained, table, tmp_path, capsys):
    """As many comments match there as by the table."""
    out = tmp_path / "passport.json"
    assert main([str(trained), str(table), "--threshold", "0.75", "--json", str(out)]) == 0
    told = re.search(r"50/50 scale; there 0.75 is ([0-9.]+)\.\n", capsys.readouterr().out)
    [one] = json.loads(out.read_text())["thresholds"]
    even = load_model(trained).score(TEXTS, base_rate=0.5)
    assert abs(int((even >= float(told[1])).sum()) - one["matches"]) <= 2


def test_the_same_seed_gives_the_same_bytes(trained, table, capsys):
    printed = []
    for seed in ("3", "3", "4"):
        assert main([str(trained), str(table), "--seed", seed]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_no_words_of_a_comment_are_printed(trained, tmp_path, scores, capsys):
    rows = [(f"xylophone {text}", score) for text, score in zip(TEXTS, scores, strict=True)]
    rows += [("xylophone", "n/a"), ("xylophone alone", "")]
    assert main([str(trained), str(write(tmp_path / "t.csv", rows))]) in (0, 1)
    assert main([str(trained), str(write(tmp_path / "t.csv", rows[-2:], ("text", "spam")))]) == 1
    assert main([str(trained), str(write(tmp_path / "t.csv", rows[:5], rows[6]))]) == 1
    printed = capsys.readouterr()
    assert "xylophone" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("column", "attribute"),
    [
        ("perspective_toxicity_v6", "TOXICITY"),
        ("TOXICITY", "TOXICITY"),
        ("Severe Toxicity", "SEVERE_TOXICITY"),
        ("insultScore", "INSULT"),
        ("THREAT_EXPERIMENTAL", "THREAT"),
        ("likely_to_reject", "LIKELY_TO_REJECT"),
        ("perspective_flirtation", "LIKELY_TO_REJECT"),
    ],
)
def test_the_one_column_called_like_an_attribute_is_taken(column, attribute, tmp_path, capsys):
    """And the model's score of the same name, where there is one."""
    old = ranks(load_model(BASE).score_attributes(TEXTS)[attribute])
    table = write(tmp_path / "t.csv", zip(TEXTS, old, old, strict=True), ("text", "x", column))
    assert main([str(BASE), str(table)]) == 0
    assert f"in {column!r}, carried over to {attribute} of model" in capsys.readouterr().out


def test_another_column_and_attribute_are_taken_where_they_are_named(table, tmp_path, capsys):
    old = ranks(load_model(BASE).score_attributes(TEXTS)["INSULT"])
    table = write(tmp_path / "t.csv", zip(TEXTS, old, old, strict=True), ("text", "x", "toxicity"))
    assert main([str(BASE), str(table), "--old-scores", "x", "--attribute", "insult"]) == 0
    assert "in 'x', carried over to INSULT of model" in capsys.readouterr().out


def test_scores_within_json_are_found_by_their_path(trained, tmp_path, scores, capsys):
    """As Coral keeps them beside each revision."""
    table = tmp_path / "old.jsonl"
    with table.open("w") as stream:
        for text, score in zip(TEXTS, scores, strict=True):
            row = {"text": text, "metadata": {"perspective": {"score": score, "model": "TOXICITY"}}}
            stream.write(json.dumps(row) + "\n")
        stream.write('{"text": "the last", "metadata": null}\n')
        stream.write('{"text": "a flag", "metadata": {"perspective": {"score": true}}}\n')
    assert main([str(trained), str(table), "--old-scores", "metadata.perspective.score"]) == 0
    printed = capsys.readouterr()
    assert "800 comments with an old score in 'metadata.perspective.score'" in printed.out
    assert "left out: 1 without an old score" in printed.err
    assert "left out: 1 whose old score is no number from 0 to 1" in printed.err


def test_what_is_left_out_is_counted(trained, tmp_path, scores, capsys):
    rows = [
        *zip(TEXTS, scores, strict=True),
        *[("a heron", value) for value in ("high", "1.01", "-0.1", "nan", "inf")],
        *[("a heron", ""), ("  ", "0.5"), ("", "0.5"), ("", "")],
        *[(TEXTS[0].upper(), "0.1"), (f" {TEXTS[1]} ", "0.1")],
    ]
    assert main([str(trained), str(write(tmp_path / "t.csv", rows))]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("800 comments ")
    assert [line for line in printed.err.splitlines() if line.startswith("left out")] == [
        "left out: 5 whose old score is no number from 0 to 1",
        "left out: 3 without words",
        "left out: 2 copies of a text, which counts once",
        "left out: 1 without an old score",
    ]


def test_several_files_are_taken_together(trained, tmp_path, scores, capsys):
    rows = list(zip(TEXTS, scores, strict=True))
    (tmp_path / "old").mkdir()
    write(tmp_path / "old" / "a.csv", rows[:400])
    packed = tmp_path / "old" / "b.csv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "b.csv", rows[400:]).read_bytes()))
    assert main([str(trained), str(tmp_path / "old")]) == 0
    assert capsys.readouterr().out.startswith("800 comments ")


@pytest.mark.parametrize(("column", "status"), [("article_id", 1), ("section", 0)])
def test_whole_articles_are_resampled(column, status, trained, tmp_path, scores, capsys):
    """Twenty articles whose comments stand all on one side say less than their many comments."""
    rows = [(text, score, int(score * 20)) for text, score in zip(TEXTS, scores, strict=True)]
    table = write(tmp_path / "t.csv", rows, ("text", "toxicity", column))
    assert main([str(trained), str(table)]) == status
    assert ("0.5: too few to tell: found 400 at or above" in capsys.readouterr().err) == status


def test_too_few_articles_and_threads_are_said(trained, tmp_path, scores, capsys):
    rows = [(text, score, "1", "0") for text, score in zip(TEXTS, scores, strict=True)]
    table = write(tmp_path / "t.csv", rows, ("text", "toxicity", "article_id", "parent_id"))
    assert main([str(trained), str(table)]) == 0
    assert "fewer than 10 articles or threads: comments are taken" in capsys.readouterr().err


def test_what_the_model_learnt_from_is_said(tmp_path, capsys):
    header = ("text", "status", "toxicity")
    rows = [(c.text, c.status, 0.9 if c.status == "removed" else 0.1) for c in labelled_comments()]
    table = write(tmp_path / "t.csv", rows, header)
    other = write(tmp_path / "other.csv", [(f"{t} again", *rest) for t, *rest in rows], header)
    model = tmp_path / "m.joblib"
    assert train([str(table), "--base", "none", "--out", str(model)]) == 0
    capsys.readouterr()
    told = tmp_path / "t.json"
    for files in ([table, other], [other]):
        status = main([str(model), *map(str, files), "--threshold", "0.5", "--json", str(told)])
        assert status == 0
        assert json.loads(told.read_text())["learnt_from"] == ["t.csv"][: len(files) - 1]
        said = "The model learnt from t.csv: expect less agreement elsewhere"
        assert (said in capsys.readouterr().out) == (table in files)


def test_refused_thresholds_stand_in_the_table_and_are_counted(trained, table, capsys):
    assert main([str(trained), str(table), "--threshold", "0.97", "--threshold", "0.6"]) == 0
    printed = capsys.readouterr().out
    assert [row[:2] for row in shown(printed)] == [[0.6, 320], [0.97, 24]]
    assert (
        "| 0.97 | 24 (3.0%) | too few to tell: found 24 at or above, at least 30 needed | | |"
        in (printed)
    )
    assert "1 of 2 thresholds could not be carried over" in printed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("text,toxicity\n", "none of 0 comments has words and an old score in 'toxicity'"),
        ("text,toxicity\nthe heron,\n", "none of 1 comments has words and an old score"),
        ("text,toxicity\nthe heron,80\n", "divide percentages by 100"),
        ("text,toxicity\n,0.5\n", "none of 1 comments has words"),
        ("text,x,id\na,1,1\n", "no column is called like scores of the Perspective API among 'x'"),
        ("text,threat,insult\na,1,1\n", "several columns are called like scores: 'thr"),
        ("text,toxicity\nthe heron,0.5\n", "is 0.5: too few to tell: found 1 at or above"),
        ("text,label\nthe heron,1\n", "no column beside the comments' own; expected a table"),
        ("name,other\na,1\nb,2\n", "no text column"),
        ('{"text": "the heron"', "malformed JSON"),
    ],
)  # fmt: skip
def test_what_tells_nothing_is_refused_in_one_line(content, message, trained, tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text(content)
    assert main([str(trained), str(table), "--json", str(tmp_path / "r.json")]) == 1
    printed = capsys.readouterr()
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("passport: ")
    assert message in last
    assert printed.out == ""
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("value", ["0", "0.5", "1"])
def test_scores_that_are_all_the_same_are_refused(value, trained, tmp_path, capsys):
    table = write(tmp_path / "t.csv", [(text, value) for text in TEXTS])
    assert main([str(trained), str(table)]) == 1
    assert "no threshold can be carried over from 800 comments; " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--old-scores", "nothing"], "no column 'nothing' beside the comments' own; there are"),
        (["--attribute", "SPAM"], "--attribute SPAM: the model has no such score; it has LIKELY"),
        (["--json", "no/folder.json"], "no/folder.json: cannot be written"),
    ],
)
def test_what_is_not_there_is_refused_by_name(options, message, trained, table, capsys):
    assert main([str(trained), str(table), *options]) == 1
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_an_input_is_not_overwritten(trained, table, capsys):
    before = table.read_bytes()
    assert main([str(trained), str(table), "--json", str(table)]) == 1
    assert table.read_bytes() == before


def test_a_file_that_is_not_there_is_refused(trained, tmp_path, capsys):
    assert main([str(trained), str(tmp_path / "no.csv")]) == 1
    assert "no.csv" in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("threshold", ["0", "-0.5", "80", "half", "nan"])
def test_a_threshold_is_above_zero_and_at_most_one(threshold, trained, table, capsys):
    with pytest.raises(SystemExit) as refused:
        main([str(trained), str(table), f"--threshold={threshold}"])
    assert refused.value.code == 2
    assert "such as 0.8" in capsys.readouterr().err


@pytest.mark.corpora
def test_the_perspective_apis_own_scores_are_carried_over(corpora, capsys):
    assert main([str(BASE), str(corpora / "wiki_context.csv.gz")]) == 0
    printed = capsys.readouterr().out
    assert "in 'perspective_toxicity', carried over to TOXICITY of model" in printed
    assert "The model learnt from wiki_context.csv.gz" in printed
    rows = shown(printed)
    assert [row[1] for row in rows] == [476, 298, 172, 80, 34]
    assert all(row[3] > 98 and row[4] > 60 for row in rows[:4])
    assert "| 0.9 | 34 (0.2%) | too few to tell" in printed


@pytest.mark.corpora
def test_of_many_attributes_one_has_to_be_named(corpora, capsys):
    table = str(corpora / "perspective_2k.csv.gz")
    assert main([str(BASE), table]) == 1
    assert "several columns are called like scores: 'perspective_tox" in capsys.readouterr().err
    assert main([str(BASE), table, "--old-scores", "perspective_insult"]) == 0
    assert "carried over to INSULT of model" in capsys.readouterr().out
