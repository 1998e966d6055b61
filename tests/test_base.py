"""The command that learns the base model, and the base model that is shipped."""

import hashlib
import json

import pytest

from moderation import base, foundation, load_model
from moderation.adaptation import Adapted
from moderation.base import CALIBRATED_ON, main
from moderation.errors import DataError
from moderation.foundation import KINDS, LICENCES, TOXICITY
from tests.conftest import REPOSITORY
from tests.test_foundation import corpora as small_corpora

SHIPPED = REPOSITORY / "models/base.joblib"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(foundation, "FEWEST", 2)
    monkeypatch.setattr(base, "LEFT_OUT", (CALIBRATED_ON,))
    adapted = Adapted("insults", 10, (0.7, 0.72), (0.8, 0.82), (0.6, 0.62))
    monkeypatch.setattr(base, "measure_adaptation", lambda *_, **__: [adapted])
    folder = tmp_path / "corpora"
    folder.mkdir()
    for name, table in {**small_corpora(), "insults": small_corpora()["sbic"]}.items():
        table.to_csv(folder / f"{name}.csv.gz", index=False)
    return folder


def test_it_learns_measures_and_saves(folder, tmp_path, capsys):
    out = tmp_path / "models" / "base.joblib"
    assert main([str(folder), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert f"| {CALIBRATED_ON} | 60 | 33.3% |" in printed.out
    assert "| insults | 60 | 33.3% |" in printed.out
    assert "olid.csv.gz: not there; nothing is measured on it" in printed.err
    assert load_model(out).attributes == ("LIKELY_TO_REJECT", TOXICITY, *KINDS)
    facts = json.loads(out.with_suffix(".json").read_text())
    assert facts["base_rates"] == pytest.approx({"LIKELY_TO_REJECT": 1 / 3, "TOXICITY": 1 / 3})
    assert sum(facts["languages"].values()) == pytest.approx(1, abs=0.05)
    assert [file["name"] for file in facts["training_data"]["files"]] == [
        f"{name}.csv.gz" for name in LICENCES
    ]
    card = out.with_suffix(".md").read_text()
    assert all(f"| {name} |" in card for name in LICENCES)
    assert "| insults | 0.710 | 0.810 (0.610) |" in card
    assert "| insults | 0.710 | 0.810 (0.610) |" in printed.out
    assert card.count("| muslim |") == 1  # on the templates; no comment here mentions anybody
    assert {path.name for path in (out.parent / "base").iterdir()} == {
        "precision_recall.png", "calibration.png", "scores.png", "adaptation.png"
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["edos", "jigsaw_natural"])
def test_a_missing_corpus_is_one_clear_line(missing, folder, tmp_path, capsys):
    (folder / f"{missing}.csv.gz").unlink()
    assert main([str(folder), "--out", str(tmp_path / "base.joblib")]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{missing}.csv.gz: cannot be read (FileNotFoundError); expected a folder" in error
    assert not (tmp_path / "base.joblib").exists()


@pytest.mark.parametrize("column", ["text", "label"])
def test_a_table_without_words_or_labels_is_one_clear_line(column, folder, tmp_path, capsys):
    table = small_corpora()["edos"][["text", "label"]].rename(columns={column: "body"})
    table.to_csv(folder / "edos.csv.gz", index=False)
    assert main([str(folder), "--out", str(tmp_path / "base.joblib")]) == 1
    assert f"edos.csv.gz: no column {column} among {', '.join(table)}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "column", "value", "expected"),
    [
        ("edos", "label", 0.9, "0 or 1"),
        ("edos", "label", None, "0 or 1"),
        ("insults", "label", 2, "0 or 1"),
        ("wiki_context", "perspective_toxicity", 1.5, "a share from 0 to 1"),
        ("civil_spans", "threat", "often", "a share from 0 to 1"),
    ],
)
def test_labels_that_are_none_are_one_clear_line(name, column, value, expected, folder):
    table = small_corpora().get(name, small_corpora()["sbic"]).astype({column: object})
    table.loc[3, column] = value
    table.to_csv(folder / f"{name}.csv.gz", index=False)
    with pytest.raises(DataError, match=rf"{name}\.csv\.gz: not every {column} is {expected}"):
        base.read_corpus(folder, name)


def test_a_corpus_that_is_cut_off_is_one_clear_line(folder):
    path = folder / "edos.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"edos\.csv\.gz: cannot be read \(EOFError\)"):
        base.read_corpus(folder, "edos")


def test_the_shipped_base_model_loads_and_is_small_enough():
    scorer = load_model(SHIPPED)
    assert scorer.attributes == ("LIKELY_TO_REJECT", TOXICITY, *KINDS)
    assert SHIPPED.stat().st_size <= 10e6
    scores = scorer.score_attributes(["Thank you, that was a helpful answer."])
    assert all(score[0] < 0.3 for score in scores.values())


def test_the_shipped_base_model_learnt_from_these_corpora(corpora):
    facts = json.loads(SHIPPED.with_suffix(".json").read_text())
    for file in facts["training_data"]["files"]:
        body = (corpora / file["name"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
