"""The audit: whatever is done to the history behind the desk's back is found."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from moderation import review
from moderation.audit import main
from moderation.chain import BEGINNING, SEALED, digest_note, seal
from moderation.comments import Comment, Status
from moderation.database import open_store
from moderation.policy import Action
from moderation.review import Evidence, key_of
from moderation.review.audit import Account, follow
from moderation.tables import Decision, Kind
from tests.databases import read_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMENTS = [Comment(str(n), f"remark number {n}", "csv", article_id="bridge") for n in range(1, 8)]
KEYS = [key_of(comment) for comment in COMMENTS]


@pytest.fixture
def history(store):
    """Return a store with eight rows of history, of all kinds."""
    times = (NOON + timedelta(minutes=n, microseconds=n) for n in range(20))

    def facts(by: str) -> dict:
        return {"decided_by": by, "decided_at": next(times)}

    seen = Evidence(1 / 3, "first model")
    with store.writing() as session:
        review.add_comments(session, COMMENTS, added_at=NOON)
        review.record_decision(session, KEYS[0], Action.APPROVE, evidence=seen, **facts("anna"))
        review.record_decision(
            session, KEYS[1], Action.REMOVE, house_rule="spam", note="twice today", **facts("ben")
        )
        review.undo(session, **facts("ben"))
        review.escalate(session, KEYS[2], note="which law?", **facts("anna"))
        bulk = {"chosen_by": "a search", **facts("clara")}
        review.decide_bulk(session, KEYS[3:5], Action.APPROVE, **bulk)
        review.reopen(session, KEYS[0], **facts("clara"))
        review.record_decision(session, KEYS[5], Action.APPROVE, **facts("anna"))
    return store


def audit(store, noted=None) -> list[str]:
    with store.reading() as session:
        return list(follow(session, Account(), noted=noted))


def tamper(store, *statements: str) -> None:
    """Change the database as somebody would who has its password and no scruples."""
    with store.engine.execution_options(writes=True, migrates=True).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def remove(store, number: int) -> None:
    """Take a row out, and whatever would hinder that."""
    tamper(
        store,
        f"UPDATE comment SET decision_id = NULL, label = 0 WHERE decision_id = {number}",
        f"UPDATE decision SET overrules_id = NULL WHERE overrules_id = {number}",
        f"UPDATE held SET escalation_id = NULL WHERE escalation_id = {number}",
        f"DELETE FROM decision WHERE undoes_id = {number} OR id = {number}",
    )


def insert(store, number: int, *, before: str, **facts: object) -> dict:
    """Put a row in that has a digest as if it had always been there."""
    row = dict.fromkeys(SEALED) | {
        "id": number, "comment_key": KEYS[6], "kind": Kind.DECISION, "action": Action.APPROVE,
        "decided_by": "anna", "decided_at": NOON, "weight": 1.0, **facts,
    }  # fmt: skip
    row["digest"] = seal(row, before=before)
    with store.writing() as session:
        session.add(Decision(**row))
    return row


def make_anew(store) -> None:
    """Give all rows digests that match, and the end of the history, too."""
    with store.reading() as session:
        found = session.scalars(select(Decision).order_by(Decision.id))
        rows = [{name: getattr(row, name) for name in SEALED} for row in found]
    before = BEGINNING
    for row in rows:
        before = seal(row, before=before)
        tamper(store, f"UPDATE decision SET digest = '{before}' WHERE id = {row['id']}")
    tamper(store, f"UPDATE chain SET last_id = {rows[-1]['id']}, digest = '{before}'")


def test_a_history_as_it_was_written_has_no_findings(history):
    account = Account()
    with history.reading() as session:
        assert list(follow(session, account)) == []
        last = session.get(Decision, 8)
    assert (account.decisions, account.erased_notes) == (8, 0)
    assert (account.last_id, account.digest) == (8, last.digest)


def test_an_empty_history_has_no_findings(store):
    assert audit(store) == []


CHANGES = {
    "id": "99",
    "comment_key": f"'{KEYS[6]}'",
    "kind": "'opinion'",
    "action": "'hold'",
    "house_rule": "'other'",
    "decided_by": "'dora'",
    "decided_at": "'2026-03-05 12:00:00.000000'",
    "score": "0.3333333333333334",
    "model_version": "'second model'",
    "policy_rule": "'another'",
    "overrules_id": "2",
    "undoes_id": "1",
    "opinion_on_id": "2",
    "bulk_id": "1",
    "weight": "2",
    "note_digest": f"'{digest_note('another')}'",
}


def test_the_changes_are_to_every_column_that_is_sealed():
    assert CHANGES.keys() == set(SEALED)


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_value_is_found(history, column):
    tamper(history, f"UPDATE decision SET {column} = {CHANGES[column]} WHERE id = 8")
    finding = audit(history)[0]
    expected = {"id": "decisions 8 to 98: missing, or decision 99 was changed"}
    assert finding == expected.get(
        column, "decision 8: changed, or the one before it was and given a digest to match"
    )


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_changed_row_is_found_by_its_number(history, number):
    tamper(history, f"UPDATE decision SET decided_by = 'dora' WHERE id = {number}")
    [finding] = audit(history)
    assert finding.startswith(f"decision {number}: changed")


@pytest.mark.parametrize("number", [1, 4, 8])
def test_a_changed_digest_is_found_once(history, number):
    tamper(history, f"UPDATE decision SET digest = '{64 * 'a'}' WHERE id = {number}")
    findings = audit(history)
    assert findings[0].startswith(f"decision {number}: changed")
    assert len(findings) == (2 if number == 8 else 1)


def test_a_changed_row_with_a_digest_to_match_is_found_by_the_next(history):
    rows = read_rows(str(history.engine.url), "decision")["decision"]
    tamper(history, "UPDATE decision SET decided_by = 'dora' WHERE id = 4")
    with history.reading() as session:
        row = {name: getattr(session.get(Decision, 4), name) for name in SEALED}
    digest = seal(row, before=rows[2]["digest"])
    tamper(history, f"UPDATE decision SET digest = '{digest}' WHERE id = 4")
    [finding] = audit(history)
    assert finding.startswith("decision 5: changed, or the one before it was")


@pytest.mark.parametrize(
    ("number", "finding"),
    [
        (1, "decision 1: missing, or decision 2 was changed"),
        (4, "decision 4: missing, or decision 5 was changed"),
        (2, "decisions 2 to 3: missing, or decision 4 was changed"),
        (8, "decision 8: missing at the end (table chain)"),
    ],
)
def test_a_row_taken_out_is_found(history, number, finding):
    """With the second goes its undo, the third."""
    remove(history, number)
    assert finding in audit(history)


def test_rows_that_changed_places_are_found(history):
    tamper(
        history,
        "UPDATE decision SET id = 99 WHERE id = 5",
        "UPDATE decision SET id = 5 WHERE id = 6",
        "UPDATE decision SET id = 6 WHERE id = 99",
    )
    numbers = [finding.split(":")[0] for finding in audit(history)]
    assert numbers[:2] == ["decision 5", "decision 6"]


def test_a_row_put_in_at_the_end_is_found(history):
    with history.reading() as session:
        last = session.get(Decision, 8).digest
    insert(history, 9, before=last)
    assert "decision 9: put in at the end (table chain)" in audit(history)


@pytest.mark.parametrize("digest", ["made to match", "invented"])
def test_a_row_put_in_between_is_found(history, digest):
    """There is room where a number was left out, as PostgreSQL did before there were digests."""
    tamper(history, "UPDATE decision SET id = 20 WHERE id = 8")
    tamper(history, "UPDATE comment SET decision_id = 20 WHERE decision_id = 8")
    make_anew(history)
    assert audit(history) == []
    with history.reading() as session:
        before = session.get(Decision, 7).digest
    insert(history, 9, before=before if digest == "made to match" else 64 * "0")
    assert audit(history)[0] == "decision 9: put in"


def test_a_history_made_anew_is_found_by_what_was_noted_only(history):
    with history.reading() as session:
        noted = {number: session.get(Decision, number).digest for number in (3, 8)}
    tamper(history, "UPDATE decision SET decided_by = 'dora' WHERE id = 4")
    make_anew(history)
    assert audit(history) == []
    assert audit(history, noted) == ["decision 8: not the one whose digest was noted"]


def test_an_end_cut_off_with_care_is_found_by_what_was_noted_only(history):
    with history.reading() as session:
        noted = {8: session.get(Decision, 8).digest}
    remove(history, 8)
    make_anew(history)
    assert audit(history) == []
    assert audit(history, noted) == ["decision 8: missing, though its digest was noted"]


def test_a_noted_row_that_is_missing_in_the_middle_is_told(history):
    with history.reading() as session:
        noted = {4: session.get(Decision, 4).digest}
    remove(history, 4)
    make_anew(history)
    assert audit(history, noted) == ["decision 4: missing, though its digest was noted"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE chain SET last_id = 9", "decision 9: missing at the end"),
        ("UPDATE chain SET last_id = 6", "decisions 7 to 8: put in at the end"),
        (
            f"UPDATE chain SET digest = '{BEGINNING}'",
            "decision 8: not the one with which the history ended",
        ),
        ("DELETE FROM chain", "the end of the history is noted 0 times; expected once"),
        (
            f"INSERT INTO chain VALUES (2, 8, '{BEGINNING}')",
            "the end of the history is noted 2 times; expected once",
        ),
    ],
)
def test_a_changed_end_is_found(history, change, finding):
    tamper(history, change)
    assert audit(history) == [f"{finding} (table chain)"]


def test_a_changed_note_is_found_and_an_erased_one_counted(history):
    tamper(history, "UPDATE decision SET note = 'once today' WHERE id = 2")
    tamper(history, "UPDATE decision SET note = NULL WHERE id = 4")
    account = Account()
    with history.reading() as session:
        assert list(follow(session, account)) == ["decision 2: its note was changed"]
    assert account.erased_notes == 1


def test_a_note_put_in_is_found(history):
    tamper(history, "UPDATE decision SET note = 'by the way' WHERE id = 8")
    assert audit(history) == ["decision 8: its note was changed"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            f"UPDATE comment SET decision_id = 1 WHERE key = '{KEYS[0]}'",
            "decision 1: in force on a comment, though the history says none is",
        ),
        (
            f"UPDATE comment SET decision_id = 5 WHERE key = '{KEYS[5]}'",
            "decision 5: in force on a comment, though the history says decision 8 is",
        ),
        (
            f"UPDATE comment SET decision_id = 8 WHERE key = '{KEYS[6]}'",
            "decision 8: in force on a comment, though the history says none is",
        ),
        (
            f"UPDATE comment SET decision_id = NULL WHERE key = '{KEYS[5]}'",
            "decision 8: no longer in force, though the history says it is",
        ),
    ],
)
def test_a_comment_with_another_decision_than_its_history_is_found(history, change, finding):
    tamper(history, change)
    assert audit(history) == [finding]


def test_a_comment_taken_out_is_found(tmp_path, monkeypatch):
    """PostgreSQL does not let it go; SQLite does where nobody asks it to look."""
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    with store.writing() as session:
        review.add_comments(session, COMMENTS, added_at=NOON)
        review.record_decision(session, KEYS[0], Action.APPROVE, decided_by="anna", decided_at=NOON)
    tamper(store, f"DELETE FROM comment WHERE key = '{KEYS[0]}'")
    assert audit(store) == ["decision 1: its comment is gone"]


def test_words_edited_after_a_decision_are_no_finding(history):
    """The decision is not on them: they wait again."""
    edited = Comment("6", "another remark", "csv", article_id="bridge")
    with history.writing() as session:
        review.add_comments(session, [edited], added_at=NOON)
    assert audit(history) == []


def test_a_decided_comment_edited_and_then_removed_by_its_source_is_no_finding(history):
    edited = Comment("6", "another remark", "csv", Status.REMOVED, article_id="bridge")
    with history.writing() as session:
        review.add_comments(session, [edited], added_at=NOON)
    assert audit(history) == []


def test_a_second_opinion_is_never_in_force(history):
    facts = {"decided_at": NOON, "house_rule": "spam"}
    with history.writing() as session:
        review.record_decision(
            session, KEYS[6], Action.APPROVE, decided_by="anna", second_share=1.0, decided_at=NOON
        )
        review.record_decision(session, KEYS[6], Action.REMOVE, decided_by="ben", **facts)
    assert audit(history) == []
    with history.writing() as session:
        review.undo(session, decided_by="ben", decided_at=NOON)
    assert audit(history) == []


def test_an_overruled_decision_that_is_taken_back_is_followed(history):
    with history.writing() as session:
        first = session.get(Decision, 8)
        review.record_decision(
            session, KEYS[5], Action.REMOVE, house_rule="spam", overrules=first,
            decided_by="ben", decided_at=NOON,
        )  # fmt: skip
    assert audit(history) == []
    with history.writing() as session:
        review.undo(session, decided_by="ben", decided_at=NOON)
    assert audit(history) == []


def test_a_migrated_history_has_no_findings(old_address):
    store = open_store(old_address, tell=lambda line: None)
    assert audit(store) == []
    store.engine.dispose()


def test_more_rows_than_are_read_at_once_are_followed(history, monkeypatch):
    monkeypatch.setattr(review.audit, "READ_AT_ONCE", 3)
    assert audit(history) == []
    tamper(history, "UPDATE decision SET decided_by = 'dora' WHERE id = 7")
    assert len(audit(history)) == 1


# The command


def url_of(store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def test_the_command_prints_what_to_note(history, capsys):
    assert main(["--database", url_of(history)]) == 0
    out = capsys.readouterr().out.splitlines()
    with history.reading() as session:
        assert out == ["8 decisions; 0 notes erased", f"8:{session.get(Decision, 8).digest}"]
    assert main(["--database", url_of(history), "--expect", out[1]]) == 0


def test_the_command_prints_each_finding_and_ends_with_1(history, capsys):
    tamper(history, "UPDATE decision SET decided_by = 'dora' WHERE id IN (2, 7)")
    assert main(["--database", url_of(history), "--expect", f"3:{64 * 'a'}"]) == 1
    told = capsys.readouterr()
    starts = [line.split(":")[0] for line in told.out.splitlines()]
    assert starts == ["decision 2", "decision 3", "decision 7", "8 decisions; 0 notes erased", "8"]
    assert "3 findings: the history is not the one that was written" in told.err


def test_the_command_changes_no_earlier_database(old_address, capsys):
    before = read_rows(old_address, "decision")
    assert main(["--database", old_address]) == 1
    assert "has schema 0001, expected 0003" in capsys.readouterr().err
    assert read_rows(old_address, "decision") == before


def test_the_command_makes_no_database(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MODERATION_DATABASE_URL", f"sqlite:///{tmp_path}/review.db")
    assert main([]) == 1
    assert "no such database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_told_in_one_line(tmp_path, capsys):
    address = f"sqlite:///{tmp_path}/review.db"
    open_store(address).engine.dispose()
    with (tmp_path / "review.db").open("r+b") as file:
        file.seek(4096)
        file.write(bytes(40 * 4096))
    assert main(["--database", address]) == 1
    assert "the file is damaged; put a copy of it back" in capsys.readouterr().err


def test_a_database_that_fails_under_way_is_told_in_one_line(tmp_path, capsys):
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    tamper(store, "ALTER TABLE decision RENAME TO chapter")
    assert main(["--database", f"sqlite:///{tmp_path}/review.db"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("given", ["8", "8:abc", f"x:{64 * 'a'}", f"8:{64 * 'A'}"])
def test_a_note_that_is_none_is_refused(given, capsys):
    with pytest.raises(SystemExit):
        main(["--expect", given])
    assert "is not ID:DIGEST" in capsys.readouterr().err
