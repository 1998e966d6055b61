"""BBC pages of 2012-2019 saved as plain text: numbered comments under an article."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from moderation.comments import Comment, Status
from moderation.parsers.bbc import find_page_number, find_placeholder, find_reply_number
from moderation.parsers.notes import Notes
from moderation.text import tidy

NAME = "bbc_text"

# Seed page 002: each comment is an item of a bulleted list. A live comment's item begins with the
# screen-reader words "rate this", a removed one's with its number. Where a page shows a net
# rating, it follows "rate this"; none shown is not a rating of zero.
_RATE_THIS = re.compile(r"^(?P<indent>\s*)[•*·-]\s+rate this\s*(?P<rating>[+-]?\d+)?\s*$", re.I)
_NUMBER = re.compile(
    r"^(?P<indent>\s*)(?P<bullet>[•*·-]\s+)?Comment number (?P<number>\d+)\.\s*$", re.I
)
# Where a saved page has lost its indentation, these lines end the last comment.
_FURNITURE = re.compile(
    r"^\s*(?:Page \d+ of \d+|More .{1,40} stories|More on This Story|Jump to comments pagination"
    r"|(?:BBC )?(?:©|Copyright ©).*|Sign in or register to comment.*|Back to top)\s*$",
    re.I,
)


@dataclass
class _Entry:
    number: int
    rating: int | None
    indent: int
    """How far the words of the comment are set in."""
    lines: list[str] = field(default_factory=list)


def recognises(page: str) -> bool:
    """Tell whether a text has at least one numbered comment in the module's layout."""
    return next(_entries(page), None) is not None


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    if notes.article_title is None:
        notes.article_title = find_title(page)
    if shown := find_page_number(page):
        notes.page, notes.pages = shown.page, shown.pages
    for entry in _entries(page):
        yield _to_comment(entry, notes)


def find_title(page: str) -> str | None:
    """Return the first line that says something: a saved article begins with its headline."""
    return next((line.strip() for line in page.splitlines() if line.strip()), None)


def _to_comment(entry: _Entry, notes: Notes) -> Comment:
    text = tidy("\n".join(entry.lines))
    placeholder = find_placeholder(text)
    parent = find_reply_number(text, number=entry.number)
    return Comment(
        id=str(entry.number),
        text=None if placeholder else text,
        source=NAME,
        status=placeholder.status if placeholder else Status.PUBLISHED,
        parent_id=None if parent is None else str(parent),
        number=entry.number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        captured_at=notes.captured_at,
        rating=entry.rating,
        removal_reason=placeholder.reason if placeholder else None,
    )


def _entries(page: str) -> Iterator[_Entry]:
    """
    Yield the entries of the comment list.

    An entry begins at a bullet; its words are the lines set in at least as far as its number
    line's text. The first line that is set in less, and begins no entry, ends the list.
    """
    entry: _Entry | None = None
    rated: re.Match[str] | None = None
    for line in page.splitlines():
        number = _NUMBER.match(line)
        if number and (rated or number["bullet"]):
            if entry:
                yield entry
            entry = _begin(number, rated)
            rated = None
        elif _begins_item(line, entry):
            rated = _RATE_THIS.match(line)
        elif entry and _ends_list(line, entry):
            break
        elif entry:
            entry.lines.append(line)
    if entry:
        yield entry


def _begin(number: re.Match[str], rated: re.Match[str] | None) -> _Entry:
    """Begin an entry: its words are set in as far as the words of its number line."""
    rating = rated["rating"] if rated else None
    indent = len(number["indent"] + (number["bullet"] or ""))
    return _Entry(int(number["number"]), None if rating is None else int(rating), indent)


def _begins_item(line: str, entry: _Entry | None) -> bool:
    """Tell a list item's first line from a reader who wrote the same words in a comment."""
    match = _RATE_THIS.match(line)
    if match is None:
        return False
    return entry is None or len(match["indent"]) < max(entry.indent, 1)


def _ends_list(line: str, entry: _Entry) -> bool:
    if not line.strip():
        return False
    indent = len(line) - len(line.lstrip())
    return indent < entry.indent or bool(entry.indent == 0 and _FURNITURE.match(line))
