"""Erasing: words and names go, decisions and their digests stay."""

import io
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from moderation import review
from moderation.comments import Comment
from moderation.database import open_store, sweep
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.retention import main
from moderation.review import key_of
from moderation.review.audit import Account, follow
from moderation.review.retention import Erased, erase_old, forget_author
from moderation.tables import (
    BAND_COLUMNS,
    Decision,
    Held,
    Role,
    Setting,
    StoredComment,
    StoredScore,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = "the quick brown ferry"


def remark(id: str, author: str | None = "A. Reader", **facts) -> Comment:
    facts = {"article_id": "bridge", "captured_at": NOON, "text": f"{WORDS} {id}", **facts}
    return Comment(id, source="csv", author=author, **facts)


def add(store, *comments: Comment) -> None:
    with store.writing() as session:
        review.add_comments(session, comments, added_at=NOON)


def decide(store, id: str, *, at: datetime = NOON, by: str = "anna", **facts) -> None:
    with store.writing() as session:
        review.record_decision(
            session, key_of(remark(id)), Action.APPROVE, decided_by=by, decided_at=at, **facts
        )


def erase(store, *, now: datetime, texts: int | None = None, authors: int | None = None, **more):
    with store.writing() as session:
        return erase_old(
            session, now=now, texts_after_days=texts, authors_after_days=authors, **more
        )


def forget(store, author: str = "A. Reader", **more) -> Erased:
    with store.writing() as session:
        return forget_author(session, author, now=NOON, **more)


def stored(store) -> dict[str, tuple[str | None, str | None]]:
    """Return (text, author) of all comments, by id; a text is shortened to its first word."""
    with store.reading() as session:
        rows = session.scalars(select(StoredComment)).all()
    return {row.source_id: (row.text and row.text.split()[0], row.author) for row in rows}


def findings(store) -> list[str]:
    with store.reading() as session:
        return list(follow(session, Account()))


BOTH, NEITHER = ("the", "A. Reader"), (None, None)


# After some days


@pytest.mark.parametrize(
    ("texts", "authors", "left"),
    [
        (None, None, BOTH),
        (30, None, (None, "A. Reader")),
        (None, 30, ("the", None)),
        (30, 30, NEITHER),
        (31, 30, ("the", None)),
    ],
)
def test_words_and_authors_are_erased_each_after_their_days(store, texts, authors, left):
    add(store, remark("1"))
    decide(store, "1")
    erased = erase(store, now=NOON + 30 * DAY + DAY / 24, texts=texts, authors=authors)
    assert stored(store) == {"1": left}
    assert (erased.texts, erased.authors) == (int(left[0] is None), int(left[1] is None))
    assert erased.comments == int(left != BOTH)


def test_the_days_count_from_the_decision(store):
    add(store, remark("1"), remark("2"))
    decide(store, "1", at=NOON + 5 * DAY)
    decide(store, "2", at=NOON + 15 * DAY)
    assert erase(store, now=NOON + 40 * DAY, texts=30).texts == 1
    assert stored(store) == {"1": (None, "A. Reader"), "2": BOTH}


def test_the_days_of_a_decision_made_anew_count_from_that(store):
    add(store, remark("1"))
    decide(store, "1")
    with store.writing() as session:
        first = session.get(Decision, 1)
    decide(store, "1", at=NOON + 20 * DAY, overrules=first)
    assert erase(store, now=NOON + 40 * DAY, texts=30).texts == 0


def test_what_was_never_decided_counts_from_its_capture_or_its_writing(store):
    add(
        store,
        remark("1", label=0),
        remark("2", label=0, captured_at=None, created_at=NOON),
        remark("3", label=0, captured_at=NOON + 20 * DAY, created_at=NOON),
        remark("4", label=0, captured_at=None),
    )
    erased = erase(store, now=NOON + 40 * DAY, texts=30)
    assert (erased.texts, erased.undated) == (2, 1)
    assert [id for id, (text, _) in stored(store).items() if text] == ["3", "4"]


def test_what_waits_keeps_its_words_and_is_counted(store):
    add(store, remark("1"))
    erased = erase(store, now=NOON + 400 * DAY, texts=30, authors=30)
    assert erased == Erased(too_early=1)
    assert stored(store) == {"1": BOTH}


def test_a_second_opinion_is_not_waited_for(store):
    add(store, remark("1"))
    decide(store, "1", second_share=1.0)
    with store.reading() as session:
        assert review.count_waiting(session) == 1
    assert erase(store, now=NOON + 400 * DAY, texts=30).texts == 1
    with store.reading() as session:
        assert review.count_waiting(session) == 0


def test_a_second_time_nothing_is_left_to_erase(store):
    add(store, remark("1"))
    decide(store, "1")
    assert erase(store, now=NOON + 40 * DAY, texts=30, authors=30).comments == 1
    assert erase(store, now=NOON + 40 * DAY, texts=30, authors=30) == Erased()


def test_a_dry_run_counts_the_same_and_erases_nothing(store):
    add(store, remark("1"), remark("2"), remark("3", label=0, captured_at=None))
    decide(store, "1", note="as always")
    with store.reading() as session:
        dry = erase_old(
            session, now=NOON + 40 * DAY, texts_after_days=30, authors_after_days=30, dry_run=True
        )
        dry_author = forget_author(session, "A. Reader", now=NOON, dry_run=True)
    assert stored(store) == dict.fromkeys("123", BOTH)
    assert dry == Erased(comments=1, texts=1, authors=1, notes=1, too_early=1, undated=1)
    assert dry_author == Erased(comments=3, texts=3, authors=3, notes=1, waiting=1)
    assert erase(store, now=NOON + 40 * DAY, texts=30, authors=30) == dry


@pytest.mark.parametrize("days", [0, -1])
def test_less_than_a_day_is_refused(store, days):
    with pytest.raises(ValueError, match="expected at least 1"):
        erase(store, now=NOON, texts=days)


# What goes, and what stays


def test_scores_bands_and_notes_go_with_the_words_and_the_history_holds(store):
    add(store, remark("1"), remark("2", author="B. Reader"))
    decide(store, "1", note="names a neighbour")
    decide(store, "2", note="stays")
    with store.writing() as session:
        for id in "12":
            key = key_of(remark(id))
            session.add(
                StoredScore(comment_key=key, attribute="A", model_version="first", value=0.5)
            )
    forget(store)
    with store.reading() as session:
        kept = select(StoredScore.comment_key)
        assert session.scalars(kept).all() == [key_of(remark("2"))]
        for band in BAND_COLUMNS:
            found = select(StoredComment.source_id).where(getattr(StoredComment, band).is_not(None))
            assert session.scalars(found).all() == ["2"]
        notes = session.scalars(select(Decision.note).order_by(Decision.id)).all()
        assert notes == [None, "stays"]
        assert session.get(Decision, 1).note_digest is not None
        account = Account()
        assert list(follow(session, account)) == []
        assert account.erased_notes == 1


def test_the_decision_the_article_and_the_time_stay(store):
    add(store, remark("1", article_title="Bridge", rating=3))
    decide(store, "1")
    forget(store)
    with store.reading() as session:
        row = session.scalars(select(StoredComment)).one()
        [(decision, comment)] = review.recent_decisions(session, limit=5)
    assert (row.article_title, row.rating, row.decision_id) == ("Bridge", 3, 1)
    assert row.forgotten_at == NOON
    assert (decision.action, comment.text, comment.author) == (Action.APPROVE, None, None)


def test_no_words_are_learnt_from(store):
    add(store, remark("1"))
    decide(store, "1")
    forget(store)
    with store.reading() as session:
        assert [comment.text for comment in review.decided_comments(session)] == [None]


# One author


def test_an_author_is_forgotten_on_all_articles_or_on_one(store):
    other = remark("2", article_id="ferry")
    add(store, remark("1"), other, remark("3", author="B. Reader"), remark("4", author=None))
    assert forget(store, article="bridge").comments == 1
    assert stored(store)["2"] == BOTH
    assert forget(store).comments == 1
    assert stored(store) == {
        "1": NEITHER, "2": NEITHER, "3": ("the", "B. Reader"), "4": ("the", None),
    }  # fmt: skip


def test_a_forgotten_comment_leaves_the_queue(store):
    add(store, remark("1"), remark("2", author="B. Reader"))
    assert forget(store).waiting == 1
    with store.reading() as session:
        assert review.count_waiting(session) == 1
    assert findings(store) == []


def test_names_are_compared_letter_by_letter(store):
    add(store, remark("1"))
    for name in ("a. reader", "A. Reade", "A%", "B. Reader"):
        assert forget(store, name) == Erased()
    assert forget(store, " A. Reader \n").comments == 1


def test_an_author_without_words_is_forgotten_too(store):
    add(store, remark("1", text=None))
    assert forget(store) == Erased(comments=1, authors=1)
    assert stored(store) == {"1": NEITHER}


@pytest.mark.parametrize("name", ["", " \n"])
def test_without_a_name_nothing_is_forgotten(store, name):
    with pytest.raises(ReviewError, match="expected a name"):
        forget(store, name)


def test_a_page_that_still_shows_the_words_does_not_bring_them_back(store):
    add(store, remark("1"))
    forget(store)
    later = remark("1", captured_at=NOON + DAY, rating=9, text="edited since")
    add(store, remark("1"), remark("1", captured_at=None), later)
    assert stored(store) == {"1": NEITHER}
    with store.reading() as session:
        assert session.scalars(select(StoredComment.rating)).one() == 9
        assert review.count_waiting(session) == 0


def test_a_page_brings_no_author_back_to_words_that_are_kept(store):
    add(store, remark("1"))
    decide(store, "1")
    erase(store, now=NOON + 40 * DAY, authors=30)
    add(store, remark("1", captured_at=NOON + 41 * DAY))
    assert stored(store) == {"1": ("the", None)}


def test_a_decision_taken_back_on_erased_words_leaves_nothing_to_review(store):
    add(store, remark("1"), remark("2"), remark("3"))
    decide(store, "1", by="ben")
    with store.writing() as session:
        keys = [key_of(remark(id)) for id in "23"]
        review.decide_bulk(
            session, keys, Action.APPROVE, chosen_by="all", decided_by="anna", decided_at=NOON
        )
    forget(store)
    with store.writing() as session:
        assert len(review.undo(session, decided_by="anna", decided_at=NOON)) == 2
        assert len(review.undo(session, decided_by="ben", decided_at=NOON)) == 1
        assert session.scalars(select(Held)).all() == []
    assert findings(store) == []


# The files


def find_words(folder: Path, words: str) -> list[str]:
    """Return the names of files that have the words somewhere in their bytes."""
    return [path.name for path in folder.iterdir() if words.encode() in path.read_bytes()]


@pytest.mark.parametrize("is_open", [False, True], ids=["alone", "beside the desk"])
def test_no_byte_of_erased_words_is_left_in_the_files(tmp_path, is_open):
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    comments = [remark(f"{n:04}", author=f"Reader {n % 50}") for n in range(2000)]
    add(store, *comments)
    desk = store.engine.connect() if is_open else None
    if desk is not None:
        desk.exec_driver_sql("SELECT count(*) FROM comment").scalar()
        desk.rollback()
    assert find_words(tmp_path, f"{WORDS} 0077") != []
    assert forget(store, "Reader 27").comments == 40
    sweep(store.engine)
    for words in (f"{WORDS} 0077", f"{WORDS} 1927", "Reader 27"):
        assert find_words(tmp_path, words) == []
    assert find_words(tmp_path, f"{WORDS} 0078") != []
    if desk is not None:
        desk.close()


def test_words_that_a_reader_still_needs_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr("moderation.database.PATIENCE", 0.05)
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    add(store, remark("1"))
    reader = sqlite3.connect(tmp_path / "review.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM comment").fetchall()
    forget(store)
    with pytest.raises(ReviewError, match="another program was reading"):
        sweep(store.engine)
    reader.close()


def test_a_swept_store_has_all_that_was_not_erased(store):
    add(store, remark("1"), remark("2", author="B. Reader"))
    decide(store, "2")
    forget(store)
    sweep(store.engine)
    assert stored(store) == {"1": NEITHER, "2": ("the", "B. Reader")}
    assert findings(store) == []


# The command


@pytest.fixture
def command(store, monkeypatch, capsys):
    """Return what runs the command on the store and returns (status, stdout, stderr)."""
    monkeypatch.setenv(
        "MODERATION_DATABASE_URL", store.engine.url.render_as_string(hide_password=False)
    )

    def run(*arguments: str, names: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(names))
        status = main(arguments)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def fill(store) -> None:
    long_ago = datetime.now(UTC) - 100 * DAY
    add(store, remark("1", captured_at=long_ago), remark("2", captured_at=long_ago))
    decide(store, "1", at=long_ago)


def test_the_command_erases_after_the_days_given(store, command):
    fill(store)
    status, out, _ = command("--texts", "30")
    assert (status, out) == (
        0,
        "1 comments: 1 texts, 0 authors and 0 notes erased\n"
        "1 older ones wait for a decision and keep all until then\n",
    )
    assert stored(store) == {"1": (None, "A. Reader"), "2": BOTH}


def test_the_command_erases_after_the_days_that_a_lead_has_set(store, command):
    fill(store)
    assert "no days are set: nothing is erased" in command()[1]
    lead = review.Member("anna", Role.LEAD)
    with store.writing() as session:
        review.change_house(session, {"retain_authors_days": 30}, changed_by=lead, changed_at=NOON)
    assert command()[1].startswith("1 comments: 0 texts, 1 authors and 0 notes erased")
    with store.reading() as session:
        assert session.get(Setting, "retain_authors_days").value == 30


def test_the_command_forgets_an_author_named_on_standard_input_only(store, command):
    fill(store)
    dry = command("--forget-author", "-", "--dry-run", names="A. Reader\n")
    assert dry[1] == (
        "2 comments: 2 texts, 2 authors and 0 notes would be erased\n"
        "1 of them waited and would leave the queue\n"
    )
    assert stored(store) == {"1": BOTH, "2": BOTH}
    status, out, err = command("--forget-author", "-", names="A. Reader\n")
    assert (status, err) == (0, "")
    assert out == "2 comments: 2 texts, 2 authors and 0 notes erased\n" + (
        "1 of them waited and leave the queue\n"
    )
    assert stored(store) == {"1": NEITHER, "2": NEITHER}


def test_a_name_among_the_arguments_is_refused_and_not_repeated(command, capsys):
    with pytest.raises(SystemExit):
        command("--forget-author", "A. Reader")
    err = capsys.readouterr().err
    assert "expected -, and the name on standard input" in err
    assert "A. Reader" not in err


def test_without_a_name_on_standard_input_nothing_is_done(store, command):
    fill(store)
    status, _, err = command("--forget-author", "-", names="\n")
    assert status == 1
    assert "no name was given" in err


def test_at_a_terminal_the_command_asks_for_the_name(store, command, monkeypatch, capsys):
    fill(store)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("A. Reader\n"))
    assert main(["--forget-author", "-", "--article", "ferry"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("0 comments")
    assert told.err.startswith("The author's name, as it stands over the comments: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--texts", "0"], "'0' is not a number of days, 1 to 36500"),
        (["--authors", "1.5"], "'1.5' is not a number of days"),
        (["--authors", "²"], "is not a number of days"),
        (["--forget-author", "-", "--texts", "3"], "say one after the other"),
        (["--article", "bridge"], "--article goes with --forget-author"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_copies_beside_the_database_are_told_of(tmp_path, monkeypatch, capsys):
    store = open_store(f"sqlite:///{tmp_path}/review.db")
    fill(store)
    (tmp_path / "review.db.0001-20260301T120000Z").touch()
    assert main(["--database", f"sqlite:///{tmp_path}/review.db", "--texts", "30"]) == 0
    assert "1 copies beside" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_not_made(tmp_path, capsys):
    assert main(["--database", f"sqlite:///{tmp_path}/review.db", "--texts", "30"]) == 1
    assert "no such database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_fails_is_told_in_one_line(store, command, monkeypatch):
    fill(store)
    with store.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE score RENAME TO ribbon")
    status, _, err = command("--texts", "30")
    with store.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ribbon RENAME TO score")
    assert (status, err.count("\n")) == (1, 1)
    assert stored(store) == {"1": BOTH, "2": BOTH}
