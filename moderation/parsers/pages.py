"""Pages in which no format that is read here has left a comment: a headline and nothing else."""

from collections.abc import Iterator

from moderation.comments import Comment
from moderation.parsers.notes import Notes

NAME = "page_without_comments"


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield nothing: lists and boxes of a page are not taken for comments."""
    yield from ()
