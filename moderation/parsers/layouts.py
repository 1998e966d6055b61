"""
Layouts: records of XML as a program writes them, one like another, matched instead of parsed.

An export repeats one template for its records. Once a record was seen, a regular expression of its
tags, with a group for each text between them, reads the next ones in a fifth of the time in which
a parser builds their elements. Nothing matches that XML 1.0 reads in another way: what does not
match is left to the parser, as is all that stands around the records.
"""

import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import NamedTuple

MOST_LAYOUTS = 32
"""More than a program has templates for; each is tried on a record that no other one matches."""
MOST_TEXTS = 200
"""Of one layout."""
HELD_CHARACTERS = 1 << 20
"""The longest record that is waited for, or remark between two: the parser reads a longer one."""
PATIENCE = 256
"""So many more records may be left to the parser than match; then it is given all of them."""

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*+"
_QUALIFIED = rf"(?:{_NAME}:)?{_NAME}"
_SPACES = r"[ \t\n]*+"
_REMARK = r"<!--[^-]*+(?:-(?!->)[^-]*+)*+-->"
_INSTRUCTION = r"<\?[^?]*+(?:\?(?!>)[^?]*+)*+\?>"
_WITHIN = r"[^\]]*+(?:\](?!\]>)[^\]]*+)*"
_SECTION = rf"<!\[CDATA\[{_WITHIN}\]\]>"
_OTHERS = f"{_REMARK}|{_SECTION}|{_INSTRUCTION}"
_IN_TAG = r"[^<>\"']*+(?:(?:\"[^\"<]*+\"|'[^'<]*+')[^<>\"']*+)*+"
_TAG = re.compile(
    rf"<(?P<name>{_QUALIFIED})"
    rf"(?P<attributes>(?: {_QUALIFIED}=(?:\"[^\"<\t\n]*+\"|'[^'<\t\n]*+'))*+)(?P<close> ?/?>)"
)
_ATTRIBUTE = re.compile(rf" (?P<name>{_QUALIFIED})=(?P<quote>[\"']).*?(?P=quote)", re.S)
_CONTENT = re.compile(rf"(?P<section>{_SECTION})|(?P<text>[^<]*+)")
_BLANK = re.compile(_SPACES)
_ROOT = re.compile(_QUALIFIED)
_ROOT_ATTRIBUTE = re.compile(rf"\s+(?P<name>{_QUALIFIED})\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')")
_DECLARING = r"<(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*?\sxmlns"
_IS_DECLARING = re.compile(_DECLARING)
_REFERENCE = re.compile(
    r"&(?:(?P<name>amp|lt|gt|quot|apos)|#(?P<decimal>[0-9]{1,7})|#x(?P<hex>[0-9A-Fa-f]{1,6}));"
)
_CHANGED = re.compile(r"[&\t\n]")
"""What XML 1.0 (3.3.3) reads of an attribute's value in another way than it is written."""
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_LEVELS = 2
"""Below a record."""
_NOT_ALLOWED = ("\ufffe", "\uffff")
"""By XML 1.0 (2.2, Char), beside the controls and surrogates that are no longer there."""


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


class Layouts:
    """The layouts of one export, learnt as it is read."""

    def __init__(self, names: Collection[str], root: str, bodies: Collection[str] = ()) -> None:
        """
        Take the records' names without a prefix, and the export's first tag.

        `bodies` are children whose markup, where it is not escaped, is for the parser to read.
        """
        self.mark = f"run-{secrets.token_hex(8)}"
        """An attribute that the export cannot have."""
        self._bodies = frozenset(bodies)
        self._namespaces = dict(_find_namespaces(root))
        begins = rf"<(?P<name>(?:{_NAME}:)?(?:{'|'.join(map(re.escape, names))}))(?=[\s/>])"
        self._begins = re.compile(begins).match
        others = begins.replace("?P<name>", "?:")
        self._between = re.compile(
            rf"(?:[^<]++|{_OTHERS}|(?!{others}|{_DECLARING})<(?![!?]){_IN_TAG}>)*+"
        ).match
        self._layouts: list[Layout] = []
        self._numbers = count()
        self._runs: dict[str, list[Found]] = {}
        self._left = 0
        self._held = ""
        self._is_off = not names

    def cut(self, text: str, *, at_end: bool = False) -> str:
        r"""
        Return what is for the parser of the next piece of an export, after its first tag.

        Line ends are "\\n". In the place of a run of records stands an element of their name, with
        as many levels and lines, that is marked: `take` returns the records of the mark.
        """
        if self._is_off:
            return text
        text = self._held + text
        rest: list[str] = []
        done = place = 0
        if not text.isascii() and any(one in text for one in _NOT_ALLOWED):
            self._is_off = True
        while not self._is_off:
            between = self._between(text, place)
            place = between.end() if between else place
            begins = self._begins(text, place)
            if begins is None:  # the end of what there is, or what changes the names
                self._is_off = _IS_DECLARING.match(text, place) is not None
                break
            run, end = self._match_run(text, place)
            if run:
                rest += text[done:place], self._stand_in(run, text.count("\n", place, end))
                done = place = end
            elif (after := _find_end(text, place, begins["name"])) is None:
                break
            elif not self._learn(text, place, after):
                place = after
        self._held = "" if at_end or self._is_off else text[place:]
        if len(self._held) > HELD_CHARACTERS:
            self._held, self._is_off = "", True
        rest.append(text[done : len(text) - len(self._held)])
        return "".join(rest)

    def take(self, mark: str) -> list[Found]:
        """Return the records in the place of a marked element, once."""
        return self._runs.pop(mark)

    def _match_run(self, text: str, place: int) -> tuple[list[Found], int]:
        """Return the records of one name that follow each other from a place on, and their end."""
        run: list[Found] = []
        name = None
        while (found := self._find(text, place)) is not None:
            layout, match = found
            texts = layout.read(match)
            if texts is None or (run and layout.name != name):
                break
            run.append(Found(layout, texts))
            name = layout.name
            place = match.end()
        self._left -= len(run)
        return run, place

    def _find(self, text: str, place: int) -> tuple[Layout, re.Match[str]] | None:
        """Return the layout of the record at a place; those of most records are tried first."""
        layouts = self._layouts
        for index, layout in enumerate(layouts):
            if (match := layout.match(text, place)) is not None:
                layout.hits += 1
                if index and layout.hits > layouts[index - 1].hits:
                    layouts[index - 1 : index + 1] = layout, layouts[index - 1]
                return layout, match
        return None

    def _stand_in(self, run: list[Found], lines: int) -> str:
        number = str(next(self._numbers))
        self._runs[number] = run
        name, depth = run[0].layout.name, max(found.layout.depth for found in run)
        inside = "<x>" * depth + "</x>" * depth + "\n" * lines
        return f'<{name} {self.mark}="{number}">{inside}</{name}>'

    def _learn(self, text: str, place: int, end: int) -> bool:
        """Learn the layout of a record; tell whether it matches now."""
        self._left += 1
        self._is_off = self._left > PATIENCE
        if len(self._layouts) < MOST_LAYOUTS:
            try:
                layout = _Drawing(text[place:end], self._namespaces, self._bodies).layout()
            except _Unusual:
                return False
            self._layouts.append(layout)
            match = layout.match(text, place)
            return match is not None and layout.read(match) is not None
        return False


class _Unusual(Exception):
    """A record that is for the parser."""


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
            _Unusual: the record has more in it than tags and texts on two levels.

        """
        tag = self._open(0)
        end = self._draw(tag, "", 0)
        if end != len(self._record):
            raise _Unusual
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
            raise _Unusual
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
                raise _Unusual
        self._add(closing)
        return end + len(closing)

    def _draw_children(self, tag: re.Match[str], path: str, level: int) -> int:
        """Draw what stands in an element; return where it ends."""
        if level == _LEVELS or path in self._bodies:
            raise _Unusual
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
                raise _Unusual
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
            raise _Unusual
        return f"{{{self._namespaces[prefix]}}}{local}"

    def _skip_blank(self, place: int) -> int:
        self._pattern.append(_SPACES)
        blank = _BLANK.match(self._record, place)
        return blank.end() if blank else place

    def _add(self, markup: str) -> None:
        self._pattern.append(re.escape(markup))

    def _add_text(self, path: str, group: str, *, escaped: bool = False) -> None:
        if len(self._paths) == MOST_TEXTS:
            raise _Unusual
        if escaped:
            self._escaped.append(len(self._paths))
        self._paths.append(path)
        self._pattern.append(group)


def _find_namespaces(root: str) -> Iterator[tuple[str, str]]:
    """Yield the prefixes that a tag declares; not those whose namespace is not as it is written."""
    name = _ROOT.match(root, 1)
    place = name.end() if name else len(root)
    while attribute := _ROOT_ATTRIBUTE.match(root, place):
        namespace = attribute[2] or attribute[3] or ""
        keyword, _, prefix = attribute["name"].partition(":")
        if keyword == "xmlns" and prefix and not _CHANGED.search(namespace):
            yield prefix, namespace
        place = attribute.end()


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


def _find_end(text: str, place: int, name: str) -> int | None:
    """Return where an element ends that begins at a place, None where the text ends before."""
    level = 0
    for tag in _tags(name).finditer(text, place):
        if tag["cut"]:
            return None
        if tag["end"]:
            level -= 1
        elif tag["begin"] and not tag[0].endswith("/>"):
            level += 1
        if level == 0:
            return tag.end()
    return None


@lru_cache(64)
def _tags(name: str) -> re.Pattern[str]:
    """Return what finds the tags of a name, and what else is to be passed over as a whole."""
    escaped = re.escape(name)
    return re.compile(
        rf"{_OTHERS}|(?P<cut><[!?])|(?P<end></{escaped}\s*>)|(?P<begin><{escaped}(?=[\s/>]){_IN_TAG}>)"
    )
