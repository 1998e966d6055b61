"""Comments that any page marks for search engines: schema.org's, in JSON-LD and in microdata.

The terms are those of https://schema.org/Comment, UserComments (its forerunner) and
InteractionCounter. Such marks have no status: what a page shows is published.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from moderation.comments import Comment
from moderation.parsers.columns import make_id
from moderation.parsers.html import (
    find_capture_time,
    one_line,
    page_address,
    page_title,
    parse_html,
)
from moderation.parsers.json_ld import COMMENTS, REPLIES, Marked, find_marked, read_scripts
from moderation.parsers.microdata import Node, PlainText, read_items
from moderation.parsers.notes import Notes
from moderation.parsers.schema_votes import find_votes
from moderation.text import markup_to_text

NAME = "schema_org"

_TEXT = ("text", "commentText", "articleBody")
_TIME = ("dateCreated", "commentTime", "datePublished")
_AUTHOR = ("author", "creator")
_PARENT = ("parentItem", "replyToUrl")
_ADDRESS = ("url", "mainEntityOfPage", "@id")
_TITLE = ("headline", "name")
_IDS = ("@id", "identifier", "url")
_PROPERTIES = frozenset(
    {*_TEXT, *_TIME, *_AUTHOR, *_PARENT, *_IDS, *REPLIES, "name", "headline", "value"}
    | {"upvoteCount", "downvoteCount", "interactionStatistic", "interactionType"}
    | {"userInteractionCount", "interactionCount"}
)

_ITEM = re.compile(
    r"\bitemtype\s*=\s*[\"']?[^\"'>]{0,300}?schema\.org/(?:Comment|UserComments)(?!\w)", re.I
)
_TYPE = re.compile(
    r'"@type"\s{0,20}:\s{0,20}(?:\[[\s\w"/:.,]{0,99}?)?'
    r'"(?:https?://(?:www\.)?schema\.org/|\w{1,30}:)?(?:Comment|UserComments)"'
)


@dataclass(frozen=True)
class _Found:
    id: str
    text: str
    marked: Marked


def recognises(page: str) -> bool:
    """Tell whether a page marks comments with terms of schema.org."""
    if "schema.org" not in page:
        return False
    return _ITEM.search(page) is not None or ("ld+json" in page and _TYPE.search(page) is not None)


def parse(page: str, notes: Notes) -> Iterator[Comment]:
    """Yield the comments that a page marks, those in scripts first, in page order."""
    document = parse_html(page)
    notes.captured_at = find_capture_time(page) or notes.captured_at
    address = page_address(document)
    notes.article_id = address or notes.article_id
    notes.article_title = page_title(document)
    marked = list(find_marked(read_scripts(document, notes)))
    items = read_items(document, names=_PROPERTIES, replies="comment", kinds=COMMENTS)
    found = _Gathered(address or "", notes)
    found.add(marked)
    found.add(find_marked(items))
    yield from found.comments()


class _Gathered:
    """The comments of one page, each of them once, whichever way it is marked."""

    def __init__(self, address: str, notes: Notes) -> None:
        self._address = address
        self._notes = notes
        self._found: list[_Found] = []
        self._ids: dict[str, str] = {}
        """From each name of a comment, its id or address, to the id it is given."""
        self._by_node: dict[int, str] = {}
        self._words: set[tuple[str | None, str]] = set()

    def add(self, marked: Iterator[Marked] | list[Marked]) -> None:
        """Take comments in, except those that are there already."""
        words: set[tuple[str | None, str]] = set()
        for one in marked:
            text = _read_text(one.node)
            if text is None:
                self._notes.left_out["marks of comments without a text"] += 1
                continue
            names = [self._absolute(name) for name in _names(one.node)]
            said = (_read_author(one.node), text)
            if said in self._words or any(name in self._ids for name in names):
                self._notes.left_out["comments that the page shows twice"] += 1
                continue
            words.add(said)
            same = next(_names(one.node), None) or make_id(len(self._found) + 1, text)
            self._ids.update(dict.fromkeys(names, same))
            self._by_node[id(one.node)] = same
            self._found.append(_Found(same, text, one))
        self._words |= words  # of two kinds of marks, not of one: readers repeat each other

    def comments(self) -> Iterator[Comment]:
        """Yield what was taken in, with the parents that are known by now."""
        for one in self._found:
            yield self._to_comment(one)

    def _to_comment(self, found: _Found) -> Comment:
        node, notes = found.marked.node, self._notes
        positive, negative = find_votes(node)
        article, title = self._find_article(found.marked.article)
        return Comment(
            id=found.id,
            text=found.text,
            source=NAME,
            parent_id=self._find_parent(found),
            article_id=article or notes.article_id,
            article_title=title or notes.article_title,
            author=_read_author(node),
            created_at=_read_time(node, notes),
            captured_at=notes.captured_at,
            positive_votes=positive,
            negative_votes=negative,
        )

    def _find_parent(self, found: _Found) -> str | None:
        if found.marked.parent is not None and id(found.marked.parent) in self._by_node:
            return self._by_node[id(found.marked.parent)]
        for key in _PARENT:
            for value in _values(found.marked.node.get(key)):
                names = [value] if isinstance(value, str) else list(_names(value))
                known = [self._ids.get(self._absolute(name)) for name in names]
                parent = next((one for one in known if one is not None), None)
                if parent is not None:
                    return parent if parent != found.id else None
        return None

    def _find_article(self, article: Node | None) -> tuple[str | None, str | None]:
        if article is None:
            return None, None
        address = next(map(self._absolute, _addresses(article)), None)
        titles = (one_line(name) for key in _TITLE for name in _strings(article, key))
        title = next(titles, None)
        return address, title

    def _absolute(self, name: str) -> str:
        try:
            return urljoin(self._address, name.strip())
        except ValueError:  # "http://[": no address
            return name.strip()


def _names(node: Node) -> Iterator[str]:
    """Yield what a comment is called: its id, its number and its address, where it has them."""
    for key in _IDS:
        for value in _values(node.get(key)):
            named = value.get("value") if isinstance(value, dict) else value
            if isinstance(named, str | int) and not isinstance(named, bool) and str(named).strip():
                yield str(named).strip()


def _addresses(article: Node) -> Iterator[str]:
    """Yield the addresses of an article; a place in the page that shows it is none."""
    for key in _ADDRESS:
        for value in _values(article.get(key)):
            address = value.get("@id") if isinstance(value, dict) else value
            if isinstance(address, str) and address.strip() and not address.startswith("#"):
                yield address


def _read_text(node: Node) -> str | None:
    texts = (text for key in _TEXT for text in _strings(node, key))
    text = next(texts, None)
    if text is None:
        return None
    return (str(text) if isinstance(text, PlainText) else markup_to_text(text)) or None


def _read_author(node: Node) -> str | None:
    for key in _AUTHOR:
        for value in _values(node.get(key)):
            names = _strings(value, "name") if isinstance(value, dict) else iter([value])
            for name in names:
                if isinstance(name, str) and (shown := one_line(name)):
                    return shown
    return None


def _read_time(node: Node, notes: Notes) -> datetime | None:
    """Return a time of ISO 8601; one without a zone is read as UTC, a day as its beginning."""
    shown = next((text for key in _TIME for text in _strings(node, key)), "").strip()
    try:
        moment = datetime.fromisoformat(shown)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the year 1 in a zone ahead of UTC
        if shown:
            notes.left_out["times in a layout that is not known"] += 1
        return None


def _strings(node: Node, key: str) -> Iterator[str]:
    return (value for value in _values(node.get(key)) if isinstance(value, str) and value.strip())


def _values(held: Any) -> list[Any]:
    if held is None:
        return []
    return held if isinstance(held, list) else [held]
