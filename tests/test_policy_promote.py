"""`promote`: a new policy or model against the present one, as a command."""

import json

import pytest

from moderation.frames import write_rows
from moderation.policy import Action, ErrorLimit, Evidence, Policy, Rule, ScoreScale, TooShort
from moderation.policy.files import write_policy
from moderation.policy_command.command import main

FOUND = Evidence("m1", 5000, 400, 3000, 12, 0.009)


def clean(threshold, error=0.1, **changes):
    given = {"goal": ErrorLimit(error, 0.9), "evidence": FOUND, "audit": 0.5} | changes
    return Rule("LIKELY_TO_REJECT", threshold, Action.APPROVE, "clean", **given)


def remove(threshold):
    return Rule("LIKELY_TO_REJECT", threshold, Action.REMOVE, "sure")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Be in a folder with policies, and decisions of which those below 0.5 are right."""
    monkeypatch.chdir(tmp_path)
    policies = {
        "low": Policy((clean(0.3),), otherwise=Action.HOLD, name="our site"),
        "high": Policy((clean(0.5),), otherwise=Action.HOLD),
        "all": Policy((clean(1.0),), otherwise=Action.HOLD),
        "even": Policy((clean(0.5, scale=ScoreScale.EVEN),), otherwise=Action.HOLD),
        "some": Policy((remove(0.7),), otherwise=Action.HOLD, too_short=TooShort(3)),
        "open": Policy((remove(0.7),)),
        "idle": Policy((clean(0.0),), otherwise=Action.HOLD),
        "asks": Policy((clean(None, evidence=None),), otherwise=Action.HOLD),
    }
    for name, policy in policies.items():
        (tmp_path / f"{name}.toml").write_text(write_policy(policy))
    write_rows(decisions(), "past.parquet")
    return tmp_path


def decisions(*, model="m1", shift=0.0):
    """Yield 200 comments in the order of their scores; those from 0.6 on were removed."""
    for number in range(200):
        yield {
            "id": f"c{number}",
            "text": f"heron {number} <b>*flies*</b>",
            "score": min(1.0, number / 200 + shift),
            "model": model,
            "status": "removed" if number >= 120 else "published",
            "decided_at": f"2026-01-{1 + number % 28:02d}T12:00:00Z",
        }


def run(capsys, *options):
    status = main(["promote", *options])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_policy_that_holds_its_promise_is_promoted(folder, capsys):
    status, out, err = run(capsys, "low.toml", "high.toml", "past.parquet")
    assert status == 0
    assert err == ""
    assert out.startswith("Present: our site, version ")
    lines = out.splitlines()
    assert "Decisions: 200, of which 200 have a label" in lines
    assert [line for line in lines if line.startswith(("| approve", "| hold", "| remove |"))] == [
        "| approve | 60 | 0 | 0 |",
        "| hold | 40 | 100 | 0 |",
        "| remove | 0 | 0 | 0 |",
    ]
    assert "Wait for a person now, and would pass unseen: 40" in lines
    assert "| pass unseen | 60 (30.0%) | 100 (50.0%) |" in lines
    assert "| acted on unseen, and yet seen by a person | 30 (15.0%) | 50 (25.0%) |" in lines
    assert "| hours of moderators' time (30 s each, assumed) | 1.4 | 1.2 |" in lines
    promise = "clean: at most 10% of what it acts on wrong, with 90% confidence"
    says = "kept, and these decisions alone would show it"
    assert f"| then: {promise} | 100 | 0 of 100 (0.000%) | 0.000%, 2.276% | {says} |" in lines
    assert lines[-3] == "Promote."
    assert lines[-2].endswith("more of all comments gets through, with 95% confidence")


def test_a_policy_that_breaks_its_promise_is_not_promoted(folder, capsys):
    status, out, err = run(capsys, "low.toml", "all.toml", "past.parquet")
    assert status == 1
    assert "Do not promote.\n- 'clean' breaks its promise (at most 10%" in out
    assert err.startswith("policy promote: do not promote all.toml: 'clean' breaks its promise")
    assert "; more gets through than now: of 200 labelled comments 80, now 0" in err
    assert err.count("\n") == 1
    assert run(capsys, "all.toml", "low.toml", "past.parquet")[0] == 0


@pytest.mark.parametrize(("tolerated", "expected"), [("0", 1), ("0.04", 1), ("0.2", 0)])
def test_what_may_get_through_is_told_in_so_many_words(tolerated, expected, folder, capsys):
    """Of 200 comments 20 to be removed are below 0.7, and nothing holds them any more."""
    options = ("some.toml", "open.toml", "past.parquet", "--tolerate", tolerated)
    status, out, _ = run(capsys, *options)
    assert status == expected
    assert "20 then; 0 only now, 20 only then" in out
    assert "| promise |" not in out


def test_errors_of_the_two_are_told_by_pair(folder, capsys):
    _, out, _ = run(capsys, "all.toml", "low.toml", "past.parquet")
    assert (
        "Get through, of the same 200 labelled comments: 80 now, 0 then; 80 only now, 0 only then "
        "(McNemar's exact test: p = 1.65e-24)"
    ) in out


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl.gz"])
def test_a_new_model_is_compared_on_the_comments_that_both_scored(ending, folder, capsys):
    """Its table has another order, lacks a comment and has one more."""
    rows = list(decisions(model="m2", shift=0.25))[:-1]
    rows = [rows[-1] | {"id": "other", "text": "another heron"}, *reversed(rows)]
    write_rows(rows, f"new{ending}")
    options = ("high.toml", "high.toml", "past.parquet", "--new-table", f"new{ending}")
    status, out, err = run(capsys, *options)
    assert status == 1
    assert "scores of model m1\nNew: version" in out
    assert "Decisions: 199, " in out
    assert "| approve | 50 | 50 | 0 |" in out
    assert err.splitlines()[:2] == [
        "left out: 1 of past.parquet that are not in the other table, or twice",
        f"left out: 1 of new{ending} that are not in the other table, or twice",
    ]
    assert "'clean' was settled on scores of model m1, not of m2" in err


def test_an_id_of_two_articles_is_two_comments(folder, capsys):
    rows = [row | {"article_id": a, "id": row["id"][1:]} for row in decisions() for a in "ab"]
    write_rows(rows, "both.csv")
    status, out, err = run(capsys, "low.toml", "high.toml", "both.csv", "--new-table", "both.csv")
    assert (status, err) == (0, "")
    assert "Decisions: 400, " in out


def test_tables_without_a_common_comment_are_refused(folder, capsys):
    write_rows([row | {"id": f"x{row['id']}"} for row in decisions()], "new.csv")
    status, out, err = run(capsys, "low.toml", "low.toml", "past.parquet", "--new-table", "new.csv")
    assert (status, out) == (1, "")
    assert "past.parquet and new.csv have no comment in common: expected the same ids" in err


def test_the_last_decisions_alone_are_compared(folder, capsys):
    rows = [row | ({"decided_at": None} if n == 0 else {}) for n, row in enumerate(decisions())]
    write_rows(rows, "some.parquet")
    _, out, err = run(capsys, "low.toml", "high.toml", "some.parquet", "--last", "50")
    assert "Decisions: 50, " in out
    assert err.startswith("left out: 1 without a time of the decision\n")


def test_too_few_decisions_say_how_many_more(folder, capsys):
    status, _, err = run(capsys, "low.toml", "high.toml", "past.parquet", "--last", "20")
    assert status == 1
    assert "'clean': too few decisions to tell: " in err
    assert "more decisions are needed" in err


def test_a_promise_that_acts_on_nothing_has_no_share(folder, capsys):
    status, out, _ = run(capsys, "low.toml", "idle.toml", "past.parquet")
    assert status == 1
    assert "| 0 | 0 of 0 | 0.000%, 100.000% | too few decisions to tell |" in out


def test_uneven_weights_are_told(folder, capsys):
    rows = [row | {"weight": 1 + n % 2} for n, row in enumerate(decisions())]
    write_rows(rows, "weighted.parquet")
    _, out, _ = run(capsys, "low.toml", "high.toml", "weighted.parquet")
    assert "Their weights are uneven: errors are counted on " in out


def test_comments_that_move_are_shown_in_a_file_alone(folder, capsys):
    compared = ("low.toml", "high.toml", "past.parquet")
    shown = [
        run(capsys, *compared, "--show", f"{name}.md", "--seed", seed)
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    assert not any("heron" in out + err for _, out, err in shown)
    texts = [(folder / f"{name}.md").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]
    assert "## Pass unseen now, and would wait for a person: 0 of 0" in texts[0]
    assert "## Wait for a person now, and would pass unseen: 20 of 40" in texts[0]
    blocks = texts[0].split("```text\n")[1:]
    numbers = [int(block.split("\n")[0][1:]) for block in blocks]
    assert all(60 <= number < 100 for number in numbers)
    assert blocks[0].startswith(f"c{numbers[0]}\n\nheron {numbers[0]} <b>*flies*</b>\n```")
    score = f"LIKELY_TO_REJECT {numbers[0] / 200:.4f}"
    assert (
        f"- kept\n- now: hold ({score}), no rule matches\n- then: approve ({score}), by 'clean'\n"
        in texts[0]
    )


@pytest.mark.parametrize(
    ("text", "fence", "inside"),
    [
        ("``` ends\n```", "````", "``` ends\n```"),
        ("~~~\n</pre><script>", "```", "~~~\n</pre><script>"),
        ("\x1b[2J\x07 \u202egnos\u2028#", "```", "\\x1b[2J\\x07 \\u202egnos\\u2028#"),
        ("a\r# b", "```", "a\\r# b"),
        (None, "```", "(no words)"),
    ],
)
def test_nothing_that_is_shown_is_interpreted(text, fence, inside, folder, capsys):
    rows = [row | ({"text": text} if n == 70 else {}) for n, row in enumerate(decisions())]
    write_rows([rows[70], *rows[:20], *rows[120:]], "few.jsonl")
    run(capsys, "low.toml", "high.toml", "few.jsonl", "--show", "moves.md")
    written = (folder / "moves.md").read_text()
    assert f"\n{fence}text\nc70\n\n{inside}\n{fence}\n" in written


def test_the_result_is_written_as_json_too(folder, capsys):
    run(capsys, "low.toml", "all.toml", "past.parquet", "--json", "told.json")
    told = json.loads((folder / "told.json").read_text())
    assert told["moves"] == [[60, 0, 0], [140, 0, 0], [0, 0, 0]]
    assert (told["to_wait"], told["to_pass"]) == (0, 140)
    assert told["decision"]["promote"] is False
    assert told["rechecks"][0]["outcome"] == "contradicted"
    assert [one["total"]["approved"] for one in told["workload"]] == [60, 200]
    assert told["new"]["model"] == "m1"
    assert "heron" not in json.dumps(told)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["low.toml", "no.toml", "past.parquet"], "no.toml: cannot be read (No such file"),
        (["low.toml", "asks.toml", "past.parquet"], "no threshold was found for it yet"),
        (["low.toml", "even.toml", "past.parquet"], "even.toml: a rule is on the 50/50 scale"),
        (["low.toml", "low.toml", "no.parquet"], "no.parquet"),
        (["low.toml", "low.toml", "past.parquet", "--show", "past.parquet"], "is an input, too"),
        (["low.toml", "low.toml", "past.parquet", "--json", "no/f.json"], "there is no folder no"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(options, says, folder, capsys):
    status, out, err = run(capsys, *options)
    assert (status, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


def test_times_that_say_nothing_are_counted(folder, capsys):
    write_rows([row | {"decided_at": "soon"} for row in decisions()], "undated.csv")
    assert "200 values of 'decided_at'" in run(capsys, "low.toml", "low.toml", "undated.csv")[2]


def test_scores_of_each_model_have_their_own_base_rate(folder, capsys):
    """On the 50/50 scale 0.5 is the base rate."""
    rates = ("--base-rate", "0.4", "--new-base-rate", "0.2")
    _, out, _ = run(capsys, "even.toml", "even.toml", "past.parquet", *rates)
    assert "| approve | 40 | 40 | 0 |" in out


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--last=0", "'0' is not a number of decisions, such as 1000"),
        ("--last=all", "is not a number of decisions"),
        ("--tolerate=1", "is not a share from 0 to below 1"),
        ("--tolerate=nan", "is not a share from 0 to below 1"),
        ("--base-rate=1", "is not a share"),
    ],
)
def test_an_option_that_is_none_is_refused(option, says, folder, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["promote", "low.toml", "low.toml", "past.parquet", option])
    assert refused.value.code == 2
    assert says in capsys.readouterr().err
