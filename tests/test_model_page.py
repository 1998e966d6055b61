"""The model page, run by Streamlit's own harness on real models, files and decisions."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from moderation import releases, review
from moderation.app.comparison import advise
from moderation.app.state import Desk as OpenDesk
from moderation.artifacts import read_manifest
from moderation.comments import Status
from moderation.comparing import Effect, ModelComparison, Moved
from moderation.database import open_store
from moderation.metrics import Difference, Interval, Rankings
from moderation.policy import Action
from moderation.promotion import Decision
from moderation.retraining import State, read_run
from moderation.train import main
from tests.apps import Desk, forget_what_is_cached, press, shown
from tests.samples import labelled_comments
from tests.test_retraining import FOREVER, PRELUDE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory) -> Path:
    """Return a folder with a model, a candidate beside it, and the decisions it left out."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(trained.parent, folder / "models")
    url = f"sqlite:///{folder}/review.db"
    decide_on(url, sorted(labelled_comments(), key=lambda comment: int(comment.id) % 7))
    given = ["--candidate", "--decisions", url, "--base", "none", "--set-aside", "60"]
    assert main([*given, "--out", str(folder / "models/moderation.joblib")]) == 0
    return folder


def decide_on(url: str, comments) -> None:
    with open_store(url).writing() as session:
        for comment in comments:
            asked = replace(comment, status=Status.PENDING, text=f"<i>{comment.text}</i>")
            review.add_comments(session, [asked], added_at=NOON)
            removed = comment.status is Status.REMOVED
            review.record_decision(
                session, review.key_of(asked), Action.REMOVE if removed else Action.APPROVE,
                decided_by="anna", decided_at=NOON, house_rule="spam" if removed else None,
            )  # fmt: skip


@pytest.fixture
def desk(made, tmp_path, monkeypatch) -> Desk:
    folder = tmp_path / "desk"
    shutil.copytree(made, folder)
    desk = Desk(folder)
    desk.model = folder / "models" / "moderation.joblib"
    monkeypatch.setenv("MODERATION_DATA", str(desk.data))
    monkeypatch.setenv("MODERATION_MODEL", str(desk.model))
    monkeypatch.setenv("MODERATION_BASE", "none")
    desk.database = folder / "review.db"
    monkeypatch.setenv("MODERATION_DATABASE_URL", desk.url)
    forget_what_is_cached(monkeypatch)
    return desk


def open_page(desk: Desk) -> AppTest:
    return desk.open("model_page")


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def facts(model: Path) -> dict:
    return dict(read_manifest(model).facts)


def versions(desk: Desk) -> tuple[str, str]:
    new = releases.candidate_of(desk.model)
    return read_manifest(desk.model).version, read_manifest(new).version


def test_old_and_new_stand_side_by_side_with_comments_to_read(desk):
    app = open_page(desk)
    words = " ".join(shown(app).split())
    learned = facts(releases.candidate_of(desk.model))["training_data"]["learned"]
    assert learned < 140  # of 140 that were not set aside, some were kept to measure on
    assert f"Compared on {200 - learned} of the last 200 decisions" in words
    assert f"{learned} the new model has learnt from" in words
    assert "In use New Difference Wait for a person" in words
    assert "Nothing in these decisions speaks against the new model. It puts comments in" in words
    assert "None would newly pass unseen." in words
    assert labels(app) == ["Train a new model", "Use the new model", "Discard"]


def test_a_new_model_that_is_worse_is_said_to_be(desk):
    """The two in each other's place."""
    candidate, aside = releases.candidate_of(desk.model), desk.folder / "aside"
    for ending in (".joblib", ".json"):
        desk.model.with_suffix(ending).rename(aside)
        candidate.with_suffix(ending).rename(desk.model.with_suffix(ending))
        aside.rename(candidate.with_suffix(ending))
    app = open_page(desk)
    assert "These decisions speak against the new model: more gets through than now" in shown(app)
    assert "it puts comments in a worse order than the one in use" in shown(app)
    [passed] = [e for e in app.expander if "would newly pass unseen" in e.label]
    expected = r"(\d+) would newly pass unseen: moderators removed \1, approved 0"
    assert re.match(expected, passed.label)


def between(missed, auc, *, promote=True):
    """Return a comparison in which only a few things are of interest."""
    alike, none = Interval(0.5, 0.4, 0.6), Moved(np.arange(0), 0, np.arange(0))
    more = auc and Difference(alike, alike, Interval(sum(auc) / 2, *auc))
    return ModelComparison(
        comments=100, removed=50, present=Effect(9, 1, 5), new=Effect(9, 1, missed),
        newly_held=none, newly_passed=none, advice=Decision(promote, ("more gets through",)),
        rankings=more and Rankings(more, more), scores=((), ()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "worse", "said"),
    [
        (between(5, (0.1, 0.2)), False, "the new model. It puts comments in a better order"),
        (between(5, (-0.1, 0.2)), False, "order they do not tell"),
        (between(5, None), False, "order they do not tell"),
        (between(6, (-0.1, 0.2)), False, "That more passes unseen which moderators removed may be"),
        (between(5, (-0.2, -0.1)), True, "against the new model: it puts comments in a worse"),
        (between(9, (0.1, 0.2), promote=False), True, "against the new model: more gets through."),
    ],
)
def test_what_decisions_say_is_put_in_words(found, worse, said):
    assert advise(found)[0] is worse
    assert said in advise(found)[1]


def test_at_most_twenty_are_to_be_read_and_nothing_in_them_is_markup(desk):
    [newly] = [e for e in open_page(desk).expander if "newly wait" in e.label]
    bodies = [element.proto.body for element in newly.get("html")]
    cards = [body for body in bodies if "mod-comment" in body]
    number = int(newly.label.split()[0])
    assert len(cards) == min(number, 20)
    assert all("&lt;i&gt;" in body and "<i>" not in body for body in cards)
    assert all("% in use," in body and "moderators" in body for body in cards)


def test_the_new_model_is_used_by_all_pages_and_the_old_one_comes_back(desk):
    old, new = versions(desk)
    app = press(open_page(desk), "Use the new model")
    assert f"Model {new} is in use now." in shown(app)
    assert read_manifest(desk.model).version == new
    assert f"{new} put in use instead of {old} · moderator ·" in shown(app)
    assert labels(app) == ["Train a new model", f"Go back to model {old}"]
    assert new in scored_by(desk)
    app = press(app, f"Go back to model {old}")
    assert f"Model {old} is in use again." in shown(app)
    assert f"gone back to {old} instead of {new}" in shown(app)
    assert read_manifest(desk.model).version == old
    assert labels(app) == ["Train a new model", f"Use model {new}"]
    app = press(app, f"Use model {new}")
    assert read_manifest(desk.model).version == new


def scored_by(desk: Desk) -> str:
    """Return the version that a decision on the review page names."""
    desk.put("table.csv", "id,text,article_id\n900,a quiet remark,b\n")
    press(desk.open(), "Approve")
    with open_store(desk.url).reading() as session:
        [(decision, _)] = review.recent_decisions(session, limit=1)
    return str(decision.model_version)


def test_what_is_discarded_is_not_offered_again(desk):
    _, new = versions(desk)
    app = press(open_page(desk), "Discard")
    assert f"The new model {new} is deleted." in shown(app)
    assert labels(app) == ["Train a new model"]


def test_another_model_by_now_is_not_put_in_use_unseen(desk):
    old, _ = versions(desk)
    app = open_page(desk)
    shutil.rmtree(releases.candidate_of(desk.model).parent)
    shutil.copytree(desk.model.parent, desk.folder / "copy")
    shutil.copytree(desk.folder / "copy", releases.candidate_of(desk.model).parent)
    press(app, "Use the new model")
    assert f"not put in use: the new model is {old} by now" in shown(app)
    assert "It is the same as the one in use" in shown(app)
    [use] = [button for button in app.button if button.label == "Use the new model"]
    assert use.disabled


def test_a_new_model_that_cannot_be_loaded_can_only_be_discarded(desk):
    releases.candidate_of(desk.model).write_bytes(b"broken")
    app = open_page(desk)
    assert "its SHA-256 is" in shown(app)
    assert [b.label for b in app.button if not b.disabled] == ["Train a new model", "Discard"]


def test_without_a_model_in_use_the_first_one_can_be_used(desk):
    _, new = versions(desk)
    for path in (desk.model, desk.model.with_suffix(".json")):
        path.unlink()
    app = open_page(desk)
    assert "No model is in use that it could be compared with" in shown(app)
    press(app, "Use the new model")
    assert read_manifest(desk.model).version == new


def test_decisions_that_either_has_learnt_from_are_no_measure(desk):
    """A model of an earlier version does not tell what it learnt from, nor do comments when."""
    manifest = desk.model.with_suffix(".json")
    manifest.write_text(manifest.read_text().replace('"learnt_texts"', '"something_else"'))
    words = shown(open_page(desk))
    assert "Of the last 200 decisions none is new to both models." in words
    assert "200 the model in use may have learnt from: it does not tell" in words


def test_without_decisions_it_says_so(desk):
    desk.database.unlink()
    assert "There are no decisions yet that it could be compared on" in shown(open_page(desk))


def test_few_of_one_outcome_are_called_a_hint(desk):
    desk.database.unlink()
    decide_on(desk.url, [replace(c, id=f"x{c.id}", text=f"{c.text} anew")
                         for c in labelled_comments(removed=9, kept=40)])  # fmt: skip
    words = shown(open_page(desk))
    assert "Compared on 49 of the last 49 decisions: neither model has learnt from them" in words
    assert "9 were removed and 40 approved: a hint, no measurement." in words


def test_of_one_outcome_only_what_can_be_counted_is_shown(desk):
    desk.database.unlink()
    decide_on(desk.url, [replace(c, text=f"{c.text} anew") for c in labelled_comments(removed=0)])
    words = " ".join(shown(open_page(desk)).split())
    assert "Removed by moderators, and yet pass unseen none to count none to count 0" in words
    assert "0 were removed and 140 approved: a hint, no measurement." in words


def test_only_a_lead_changes_models(desk, monkeypatch):
    monkeypatch.setattr(OpenDesk, "leads", property(lambda desk: False))
    app = open_page(desk)
    assert labels(app) == []
    assert "ROC-AUC" in shown(app)


def test_a_click_of_one_who_does_not_lead_any_more_changes_nothing(desk, monkeypatch):
    old, _ = versions(desk)
    app = open_page(desk)
    monkeypatch.setattr(OpenDesk, "leads", property(lambda desk: False))
    press(app, "Use the new model")
    assert "only a lead trains models and puts them in use" in shown(app)
    assert read_manifest(desk.model).version == old


def test_nobody_nameless_changes_models(desk):
    app = open_page(desk)
    app.text_input(key="moderator").set_value(" ").run()
    assert "Type your name on the left to change models." in shown(app)
    assert [button.label for button in app.button if not button.disabled] == []


def test_training_is_shown_cancelled_and_its_end_is_there_when_the_page_opens(desk, monkeypatch):
    popen = subprocess.Popen

    def instead(command, **options):
        return popen([sys.executable, "-c", PRELUDE + FOREVER, str(desk.model)], **options)

    monkeypatch.setattr(subprocess, "Popen", instead)
    app = press(open_page(desk), "Train a new model")
    assert "Begun by moderator at" in shown(app)
    for _ in range(600):
        if read_run(desk.model).pid is not None:
            break
        time.sleep(0.1)
    again = open_page(desk)
    assert "Reading comments and decisions …" in [bar.proto.text for bar in again.get("progress")]
    press(again, "Cancel")
    assert read_run(desk.model).state is State.CANCELLED
    assert "gave no model: cancelled" in shown(open_page(desk))
    assert "Train a new model" in labels(open_page(desk))


def test_why_training_failed_is_said_in_one_line(desk, capsys):
    table = desk.folder / "t.csv"
    table.write_text("text,label\n" + "\n".join(f"the ferry {n},0" for n in range(50)))
    assert main([str(table), "--candidate", "--out", str(desk.model)]) == 1
    words = shown(open_page(desk))
    assert "gave no model: all 50 labelled comments are of one class" in words


def test_lines_of_the_journal_that_cannot_be_read_are_counted(desk):
    (releases.folder_of(desk.model) / "changes.jsonl").write_text("broken\n")
    assert "1 more that cannot be read any more." in shown(open_page(desk))
