"""BBC pages of 2012-2019 saved as plain text: numbered comments under an article."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from moderation.comments import Comment, Status
from moderation.parsers.bbc import (
    find_page_number,
    find_placeholder,
    find_reply_number,
    read_count,
)
from moderation.parsers.notes import Notes
from moderation.text import tidy

NAME = "bbc_text"

# Seed page 002: each comment is an item of a bulleted list. A live comment's item begins with the
# screen-reader words "rate this", a removed one's with its number. Where a page shows a net
# rating, it follows "rate this"; none shown is not a rating of zero.
_RATE_THIS = re.compile(r"\s*[•*·-]\s+rate this\W{0,3}?(?P<rating>[+−-]?\d{1,9})?\W?", re.I)
_NUMBER = re.compile(
    r"(?P<indent>\s*)(?P<bullet>[•*·-]\s+)?Comment number (?P<number>\d{1,9})\.", re.I
)
# Where a saved page has lost its indentation, these lines end a comment.
_FURNITURE = re.compile(
    r"(?:Page \d+ of \d+|More .{1,40} stories|More on This Story|Jump to comments pagination"
    r"|(?:BBC )?(?:©|Copyright ©).*|Sign in or register to comment.*|Back to top)",
    re.I,
)


@dataclass
class _Item:
    rating: int | None = None
    number: int | None = None
    indent: int = 0
    """How far the words of the comment are set in: as far as those of its number line."""
    lines: list[str] = field(default_factory=list)
    is_open: bool = True
    """Whether the lines that follow may still be words of the comment."""

    def takes(self, line: str) -> bool:
        """Tell whether a line is among the words of the comment."""
        if self.number is None or not self.is_open:
            return False
        words = line.strip()
        if self.indent:
            return not words or _width(line[: len(line) - len(line.lstrip())]) >= self.indent
        return not _FURNITURE.fullmatch(words)


def recognises(page: str) -> bool:
    """Tell whether a text has at least one numbered comment in the module's layout."""
    return any(item.number is not None for item in _items(page, []))


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    notes.article_title = find_title(page)
    outside: list[str] = []
    seen: set[int] = set()
    for item in _items(page, outside):
        if item.number is None:
            notes.left_out["items of the comment list without a number"] += 1
        elif item.number in seen:
            notes.left_out["comments that the page shows twice"] += 1
        else:
            seen.add(item.number)
            yield _to_comment(item, item.number, notes)
    if shown := find_page_number("\n".join(outside)):
        notes.page, notes.pages = shown.page, shown.pages


def find_title(page: str) -> str | None:
    """Return the first line that says something: a saved article begins with its headline."""
    return next((line.strip() for line in page.splitlines() if line.strip()), None)


def _to_comment(item: _Item, number: int, notes: Notes) -> Comment:
    text = tidy("\n".join(item.lines))
    placeholder = find_placeholder(text)
    parent = find_reply_number(text, number=number)
    return Comment(
        id=str(number),
        text=None if placeholder else text,
        source=NAME,
        status=placeholder.status if placeholder else Status.PUBLISHED,
        parent_id=None if parent is None else str(parent),
        number=number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        captured_at=notes.captured_at,
        rating=item.rating,
        removal_reason=placeholder.reason if placeholder else None,
    )


def _items(page: str, outside: list[str]) -> Iterator[_Item]:
    """
    Yield the items of the comment list, and collect the lines that belong to no comment.

    A line that is set in less than a comment's words ends them, not the list: what stands between
    two comments must not cost the second. Words that are set in may look like an item.
    """
    item: _Item | None = None
    for line in page.replace("\r\n", "\n").split("\n"):  # readers use the other line ends, too
        words_of = item if item is not None and item.takes(line) else None
        begun = None if words_of is not None and words_of.indent else _begin(line, item)
        if begun is not None:
            if item is not None and begun is not item:
                yield item
            item = begun
        elif words_of is not None:
            words_of.lines.append(line)
        else:
            outside.append(line)
            if item is not None and item.number is not None:
                item.is_open = False
    if item is not None:
        yield item


def _begin(line: str, item: _Item | None) -> _Item | None:
    """Return the item that a line begins, or gives its number to; None for any other line."""
    line = line.rstrip()
    if rated := _RATE_THIS.fullmatch(line):
        return _Item(rating=read_count(rated["rating"] or ""))
    number = _NUMBER.fullmatch(line)
    if number is None:
        return None
    if item is not None and item.number is None:
        begun = item
    elif number["bullet"] or (item is not None and not item.is_open):
        begun = _Item()
    else:
        return None  # a reader's line
    begun.number = int(number["number"])
    is_flush = number["bullet"] and not number["indent"]  # then the words are, too
    begun.indent = 0 if is_flush else _width(number["indent"] + (number["bullet"] or ""))
    return begun


def _width(space: str) -> int:
    return len(space.expandtabs())
