"""JSON-LD of a page: its scripts as nodes, and the comments among them with what they answer."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

from moderation.parsers.html import path
from moderation.parsers.linked_names import shorten
from moderation.parsers.notes import Notes

Node = dict[str, Any]

COMMENTS = frozenset({"Comment", "UserComments"})
REPLIES = ("comment", "comments", "reply", "replies")
"""The properties of an article or a comment that hold the comments on it."""

_SCRIPTS = path(
    "//script[starts-with(translate(normalize-space(@type), 'JSONLDAPICT', 'jsonldapict'),"
    " 'application/ld+json')]"
)
_WRAPPING = re.compile(r"^\s*(?:<!--|/[*/]\s*<!\[CDATA\[[*/\s]*)|(?:-->|[/*\s]*\]\]>[*/\s]*)\s*$")


@dataclass(frozen=True)
class Marked:
    """A comment as it is marked; `parent` is the comment around it, `article` what it is on."""

    node: Node
    parent: Node | None
    article: Node | None


def read_scripts(document: HtmlElement, notes: Notes) -> list[Any]:
    """Return what the scripts of a page hold; those that are no JSON are counted."""
    found = []
    for script in _SCRIPTS(document):
        text = _WRAPPING.sub("", script.text or "")
        try:
            found.append(shorten(_load(text)))
        except (ValueError, RecursionError):
            notes.left_out["scripts of JSON-LD that are malformed"] += 1
    return found


def find_marked(roots: Iterable[Any]) -> Iterator[Marked]:
    """Yield the comments of nodes in their order; a node that is only referred to is in place."""
    found = list(_walk(roots))
    places = {
        one.node["@id"]: one
        for one in found
        if isinstance(one.node.get("@id"), str) and _is_empty(one.node)
    }
    for one in found:
        if _is_empty(one.node):
            continue
        name = one.node.get("@id")
        place = places.get(name) if isinstance(name, str) else None
        if place is not None and one.parent is None and one.article is None:
            one = Marked(one.node, place.parent, place.article)
        yield one


def is_comment(node: Node) -> bool:
    """Tell whether a node is a comment, by any spelling of its type."""
    return any(kind in COMMENTS for kind in _kinds(node))


def _load(text: str) -> Any:
    """Read JSON; U+FFFD stands for halves of characters, which what cuts texts in UTF-16 leaves."""
    data = json.loads(text, strict=False)
    if "\\ud" not in text.lower():
        return data
    spelled = json.dumps(data, ensure_ascii=False)
    return json.loads(spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _walk(roots: Iterable[Any]) -> Iterator[Marked]:
    """Yield comments, and references that stand where comments do, without recursion."""
    waiting: list[tuple[Any, Node | None, Node | None, bool]] = [
        (root, None, None, False) for root in reversed(list(roots))
    ]
    while waiting:
        node, parent, article, is_place = waiting.pop()
        if isinstance(node, list):
            waiting += [(one, parent, article, is_place) for one in reversed(node)]
        elif isinstance(node, dict):
            comment = is_comment(node)
            if comment or (is_place and _is_empty(node)):
                yield Marked(node, parent, article)
            waiting += reversed(list(_inside(node, article, is_comment=comment)))


def _inside(
    node: Node, article: Node | None, *, is_comment: bool
) -> Iterator[tuple[Any, Node | None, Node | None, bool]]:
    for key, value in node.items():
        if not isinstance(value, list | dict):
            continue
        if is_comment:
            if key in REPLIES:  # of the rest, its parent among it, nothing is another comment
                yield value, node, article, True
        else:
            yield value, None, node if key in REPLIES else None, key in REPLIES


def _is_empty(node: Node) -> bool:
    """Tell a reference to a node that is described elsewhere: it has a name and nothing else."""
    return "@id" in node and node.keys() <= {"@id", "@type"}


def _kinds(node: Node) -> Iterator[str]:
    held = node.get("@type")
    for kind in held if isinstance(held, list) else [held]:
        if isinstance(kind, str):
            yield kind.rpartition("/")[2].rpartition(":")[2]
