"""BBC pages of DNA saved as plain text: "N. At HH:MM on DD Mon YYYY, NAME wrote:" and the words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from moderation.comments import Comment, Status
from moderation.parsers.bbc import (
    Placeholder,
    find_page_number,
    find_placeholder,
    find_reply_number,
    parse_time,
)
from moderation.parsers.bbc_text import find_title
from moderation.parsers.notes import Notes
from moderation.text import tidy

NAME = "bbc_dna_text"

_HEADING = re.compile(
    r"\s*(?:[•*·-]\s+)?(?P<number>\d{1,9})\.\s+At (?P<clock>\d{1,2}:\d{2}) on "
    r"(?P<date>\d{1,2} [A-Za-z]{3,9} \d{4}),\s*(?P<author>\S.{0,100}?)?\s*"
    r"(?:wrote:|(?:wrote )?\(awaiting moderation\))\s*"
)
_COMPLAIN = re.compile(r"\s*Complain about this comment(?: \(Comment number \d+\))?\s*", re.I)
_FURNITURE = re.compile(
    r"(?:Page \d+ of \d+|(?:View )?previous|next|More from this blog\.*|Jump to comments pagination"
    r"|(?:BBC )?(?:©|Copyright ©).*|Sign in(?: or register)? to comment.*|Post a comment"
    r"|This (?:entry|post|blog) is now closed (?:for|to) (?:new )?comments\.?|Back to top.*)",
    re.I,
)
_THE_ONE_WHO_SAVED_IT = "you"


@dataclass
class _Item:
    heading: re.Match[str]
    lines: list[str] = field(default_factory=list)
    is_whole: bool = False
    """Whether the page says where its words end: it offers to complain about them."""

    @property
    def number(self) -> int:
        return int(self.heading["number"])


def recognises(page: str) -> bool:
    """Tell whether a text has a heading as DNA sets it above each comment."""
    if " wrote:" not in page and "awaiting moderation)" not in page:
        return False
    return any(map(_HEADING.fullmatch, _lines(page)))


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    notes.article_title = find_title(page)
    outside: list[str] = []
    items = list(_items(page, outside))
    numbers = {item.number for item in items}
    for item in items:
        yield _to_comment(item, numbers, notes)
    if shown := find_page_number("\n".join(outside)):
        notes.page, notes.pages = shown.page, shown.pages


def _items(page: str, outside: list[str]) -> Iterator[_Item]:
    """
    Yield the comments, and collect the lines that belong to none.

    Readers quote the headings of earlier comments: that of the next one has a higher number.
    """
    item: _Item | None = None
    number, is_open = 0, False
    for line in _lines(page):
        heading = _HEADING.fullmatch(line)
        if heading is not None and int(heading["number"]) > number:
            if item is not None:
                yield item
            item, is_open = _Item(heading), True
            number = item.number
        elif item is None or not is_open or _FURNITURE.fullmatch(line.strip()):
            outside.append(line)
            is_open = False
        elif _COMPLAIN.fullmatch(line):
            item.is_whole, is_open = True, False
        else:
            item.lines.append(line)
    if item is not None:
        yield item


def _to_comment(item: _Item, numbers: set[int], notes: Notes) -> Comment:
    text = tidy("\n".join(item.lines))
    placeholder = _find_placeholder(item, text)
    answered = None if placeholder else find_reply_number(text, number=item.number)
    if answered is not None and answered not in numbers:
        notes.left_out["parents of replies that stand on another page"] += 1
    shown = f"{item.heading['date']} {item.heading['clock']}"
    created_at = parse_time(shown, captured_at=notes.captured_at)
    if created_at is None:
        notes.left_out["times in a layout that is not known"] += 1
    author = item.heading["author"]
    return Comment(
        id=str(item.number),
        text=None if placeholder else text,
        source=NAME,
        status=placeholder.status if placeholder else Status.PUBLISHED,
        parent_id=str(answered) if answered in numbers else None,
        number=item.number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=None if author == _THE_ONE_WHO_SAVED_IT else author,
        created_at=created_at,
        captured_at=notes.captured_at,
        removal_reason=placeholder.reason if placeholder else None,
    )


def _find_placeholder(item: _Item, text: str) -> Placeholder | None:
    """Return the sentence in place of the words: nobody can complain about it."""
    if item.is_whole:
        return None
    return find_placeholder(text) or find_placeholder(text.partition("\n\n")[0])


def _lines(page: str) -> list[str]:
    return page.replace("\r\n", "\n").split("\n")  # readers use the other line ends, too
