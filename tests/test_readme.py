"""The README's examples run, and every option of a command is in it."""

import argparse
import csv
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from moderation import __main__ as package
from moderation import (
    audit,
    base,
    capture,
    evaluate,
    export,
    keys,
    labels,
    migrate,
    parse,
    passport,
    retention,
    review,
    score,
    serve,
    train,
)
from moderation.artifacts import load_model
from moderation.comments import Status
from moderation.database import open_store
from moderation.policy import Action
from moderation.policy_command import command as policy
from moderation.settings import Settings
from tests.conftest import REPOSITORY
from tests.perspectives import KEY, serve_old_api
from tests.samples import labelled_comments

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    "parse": parse,
    "train": train,
    "score": score,
    "evaluate": evaluate,
    "capture": capture,
    "passport": passport,
    "policy": policy,
    "base": base,
    "export": export,
    "migrate": migrate,
    "audit": audit,
    "retention": retention,
    "keys": keys,
    "labels": labels,
    "serve": serve,
}
PARSERS = {
    "parse": parse.build_parser(),
    "train": train.build_parser(Settings()),
    "score": score.build_parser(),
    "evaluate": evaluate.build_parser(),
    "capture": capture.build_parser(),
    "passport": passport.build_parser(),
    "policy": policy.build_parser(),
    "base": base.build_parser(),
    "export": export.build_parser(Settings()),
    "migrate": migrate.build_parser(),
    "audit": audit.build_parser(),
    "retention": retention.build_parser(),
    "keys": keys.build_parser(),
    "labels": labels.build_parser(),
    "serve": serve.build_parser(Settings()),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


@pytest.fixture
def folder(trained, tmp_path, monkeypatch) -> Path:
    """Return a working folder with the files that the examples name."""
    archive = sorted((REPOSITORY / "data" / "archive").glob("*.html"))
    shutil.copytree(trained.parent, tmp_path / "models")
    (tmp_path / "captures").mkdir()
    for page in archive[:24]:
        shutil.copy(page, tmp_path / "captures")
    shutil.copy(archive[0], tmp_path / "page.html")
    (tmp_path / "data").mkdir()
    shutil.copy(REPOSITORY / "data/identity_templates.csv", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert parse.main([*map(str, archive), "--join", "-o", "export.csv"]) == 0
    write_old_scores(trained, tmp_path / "perspective.csv")
    write_policy_files(tmp_path)
    decide_on_one(tmp_path)
    return tmp_path


def decide_on_one(folder: Path) -> None:
    """Make the review desk's database, with a comment that was approved."""
    now, comment = datetime.now(UTC), next(labelled_comments())
    with open_store(f"sqlite:///{folder}/data/review.db").writing() as session:
        review.add_comments(session, [replace(comment, status=Status.PENDING)], added_at=now)
        review.record_decision(
            session, review.key_of(comment), Action.APPROVE, decided_by="anna", decided_at=now
        )


POLICY = """\
otherwise = "hold"

[[rule]]
name = "clean"
attribute = "LIKELY_TO_REJECT"
action = "approve"
guarantee = { error = 0.05, confidence = 0.95 }
audit = 0.05
"""


def write_policy_files(folder: Path) -> None:
    """Write a policy, labels to settle it on, and audits of what it did."""
    shutil.copy(REPOSITORY / "data/policy.toml", folder / "data")
    (folder / "policy.toml").write_text(POLICY)
    (folder / "stricter.toml").write_text(POLICY.replace("audit = 0.05", "audit = 0.1"))
    shutil.copy(folder / "export.csv", folder / "past.csv")
    export = pd.read_csv(folder / "export.csv")
    later = pd.to_datetime(export["created_at"]) + pd.DateOffset(years=1)
    export.assign(created_at=later).to_csv(folder / "newer.csv", index=False)
    with (folder / "audits.csv").open("w", newline="", encoding="utf-8") as stream:
        audits = [("a lantern", "clean", "0")] * 50
        csv.writer(stream).writerows([("text", "rule", "label"), *audits])


def write_old_scores(model: Path, path: Path) -> None:
    """Write comments with scores that another model could have given them."""
    texts = [comment.text for comment in labelled_comments(removed=400, kept=400)]
    scores = np.argsort(np.argsort(load_model(model).score(texts))) / len(texts)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = zip(texts, scores.tolist(), strict=True)
        csv.writer(stream).writerows([("text", "perspective_toxicity"), *rows])


def test_the_python_examples_run(folder):
    settle = ["policy.toml", "models/moderation.joblib", "newer.csv", "-o", "settled.toml"]
    assert policy.main(["settle", *settle, "--plain-sample"]) == 0
    for example in blocks("python"):
        exec(compile(example, "README.md", "exec"), {})


@pytest.fixture
def old_api(monkeypatch) -> Iterator[None]:
    """Serve what answers like the Perspective API to `capture`, faster than that."""
    with serve_old_api() as api:
        monkeypatch.setattr(capture, "GOOGLE", api.address)
        monkeypatch.setattr(capture, "PER_MINUTE", 6_000_000)
        monkeypatch.setenv("MODERATION_PERSPECTIVE_KEY", KEY)
        yield


def test_the_commands_run_in_the_order_they_stand_in(folder, old_api, capsys):
    ran = []
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line)
        if words[:2] != ["python", "-m"]:
            continue
        arguments = [name for word in words[3:] for name in expand(word)]
        assert COMMANDS[words[2].removeprefix("moderation.")].main(arguments) == 0, line
        ran.append(words[2])
    # The base model needs corpora that a user does not have; what serves does not end.
    users = COMMANDS.keys() - {"base", "serve"}
    assert set(ran) == {f"moderation.{name}" for name in users}


def expand(word: str) -> list[str]:
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def find_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part in action.choices.values():
                yield from find_options(part)
        elif not isinstance(action, argparse._HelpAction):
            yield from action.option_strings


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    options = set(find_options(PARSERS[name]))
    missing = [option for option in options if not re.search(rf"`[^`]*{option}\b", README)]
    assert missing == []


def test_every_setting_is_documented_with_its_default():
    for field, default in vars(Settings()).items():
        if default:
            name = field.upper()
            assert f"| `MODERATION_{name}` | `{default}` |" in README


def test_set_up_and_tests_are_one_line_each():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert lines[0].endswith("-m moderation.train")
    assert lines[1].endswith("-m pytest -n auto --dist loadfile -q")


def test_links_into_the_repository_lead_somewhere():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []


def test_the_package_alone_says_which_commands_there_are(capsys):
    assert set(package.COMMANDS) == set(COMMANDS)
    assert package.main() == 2
    said = capsys.readouterr().err
    assert all(f"  {name} " in said for name in COMMANDS)
