"""Training apart from the desk: one at a time, told of while it runs, and an end to read."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moderation import retraining
from moderation.errors import DataError, ModelError, OutputError
from moderation.locks import hold
from moderation.releases import folder_of
from moderation.retraining import (
    NICENESS,
    STEPS,
    Report,
    Run,
    State,
    cancel,
    read_run,
    reporting,
    start,
)
from moderation.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def in_use(tmp_path) -> Path:
    return tmp_path / "models" / "site.joblib"


def settings(in_use: Path) -> Settings:
    return Settings(data=in_use.parent / "data", model=in_use, database_url="sqlite:///x.db")


def begin(in_use: Path, monkeypatch, script: str) -> None:
    """Start another command in the place of training."""
    popen = subprocess.Popen

    def instead(command, **options):
        assert command[1:3] == ["-m", "moderation.train"]
        return popen([sys.executable, "-c", PRELUDE + script, str(in_use)], **options)

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", instead)
        start(settings(in_use), by="anna", at=NOON)


PRELUDE = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from moderation.arguments import run
from moderation.retraining import State, reporting
in_use = Path(sys.argv[1])
def work():
    with reporting(in_use, by="anna", at=datetime(2026, 3, 1, 12, tzinfo=UTC)) as report:
        train(report)
"""
FOREVER = "def train(report):\n    time.sleep(600)\nrun('train', work)\n"


def wait_for(in_use: Path, wanted) -> Run:
    """Return the run as soon as it is as wanted."""
    for _ in range(3000):
        run = read_run(in_use)
        if run is not None and wanted(run):
            return run
        time.sleep(0.02)
    pytest.fail(f"still {run}")


def test_before_the_first_there_is_none(in_use):
    assert read_run(in_use) is None
    cancel(in_use)


def test_progress_and_the_end_can_be_read_by_anybody(in_use, monkeypatch):
    script = (
        "def train(report):\n"
        "    for _ in report.progress(range(4), 4, 'choosing C'):\n"
        "        time.sleep(0.3)\n"
        "    report.end(State.DONE, f'learnt from 4 comments, {os.nice(0)} steps back')\n"
        "run('train', work)\n"
    )
    begin(in_use, monkeypatch, script)
    first = read_run(in_use)
    assert (first.state, first.by, first.started_at) == (State.RUNNING, "anna", NOON)
    assert (first.share, first.doing) == (0, "Starting")
    counted = wait_for(in_use, lambda run: run.done == 2)
    assert counted.doing == "Choosing how far to trust single words: 2 of 4"
    assert counted.share == pytest.approx(0.3 + 0.6 * 2 / 4)
    run = wait_for(in_use, lambda run: run.state is not State.RUNNING)
    steps = os.nice(0) + NICENESS
    assert (run.state, run.outcome) == (State.DONE, f"learnt from 4 comments, {steps} steps back")
    assert run.step == "saving"


def test_a_second_one_is_refused_until_the_first_has_ended(in_use, monkeypatch):
    begin(in_use, monkeypatch, FOREVER)
    wait_for(in_use, lambda run: run.pid is not None)
    with pytest.raises(ModelError, match="is being trained already"):
        start(settings(in_use), by="ben", at=NOON)
    with (
        pytest.raises(ModelError, match="is being trained already"),
        reporting(in_use, by="ben", at=NOON),
    ):
        pass
    assert read_run(in_use).by == "anna"
    cancel(in_use)
    run = read_run(in_use)
    assert (run.state, run.outcome) == (State.CANCELLED, "cancelled")
    with reporting(in_use, by="ben", at=NOON):
        assert read_run(in_use).by == "ben"


def test_one_that_was_killed_is_recognised_and_hinders_nobody(in_use, monkeypatch):
    begin(in_use, monkeypatch, FOREVER)
    run = wait_for(in_use, lambda run: run.pid is not None)
    os.kill(run.pid, signal.SIGKILL)
    lost = wait_for(in_use, lambda run: run.state is not State.RUNNING)
    assert lost.state is State.LOST
    assert f"see {folder_of(in_use) / 'training.log'}" in lost.outcome
    cancel(in_use)
    with reporting(in_use, by="ben", at=NOON) as report:
        report.end(State.DONE, "done")
    assert read_run(in_use).state is State.DONE


def test_a_command_that_cannot_begin_is_recognised(in_use, monkeypatch):
    begin(in_use, monkeypatch, "sys.exit('no such option')")
    assert wait_for(in_use, lambda run: run.state is not State.RUNNING).state is State.LOST
    assert "no such option" in (folder_of(in_use) / "training.log").read_text()


@pytest.mark.parametrize(
    ("error", "state", "outcome"),
    [
        (DataError("only 3 of 60 were removed"), State.FAILED, "only 3 of 60 were removed"),
        (KeyboardInterrupt(), State.CANCELLED, "cancelled"),
        (ZeroDivisionError(), State.FAILED, "an error in the program (ZeroDivisionError)"),
    ],
)
def test_why_it_failed_is_kept_in_one_line(in_use, error, state, outcome):
    with pytest.raises(type(error)), reporting(in_use, by="anna", at=NOON):
        raise error
    run = read_run(in_use)
    assert run.state is state
    assert run.outcome.startswith(outcome)


def test_it_learns_from_the_data_folder_where_that_holds_something(in_use, monkeypatch):
    asked = []

    def instead(command, **options):
        asked.append((command, options["env"]["MODERATION_MODERATOR"]))
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(subprocess, "Popen", instead)
    data = in_use.parent / "data"
    for prepare in (lambda: None, lambda: data.mkdir(parents=True, exist_ok=True),
                    lambda: (data / "export.csv").write_text("text,label\n")):  # fmt: skip
        prepare()
        with pytest.raises(OutputError, match=r"training cannot be started \(No such file\)"):
            start(settings(in_use), by="anna", at=NOON)
    options = ["--candidate", "--decisions"]
    assert [command[3:] for command, _ in asked] == [options, options, [str(data), *options]]
    assert {moderator for _, moderator in asked} == {"anna"}
    assert read_run(in_use).state is State.FAILED


def test_shares_only_grow_from_step_to_step(in_use):
    folder_of(in_use).mkdir(parents=True)
    report = Report(in_use, Run(State.RUNNING, "anna", NOON))
    shares = []
    for step in STEPS:
        report.begin(step)
        shares.append(report.run.share)
        for _ in report.progress(range(3), 3, step):
            report.write(done=report.run.done + 1)
            shares.append(report.run.share)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_steps_of_no_name_and_more_than_were_announced_do_no_harm(in_use, monkeypatch):
    monkeypatch.setattr(retraining, "SELDOM", 0.0)
    folder_of(in_use).mkdir(parents=True)
    report = Report(in_use, Run(State.RUNNING, "anna", NOON))
    assert list(report.progress("abcd", 2, "something new")) == list("abcd")
    assert (report.run.step, report.run.share <= 1) == ("starting", True)


@pytest.mark.parametrize("told", ["", "{}", "[]", '{"state": "odd"}', "STEP"])
def test_what_cannot_be_read_tells_of_no_training(in_use, told):
    with reporting(in_use, by="anna", at=NOON) as report:
        report.end(State.DONE, "done")
    path = folder_of(in_use) / "training.json"
    if told == "STEP":
        told = json.dumps(json.loads(path.read_text()) | {"step": "something new"})
    path.write_text(told)
    assert read_run(in_use) is None


def test_one_that_begins_while_we_look_is_not_taken_for_lost(in_use, monkeypatch):
    """The lock is asked for first: a run that is told of afterwards may be another one."""
    with reporting(in_use, by="anna", at=NOON) as report:
        earlier = report.run
    runs = iter([earlier, Run(State.DONE, "ben", NOON)])
    monkeypatch.setattr(retraining, "_read", lambda in_use: next(runs))
    assert read_run(in_use).by == "ben"


def test_a_place_that_cannot_be_written_is_said(in_use, monkeypatch):
    folder_of(in_use).mkdir(parents=True)
    (folder_of(in_use) / "training.part").mkdir()
    with pytest.raises(OutputError, match=r"training\.json: cannot be written"):
        Report(in_use, Run(State.RUNNING, "anna", NOON)).write()


def test_locks_are_not_left(in_use):
    with reporting(in_use, by="anna", at=NOON):
        pass
    with hold(folder_of(in_use) / "training.lock", patience=0) as lock:
        assert lock is not None
