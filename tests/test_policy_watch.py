"""`policy watch`: audits read, the promise judged, a broken rule suspended in a new file."""

import csv
from functools import partial

import pytest

from moderation.policy import Action, ErrorLimit
from moderation.policy.files import read_policy
from moderation.policy_command.command import main
from moderation.watching import Watch

POLICY = """\
otherwise = "hold"

[[rule]]
name = "clean"
attribute = "TOXICITY"
action = "approve"
guarantee = { error = 0.01, confidence = 0.95 }
threshold = 0.1  # found in May
audit = 0.02
evidence = { model = "a7", labels = 5000, removed = 400, acted = 3000, errors = 12, bound = 0.009 }

[[rule]]
name = "sure"
attribute = "TOXICITY"
action = "remove"
guarantee = { error = 0.1, confidence = 0.9 }
threshold = 0.9
evidence = { model = "a7", labels = 5000, removed = 400, acted = 300, errors = 12, bound = 0.09 }
"""
KEPT = [("clean", 0), ("sure", 1)] * 100
BROKEN = KEPT + [("clean", 1)] * 8


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def write(tmp_path):
    return partial(write_audits, tmp_path / "audits.csv")


def write_audits(path, rows, header=("text", "rule", "label")):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *(("the xylophone", *row) for row in rows)])
    return path


def watch(*arguments):
    return main(["watch", *map(str, arguments)])


def test_kept_promises_are_shown_with_their_share(policy, write, capsys):
    assert watch(policy, write(KEPT)) == 0
    printed = capsys.readouterr()
    assert (
        "| clean | approve | 100 | 0 | 0.00% [0.00%, 4.48%] | at most 1% with 95% confidence | "
        "no sign that it is broken |\n"
        "| sure | remove | 100 | 0 | 0.00% [0.00%, 3.78%] | at most 10% with 90% confidence | "
        "no sign that it is broken |\n"
    ) in printed.out
    assert "audits are in the order of the table" in printed.err
    assert "left out" not in printed.err


def test_a_broken_promise_ends_with_1_and_says_what_to_do(policy, write, capsys):
    assert watch(policy, write(BROKEN)) == 1
    printed = capsys.readouterr()
    assert "| 108 | 8 | 7.41% [" in printed.out
    noticed = Watch(ErrorLimit(0.01)).after([False] * 100 + [True] * 8).alarmed_at
    assert f"| broken, noticed at audit {noticed} |" in printed.out
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("policy watch: broken: the promise of 'clean'; name a new file with -o")
    assert "xylophone" not in printed.out + printed.err


def test_the_broken_rule_is_suspended_in_a_new_file_and_all_else_stays(
    policy, write, tmp_path, capsys
):
    new = tmp_path / "new.toml"
    assert watch(policy, write(BROKEN), "-o", new) == 1
    assert policy.read_text() == POLICY
    added = [line for line in new.read_text().splitlines() if line not in POLICY.splitlines()]
    assert [line[:11] for line in added] == ["suspended ="]
    clean, sure = read_policy(new).rules
    assert clean.suspended.startswith("the promise of at most 1% errors is broken: a person found")
    assert (clean.automatic, clean.effect, sure.automatic) == (False, Action.HOLD, True)
    assert f"{new} has it suspended" in capsys.readouterr().err
    assert watch(new, tmp_path / "audits.csv") == 0
    assert "left out: 108 of a rule that is suspended" in capsys.readouterr().err


def test_nothing_is_written_where_nothing_is_broken(policy, write, tmp_path, capsys):
    new = tmp_path / "new.toml"
    assert watch(policy, write(KEPT), "-o", new) == 0
    assert not new.exists()
    assert "new.toml is not written: no promise is broken" in capsys.readouterr().err


def test_no_file_is_overwritten(policy, write, tmp_path, capsys):
    audits = write(BROKEN)
    before = audits.read_bytes()
    (tmp_path / "other.toml").write_text("x = 1")
    for output in (policy, audits, tmp_path / "other.toml"):
        assert watch(policy, audits, "-o", output) == 1
        assert "name a" in capsys.readouterr().err.strip().splitlines()[-1]
    assert (policy.read_text(), audits.read_bytes()) == (POLICY, before)


def test_what_is_left_out_is_counted(policy, write, capsys):
    rows = [*KEPT, ("clean", ""), ("", 1), ("other", 0), ("other", 0)]
    assert watch(policy, write(rows)) == 0
    said = capsys.readouterr().err
    assert "left out: 2 of a rule that the policy does not have" in said
    assert "left out: 1 without a rule" in said
    assert "left out: 1 without a label, or a status" in said


def test_several_tables_are_one_and_weights_count(policy, tmp_path, capsys):
    header = ("text", "rule", "status", "weight")
    one = write_audits(tmp_path / "1.csv", [("clean", "approved", 50)] * 9, header)
    two = write_audits(tmp_path / "2.csv", [("clean", "removed", 25)] * 2, header)
    assert watch(policy, one, two) == 0
    assert "| clean | approve | 11 | 2 | 10.00% [" in capsys.readouterr().out
    assert watch(policy, one, two, "--heaviest", "40") == 1
    assert "'clean' weighs 50, more than" in capsys.readouterr().err


def test_rules_without_audits_are_shown_as_such(policy, write, capsys):
    assert watch(policy, write([("clean", 0)])) == 0
    printed = capsys.readouterr().out
    assert "| sure | remove | 0 | 0 | not known | at most 10%" in printed
    assert "| nothing was audited |" in printed


@pytest.mark.parametrize("given", ["0", "-1", "much", "nan", "inf"])
def test_the_heaviest_weight_is_a_number(given, policy, write, capsys):
    with pytest.raises(SystemExit) as refused:
        watch(policy, write(KEPT), f"--heaviest={given}")
    assert refused.value.code == 2
    assert "is not a number above 0, such as 50" in capsys.readouterr().err


def test_where_no_rule_acts_without_a_person_there_is_nothing_to_watch(policy, write, capsys):
    kept = [line for line in POLICY.splitlines() if not line.startswith("evidence")]
    policy.write_text("\n".join(kept))
    assert watch(policy, write(KEPT)) == 0
    assert "there is nothing to watch" in capsys.readouterr().out


def test_a_policy_that_is_none_is_refused(policy, write, capsys):
    policy.write_text("otherwise = 3")
    assert watch(policy, write(KEPT)) == 1
    assert "policy watch: " in capsys.readouterr().err
