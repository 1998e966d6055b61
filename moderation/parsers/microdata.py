"""Microdata of a page (WHATWG HTML, chapter 5) as nodes like those of JSON-LD; without itemref."""

import re
from collections.abc import Collection
from typing import Any

import lxml.etree
from lxml.html import HtmlElement

from moderation.text import html_to_text

Node = dict[str, Any]
"""As JSON-LD writes an item: "@type", "@id" and its properties, here each with a list of values."""

_KIND = re.compile(r"https?://(?:www\.)?schema\.org/(\w{1,60})/?", re.I)
# Where a value stands that is not what a reader sees. `content` is meta's alone by the book, but
# search engines read it anywhere, and pages are written for them. What is linked is no name.
_ATTRIBUTES = ("content", "datetime", "value")
_LINKS = ("href", "src")
_ADDRESSES = frozenset({"url", "replyToUrl", "parentItem", "interactionType"})


class PlainText(str):
    """A text without markup: what looks like some was written so."""

    __slots__ = ()


def read_items(
    document: HtmlElement, *, names: Collection[str], replies: str, kinds: Collection[str]
) -> list[Node]:
    """
    Return the items of a page that stand in no other, with those of their properties in `names`.

    Of a property that an item repeats the first value counts, except for items. An item of one of
    `kinds` inside another of them is among its `replies`, whether it is marked so or not. The
    document is taken apart: words of one item are no words of the one around it.
    """
    found: list[Node] = []
    scopes: list[tuple[HtmlElement, Node]] = []
    values: list[tuple[Node, str, HtmlElement]] = []
    begun: list[HtmlElement] = []
    for event, element in lxml.etree.iterwalk(document, events=("start", "end"), tag="*"):
        if event == "end":
            if scopes and scopes[-1][0] is element:
                scopes.pop()
            continue
        owner = scopes[-1][1] if scopes else None
        properties = [name for name in element.get("itemprop", "").split() if name in names]
        if "itemscope" in element.attrib:
            node = _begin(element)
            if not (properties and owner is not None):
                properties = [replies]
                owner = _nearest(scopes, kinds) if set(node["@type"]) & set(kinds) else None
            (found if owner is None else owner.setdefault(properties[0], [])).append(node)
            scopes.append((element, node))
            begun.append(element)
        elif owner is not None:
            values += [(owner, name, element) for name in properties]
    for element in reversed(begun):  # the values inside stay whole, on their own
        element.clear(keep_tail=True)
    for owner, name, element in values:
        if name not in owner:
            owner[name] = [_value(element, name)]
    return found


def _begin(element: HtmlElement) -> Node:
    kinds = [match[1] for one in element.get("itemtype", "").split() if (match := _KIND.match(one))]
    node: Node = {"@type": kinds}
    if same := element.get("itemid", "").strip():
        node["@id"] = same
    elif place := element.get("id", "").strip():
        node["@id"] = f"#{place}"
    return node


def _nearest(scopes: list[tuple[HtmlElement, Node]], kinds: Collection[str]) -> Node | None:
    return next((node for _, node in reversed(scopes) if set(node["@type"]) & set(kinds)), None)


def _value(element: HtmlElement, name: str) -> PlainText:
    for attribute in (*_ATTRIBUTES, *(_LINKS if name in _ADDRESSES else ())):
        if attribute in element.attrib:
            return PlainText(element.get(attribute).strip())
    return PlainText(html_to_text(element))
