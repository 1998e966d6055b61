"""The training command: what it reads, refuses, prints, writes and leaves behind."""

import csv
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moderation import arguments, load_model, review, train
from moderation.artifacts import read_manifest, save_model
from moderation.comments import Status
from moderation.database import open_store
from moderation.locks import is_held
from moderation.memory import recognise
from moderation.policy import Action
from moderation.releases import candidate_of, folder_of
from moderation.retraining import State, read_run
from moderation.review.latest import last_decided
from moderation.train import main
from tests.conftest import REPOSITORY
from tests.samples import labelled_comments

BASE = REPOSITORY / "models/base.joblib"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def begin_with_nothing(monkeypatch):
    """What is not about the base model takes half the time without it."""
    monkeypatch.setenv("MODERATION_BASE", "none")


def write_table(path: Path, rows, header=("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    rows = [(c.text, int(c.status == "removed"), c.article_id) for c in labelled_comments()]
    return write_table(tmp_path / "table.csv", rows, ("text", "label", "article_id"))


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_prints_counts_and_intervals_and_says_where_the_model_is(table, tmp_path, capsys):
    assert main([str(table), "--out", str(tmp_path / "site.joblib")]) == 0
    printed = capsys.readouterr()
    assert "learnt from 160 comments (48 removed)" in printed.out
    assert "ROC-AUC            1.000 [1.000, 1.000]" in printed.out
    assert "(12 of 12)" in printed.out
    assert f"{tmp_path / 'site.joblib'}" in printed.out
    assert f"{table}: csv, 200 comments" in printed.err


def test_it_writes_model_manifest_card_and_plots_and_nothing_else(table, tmp_path):
    out = tmp_path / "models" / "site.joblib"
    assert main([str(table), "--out", str(out)]) == 0
    assert left_in(out.parent) == {"site.joblib", "site.json", "site.md", "site"}
    assert left_in(out.parent / "site") == {
        "precision_recall.png", "calibration.png", "scores.png", "words.png"
    }  # fmt: skip
    assert load_model(out).score(["zorble"])[0] > load_model(out).score(["ferry"])[0]


def test_the_same_data_and_seed_give_the_same_bytes_in_another_process(table, tmp_path):
    """Hash seeds and addresses differ between processes; nothing of them may be kept."""
    for name in ("a", "b"):
        subprocess.run(
            [sys.executable, "-m", "moderation.train", str(table), "--out",
             str(tmp_path / name / "m.joblib")],
            check=True, capture_output=True, cwd=REPOSITORY,
        )  # fmt: skip
    for part in ("m.joblib", "m.json", "m.md", "m/words.png", "m/calibration.png"):
        assert (tmp_path / "a" / part).read_bytes() == (tmp_path / "b" / part).read_bytes()


def test_a_status_teaches_as_well_as_a_label(tmp_path):
    rows = [(c.text, c.status, c.article_id) for c in labelled_comments()]
    table = write_table(tmp_path / "t.csv", rows, ("body", "status", "article_id"))
    assert main([str(table), "--out", str(tmp_path / "m.joblib")]) == 0


def test_the_archive_of_a_clone_teaches_without_arguments(trained, monkeypatch, tmp_path):
    """Trained on `data/` by name in the fixture: without arguments the bytes are the same."""
    monkeypatch.chdir(REPOSITORY)
    assert main(["--out", str(tmp_path / "moderation.joblib")]) == 0
    assert (tmp_path / "moderation.joblib").read_bytes() == trained.read_bytes()


def test_it_ranks_removals_of_unseen_articles_well_above_chance(trained):
    """The floor is below the interval that training printed: 0.80 to 0.92 on 202 comments."""
    metrics = json.loads(trained.with_suffix(".json").read_text())["metrics"]
    assert metrics["roc_auc"]["low"] > 0.75
    assert metrics["average_precision"]["value"] > 3 * metrics["base_rate"]


KEPT = [(f"the ferry {n}", 0) for n in range(60)]
REMOVED = [(f"a zorble {n}", 1) for n in range(60)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no labelled comment with words"),
        (KEPT, "all 60 labelled comments are of one class: none was removed"),
        (REMOVED, "all 60 labelled comments are of one class: none was kept"),
        (KEPT + REMOVED[:3], "only 3 of 63 labelled comments were removed; expected at least 20"),
        ([("", n % 2) for n in range(80)], "no labelled comment with words"),
        ([("  ", n % 2) for n in range(80)], "no labelled comment with words"),
        ([("same", n % 2) for n in range(80)], "no labelled comment with words"),
        ([*KEPT, ("odd", 7)], "row 61: the label is '7', expected 0 or 1"),
    ],
)
def test_unfit_data_are_refused_in_one_line_and_nothing_is_left(rows, message, tmp_path, capsys):
    table = write_table(tmp_path / "t.csv", rows)
    assert main([str(table), "--out", str(tmp_path / "m.joblib")]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("train: ")
    assert message in last
    assert left_in(tmp_path) == {"t.csv"}


def test_contradictions_are_counted(tmp_path, capsys):
    rows = [*KEPT, *REMOVED, ("zorble or not", 0), ("Zorble or  not", 1)]
    assert (
        main([str(write_table(tmp_path / "t.csv", rows)), "--out", str(tmp_path / "m.joblib")]) == 0
    )
    assert "1 texts were both removed and kept" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["model.pkl", "model", "models/"])
def test_another_ending_is_refused_before_anything_is_read(out, table, tmp_path, capsys):
    assert main([str(table), "--out", str(tmp_path / out)]) == 1
    assert "expected a name that ends in .joblib" in capsys.readouterr().err


def test_without_data_anywhere_it_says_where_to_get_some(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 1
    assert "no folder data/ here; name the data to learn from" in capsys.readouterr().err
    assert left_in(tmp_path) == set()


def test_it_begins_with_the_base_model_and_says_what_that_alone_would_do(table, tmp_path, capsys):
    out = tmp_path / "site.joblib"
    assert main([str(table), "--base", str(BASE), "--out", str(out)]) == 0
    assert re.search(r"the base model alone: ROC-AUC 0\.\d{3} \[", capsys.readouterr().out)
    facts = json.loads(out.with_suffix(".json").read_text())
    assert facts["base"] == load_model(BASE).version
    assert facts["attributes"] == list(load_model(BASE).attributes)
    assert load_model(out).attributes == load_model(BASE).attributes
    assert f"the base model {facts['base']}" in out.with_suffix(".md").read_text()


def test_it_begins_with_nothing_where_that_is_asked_for(table, tmp_path, capsys):
    out = tmp_path / "site.joblib"
    assert main([str(table), "--base", "none", "--out", str(out)]) == 0
    assert "base model" not in capsys.readouterr().out
    assert json.loads(out.with_suffix(".json").read_text())["base"] is None
    assert load_model(out).attributes == ("LIKELY_TO_REJECT",)


def test_without_a_shipped_base_model_it_says_so_and_goes_on(table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODERATION_BASE")
    assert main([str(table), "--out", str(tmp_path / "site.joblib")]) == 0
    assert "models/base.joblib: not here; learning begins with nothing" in capsys.readouterr().err


def test_a_shipped_base_model_of_other_versions_is_left_aside(table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODERATION_BASE")
    (tmp_path / "models").mkdir()
    shutil.copy(BASE, tmp_path / "models")
    facts = json.loads(BASE.with_suffix(".json").read_text())
    facts["made_with"]["scikit-learn"] = "1.2.3"
    (tmp_path / "models/base.json").write_text(json.dumps(facts))
    assert main([str(table), "--out", str(tmp_path / "site.joblib")]) == 0
    said = capsys.readouterr().err
    assert "made with scikit-learn 1.2.3" in said
    assert "models/base.joblib: left aside; learning begins with nothing" in said


def test_a_base_model_that_is_not_there_is_refused_before_anything_is_read(tmp_path, capsys):
    assert main(["no.csv", "--base", "no.joblib", "--out", str(tmp_path / "m.joblib")]) == 1
    error = capsys.readouterr().err
    assert "--base no.joblib: no such model" in error
    assert "or begin with nothing: --base none" in error


def test_files_that_the_base_model_knows_are_refused(table, tmp_path, capsys):
    base = tmp_path / "base.joblib"
    assert main([str(table), "--base", "none", "--out", str(base)]) == 0
    assert main([str(table), "--base", str(base), "--out", str(tmp_path / "m.joblib")]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "table.csv: the base model has learnt from it already" in error
    assert error.endswith("--base none")
    assert not (tmp_path / "m.joblib").exists()


def test_what_the_base_model_knows_is_known_of_the_trained_one(table, tmp_path):
    out = tmp_path / "site.joblib"
    assert main([str(table), "--base", str(BASE), "--out", str(out)]) == 0
    known = read_manifest(out).training_files
    assert known.keys() > read_manifest(BASE).training_files.keys()
    assert "table.csv" in known.values()


def test_a_failed_run_keeps_the_model_that_was_there(table, tmp_path):
    out = tmp_path / "m.joblib"
    assert main([str(table), "--out", str(out)]) == 0
    before = out.read_bytes()
    assert main([str(write_table(tmp_path / "bad.csv", KEPT)), "--out", str(out)]) == 1
    assert out.read_bytes() == before
    assert load_model(out).version


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(tmp_path, stop):
    rows = [
        (f"{c.text} {n}", int(c.status == "removed"))
        for n in range(40)
        for c in labelled_comments()
    ]
    table = write_table(tmp_path / "t.csv", rows)
    run = subprocess.Popen(
        [sys.executable, "-m", "moderation.train", str(table), "--out", str(tmp_path / "m.joblib")],
        stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
        preexec_fn=lambda: signal.signal(stop, signal.SIG_DFL),  # tests may run under nohup
    )  # fmt: skip
    assert run.stderr is not None
    wait_for("choosing C", run)
    run.send_signal(stop)
    assert "train: interrupted; nothing was written" in run.communicate(timeout=300)[1]
    assert run.returncode == 130
    assert left_in(tmp_path) == {"t.csv"}


def test_a_run_that_ignores_the_end_of_its_terminal_goes_on():
    """As under nohup, which says so before the command begins."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert arguments.run("train", lambda: os.kill(os.getpid(), signal.SIGHUP)) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def wait_for(words: str, run: subprocess.Popen) -> None:
    """Read standard error until it holds the words."""
    seen, end = "", time.monotonic() + 60
    while words not in seen and time.monotonic() < end:
        seen += os.read(run.stderr.fileno(), 4096).decode()
    assert words in seen


def test_data_come_through_a_pipe_and_gzip_too(table, tmp_path):
    packed = gzip.compress(table.read_bytes())
    run = subprocess.run(
        [sys.executable, "-m", "moderation.train", "-", "--out", str(tmp_path / "m.joblib")],
        input=packed, capture_output=True, cwd=REPOSITORY,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()
    assert b"learnt from 160 comments" in run.stdout


def decide_on(comments, url: str) -> None:
    """Store comments, and decide on each in order as it was decided."""
    with open_store(url).writing() as session:
        for comment in comments:
            asked = replace(comment, status=Status.PENDING)
            review.add_comments(session, [asked], added_at=NOON)
            removed = comment.status is Status.REMOVED
            review.record_decision(
                session, review.key_of(asked), Action.REMOVE if removed else Action.APPROVE,
                decided_by="anna", decided_at=NOON, house_rule="spam" if removed else None,
            )  # fmt: skip


@pytest.fixture
def decided(tmp_path) -> str:
    """Return a database with 200 decisions, removals and approvals mixed."""
    url = f"sqlite:///{tmp_path}/review.db"
    decide_on(sorted(labelled_comments(), key=lambda comment: int(comment.id) % 7), url)
    return url


def test_a_candidate_leaves_the_model_in_use_and_tells_the_desk(decided, table, tmp_path, capsys):
    out = tmp_path / "models" / "site.joblib"
    assert main([str(table), "--out", str(out)]) == 0
    before = out.read_bytes()
    assert main(["--candidate", "--decisions", decided, "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert out.read_bytes() == before
    candidate = candidate_of(out)
    assert load_model(candidate).version in printed.out
    assert "set aside: the last 40 decisions" in printed.err
    run = read_run(out)
    assert (run.state, run.by) == (State.DONE, "the command line")
    version = load_model(candidate).version
    learned = read_manifest(candidate).facts["training_data"]["learned"]
    assert run.outcome.startswith(f"model {version}, learnt from {learned} comments, ")


def test_of_what_is_set_aside_nothing_is_learnt_and_no_copy(decided, table, tmp_path, capsys):
    """The table holds the same comments as the decisions."""
    out = tmp_path / "site.joblib"
    given = [str(table), "--decisions", decided, "--set-aside", "60", "--out", str(out)]
    assert main(given) == 0
    assert "set aside: the last 60 decisions, and with them 60 copies" in capsys.readouterr().err
    with open_store(decided).reading() as session:
        texts = [comment.text for comment in last_decided(session, limit=200)]
    learnt = recognise(read_manifest(out).learnt_texts, texts)
    assert not learnt[-60:].any()
    assert learnt[:-60].sum() == read_manifest(out).facts["training_data"]["learned"]


def test_more_can_be_set_aside_than_there_are(decided, tmp_path, capsys):
    given = ["--decisions", decided, "--set-aside", "999", "--out", str(tmp_path / "m.joblib")]
    assert main(given) == 1
    assert "no labelled comment with words" in capsys.readouterr().err


def test_why_a_candidate_failed_is_told_to_the_desk(tmp_path):
    table = write_table(tmp_path / "t.csv", KEPT)
    assert main([str(table), "--candidate", "--out", str(tmp_path / "m.joblib")]) == 1
    run = read_run(tmp_path / "m.joblib")
    assert run.state is State.FAILED
    assert "none was removed" in run.outcome
    assert not candidate_of(tmp_path / "m.joblib").exists()


def test_a_candidate_waits_until_another_one_is_in_use(table, tmp_path, monkeypatch):
    """Saved at this moment, it could go with the one whose place it takes."""
    out, held = tmp_path / "m.joblib", []

    def save(*given, **facts):
        held.append(is_held(folder_of(out) / "changes.lock"))
        return save_model(*given, **facts)

    monkeypatch.setattr(train, "save_model", save)
    assert main([str(table), "--candidate", "--out", str(out)]) == 0
    assert held == [True]


def test_a_number_of_decisions_is_a_whole_one(capsys):
    with pytest.raises(SystemExit):
        main(["--set-aside", "a few"])
    assert "'a few' is not a whole number from 0 on, such as 200" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "0.5", str(2**32)])
def test_a_seed_is_one_that_numpy_takes(seed, capsys):
    with pytest.raises(SystemExit):
        main([f"--seed={seed}"])
    assert seed in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.corpora
def test_a_german_newspapers_removals_teach_without_options(corpora, tmp_path, capsys):
    """Three of its articles hold most removals: whole ones set aside, the interval is wide."""
    out = tmp_path / "m.joblib"
    assert main([str(corpora / "standard_de.csv.gz"), "--out", str(out)]) == 0
    metrics = json.loads(out.with_suffix(".json").read_text())["metrics"]
    assert metrics["roc_auc"]["value"] > 0.5
    assert metrics["removed"] > 100
    assert "5678 comments, 692 removed" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--base", "none"]])
def test_the_base_model_is_never_replaced(options, capsys):
    assert main(["export.csv", "--out", "models/../models/base.joblib", *options]) == 1
    assert "that is the base model, which is kept" in capsys.readouterr().err
