"""Schemas: a database of an earlier one is brought to this one and back, and loses nothing."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from moderation import schema
from moderation.chain import BEGINNING, SEALED, seal
from moderation.database import connect, open_store
from moderation.errors import ReviewError
from moderation.schema import (
    MIGRATIONS,
    differences,
    find_losses,
    find_revision,
    known_revisions,
    migrate,
    newest_revision,
)
from moderation.tables import BAND_COLUMNS
from tests.databases import make_old_database, read_rows
from tests.processes import PROCESSES

TABLES = ("comment", "decision", "score")


@pytest.fixture
def engine(address):
    engine = connect(address)
    yield engine
    engine.dispose()


@pytest.fixture
def old_engine(old_address):
    engine = connect(old_address)
    yield engine
    engine.dispose()


def write(engine, statement: str) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(text(statement))


def without(rows: list[dict], *names: str) -> list[dict]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def silent(_line: str) -> None:
    """Tell nobody."""


def test_an_empty_database_has_no_schema(engine):
    assert find_revision(engine) is None


def test_the_tables_of_an_empty_database_are_those_of_the_models(engine):
    migrate(engine)
    assert differences(engine) == []
    assert find_revision(engine) == newest_revision()


def test_a_database_of_the_first_schema_is_known_by_its_tables(old_engine):
    assert find_revision(old_engine) == "0001"


def test_a_migrated_database_has_the_tables_of_the_models(old_engine):
    migrate(old_engine, tell=silent)
    assert differences(old_engine) == []
    assert find_revision(old_engine) == newest_revision()


def test_migrating_keeps_every_value(old_engine, old_address):
    before = read_rows(old_address, *TABLES)
    migrate(old_engine, tell=silent)
    after = read_rows(old_address, *TABLES)
    new = ("kind", "opinion_on_id", "bulk_id", "weight", "note", "note_digest", "digest")
    assert after["score"] == before["score"]
    of_comments = ("words_after_id", "forgotten_at", "signed_with", *BAND_COLUMNS)
    assert without(after["comment"], *of_comments) == before["comment"]
    assert without(after["decision"], *new) == before["decision"]
    assert [len(before[name]) for name in TABLES] == [8, 8, 5]


def test_migrated_decisions_are_sealed_as_new_ones_are(old_engine, old_address):
    migrate(old_engine, tell=silent)
    rows = read_rows(old_address, "decision", "chain")
    digest = BEGINNING
    for row in rows["decision"]:
        moment = row["decided_at"]
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        digest = seal({**row, "decided_at": moment}, before=digest)
        assert row["digest"] == digest
    assert rows["chain"] == [{"id": 1, "last_id": 8, "digest": digest}]


def test_what_waited_before_the_migration_is_held(old_engine, old_address):
    """Not what has no words, a known outcome or a decision; but what was edited since its own."""
    migrate(old_engine, tell=silent)
    rows = read_rows(old_address, "comment", "held")
    held = {row["comment_key"] for row in rows["held"]}
    waiting = {
        (row["article_key"][-5:], row["source_id"]) for row in rows["comment"] if row["key"] in held
    }
    assert waiting == {("ridge", "2"), ("ridge", "4"), ("ferry", "2")}


def test_words_edited_after_a_decision_are_told_from_those_it_was_on(old_engine, old_address):
    migrate(old_engine, tell=silent)
    rows = read_rows(old_address, "comment")["comment"]
    edited = {row["source_id"]: row["words_after_id"] for row in rows if row["words_after_id"]}
    assert edited == {"4": 8}


def test_undos_are_told_from_decisions(old_engine, old_address):
    migrate(old_engine, tell=silent)
    rows = read_rows(old_address, "decision")["decision"]
    assert [row["id"] for row in rows if row["kind"] == "undo"] == [2, 7]
    assert {row["kind"] for row in rows} == {"decision", "undo"}
    assert {row["weight"] for row in rows} == {1.0}


def test_a_database_migrated_up_and_down_is_the_one_it_was(old_engine, old_address):
    before = read_rows(old_address, *TABLES)
    shape = describe(old_engine)
    migrate(old_engine, tell=silent)
    migrate(old_engine, to="0001", tell=silent)
    assert read_rows(old_address, *TABLES) == before
    assert describe(old_engine) == shape | {
        "alembic_version": describe(old_engine)["alembic_version"]
    }
    assert find_revision(old_engine) == "0001"


def describe(engine) -> dict:
    """Return columns, keys, constraints and indices of all tables."""
    found = inspect(engine)
    return {
        name: (
            {column["name"]: (str(column["type"]), column["nullable"], column.get("default"))
             for column in found.get_columns(name)},
            found.get_pk_constraint(name),
            sorted(found.get_foreign_keys(name), key=str),
            sorted(found.get_unique_constraints(name), key=str),
            sorted((one["name"], *one["column_names"]) for one in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }  # fmt: skip


def test_after_the_way_down_the_earlier_version_can_go_on_deciding(old_engine):
    """It leaves the numbering to the database, which has not numbered what came in between."""
    migrate(old_engine, tell=silent)
    write(old_engine, "UPDATE decision SET id = 12 WHERE id = 8")
    migrate(old_engine, to="0001", tell=silent)
    write(
        old_engine,
        "INSERT INTO decision (comment_key, action, decided_by, decided_at) SELECT key, 'approve', "
        "'dora', '2026-03-02 12:00:00' FROM comment WHERE source_id = '5'",
    )
    with old_engine.connect() as connection:
        added = text("SELECT id FROM decision WHERE decided_by = 'dora'")
        assert connection.scalar(added) == 13


def test_second_opinions_are_not_taken_for_decisions_on_the_way_down(old_engine, old_address):
    migrate(old_engine, tell=silent)
    write(old_engine, "UPDATE decision SET kind = 'opinion', opinion_on_id = 5 WHERE id = 6")
    assert "1 second opinions, which are deleted" in find_losses(old_engine, to="0001")
    migrate(old_engine, to="0001", tell=silent)
    left = [row["id"] for row in read_rows(old_address, "decision")["decision"]]
    assert left == [1, 2, 3, 4, 5, 8]


def test_what_waited_for_a_second_moderator_waits_after_down_and_up(old_engine, old_address):
    migrate(old_engine, tell=silent)
    write(old_engine, "UPDATE decision SET kind = 'escalation', action = 'hold' WHERE id = 8")
    migrate(old_engine, to="0001", tell=silent)
    migrate(old_engine, tell=silent)
    assert read_rows(old_address, "decision")["decision"][-1]["kind"] == "reopening"


LABELLED = """
    INSERT INTO site_label (id, comment_key, attribute, value, sent_by, received_at, outcome)
    SELECT '00000000-0000-4000-8000-000000000001', min(key), 'TOXICITY', 0.9, 'coral',
    '2026-03-01 12:00:00', 'kept' FROM comment
"""


def test_labels_are_the_only_thing_that_comes_and_goes_with_their_table(old_engine, old_address):
    migrate(old_engine, to="0002", tell=silent)
    kept = (*TABLES, "chain", "held")
    before, shape = read_rows(old_address, *kept), describe(old_engine)
    migrate(old_engine, tell=silent)
    assert read_rows(old_address, *kept) == before
    write(old_engine, LABELLED)
    assert find_losses(old_engine, to="0002") == [
        "1 labels that other systems sent; the decisions that they led to stay"
    ]
    migrate(old_engine, to="0002", tell=silent)
    assert (read_rows(old_address, *kept), describe(old_engine)) == (before, shape)


def test_a_label_is_on_a_comment_that_is_there(engine):
    migrate(engine)
    with pytest.raises(IntegrityError):
        write(engine, LABELLED.replace("min(key)", "'none'").replace("FROM comment", ""))


def test_a_database_that_loses_nothing_says_so(engine):
    migrate(engine)
    assert find_losses(engine, to="0001") == []
    assert find_losses(engine, to=newest_revision()) == []


def test_an_empty_history_migrates(engine, address):
    migrate(engine, to="0001")
    migrate(engine, tell=silent)
    assert read_rows(address, "chain")["chain"] == [{"id": 1, "last_id": 0, "digest": BEGINNING}]


def test_no_row_points_nowhere_after_migrating(tmp_path):
    """SQLite does not look while tables are put in the place of others."""
    address = f"sqlite:///{tmp_path}/review.db"
    make_old_database(address)
    engine = connect(address)
    migrate(engine, tell=silent)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_migration_says_what_it_does_and_a_new_database_nothing(engine, old_address, capsys):
    lines: list[str] = []
    open_store(old_address, tell=lines.append).engine.dispose()
    assert lines == [
        "migrating the database from schema 0001 to 0003",
        "sealed 8 of 8 decisions",
        "migrated: the database has schema 0003",
    ]
    open_store(old_address).engine.dispose()
    assert capsys.readouterr().err == ""


def test_what_nobody_listens_to_goes_to_stderr(old_engine, capsys):
    migrate(old_engine)
    told = capsys.readouterr()
    assert told.err.startswith("migrating the database from schema 0001 to 0003\n")
    migrate(old_engine)
    assert capsys.readouterr().err == told.out == ""


def test_migrations_are_modules_and_so_are_installed():
    """What is no module of a package is left out of what pip installs."""
    for folder in (MIGRATIONS, MIGRATIONS / "versions"):
        files = {path.name for path in folder.iterdir() if path.is_file()}
        assert "__init__.py" in files
        assert {Path(name).suffix for name in files} == {".py"}


def test_all_columns_of_a_decision_are_sealed_but_a_notes_words(engine):
    migrate(engine)
    columns = {column["name"] for column in inspect(engine).get_columns("decision")}
    assert columns - set(SEALED) == {"note", "digest"}


def test_a_database_of_a_later_version_is_left_alone(engine):
    migrate(engine)
    write(engine, "UPDATE alembic_version SET version_num = '0999'")
    for use in (find_revision, migrate):
        with pytest.raises(ReviewError, match="has schema 0999, made by a later version"):
            use(engine)


@pytest.mark.parametrize(
    "table",
    ["decision (id INTEGER)", "comment (id INTEGER)", "decision (overrules_id INTEGER)"],
)
def test_tables_of_another_program_are_left_alone(engine, table):
    write(engine, f"CREATE TABLE {table}")
    with pytest.raises(ReviewError, match="tables of another program"):
        migrate(engine)
    assert inspect(engine).get_table_names() == [table.split()[0]]


def test_other_tables_beside_ours_do_no_harm(engine):
    write(engine, "CREATE TABLE invoice (id INTEGER)")
    migrate(engine)
    assert inspect(engine).has_table("invoice")
    assert find_revision(engine) == newest_revision()


def test_there_is_no_schema_of_another_name(engine):
    with pytest.raises(ReviewError, match="no schema 0007; expected one of 0001, 0002, 0003"):
        migrate(engine, to="0007")
    assert known_revisions() == ("0001", "0002", "0003")


def test_a_database_that_cannot_hold_every_character_is_refused(postgresql):
    options = "ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
    with pytest.raises(ReviewError, match="stores LATIN1, which lacks characters"):
        open_store(postgresql.new_database(options))


def test_a_migration_that_ends_between_two_questions_changes_no_answer(
    old_engine, old_address, monkeypatch
):
    def inspect_later(connection):
        monkeypatch.undo()
        open_store(old_address, tell=silent).engine.dispose()
        return inspect(connection)

    monkeypatch.setattr(schema, "inspect", inspect_later)
    assert find_revision(old_engine) == "0001"


def open_until(address: str, line: str) -> None:
    """Open a database, and die without a word when its migration has said something."""

    def tell(said: str) -> None:
        if said.startswith(line):
            os.kill(os.getpid(), signal.SIGKILL)

    open_store(address, tell=tell)


@pytest.mark.parametrize("line", ["migrating", "sealed"])
def test_a_migration_killed_in_the_middle_leaves_the_database_as_it_was(
    old_engine, old_address, line
):
    before, shape = read_rows(old_address, *TABLES), describe(old_engine)
    process = PROCESSES.Process(target=open_until, args=(old_address, line))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (read_rows(old_address, *TABLES), describe(old_engine)) == (before, shape)
    migrate(old_engine, tell=silent)
    assert differences(old_engine) == []


def open_with_others(address: str, together: Barrier) -> list[str]:
    """Open a database at the moment when others do and return what was said."""
    lines: list[str] = []
    together.wait()
    open_store(address, tell=lines.append).engine.dispose()
    return lines


def open_at_once(address: str) -> list[list[str]]:
    with PROCESSES.Manager() as manager, ProcessPoolExecutor(4, PROCESSES) as pool:
        together = manager.Barrier(4)
        return list(pool.map(open_with_others, [address] * 4, [together] * 4))


def test_processes_that_open_an_empty_database_at_once_make_it_once(address):
    assert open_at_once(address) == [[]] * 4
    assert len(read_rows(address, "chain")["chain"]) == 1


def test_processes_that_open_an_earlier_database_at_once_migrate_it_once(old_address):
    told = open_at_once(old_address)
    assert sorted(map(bool, told)) == [False, False, False, True]
    assert len(read_rows(old_address, "decision")["decision"]) == 8
