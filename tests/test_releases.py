"""Models take each other's place whole, whatever is killed when, and none is lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moderation import releases
from moderation.artifacts import load_model, read_manifest, save_model
from moderation.datasets import GatherReport, gather
from moderation.errors import ModelError, ModelNotFound, ModelTampered, OutputError
from moderation.locks import hold
from moderation.releases import Kind
from moderation.training import train
from tests.samples import labelled_comments

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[Path]:
    """Return three models of the same name that differ, each whole in a folder of its own."""
    found = []
    for number, kept in enumerate((140, 130, 120)):
        path = tmp_path_factory.mktemp("made") / "site.joblib"
        training = train(gather(labelled_comments(kept=kept), GatherReport()))
        save_model(
            training.scorer.pipeline,
            path,
            facts=training.facts([]),
            card=f"card {number}",
            plots={"words.png": f"words {number}".encode()},
        )
        found.append(path)
    return found


@pytest.fixture
def in_use(models, tmp_path) -> Path:
    """Return a copy of the first model, in use."""
    return put(models[0], tmp_path / "models" / "site.joblib")


def put(model: Path, path: Path) -> Path:
    shutil.copytree(model.parent, path.parent, dirs_exist_ok=True)
    return path


def version(model: Path) -> str:
    return read_manifest(model).version


def promote(model: Path, in_use: Path, *, by="anna", minutes=0):
    candidate = put(model, releases.candidate_of(in_use))
    at = THEN + timedelta(minutes=minutes)
    return releases.promote(candidate, in_use, version=version(model), by=by, at=at)


def roll_back(in_use: Path, model: Path):
    return releases.roll_back(in_use, version=version(model), by="ben", at=THEN)


def whole(path: Path) -> list[bytes]:
    """Return what a model consists of."""
    plots = sorted(path.with_suffix("").glob("*"))
    return [
        part.read_bytes()
        for part in (path, path.with_suffix(".json"), path.with_suffix(".md"), *plots)
    ]


def test_a_promoted_model_is_in_use_whole_and_the_one_before_is_kept(in_use, models):
    change = promote(models[1], in_use)
    assert (change.kind, change.by, change.at) == (Kind.PROMOTED, "anna", THEN)
    assert (change.before, change.after) == (version(models[0]), version(models[1]))
    assert whole(in_use) == whole(models[1])
    assert releases.load_in_use(in_use).version == version(models[1])
    kept = releases.folder_of(in_use) / "kept" / version(models[0]) / "site.joblib"
    assert whole(kept) == whole(models[0])
    assert releases.find_candidate(in_use) is None


def test_going_back_puts_the_one_before_in_use_and_keeps_the_other(in_use, models):
    promote(models[1], in_use)
    assert roll_back(in_use, models[0]).kind is Kind.WENT_BACK
    assert whole(in_use) == whole(models[0])
    [_, kept] = releases.list_releases(in_use)
    again = releases.promote(
        kept.path, in_use, version=version(models[1]), by="anna", at=THEN + timedelta(1)
    )
    assert again.after == version(models[1])
    assert whole(in_use) == whole(models[1])


def test_going_back_twice_goes_back_two_models(in_use, models):
    promote(models[1], in_use)
    promote(models[2], in_use)
    roll_back(in_use, models[1])
    roll_back(in_use, models[0])
    assert releases.load_in_use(in_use).version == version(models[0])
    assert releases.previous(in_use) is None


def test_a_model_trained_by_hand_counts_as_having_taken_the_place(in_use, models):
    promote(models[1], in_use)
    put(models[2], in_use)
    assert releases.previous(in_use).version == version(models[1])
    roll_back(in_use, models[1])
    assert releases.previous(in_use).version == version(models[0])
    assert {release.version for release in releases.list_releases(in_use)} == {
        version(model) for model in models
    }


def test_releases_tell_when_they_were_written_and_from_how_much(in_use, models):
    os.utime(in_use, (1e9, 1e9))
    promote(models[1], in_use)
    now, before = releases.list_releases(in_use)
    assert (now.version, now.in_use, now.removed) == (version(models[1]), True, 60)
    assert (before.in_use, before.comments) == (False, 200)
    assert before.saved_at == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


def test_the_first_model_needs_none_before(models, tmp_path):
    in_use = tmp_path / "site.joblib"
    assert releases.list_releases(in_use) == []
    assert promote(models[0], in_use).before is None
    assert releases.previous(in_use) is None
    assert whole(in_use) == whole(models[0])


def test_a_model_without_a_card_does_not_keep_the_others(in_use, models, tmp_path):
    bare = tmp_path / "bare" / "site.joblib"
    put(models[1], bare)
    shutil.rmtree(bare.with_suffix(""))
    bare.with_suffix(".md").unlink()
    releases.promote(bare, in_use, version=version(bare), by="anna", at=THEN)
    assert {path.name for path in in_use.parent.iterdir()} == {
        "site.joblib", "site.json", "site.releases"
    }  # fmt: skip
    assert bare.exists()  # only the candidate's own place is cleared


def test_the_journal_only_grows(in_use, models):
    promote(models[1], in_use)
    path = releases.folder_of(in_use) / "changes.jsonl"
    first = path.read_bytes()
    roll_back(in_use, models[0])
    assert path.read_bytes().startswith(first)
    journal = releases.read_journal(in_use)
    assert [(change.kind.value, change.by) for change in journal.changes] == [
        ("promoted", "anna"), ("went back", "ben")
    ]  # fmt: skip


def test_half_a_line_in_the_journal_is_counted_and_spoils_no_other(in_use, models):
    promote(models[1], in_use)
    with (releases.folder_of(in_use) / "changes.jsonl").open("a") as stream:
        stream.write('{"kind": "promo')
    roll_back(in_use, models[0])
    journal = releases.read_journal(in_use)
    assert (len(journal.changes), journal.unreadable) == (2, 1)


def test_another_model_than_was_looked_at_is_refused(in_use, models):
    candidate = put(models[1], releases.candidate_of(in_use))
    with pytest.raises(ModelError, match="look at it first"):
        releases.promote(candidate, in_use, version=version(models[2]), by="anna", at=THEN)
    with pytest.raises(ModelError, match="look at it first"):
        releases.discard(in_use, version=version(models[2]))
    with pytest.raises(ModelError, match="not the one that was in use before"):
        roll_back(in_use, models[2])
    assert whole(in_use) == whole(models[0])


def test_the_model_in_use_cannot_take_its_own_place(in_use, models):
    with pytest.raises(ModelError, match="is in use already"):
        promote(models[0], in_use)


def test_a_model_that_cannot_be_loaded_is_not_put_in_use(in_use, models):
    candidate = put(models[1], releases.candidate_of(in_use))
    facts = json.loads(candidate.with_suffix(".json").read_text())
    facts["made_with"]["scikit-learn"] = "1.2.3"
    candidate.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match=r"made with scikit-learn 1\.2\.3"):
        releases.promote(candidate, in_use, version=version(candidate), by="anna", at=THEN)
    candidate.write_bytes(b"another file")
    with pytest.raises(ModelError, match="not the file that its manifest describes"):
        releases.promote(candidate, in_use, version=version(candidate), by="anna", at=THEN)
    assert whole(in_use) == whole(models[0])


def test_what_is_discarded_is_gone(in_use, models):
    put(models[1], releases.candidate_of(in_use))
    assert releases.find_candidate(in_use).version == version(models[1])
    releases.discard(in_use, version=version(models[1]))
    assert releases.find_candidate(in_use) is None
    with pytest.raises(ModelNotFound):
        releases.discard(in_use, version=version(models[1]))


def test_a_model_in_use_that_is_broken_can_be_replaced(in_use, models):
    in_use.write_bytes(b"broken")
    assert promote(models[1], in_use).before is None
    assert whole(in_use) == whole(models[1])


def test_a_model_that_is_broken_and_not_underway_is_refused(in_use):
    in_use.write_bytes(b"broken")
    with pytest.raises(ModelTampered, match="its SHA-256 is"):
        releases.load_in_use(in_use)


def test_a_kept_model_that_somebody_deleted_is_passed_over(in_use, models):
    promote(models[1], in_use)
    promote(models[2], in_use)
    shutil.rmtree(releases.folder_of(in_use) / "kept" / version(models[1]))
    assert releases.previous(in_use).version == version(models[0])
    roll_back(in_use, models[0])
    assert releases.previous(in_use) is None


# Killed at any moment


class Killed(BaseException):
    """What ends the process; nothing catches it."""


class Fate:
    """Ends the process before one of the operations on files below a folder, and all later ones."""

    EVENTS = frozenset(
        {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.copyfile", "os.utime"}
    )

    def __init__(self) -> None:
        self.folder = ""
        self.left = -1
        sys.addaudithook(self.watch)

    def watch(self, event, arguments) -> None:
        if self.left < 0 or event not in self.EVENTS or self.folder not in str(arguments[0]):
            return
        if event == "open" and arguments[1] == "r":
            return
        if self.left == 0:
            raise Killed
        self.left -= 1

    def kills(self, work, *, after: int, below: Path) -> bool:
        """Do the work, to end after so many operations; tell whether it was ended."""
        self.folder, self.left = str(below), after
        try:
            work()
        except Killed:
            return True
        finally:
            self.left = -1
        return False


@pytest.fixture(scope="module")
def fate() -> Fate:
    return Fate()  # a hook cannot be taken away again


def begun_promotion(models, tmp_path, number):
    in_use = put(models[0], tmp_path / str(number) / "site.joblib")
    candidate = put(models[1], releases.candidate_of(in_use))
    given = {"version": version(models[1]), "by": "anna", "at": THEN}
    return in_use, lambda: releases.promote(candidate, in_use, **given)


def begun_way_back(models, tmp_path, number):
    in_use = put(models[1], tmp_path / str(number) / "site.joblib")
    promote(models[0], in_use)
    return in_use, lambda: roll_back(in_use, models[1])


@pytest.mark.parametrize("begin", [begun_promotion, begun_way_back])
def test_killed_at_any_step_the_old_or_the_new_is_whole_and_none_is_lost(
    begin, models, tmp_path, fate
):
    """
    Before every operation on a file in turn; nothing is tidied up afterwards, as in a kill.

    Before some step it is the old one that is found, from there on the new one.
    """
    old, new = whole(models[0]), whole(models[1])
    came_out, steps = [], 0
    while True:
        in_use, work = begin(models, tmp_path, steps)
        lines = len(releases.read_journal(in_use).changes)
        if not fate.kills(work, after=steps, below=in_use.parent):
            break
        scorer = releases.load_in_use(in_use)
        found = whole(in_use)
        assert found in (old, new)
        assert scorer.version == version(models[found == new])
        came_out.append(found == new)
        assert len(releases.read_journal(in_use).changes) == lines + (found == new)
        if found == old:
            work()
            assert whole(in_use) == new
        kept = {release.version for release in releases.list_releases(in_use)}
        assert kept == {version(models[0]), version(models[1])}
        promote(models[2], in_use)
        assert whole(in_use) == whole(models[2])
        assert not list(releases.folder_of(in_use).glob(".aside*"))
        steps += 1
    assert came_out == sorted(came_out)
    assert set(came_out) == {True, False}


def test_killed_for_good_the_lock_goes_with_the_process(in_use, models):
    candidate = put(models[1], releases.candidate_of(in_use))
    script = (
        "import os, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from moderation import artifacts, releases\n"
        "place = releases.put_in_place\n"
        "def killed(aside, path):\n"
        "    (aside / 'site.json').replace(path.with_suffix('.json'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "releases.put_in_place = killed\n"
        "candidate, in_use, version = sys.argv[1:]\n"
        "releases.promote(Path(candidate), Path(in_use), version=version, by='anna',"
        " at=datetime.now(UTC))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(candidate), str(in_use), version(models[1])]
    )
    assert run.returncode == -signal.SIGKILL
    with pytest.raises(ModelError, match="its SHA-256 is"):
        load_model(in_use)
    assert releases.load_in_use(in_use).version == version(models[1])
    assert whole(in_use) == whole(models[1])


def test_who_loads_while_models_change_gets_one_of_them(in_use, models):
    """Threads stand for processes: the lock and the files are the same."""
    known = {version(models[0]), version(models[1])}
    promote(models[1], in_use)
    ended = threading.Event()

    def change():
        for minutes in range(1, 15):
            candidate = releases.list_releases(in_use)[1]
            at = THEN + timedelta(minutes=minutes)
            releases.promote(candidate.path, in_use, version=candidate.version, by="anna", at=at)
        ended.set()

    changing = threading.Thread(target=change)
    changing.start()
    seen = set()
    while not ended.is_set():
        seen.add(releases.load_in_use(in_use).version)
    changing.join()
    assert seen <= known
    assert len(releases.read_journal(in_use).changes) == 15


def test_somebody_at_it_for_long_is_said(in_use, models, monkeypatch):
    put(models[1], releases.candidate_of(in_use))
    monkeypatch.setattr(releases, "hold", lambda path: hold(path, patience=0.0))
    with (
        hold(releases.folder_of(in_use) / "changes.lock"),
        pytest.raises(ModelError, match="another process is changing the model"),
    ):
        releases.discard(in_use, version=version(models[1]))


def test_a_change_that_cannot_be_read_is_said(in_use):
    underway = releases.folder_of(in_use) / "underway.json"
    underway.parent.mkdir()
    underway.write_text("{}")
    with pytest.raises(ModelError, match=r"underway\.json: says no change that can be read"):
        releases.load_in_use(in_use)


def test_a_disk_that_takes_nothing_is_said_in_one_line(in_use, models, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(OutputError, match="No space left on device"):
        promote(models[1], in_use)
    assert whole(in_use) == whole(models[0])
