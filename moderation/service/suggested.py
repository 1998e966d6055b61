"""What a suggestion of the Perspective API is about: which comment, and what the site did."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from moderation.comments import Comment
from moderation.perspective.requests import SuggestRequest

SOURCE: Final = "perspective"
CORAL: Final = "Coral:"
"""How Coral's communities begin. What its moderators decide comes as 0 or 1 on any attribute."""
APPROVED: Final = "APPROVED"
"""The attribute by which Talk and earlier versions of Coral tell an approval, with the value 1;
a removal is DELETED there."""
_CORAL_ID: Final = "Coral_comment_id"
_CORAL_PARENT: Final = "reply_to_id_Coral_comment_id"
_OF_COMMENT: Final = "commentID"
"""What Coral adds to an article's address so that it leads to one comment."""


class Suggestion(NamedTuple):
    """What is said of one attribute; of one that `removes`, 1 is a removal and 0 an approval."""

    attribute: str
    value: float
    removes: bool


def find_comment(request: SuggestRequest) -> Comment:
    """
    Return the comment that a suggestion is about.

    Coral names it in the context's first entry, others at most in the client's token; without
    either it is known by its words. Its article is the address that Coral gives, else the
    community.
    """
    said = _read_context(request)
    digest = hashlib.sha256(request.text.encode("utf-8", "surrogatepass")).hexdigest()
    address = _word(said, "url")
    return Comment(
        id=_word(said, _CORAL_ID) or request.client_token or digest[:32],
        text=request.text,
        source=SOURCE,
        status=None,
        parent_id=_word(said, _CORAL_PARENT),
        article_id=_find_article(address) if address else request.community_id,
    )


def read_suggestions(request: SuggestRequest, *, removals: frozenset[str]) -> Iterator[Suggestion]:
    """Yield what is said of each attribute as a whole; `removals` name the site's own removal."""
    by_coral = _is_corals(request)
    for name, scores in request.scores.items():
        value = scores.summary
        if value is None:
            continue
        if by_coral and name == APPROVED:
            value = 1 - value
        yield Suggestion(name, value, by_coral or name in removals)


def _is_corals(request: SuggestRequest) -> bool:
    return (request.community_id or "").startswith(CORAL)


def _read_context(request: SuggestRequest) -> Mapping[str, Any]:
    """Return what Coral says of a comment; empty where the context is something else."""
    entries = request.context.entries if request.context else ()
    if not entries or not _is_corals(request):
        return {}
    try:
        said = json.loads(entries[0])
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _find_article(address: str) -> str:
    """
    Return the address of the article of an address that leads to one comment.

    >>> _find_article("https://news.example/a?page=2&commentID=7")
    'https://news.example/a?page=2'
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    query = [pair for pair in parse_qsl(parts.query) if pair[0] != _OF_COMMENT]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _word(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) and value else None
