"""`check`: what a policy file says, and every mistake in it."""

import pytest

from moderation.artifacts import read_manifest
from moderation.policy.files import read_policy
from moderation.policy_command.command import main
from tests.conftest import REPOSITORY
from tests.test_policy_files import WHOLE

EXAMPLE = REPOSITORY / "data" / "policy.toml"


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(WHOLE)
    return path


def test_a_file_is_told_in_words(whole, capsys):
    assert main(["check", str(whole)]) == 0
    version = read_policy(whole).version
    unseen = "are approved unseen, without any guarantee"
    assert capsys.readouterr().out.splitlines() == [
        f"{whole}: our site, version {version}",
        "  without a score for TOXICITY: approved",
        "  text of fewer than 3 characters: approved",
        "  language other than en, und: held",
        "  clean: TOXICITY below 0.0123 is approved without a person",
        "  look at it: TOXICITY at or above a threshold not found yet on the 50/50 scale is held "
        "(suspended: the promise was broken) (house rule: personal abuse)",
        "  no rule matches: held",
        "  in section sport and community readers or guests: without 'look at it', "
        "no rule matches: approved",
        "    sure: SPAM at or above 1 is shown to a person, removal proposed",
        "not settled: 'look at it': maximum recall @ precision >= 0.5",
        "not settled: nothing can be decided before: run python -m moderation.policy settle",
        f"warning: comments without a score {unseen}",
        f"warning: comments that are too short {unseen}",
        "warning: 'clean' has evidence that does not say what it is for: nobody would notice that "
        "the rule was changed since; run python -m moderation.policy settle",
        "warning: 'look at it' is suspended, and holds what it matches: the promise was broken",
        f"warning: in section sport and community readers: comments that no rule matches {unseen}",
    ]


def test_every_mistake_of_every_file_is_told(whole, tmp_path, capsys):
    wrong, empty = tmp_path / "wrong.toml", tmp_path / "empty.toml"
    wrong.write_text(WHOLE.replace("0.0123", "2").replace('"remove"', '"delete"'))
    empty.write_text("")
    assert main(["check", str(wrong), str(whole), str(empty)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{whole}: our site")
    assert [line.partition(": found")[0] for line in printed.err.splitlines()] == [
        f"policy check: {wrong}, line 14",
        f"{wrong}, line 36",
        f"{empty}, line 1",
    ]


def test_a_promise_of_another_model_is_told(whole, trained, capsys):
    assert main(["check", str(whole), "--model", str(trained)]) == 0
    version = read_manifest(trained).version
    says = f"warning: 'clean' was settled on scores of model a7, not of {version}: "
    assert says in capsys.readouterr().out


def test_the_example_says_what_it_can_and_nothing_that_is_hardly_meant(capsys):
    assert main(["check", str(EXAMPLE)]) == 0
    printed = capsys.readouterr().out
    assert "Ferrymoor Courier, version" in printed
    assert "not settled: 'clean'" in printed
    assert "warning" not in printed


def test_the_example_shows_every_setting():
    """All but what is never written by hand."""
    from moderation.policy import files

    shown = EXAMPLE.read_text(encoding="utf-8")
    keys = {*files._POLICY_KEYS, *files._RULE_KEYS, *files._OVERRIDE_KEYS} - {"suspended"}
    assert [key for key in sorted(keys) if key not in shown] == []
