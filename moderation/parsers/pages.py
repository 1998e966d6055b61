"""Pages in which no format that is read here has left a comment: a headline and nothing else."""

from collections.abc import Iterator

from moderation.comments import Comment
from moderation.parsers.notes import Notes

NAME = "page_without_comments"
TAKEN_FOR_ARTICLE = (
    "a text without markup, taken for an article; a table or JSON of another kind is read with "
    "--mapping, which --guess proposes"
)


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield nothing: lists and boxes of a page are not taken for comments."""
    if "<" not in page:
        notes.remark = TAKEN_FOR_ARTICLE
    yield from ()
