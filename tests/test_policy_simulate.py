"""`python -m moderation.policy simulate`: what it prints, draws, writes and refuses."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from moderation.frames import write_rows
from moderation.policy_command.command import main

POLICY = """
otherwise = "hold"

[[rule]]
name = "clean"
attribute = "LIKELY_TO_REJECT"
threshold = 0.5
guarantee = { error = 0.01, confidence = 0.95 }
action = "approve"
audit = 0.1
evidence = { model = "m1", labels = 400, removed = 40, acted = 300, errors = 0, bound = 0.0099 }
"""
PICTURES = {"trade_off.png", "hours.png", "sections.png", "delays.png"}


def rows(number=100):
    """Return comments; of the lower half each tenth was to be removed, else each second."""
    for at in range(number):
        when = datetime(2026, 1, 14, tzinfo=UTC) + timedelta(minutes=30 * at)
        yield {
            "id": str(at),
            "text": f"xylophone {at}",
            "score": at / number,
            "label": int(at % (10 if at < number / 2 else 2) == 0),
            "section": ("city", "sport | arts")[at % 2],
            "created_at": when,
            "decided_by": "mo",
            "decided_at": when + timedelta(seconds=24 * at),
        }


@pytest.fixture
def policy(tmp_path):
    (tmp_path / "p.toml").write_text(POLICY)
    return tmp_path / "p.toml"


@pytest.fixture
def table(tmp_path):
    write_rows(rows(), tmp_path / "past.parquet")
    return tmp_path / "past.parquet"


def simulate(*args):
    return main(["simulate", *map(str, args)])


def cells(printed):
    """Return the rows of all tables, by their first cell."""
    found = [line.strip("| ").split(" | ") for line in printed.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in found}


def test_it_prints_what_became_of_the_comments(policy, table, capsys):
    assert simulate(policy, table, "--pace", 36) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("100 comments, over 2.1 days; what became of 100 of them (100.0%)")
    found = cells(printed)
    assert found["approved unseen"] == ["50 (50.0%)"]
    assert found["held"] == ["50 (50.0%)"]
    assert found["removed unseen"] == ["0 (0.0%)"]
    assert found["got through"] == ["10.00% [4.35%, 21.36%] (5 of 50)"]
    assert found["missed"] == ["16.67% [7.34%, 33.56%] (5 of 30)"]
    assert found["wrongly removed"] == ["none"]
    assert found["moderators' time"] == ["0.6 hours (0.3 a day)"]
    assert found["waits of all held: median, 90%, worst"] == ["36 s, 36 s, 36 s"]
    assert found["waits of the highest scores without a label"] == ["not known"]
    assert found["no rule matches"][:2] == ["hold", "50"]
    assert found["city"][:3] == ["50", "25", "25"]
    assert found[r"sport \| arts"][1:4] == ["25", "25", "0"]
    assert found["07"][0] == "4"
    assert "A decision takes 36 seconds (as given)" in printed


def test_two_policies_stand_side_by_side(policy, table, tmp_path, capsys):
    other = tmp_path / "q.toml"
    other.write_text(POLICY.replace("0.5", "0.2"))
    assert simulate(policy, table, "--against", other) == 0
    found = cells(capsys.readouterr().out)
    assert found["policy"] == ["p.toml", "q.toml"]
    assert found["approved unseen"] == ["50 (50.0%)", "20 (20.0%)"]
    assert found["missed"][1].endswith("(2 of 30)")
    assert found["section"][1::4] == ["held, p.toml", "held, q.toml"]
    assert len(found["city"]) == 9


def test_the_folder_tells_files_of_one_name_apart(policy, table, tmp_path, capsys):
    other = tmp_path / "other" / "p.toml"
    other.parent.mkdir()
    other.write_text(POLICY)
    assert simulate(policy, table, "--against", other) == 0
    assert cells(capsys.readouterr().out)["policy"] == [str(policy), str(other)]


def test_the_pace_is_measured_where_decisions_are_known(policy, tmp_path, capsys):
    one = [
        {**row, "decided_at": datetime(2026, 1, 14, tzinfo=UTC) + timedelta(seconds=24 * at)}
        for at, row in enumerate(rows())
    ]
    write_rows(one, tmp_path / "t.csv")
    assert simulate(policy, tmp_path / "t.csv", "--moderators", 2, "--hours", "08-18") == 0
    printed = capsys.readouterr().out
    assert "24 seconds (the median of 99 gaps between a moderator's decisions)" in printed
    assert "moderators at once: 2, from 08 to 18 o'clock UTC" in printed


def test_a_pace_that_nobody_measured_is_said_to_be_assumed(policy, table, capsys):
    """Half an hour and more between decisions are breaks."""
    assert simulate(policy, table) == 0
    assert "A decision takes 30 seconds (an assumption;" in capsys.readouterr().out


def test_the_json_has_it_all(policy, table, tmp_path):
    out = tmp_path / "out.json"
    assert simulate(policy, table, "--json", out, "--pace", 10) == 0
    told = json.loads(out.read_text())
    found = told["policies"]["p.toml"]
    assert (told["comments"], told["model"]) == (100, None)
    assert found["total"]["got_through"]["hits"] == 5
    assert found["desk"]["pace"] == {"seconds": 10.0, "origin": "as given"}
    assert len(found["hours"]) == 24
    assert len(found["delays"]["quantiles"]) == 101


@pytest.mark.parametrize("others", [(), ("--against", "q.toml")])
def test_figures_are_drawn(others, policy, table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.toml").write_text(POLICY.replace("0.5", "0.3"))
    assert simulate(policy, table, "--figures", "new/figures", *others) == 0
    assert {path.name for path in (tmp_path / "new" / "figures").iterdir()} == PICTURES


def test_figures_of_what_nobody_knows_are_not_drawn(policy, tmp_path, capsys):
    bare = [{"text": "a ferry", "score": row["score"]} for row in rows()]
    write_rows(bare, tmp_path / "bare.csv")
    assert simulate(policy, tmp_path / "bare.csv", "--figures", tmp_path / "f") == 0
    printed = capsys.readouterr()
    assert list((tmp_path / "f").iterdir()) == []
    assert [line.split(",")[0] for line in printed.err.splitlines() if "not drawn" in line] == [
        f"not drawn: {name}"
        for name in ("trade_off.png", "hours.png", "sections.png", "delays.png")
    ]
    assert cells(printed.out)["got through"] == ["not known"]
    assert "50 of the approved comments have no label" in printed.out


def test_what_was_not_understood_and_left_out_is_said(policy, tmp_path, capsys):
    odd = [{**row, "created_at": "soon", "weight": 1 + k % 2} for k, row in enumerate(rows())]
    write_rows(odd, tmp_path / "t.jsonl")
    assert simulate(policy, tmp_path / "t.jsonl") == 0
    printed = capsys.readouterr()
    assert "not read: 100 values of 'created_at' not understood" in printed.err
    assert "50 held comments have no time and are in no wait" in printed.out
    assert "Shares are weighted by 'weight'" in printed.out


def test_no_words_of_a_comment_are_printed(policy, table, tmp_path, capsys):
    assert simulate(policy, table) == 0
    printed = capsys.readouterr()
    assert "xylophone" not in printed.out + printed.err


def test_rules_on_the_even_scale_need_a_base_rate(policy, table, capsys):
    rule = '\n[[rule]]\nname = "even"\nattribute = "LIKELY_TO_REJECT"\nscale = "50/50"\n'
    policy.write_text(POLICY + rule + 'threshold = 0.9\naction = "hold"\n')
    assert simulate(policy, table) == 1
    assert "rule 'even' is on the 50/50 scale" in capsys.readouterr().err
    assert simulate(policy, table, "--base-rate", 0.1) == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere.toml", "past.parquet"], "nowhere.toml"),
        (["p.toml", "nowhere.csv"], "no such file"),
        (["p.toml", "past.parquet", "--against", "p.toml"], "is the policy itself"),
        (["p.toml", "past.parquet", "--json", "none/x.json"], "there is no folder"),
        (["p.toml", "past.parquet", "--json", "p.toml"], "is an input"),
        (["p.toml", "past.parquet", "--figures", "p.toml/f"], "no folder can be made"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    args, message, policy, table, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert simulate(*args) == 1
    err = capsys.readouterr().err.strip().splitlines()
    assert message in err[-1]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--pace", "0"), ("--pace", "fast"), ("--moderators", "0"), ("--moderators", "two"),
     ("--hours", "8"), ("--hours", "24-8"), ("--hours", "8-25"), ("--base-rate", "2")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(option, value, policy, table, capsys):
    with pytest.raises(SystemExit):
        simulate(policy, table, option, value)
    assert f"argument {option}" in capsys.readouterr().err


def test_promises_of_another_model_are_not_acted_on_and_said(policy, tmp_path, capsys):
    write_rows((row | {"model": "m2"} for row in rows()), tmp_path / "other.parquet")
    assert simulate(policy, tmp_path / "other.parquet", "--pace", 36) == 0
    printed = capsys.readouterr()
    assert cells(printed.out)["approved unseen"] == ["0 (0.0%)"]
    assert "p.toml: 'clean' was settled on scores of model m1, not of m2" in printed.err
