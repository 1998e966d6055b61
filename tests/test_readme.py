"""The README's examples run, and every option of a command is in it."""

import argparse
import csv
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from moderation import __main__ as package
from moderation import base, evaluate, parse, passport, score, train
from moderation.artifacts import load_model
from moderation.settings import Settings
from tests.conftest import REPOSITORY
from tests.samples import labelled_comments

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    "parse": parse,
    "train": train,
    "score": score,
    "evaluate": evaluate,
    "passport": passport,
    "base": base,
}
PARSERS = {
    "parse": parse.build_parser(),
    "train": train.build_parser(Settings()),
    "score": score.build_parser(),
    "evaluate": evaluate.build_parser(),
    "passport": passport.build_parser(),
    "base": base.build_parser(),
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
    return tmp_path


def write_old_scores(model: Path, path: Path) -> None:
    """Write comments with scores that another model could have given them."""
    texts = [comment.text for comment in labelled_comments(removed=400, kept=400)]
    scores = np.argsort(np.argsort(load_model(model).score(texts))) / len(texts)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = zip(texts, scores.tolist(), strict=True)
        csv.writer(stream).writerows([("text", "perspective_toxicity"), *rows])


def test_the_python_examples_run(folder):
    for example in blocks("python"):
        exec(compile(example, "README.md", "exec"), {})


def test_the_commands_run_in_the_order_they_stand_in(folder, capsys):
    ran = []
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line)
        if words[:2] != ["python", "-m"]:
            continue
        arguments = [name for word in words[3:] for name in expand(word)]
        assert COMMANDS[words[2].removeprefix("moderation.")].main(arguments) == 0, line
        ran.append(words[2])
    users = COMMANDS.keys() - {"base"}  # which needs corpora that a user does not have
    assert set(ran) == {f"moderation.{name}" for name in users}


def expand(word: str) -> list[str]:
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    options = {
        option
        for action in PARSERS[name]._actions
        if not isinstance(action, argparse._HelpAction)
        for option in action.option_strings
    }
    missing = [option for option in options if not re.search(rf"`[^`]*{option}\b", README)]
    assert missing == []


def test_every_setting_is_documented_with_its_default():
    for field, default in vars(Settings()).items():
        if default is not None:
            name = field.upper()
            assert f"| `MODERATION_{name}` | `{default}` |" in README


def test_set_up_and_tests_are_one_line_each():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert lines[0].endswith("-m moderation.train")
    assert lines[1].endswith("-m pytest -q")


def test_links_into_the_repository_lead_somewhere():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []


def test_the_package_alone_says_which_commands_there_are(capsys):
    assert set(package.COMMANDS) == set(COMMANDS)
    assert package.main() == 2
    said = capsys.readouterr().err
    assert all(f"  {name} " in said for name in COMMANDS)
