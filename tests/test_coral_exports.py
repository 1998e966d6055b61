"""Coral's exports: the scores that its comments once had, and the titles of its stories."""

import json

from moderation.old_scores import collect, find_column
from moderation.parsers import read_comments
from moderation.parsers.coral import SAMPLED
from moderation.parsers.notes import Notes


def line(number: int, score: float | None = None, model: str | None = None) -> str:
    perspective = {} if score is None else {"perspective": {"score": score, "model": model}}
    revision = {"body": f"Comment {number}", "metadata": perspective}
    comment = {"id": f"c-{number}", "storyID": "s-1", "status": "NONE", "revisions": [revision]}
    return json.dumps(comment)


def read(*lines: str) -> tuple[list, Notes]:
    reading = read_comments("\n".join(lines).encode())
    return list(reading), reading.notes


def test_old_scores_are_where_the_passport_looks_for_them():
    """Also where Coral asked for another attribute than its usual one."""
    for model in ("TOXICITY", "SEVERE_TOXICITY"):
        comments, notes = read(line(1, 0.25, model), line(2, 0.75, model), line(3))
        column = find_column(notes.columns)
        assert column == model
        assert [old.score for old in collect(comments, column, notes.left_out)] == [0.25, 0.75]


def test_an_export_without_old_scores_still_has_their_column():
    """What is written from several exports has the same columns."""
    assert read(line(1))[1].columns == read(line(1, 0.5, "TOXICITY"))[1].columns


def test_scores_of_an_attribute_that_comes_late_are_counted():
    """Which columns there are is known before the first comment is given on."""
    lines = [line(number, 0.5, "TOXICITY") for number in range(SAMPLED)]
    comments, notes = read(*lines, line(SAMPLED, 0.5, "INSULT"))
    assert len(comments) == SAMPLED + 1
    assert "INSULT" not in comments[-1].extra
    assert notes.left_out == {f"old scores of another attribute after comment {SAMPLED}": 1}


def test_a_comment_that_went_with_its_author_was_not_rejected_by_a_moderator():
    """Coral rejects such comments itself where nobody has replied to them."""
    gone = json.loads(line(1)) | {"status": "REJECTED", "deletedAt": {"$date": 0}, "revisions": []}
    [comment], _ = read(json.dumps(gone))
    assert (comment.status, comment.text) == ("withdrawn", None)
