"""Exports of other systems: each file in `tests/exports` is read as its expectation says."""

from dataclasses import replace
from pathlib import Path

import pytest

from moderation.comments import Comment
from moderation.frames import to_rows, write_rows
from moderation.parsers import read_comments
from tests.pages.expectations import expected, found

EXPORTS = Path(__file__).parent / "exports"
SAMPLES = sorted(
    path
    for path in EXPORTS.rglob("*")
    if path.is_file() and ".expected" not in path.suffixes and path.suffix != ".py"
)
"""Adding a case is adding a file, `FORMAT/NAME.ENDING`, and `NAME.expected.json` beside it."""


def name_of(sample: Path) -> str:
    return sample.relative_to(EXPORTS).as_posix()


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_an_export_is_read_as_its_expectation_says(sample):
    assert found(read_comments(sample)) == expected(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_an_export_is_known_by_its_content_whatever_its_name(sample, tmp_path):
    unnamed = tmp_path / "a file"
    unnamed.write_bytes(sample.read_bytes())
    assert read_comments(unnamed).format == expected(sample)["format"]


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_what_was_read_and_written_reads_the_same(sample, ending, tmp_path):
    """Whatever else is in `extra`: also the old scores that a passport is made of."""
    reading = read_comments(sample)
    comments = [without_unknowns(comment) for comment in reading]
    written = tmp_path / f"comments.{ending}"
    write_rows(to_rows(comments, extra=reading.notes.columns), written)
    if not comments and ending == "jsonl":
        return  # an empty file: lines are all it has
    again = read_comments(written)
    assert again.format == ending
    assert list(again) == comments


def without_unknowns(comment: Comment) -> Comment:
    """Return a comment whose `extra` has no names of which nothing is known."""
    known = {name: value for name, value in comment.extra.items() if value is not None}
    return replace(comment, extra=known)
