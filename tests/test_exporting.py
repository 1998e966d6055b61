"""Exports of decisions: every column, hostile words, and that the other commands read them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from moderation import exporting, frames, review
from moderation.comments import Status
from moderation.database import open_store
from moderation.export import main
from moderation.exporting import COLUMNS, Chosen, export_rows, write_export
from moderation.formulas import MARKED
from moderation.parsers import read_comments
from moderation.past import read_past, read_texts
from moderation.policy import Action, Verdict
from moderation.policy_command.command import main as policy
from moderation.train import main as train
from tests.deciding import NOON, RULE, Deciding, key, remark
from tests.samples import labelled_comments

REMOVE = Action.REMOVE
HOSTILE = (
    "=HYPERLINK(\"http://elsewhere.example/\";\"click\")",
    "+49|cmd|' /C calc'!A0",
    "-2+3+cmd",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "a quiet beginning;=1+1",
    'he said "=1+1"',
    "a list:\n-one\n=two",
    "'=already marked",
    "''",
    "<script>alert(1)</script>",
    "[a link](http://elsewhere.example/) ![x](http://elsewhere.example/x.png)",
    "before \u202ereversed\u202c after \u2066isolated \u200b end",
    "ab" * 10_000,
    "😀" * 2_000,
    "one \u2028 two \x85 three",
    'quoted "" and, commas',
    "ümläut 中文 עברית",
)  # fmt: skip
ENDINGS = ["csv", "csv.gz", "jsonl", "parquet"]


def export(store, path, **chosen):
    with store.reading() as session:
        return write_export(session, path, Chosen(**chosen))


def rows(store, **chosen):
    with store.reading() as session:
        return list(export_rows(session, Chosen(**chosen)))


def test_a_row_has_the_comment_and_the_decision(store):
    comment = remark("1", "some words", author="anna", created_at=NOON, positive_votes=0)
    desk = Deciding(store, comment)
    desk.decide("1", REMOVE, score=0.75, note="see the thread")
    [row] = rows(store)
    assert tuple(row) == COLUMNS
    expected = {
        "id": "1", "text": "some words", "author": "anna", "created_at": NOON, "positive_votes": 0,
        "negative_votes": None, "article_id": "https://courier.example/bridge", "source": "desk",
        "status": "removed", "removal_reason": "spam", "label": 1, "decision": 1, "key": key("1"),
        "kind": "decision", "in_force": True, "action": "remove", "house_rule": "spam",
        "decided_by": "anna", "decided_at": NOON + timedelta(minutes=1), "score": 0.75,
        "model": "m1", "rule": "one in two", "policy_rule": str(RULE), "weight": 1.0,
        "note": "see the thread", "overrules": None, "characters": 10,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_only_what_a_person_decided_and_is_in_force_is_a_label(store):
    """Else a policy would teach itself, and what was undone would go on teaching."""
    desk = Deciding(store, number=5)
    desk.decide("1", REMOVE)
    desk.decide("2", by="policy:1a2b")
    desk.decide("3", second_share=1.0)
    desk.decide("3", REMOVE, by="ben")
    desk.decide("4")
    desk.overrule("4", by="clara")
    desk.decide("5", REMOVE)
    desk.undo()
    in_force = {row["id"]: (row["label"], row["status"]) for row in rows(store)}
    assert in_force == {
        "1": (1, "removed"), "2": (None, None), "3": (0, "published"), "4": (1, "removed"),
    }  # fmt: skip
    history = [(row["id"], row["kind"], row["label"]) for row in rows(store, history=True)]
    assert history == [
        ("1", "decision", 1), ("2", "decision", None), ("3", "decision", 0),
        ("3", "opinion", None), ("4", "decision", None), ("4", "decision", 1),
        ("5", "decision", None), ("5", "undo", None),
    ]  # fmt: skip
    told = rows(store, history=True)
    assert (told[3]["opinion_on"], told[5]["overrules"], told[7]["undoes"]) == (3, 5, 7)
    assert [row["in_force"] for row in told] == [True, True, True, False, False, True, False, False]


def test_words_and_authors_can_be_left_out(store):
    desk = Deciding(store, remark("1", "some words", author="anna", article_title="The bridge"))
    desk.decide("1", note="about her")
    [row] = rows(store, texts=False)
    assert [row[name] for name in ("text", "article_title", "note")] == [None] * 3
    assert (row["author"], row["characters"]) == ("anna", 10)
    [row] = rows(store, authors=False)
    assert (row["author"], row["text"]) == (None, "some words")


@pytest.fixture
def hostile(store):
    comments = [
        remark(f"{n}", text, author=text[:60], article_title=text[:60])
        for n, text in enumerate(HOSTILE, start=1)
    ]
    desk = Deciding(store, *comments)
    for n, text in enumerate(HOSTILE, start=1):
        desk.decide(f"{n}", (Action.APPROVE, REMOVE)[n % 2], score=0.75, note=text)
    return store


@pytest.mark.parametrize("ending", ENDINGS)
def test_hostile_words_come_back_as_they_were(hostile, ending, tmp_path):
    path = tmp_path / f"decisions.{ending}"
    assert export(hostile, path) == len(HOSTILE)
    found = list(read_comments(path))
    assert [comment.text for comment in found] == list(HOSTILE)
    assert [comment.author for comment in found] == [text[:60] for text in HOSTILE]
    assert [comment.article_title for comment in found] == [text[:60] for text in HOSTILE]
    assert [comment.extra["note"] for comment in found] == list(HOSTILE)
    assert [comment.label for comment in found] == [n % 2 for n in range(1, len(HOSTILE) + 1)]
    assert not any(MARKED in comment.extra for comment in found)


def test_no_cell_of_a_csv_is_a_formula(hostile, tmp_path):
    path = tmp_path / "decisions.csv"
    export(hostile, path)
    with path.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    for row in table:
        for name, cell in row.items():
            if name not in ("score", "rating"):
                assert cell.strip(" \u200b\u202e\u2066")[:1] not in set("=+-@＝\t\r\n"), name
        assert row[MARKED] == "1"


def test_lines_of_json_keep_hostile_words_to_their_place(hostile, tmp_path):
    """Nothing turns the direction of what follows, or ends a line, for whoever looks at it."""
    path = tmp_path / "decisions.jsonl"
    export(hostile, path)
    written = path.read_text(encoding="utf-8")
    assert not set(written) & set("\u202e\u202c\u2066\u2028\x85")
    assert [json.loads(line)["text"] for line in written.splitlines()] == list(HOSTILE)


def test_types_are_those_of_the_columns_whatever_the_first_rows_hold(store, tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "BATCH_ROWS", 2)
    monkeypatch.setattr(exporting, "READ_AT_ONCE", 2)
    desk = Deciding(store, number=5)
    for id in "1234":
        desk.decide(id)
    desk.decide("5", REMOVE, score=0.5)
    desk.overrule("4")
    path = tmp_path / "decisions.parquet"
    assert export(store, path, history=True) == 6
    table = pq.read_table(path)
    assert table.schema.names == list(COLUMNS)
    for name, kind in exporting.TYPES.items():
        assert table.schema.field(name).type == kind
    assert table["overrules"].to_pylist() == [None] * 5 + [4]
    assert table["decision"].to_pylist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_history_is_a_table_without_rows(store, ending, tmp_path):
    path = tmp_path / f"decisions.{ending}"
    assert export(store, path) == 0
    assert path.exists()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (str(RULE), "one in two"),
        (str(replace(RULE, name="spam: links: below 3")), "spam: links: below 3"),
        (str(replace(RULE, name="")), None),
        (str(replace(RULE, action=Action.APPROVE)), "one in two"),
        (None, None),
    ],
)
def test_a_rule_is_called_by_its_name(said, name):
    assert exporting._name_rule(said) == name


@pytest.fixture
def decided(tmp_path):
    """Return the address of a store in which samples are decided as they are labelled."""
    address = f"sqlite:///{tmp_path}/review.db"
    store = open_store(address)
    comments = [
        replace(c, status=Status.PUBLISHED, created_at=datetime(2099, 1, 1 + n % 28, tzinfo=UTC))
        for n, c in enumerate(labelled_comments())
    ]
    Deciding(store, *comments)
    with store.writing() as session:
        for number, comment in enumerate(comments):
            is_removed = number < 60
            review.record_decision(
                session, review.key_of(comment), REMOVE if is_removed else Action.APPROVE,
                decided_by="anna", decided_at=NOON + timedelta(seconds=20 * number),
                house_rule="spam" if is_removed else None,
                evidence=review.Evidence(0.9, "m1", Verdict(RULE.action, RULE))
                if is_removed
                else review.Evidence(0.1, "m1"),
            )  # fmt: skip
    store.engine.dispose()
    return address


def run_export(address, path, *options):
    assert main(["-o", str(path), "--database", address, *options]) == 0
    return path


POLICY = """
otherwise = "approve"

[[rule]]
name = "one in two"
attribute = "LIKELY_TO_REJECT"
threshold = {threshold}
action = "{action}"
{more}
"""
PROMISE = """
guarantee = { error = 0.1, confidence = 0.9 }
audit = 0.5
evidence = { model = "m1", labels = 500, removed = 60, acted = 60, errors = 1, bound = 0.05 }
"""


@pytest.fixture
def write_policy(tmp_path):
    def write(name="policy.toml", *, threshold=0.5, action="hold", more=""):
        path = tmp_path / name
        path.write_text(POLICY.format(threshold=threshold, action=action, more=more))
        return str(path)

    return write


@pytest.mark.parametrize("ending", ENDINGS)
def test_policies_are_replayed_on_an_export(decided, ending, write_policy, tmp_path, capsys):
    """Scores, labels, who decided and when: the pace is measured from it."""
    table = run_export(decided, tmp_path / f"decisions.{ending}")
    assert policy(["simulate", write_policy(), str(table)]) == 0
    assert "the median of 199 gaps" in capsys.readouterr().out
    past = read_past(table, attributes=["LIKELY_TO_REJECT"])
    assert (past.model, len(past), int((past.labels == 1).sum())) == ("m1", 200, 60)
    assert past.decided_by.names == ("anna",)
    assert len(past.articles.names) == 20
    assert past.left_out == {}
    assert read_texts(table, [0])[0].text == next(labelled_comments()).text


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_model_learns_from_an_export(decided, ending, tmp_path, capsys):
    table = run_export(decided, tmp_path / f"decisions.{ending}")
    model = tmp_path / "model.joblib"
    assert train([str(table), "--base", "none", "--out", str(model)]) == 0
    told = capsys.readouterr()
    assert "measured on comments of articles set aside" in told.out
    assert "not labelled" not in told.err


def test_policies_are_compared_on_an_export(decided, write_policy, tmp_path, capsys):
    table = run_export(decided, tmp_path / "decisions.parquet")
    present, new = write_policy("present.toml"), write_policy("new.toml", threshold=0.4)
    assert policy(["promote", present, new, str(table), "--plain-sample"]) in (0, 1)
    told = capsys.readouterr()
    assert "200" in told.out
    assert "left out" not in told.err


def test_automatic_rules_are_watched_on_an_export(decided, write_policy, tmp_path, capsys):
    """The rule is named as the policy names it; what no rule fired on is counted."""
    table = run_export(decided, tmp_path / "decisions.csv")
    assert policy(["watch", write_policy(action="remove", more=PROMISE), str(table)]) == 0
    told = capsys.readouterr()
    assert "| one in two | remove | 60 | 0 |" in told.out
    assert "left out: 140 without a rule" in told.err
    assert "audits are in the order of decided_at" in told.err


def test_thresholds_are_settled_on_an_export(decided, trained, write_policy, tmp_path, capsys):
    """Decisions that all weigh the same are no sample by themselves: somebody has to say so."""
    table = run_export(decided, tmp_path / "decisions.parquet")
    asks = write_policy(more='point = "maximum match_rate @ match_rate <= 0.2"')
    text = (tmp_path / "policy.toml").read_text().replace("threshold = 0.5\n", "")
    (tmp_path / "policy.toml").write_text(text)
    arguments = ["settle", asks, str(trained), str(table), "-o", str(tmp_path / "new.toml")]
    assert policy(arguments) == 1
    assert "how did these labels come about?" in capsys.readouterr().err
    assert policy([*arguments, "--plain-sample"]) == 0


def test_the_command_says_how_many_it_wrote(decided, tmp_path, capsys):
    run_export(decided, tmp_path / "decisions.parquet", "--all", "--without-texts")
    assert "200 rows of the history" in capsys.readouterr().err
    run_export(decided, tmp_path / "decisions.parquet", "--without-authors")
    assert "200 decisions in force" in capsys.readouterr().err


def test_lines_of_json_go_to_standard_output(decided, capsysbinary):
    assert main(["-o", "-", "--database", decided]) == 0
    assert len(capsysbinary.readouterr().out.splitlines()) == 200


@pytest.mark.parametrize(
    ("output", "database", "expected"),
    [
        ("decisions.xlsx", None, "unknown ending"),
        ("nowhere/decisions.csv", None, "there is no folder"),
        ("decisions.csv", "sqlite:///nothing/here.db", "no such database"),
        ("decisions.csv", "no address", "not a database address"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    output, database, expected, decided, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["-o", output, "--database", database or decided]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert expected in line


def test_what_was_there_stays_when_an_export_breaks_off(store, tmp_path, monkeypatch):
    Deciding(store, number=2).decide("1")
    path = tmp_path / "decisions.csv"
    path.write_text("kept")
    monkeypatch.setattr(exporting, "_as_row", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(store, path)
    assert [file.name for file in tmp_path.glob("*decisions*")] == ["decisions.csv"]
    assert path.read_text() == "kept"
