"""
`Layout`: a record of XML as a program writes it, drawn once and matched from then on.

What is drawn matches nothing that XML 1.0 reads in another way: what does not match is left to the
parser.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

MOST_TEXTS = 200
"""Of one layout."""
NAME = r"[A-Za-z_][A-Za-z0-9_.-]*+"
QUALIFIED = rf"(?:{NAME}:)?{NAME}"
_WITHIN = r"[^\]]*+(?:\](?!\]>)[^\]]*+)*"
SECTION = rf"<!\[CDATA\[{_WITHIN}\]\]>"

_SPACES = r"[ \t\n]*+"
_TAG = re.compile(
    rf"<(?P<name>{QUALIFIED})"
    rf"(?P<attributes>(?: {QUALIFIED}=(?:\"[^\"<\t\n]*+\"|'[^'<\t\n]*+'))*+)(?P<close> ?/?>)"
)
_ATTRIBUTE = re.compile(rf" (?P<name>{QUALIFIED})=(?P<quote>[\"']).*?(?P=quote)", re.S)
_CONTENT = re.compile(rf"(?P<section>{SECTION})|(?P<text>[^<]*+)")
_BLANK = re.compile(_SPACES)
_REFERENCE = re.compile(
    r"&(?:(?P<name>amp|lt|gt|quot|apos)|#(?P<decimal>[0-9]{1,7})|#x(?P<hex>[0-9A-Fa-f]{1,6}));"
)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_LEVELS = 2
"""Below a record."""


@dataclass(slots=True)
class Layout:
    """The tags of a record, and where the texts between them belong."""

    name: str
    """As it is written, with its prefix."""
    match: Callable[[str, int], re.Match[str] | None]
    paths: tuple[str, ...]
    children: Mapping[str, list[dict[str, int]]]
    """Of each child that has children the places of their texts."""
    escaped: tuple[int, ...]
    """The places of texts in which "&" begins a reference; in a section it does not."""
    sections: int
    depth: int
    """Levels below the record."""
    hits: int = 0

    def read(self, match: re.Match[str]) -> tuple[str, ...] | None:
        """Return the texts of a record, None where reading them is for the parser."""
        text, (begin, end) = match.string, match.span()
        if text.count("]]>", begin, end) != self.sections:  # outside of a section it is an error
            return None
        texts = match.groups()
        return texts if text.find("&", begin, end) < 0 else _resolve(texts, self.escaped)


class Found(NamedTuple):
    """A record that matched: its layout, and the texts of it."""

    layout: Layout
    texts: tuple[str, ...]

    @property
    def fields(self) -> dict[str, str]:
        """The texts by their paths: "name", "author/name", "thread@{namespace}id"."""
        return dict(zip(self.layout.paths, self.texts, strict=True))

    def each(self, name: str) -> Iterator[dict[str, str]]:
        """Yield the fields of every child of a name that has children itself."""
        for places in self.layout.children.get(name, ()):
            yield {inner: self.texts[place] for inner, place in places.items()}


class Unusual(Exception):
    """A record that is for the parser."""


def draw_layout(
    record: str, namespaces: Mapping[str, str], bodies: frozenset[str] = frozenset()
) -> Layout:
    """
    Return the layout of a record; the prefixes of `namespaces` may stand in it.

    Raises:
        Unusual: there is more in it than tags and texts on two levels, or markup in a body.

    """
    return _Drawing(record, namespaces, bodies).layout()


class _Drawing:
    """Draws the layout of one record."""

    def __init__(self, record: str, namespaces: Mapping[str, str], bodies: frozenset[str]) -> None:
        self._record = record
        self._namespaces = namespaces
        self._bodies = bodies
        self._pattern: list[str] = []
        self._paths: list[str] = []
        self._escaped: list[int] = []
        self._children: dict[str, list[dict[str, int]]] = {}
        self._depth = 0

    def layout(self) -> Layout:
        """
        Return the layout.

        Raises:
            Unusual: the record has more in it than tags and texts on two levels.

        """
        tag = self._open(0)
        end = self._draw(tag, "", 0)
        if end != len(self._record):
            raise Unusual
        pattern = "".join([*self._pattern, _SPACES])
        return Layout(
            name=tag["name"],
            match=re.compile(pattern).match,
            paths=tuple(self._paths),
            children=self._children,
            escaped=tuple(self._escaped),
            sections=pattern.count(re.escape("<![CDATA[")),
            depth=self._depth,
        )

    def _open(self, place: int) -> re.Match[str]:
        tag = _TAG.match(self._record, place)
        if tag is None:
            raise Unusual
        return tag

    def _draw(self, tag: re.Match[str], path: str, level: int) -> int:
        """Draw an element, whose first tag is given; return where it ends."""
        self._depth = max(self._depth, level)
        self._add(f"<{tag['name']}")
        self._draw_attributes(tag["attributes"], path)
        self._add(tag["close"])
        if tag["close"].endswith("/>"):
            self._add_text(path, "()")
            return tag.end()
        closing = f"</{tag['name']}>"
        content = _CONTENT.match(self._record, tag.end())
        end = content.end() if content else 0
        if content is not None and self._record.startswith(closing, end):
            if content["section"]:
                self._add("<![CDATA[")
                self._add_text(path, f"({_WITHIN})")
                self._add("]]>")
            else:
                self._add_text(path, "([^<]*+)", escaped=True)
        else:
            end = self._draw_children(tag, path, level)
            if not self._record.startswith(closing, end):
                raise Unusual
        self._add(closing)
        return end + len(closing)

    def _draw_children(self, tag: re.Match[str], path: str, level: int) -> int:
        """Draw what stands in an element; return where it ends."""
        if level == _LEVELS or path in self._bodies:
            raise Unusual
        places: dict[str, int] = {}
        end = self._skip_blank(tag.end())
        while not self._record.startswith("</", end):
            child = self._open(end)
            name = self._resolve(child["name"]).rpartition("}")[2]
            inner = f"{path}/{name}" if path else name
            end = self._skip_blank(self._draw(child, inner, level + 1))
            if level:
                places[name] = len(self._paths) - 1 - self._paths[::-1].index(inner)
        if level:
            self._children.setdefault(path, []).append(places)
        return end

    def _draw_attributes(self, attributes: str, path: str) -> None:
        seen = set()
        for attribute in _ATTRIBUTE.finditer(attributes):
            name = self._resolve(attribute["name"])
            if name in seen or name == "xmlns":
                raise Unusual
            seen.add(name)
            quote = attribute["quote"]
            self._add(f" {attribute['name']}={quote}")
            self._add_text(f"{path}@{name}", rf"([^<{quote}\t\n]*+)", escaped=True)
            self._add(quote)

    def _resolve(self, name: str) -> str:
        """Return a name with its namespace, as lxml writes it."""
        prefix, colon, local = name.rpartition(":")
        if not colon:
            return local
        if prefix not in self._namespaces:
            raise Unusual
        return f"{{{self._namespaces[prefix]}}}{local}"

    def _skip_blank(self, place: int) -> int:
        self._pattern.append(_SPACES)
        blank = _BLANK.match(self._record, place)
        return blank.end() if blank else place

    def _add(self, markup: str) -> None:
        self._pattern.append(re.escape(markup))

    def _add_text(self, path: str, group: str, *, escaped: bool = False) -> None:
        if len(self._paths) == MOST_TEXTS:
            raise Unusual
        if escaped:
            self._escaped.append(len(self._paths))
        self._paths.append(path)
        self._pattern.append(group)


def _resolve(texts: tuple[str, ...], escaped: tuple[int, ...]) -> tuple[str, ...] | None:
    """Return texts with their references resolved, None where that is for the parser."""
    if not any("&" in texts[place] for place in escaped):
        return texts
    resolved = list(texts)
    for place in escaped:
        pieces: list[str] = []
        done = 0
        for reference in _REFERENCE.finditer(texts[place]):
            character = _refer(reference)
            if character is None:
                return None
            pieces += texts[place][done : reference.start()], character
            done = reference.end()
        pieces.append(texts[place][done:])
        if any("&" in piece for piece in pieces[::2]):
            return None
        resolved[place] = "".join(pieces)
    return tuple(resolved)


def _refer(reference: re.Match[str]) -> str | None:
    """Return the character that a reference stands for, None where XML 1.0 has none such."""
    if reference["name"]:
        return _NAMED[reference["name"]]
    code = int(reference["decimal"] or reference["hex"], 10 if reference["decimal"] else 16)
    allowed = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
    return chr(code) if allowed or 0x10000 <= code <= 0x10FFFF else None
