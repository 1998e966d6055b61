"""The evaluation command: file by file, and honest about what the model has seen."""

import csv
import json

import pytest

from moderation import load_model
from moderation.evaluate import main
from moderation.train import main as train
from tests.conftest import REPOSITORY
from tests.samples import labelled_comments

PAGES = REPOSITORY / "data"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "new.csv"
    with path.open("w", newline="") as stream:
        rows = [(c.text, c.status) for c in labelled_comments(removed=30, kept=90)]
        csv.writer(stream).writerows([("text", "status"), *rows])
    return path


def test_each_file_has_its_report_and_its_row(trained, table, capsys):
    assert main([str(trained), str(table), str(table)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("120 comments, 30 removed (base rate 25.0%; the site's 19.6%)") == 2
    assert printed.count("| new.csv | 120 | 30 | 25.0% |") == 2


def test_the_json_holds_what_was_printed(trained, table, tmp_path, capsys):
    assert main([str(trained), str(table), "--json", str(tmp_path / "r.json")]) == 0
    report = json.loads((tmp_path / "r.json").read_text())[str(table)]
    assert f"{report['roc_auc']['value']:.3f}" in capsys.readouterr().out
    assert {point["name"] for point in report["points"]} == set(load_model(trained).thresholds)
    assert report["points"][0]["recall"]["of"] == 30


def test_too_few_mentions_are_said_in_one_line(trained, table, tmp_path, capsys):
    assert main([str(trained), str(table), "--json", str(tmp_path / "r.json")]) == 0
    assert (
        "\n  bias: too few comments mention an identity term to tell\n" in capsys.readouterr().out
    )
    bias = json.loads((tmp_path / "r.json").read_text())[str(table)]["bias"]
    assert bias["groups"] == bias["summaries"] == []
    assert "women" in bias["left_out"]


def test_groups_that_enough_comments_mention_have_a_row(trained, tmp_path, capsys):
    table = tmp_path / "mentions.csv"
    with table.open("w", newline="") as stream:
        rows = [
            (f"{who} and the {word} {number}", int(word == "zorble"))
            for who in ("women", "readers")
            for word in ("zorble", "ferry")
            for number in range(25)
        ]
        csv.writer(stream).writerows([("text", "label"), *rows])
    assert main([str(trained), str(table)]) == 0
    printed = capsys.readouterr().out
    assert "  | women | 50 | 25 | " in printed
    assert "  | the worst | | | " in printed
    assert "  left out, too few (18 groups with fewer than 20 removed or kept comments)" in printed


def test_templates_are_measured_beside_the_data(trained, table, tmp_path, capsys):
    templates = tmp_path / "templates.csv"
    lines = [f"On day {n} {{term}} sang,0\nOn day {n} {{term}} did zorble,1\n" for n in range(20)]
    templates.write_text("text,label\n" + "".join(lines))
    options = ["--templates", str(templates), "--json", str(tmp_path / "r.json")]
    assert main([str(trained), str(table), *options]) == 0
    printed = capsys.readouterr().out
    assert f"{templates}: 1280 sentences made of templates\n  bias by identity term" in printed
    assert "  | women | 40 | 20 | " in printed
    bias = json.loads((tmp_path / "r.json").read_text())[str(templates)]["bias"]
    assert bias["left_out"] == []
    rate = min(load_model(trained).thresholds.values())
    assert bias["threshold"] == rate


def test_bad_templates_are_refused_before_anything_is_measured(trained, table, capsys):
    assert main([str(trained), str(table), "--templates", "missing.csv"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("evaluate: missing.csv: cannot be read")


def test_another_base_rate_changes_precision_but_not_recall(table, tmp_path):
    """The model learns from the very table here, so that some of it matches."""
    model = tmp_path / "m.joblib"
    assert train([str(table), "--out", str(model)]) == 0
    with table.open("a") as stream:
        stream.writelines(f"zorble quimp fribble {n},published\n" for n in range(5))
    for share in ("0.05", "0.5"):
        options = ["--base-rate", share, "--json", str(tmp_path / share)]
        assert main([str(model), str(table), *options]) == 0
    rare, even = (
        json.loads((tmp_path / share).read_text())[str(table)]["points"][-1]
        for share in ("0.05", "0.5")
    )
    assert rare["recall"] == even["recall"]
    assert rare["site_precision"] < even["site_precision"]


def test_pages_are_joined_across_files_and_learnt_ones_are_said(trained, capsys):
    files = [str(path) for path in sorted((PAGES / "archive").glob("b*.html"))]
    assert main([str(trained), *files]) == 0
    assert "captures of pages (the model learnt from it)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("text,label\n", "no labelled comment"),
        ("text,label\na,1\nb,1\n", "all 2 labelled comments are of one class"),
        ("text,other\na,1\n", "no labelled comment"),
        ("name,other\na,1\nb,2\n", "no text column"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(trained, tmp_path, rows, message, capsys):
    table = tmp_path / "t.csv"
    table.write_text(rows)
    assert main([str(trained), str(table), "--json", str(tmp_path / "r.json")]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"evaluate: {table}: ")
    assert message in last
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("share", ["0", "1", "1.5", "half"])
def test_a_base_rate_is_a_share(trained, table, share, capsys):
    with pytest.raises(SystemExit) as refused:
        main([str(trained), str(table), "--base-rate", share])
    assert refused.value.code == 2


def test_operating_points_are_answered_in_words(trained, table, tmp_path, capsys):
    words = ("maximum recall @ fpr <= 0.2", "maximum recall @ accuracy >= 1")
    options = ("--point", words[0], "--point", words[1], "--base-rate", "0.1")
    assert main([str(trained), str(table), *options, "--json", str(tmp_path / "r.json")]) == 0
    printed = capsys.readouterr().out
    assert f"  {words[0]}: at or above 0." in printed
    assert f"  {words[1]}: out of reach; the best is accuracy 0." in printed
    assert "where 10.00% of comments are removed" in printed
    asked = json.loads((tmp_path / "r.json").read_text())[str(table)]["asked"]
    assert [asked[one]["reached"] for one in words] == [True, False]


def test_other_words_for_a_point_are_bad_usage(trained, table, capsys):
    with pytest.raises(SystemExit) as left:
        main([str(trained), str(table), "--point", "most recall"])
    assert left.value.code == 2
    assert "write it like 'maximum recall @ precision >= 0.9'" in capsys.readouterr().err
