"""BBC pages of the years before 2012, which DNA made: a numbered list under an article, in HTML."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from moderation.comments import Comment, Status
from moderation.parsers.bbc import (
    Placeholder,
    find_page_number,
    find_placeholder,
    find_reply_number,
    parse_time,
)
from moderation.parsers.html import (
    find_capture_time,
    has_class,
    page_address,
    page_title,
    parse_html,
    path,
    take_out,
)
from moderation.parsers.notes import Notes
from moderation.text import html_to_text, tidy

NAME = "bbc_dna"

# The markup of DNA's skins for comments (skinsets/vanilla/comments/objects/post/comment.xsl and
# its predecessor generic.xsl, where the id is "comment<number>"): ul.collections.forumthreadposts,
# li#P<post id>, span.comment-number "N. ", cite with a.time, span.date and span.fn, then
# p.comment-text, or p.comment-text-moderation in place of the words that moderators hid.
_NUMBERS = path(f"//span[{has_class('comment-number')}]")
_NUMBER = path(f"string((.//span[{has_class('comment-number')}])[1])")
_TEXT = path(f"(.//p[{has_class('comment-text')}])[1]")
_MODERATED = path(f"(.//p[{has_class('comment-text-moderation')}])[1]")
_CITE = path("string((.//cite)[1])")
_TIME = path(f"string((.//cite//*[{has_class('time')}])[1])")
_DATE = path(f"string((.//cite//*[{has_class('date')}])[1])")
_AUTHOR = path(f"string((.//cite//*[{has_class('fn')}])[1])")
_LINK = path(f"string((.//cite//a[{has_class('time')}])[1]/@href)")
_PAGINATION = f"//ul[{has_class('pagination')}]"
_CURRENT = path(f"string(({_PAGINATION}//li[{has_class('current')}])[1])")
_PAGES = path(f"{_PAGINATION}//li//text()")

_RECOGNISED = re.compile(r"""\bid\s*=\s*["']?(?:P|comment)\d""")
_ID = re.compile(r"(?:P|comment)(\d{1,18})")
_LEADING_NUMBER = re.compile(r"\s*(\d{1,9})\.")
_AWAITING = "(awaiting moderation)"
_THE_ONE_WHO_SAVED_IT = "you"


def recognises(page: str) -> bool:
    """Tell whether a page is in DNA's markup."""
    is_listed = "comment-number" in page and "comment-text" in page and "vcard" in page
    return is_listed and _RECOGNISED.search(page) is not None


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments of a page in page order."""
    document = parse_html(page)
    notes.captured_at = find_capture_time(page) or notes.captured_at
    notes.article_title = page_title(document)
    _note_pages(document, notes)
    nodes: dict[str, HtmlElement] = {}
    for node in _items(document):
        same = _find_id(node)
        if same is None:
            notes.left_out["items of the comment list without an id"] += 1
        elif nodes.setdefault(same, node) is not node:
            notes.left_out["comments that the page shows twice"] += 1
    notes.article_id = page_address(document) or _find_article(nodes) or notes.article_id
    numbers = {same: _find_number(node) for same, node in nodes.items()}
    ids = {number: same for same, number in numbers.items() if number is not None}
    for same, node in nodes.items():
        yield _to_comment(same, node, numbers[same], ids, notes)


def _items(document: HtmlElement) -> list[HtmlElement]:
    """Return the items; one inside another, by a tag left open, is no words of the other."""
    above = (next(number.iterancestors("li"), None) for number in _NUMBERS(document))
    items = list(dict.fromkeys(node for node in above if node is not None))
    known = set(items)
    for node in items:
        if next(node.iterancestors("li"), None) in known:
            take_out(node)
    return items


def _to_comment(
    same: str, node: HtmlElement, number: int | None, ids: dict[int, str], notes: Notes
) -> Comment:
    placeholder, text = _read_words(node, notes)
    status = Status.PUBLISHED if placeholder is None and text is not None else None
    answered = find_reply_number(text or "", number=number)
    if answered is not None and answered not in ids:
        notes.left_out["parents of replies that stand on another page"] += 1
    shown = f"{_DATE(node)} {_TIME(node)}"
    created_at = parse_time(shown, captured_at=notes.captured_at)
    if created_at is None and shown.strip():
        notes.left_out["times in a layout that is not known"] += 1
    author = " ".join(_AUTHOR(node).split())
    return Comment(
        id=same,
        text=text,
        source=NAME,
        status=placeholder.status if placeholder else status,
        parent_id=ids.get(answered) if answered is not None else None,
        number=number,
        article_id=notes.article_id,
        article_title=notes.article_title,
        author=None if author == _THE_ONE_WHO_SAVED_IT else author or None,
        created_at=created_at,
        captured_at=notes.captured_at,
        removal_reason=placeholder.reason if placeholder else None,
    )


def _read_words(node: HtmlElement, notes: Notes) -> tuple[Placeholder | None, str | None]:
    """Return what stands in place of a comment's words, or the words."""
    if found := _TEXT(node):
        return None, tidy("\n\n".join(_parts(found[0])))
    sentence = html_to_text(_MODERATED(node)[0]) if _MODERATED(node) else ""
    placeholder = find_placeholder(sentence)
    if placeholder is None and _AWAITING in _CITE(node):  # the site's own sentence follows
        placeholder = Placeholder(Status.PENDING, _AWAITING.strip("()"))
    if placeholder is None:
        notes.left_out["sentences in place of a comment that are not known"] += 1
    return placeholder, None


def _parts(paragraph: HtmlElement) -> Iterator[str]:
    """Yield the words; a block in them ends the paragraph, and stands behind it without a class."""
    for part in (paragraph, *paragraph.itersiblings()):
        if part is not paragraph and part.get("class"):
            return
        yield html_to_text(part)
        yield " ".join((part.tail or "").split())


def _find_id(node: HtmlElement) -> str | None:
    match = _ID.fullmatch(node.get("id", ""))
    return match[1] if match else None


def _find_number(node: HtmlElement) -> int | None:
    match = _LEADING_NUMBER.match(_NUMBER(node))
    return int(match[1]) if match else None


def _find_article(nodes: dict[str, HtmlElement]) -> str | None:
    """Return the page that the comments say they are on; the address of a place in it has a #."""
    links = (_LINK(node).partition("#")[0].strip() for node in nodes.values())
    return next((link for link in links if link), None)


def _note_pages(document: HtmlElement, notes: Notes) -> None:
    current = _CURRENT(document).strip()
    numbers = [int(text) for text in _PAGES(document) if text.strip().isdecimal()]
    if current.isdecimal():
        notes.page, notes.pages = int(current), max(numbers)
    elif shown := find_page_number(" ".join(current.split())):
        notes.page, notes.pages = shown.page, shown.pages
