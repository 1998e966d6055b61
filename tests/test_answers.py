"""Answers in a file: what a kill, a full disk and a second process leave of them."""

import errno
import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.answers import SYNCED, Answer, open_kept
from moderation.errors import DataError, OutputError
from tests.processes import PROCESSES

QUESTION = {"attributes": ["TOXICITY", "INSULT"], "endpoint": "https://api.example.org"}
ANSWERS = {
    "the ferry": Answer((0.25, 0.5)),
    "die Fähre": Answer((0.75, None), "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"),
    "a long one": Answer((None, None), "COMMENT_TOO_LONG"),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "scores.csv.progress"
    with open_kept(path, question=QUESTION) as kept:
        for text, answer in ANSWERS.items():
            kept.add(text, answer)
    return path


def test_answers_are_there_again(path):
    with open_kept(path, question=QUESTION) as kept:
        assert {text: kept.get(text) for text in ANSWERS} == ANSWERS
        assert len(kept) == 3
        assert kept.has_score
        assert kept.get("another") is None
        assert "another" not in kept


def test_no_text_is_in_the_file_and_only_its_owner_reads_it(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ferry" not in path.read_text()


def test_a_file_that_others_could_read_is_closed_to_them(path):
    path.chmod(0o644)
    with open_kept(path, question=QUESTION):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wherever_a_line_was_cut_the_answers_before_are_kept_and_more_can_follow(path, monkeypatch):
    """A kill may end a write anywhere, also in the first line."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    whole = path.read_bytes()
    texts = list(ANSWERS)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        lines = whole[:end].count(b"\n")
        with open_kept(path, question=QUESTION) as kept:
            assert [text in kept for text in texts] == [n < lines - 1 for n in range(3)]
            kept.add("one more", Answer((0.0, 1.0)))
        with open_kept(path, question=QUESTION) as kept:
            assert kept.get("one more") == Answer((0.0, 1.0))


@given(st.dictionaries(st.text(st.characters(exclude_categories=())), st.floats(0, 1)))
def test_any_text_keeps_its_score(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("kept") / "progress"
    with open_kept(path, question={}) as kept:
        for text, score in scores.items():
            kept.add(text, Answer((score,)))
    with open_kept(path, question={}) as kept:
        assert {text: kept.get(text) for text in scores} == {
            text: Answer((score,)) for text, score in scores.items()
        }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"attributes": ["THREAT"]}, "answers attributes TOXICITY, INSULT, asked is THREAT;"),
        ({"endpoint": "https://b"}, "answers endpoint https://api.example.org, asked is https://b"),
        ({"languages": ["en"]}, "answers languages None, asked is en;"),
    ],
)
def test_answers_to_another_question_are_refused(path, asked, told):
    before = path.read_bytes()
    with pytest.raises(DataError) as refused, open_kept(path, question={**QUESTION, **asked}):
        pass
    assert told in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '{"text": "xyz", "scores": []}', '{"text": "00", "scores": ["a"]}']
)
def test_a_damaged_line_within_is_refused(path, line):
    """It is no write that a kill ended: something else has been in the file."""
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    with pytest.raises(DataError, match="line 2: expected an answer"):
        open_kept(path, question=QUESTION).__enter__()


def test_a_file_of_something_else_is_refused_and_stays(tmp_path):
    path = tmp_path / "list"
    path.write_text("[1, 2]\n")
    with pytest.raises(DataError, match="line 1: expected an answer"):
        open_kept(path, question=QUESTION).__enter__()
    assert path.read_text() == "[1, 2]\n"


def add_one(path, told):
    try:
        with open_kept(path, question=QUESTION) as kept:
            kept.add("from elsewhere", Answer((0.5, 0.5)))
    except DataError as error:
        told.send(str(error))


def test_a_second_process_is_refused(path):
    here, there = PROCESSES.Pipe()
    with open_kept(path, question=QUESTION):
        process = PROCESSES.Process(target=add_one, args=(path, there))
        process.start()
        assert "another process is writing it" in here.recv()
        process.join()
    here.close()
    there.close()


def test_answers_are_synced_in_groups_and_at_the_end(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with open_kept(path, question=QUESTION) as kept:
        for number in range(2 * SYNCED + 1):
            kept.add(f"remark {number}", Answer((0.5, 0.5)))
            assert len(synced) == (number + 1) // SYNCED
    assert len(synced) == 3


def test_a_full_disk_loses_no_answer_from_before(path, monkeypatch):
    def fail(handle, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_kept(path, question=QUESTION) as kept:
        monkeypatch.setattr(os, "write", fail)
        with pytest.raises(OutputError, match="No space left on device"):
            kept.add("one more", Answer((0.5, 0.5)))
        assert "one more" not in kept
    monkeypatch.undo()
    with open_kept(path, question=QUESTION) as kept:
        assert len(kept) == 3


def test_half_a_line_on_a_full_disk_is_cut_off_later(path, monkeypatch):
    write = os.write
    with open_kept(path, question=QUESTION) as kept:
        monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:9]))
        with pytest.raises(OutputError, match="make room, then run again"):
            kept.add("one more", Answer((0.5, 0.5)))
    monkeypatch.undo()
    with open_kept(path, question=QUESTION) as kept:
        assert len(kept) == 3


def test_a_disk_that_does_not_sync_is_said(path, monkeypatch):
    def fail(handle):
        raise OSError(errno.EIO, "Input/output error")

    with open_kept(path, question=QUESTION) as kept, monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match="Input/output error"):
            kept.sync()


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        open_kept(tmp_path / "none" / "progress", question=QUESTION).__enter__()


def test_without_an_answer_no_file_stays(tmp_path):
    path = tmp_path / "progress"
    with open_kept(path, question=QUESTION):
        assert path.exists()
    assert not path.exists()


def test_a_question_without_an_answer_may_be_another_the_next_time(tmp_path):
    """A process killed before the first answer leaves its question."""
    path, other = tmp_path / "progress", {"attributes": ["THREAT"]}
    path.write_text(json.dumps(QUESTION) + "\n")
    with open_kept(path, question=other) as kept:
        kept.add("the ferry", Answer((0.5,)))
    assert json.loads(path.read_text().splitlines()[0]) == other


def test_removed_it_is_gone(path):
    with open_kept(path, question=QUESTION) as kept:
        kept.remove()
    assert not path.exists()


def test_the_first_line_says_what_was_asked(path):
    assert json.loads(path.read_text().splitlines()[0]) == QUESTION
