"""Names of schema.org in JSON-LD: by address, by a prefix or without, read as the plain ones."""

import re
from collections.abc import Collection, Iterator
from typing import Any

_ADDRESS = re.compile(r"https?://(?:www\.)?schema\.org/?#?", re.I)
_USUAL = "schema"


def shorten(data: Any) -> Any:
    """
    Return JSON-LD with plain names, and values in place of objects of nothing but a value.

    Prefixes are those of contexts (JSON-LD 1.1, 3.1); types keep what stands before them.

    >>> shorten({"@context": {"s": "http://schema.org/"}, "s:text": {"@value": "words"}})["text"]
    'words'
    """
    prefixes = {name for node in _nodes(data) for name in _prefixes(node)} | {_USUAL}
    for node in _nodes(data):
        plain = {_plain_name(key, prefixes): _plain_value(held) for key, held in node.items()}
        node.clear()
        node.update(plain)
    return data


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document, without recursion."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _prefixes(node: dict[str, Any]) -> Iterator[str]:
    """Yield what a context lets stand for schema.org."""
    contexts = node.get("@context")
    for context in contexts if isinstance(contexts, list) else [contexts]:
        if isinstance(context, dict):
            for name, address in context.items():
                if isinstance(address, str) and _ADDRESS.fullmatch(address):
                    yield name


def _plain_name(key: str, prefixes: Collection[str]) -> str:
    prefix, colon, name = key.partition(":")
    if colon and prefix in prefixes:
        return name
    address = _ADDRESS.match(key)
    return key[address.end() :] if address else key


def _plain_value(held: Any) -> Any:
    if isinstance(held, list):
        return [one["@value"] if isinstance(one, dict) and "@value" in one else one for one in held]
    return held["@value"] if isinstance(held, dict) and "@value" in held else held
