"""
`Layouts`: takes the records of an XML export out of it that are written one like another.

An export repeats one template for its records. Once a record was seen, a regular expression of its
tags, with a group for each text between them, reads the next ones in a fifth of the time in which
a parser builds their elements. What does not match is left to the parser, as is all that stands
around the records.
"""

import re
import secrets
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import count

from moderation.parsers.layout import (
    NAME,
    QUALIFIED,
    SECTION,
    Found,
    Layout,
    Unusual,
    draw_layout,
)

MOST_LAYOUTS = 32
"""More than a program has templates for; each is tried on a record that no other one matches."""
HELD_CHARACTERS = 1 << 20
"""The longest record that is waited for, or remark between two: the parser reads a longer one."""
PATIENCE = 256
"""So many more records may be left to the parser than match; then it is given all of them."""

_REMARK = r"<!--[^-]*+(?:-(?!->)[^-]*+)*+-->"
_INSTRUCTION = r"<\?[^?]*+(?:\?(?!>)[^?]*+)*+\?>"
_OTHERS = f"{_REMARK}|{SECTION}|{_INSTRUCTION}"
_IN_TAG = r"[^<>\"']*+(?:(?:\"[^\"<]*+\"|'[^'<]*+')[^<>\"']*+)*+"
_NAME_OF_ROOT = re.compile(QUALIFIED)
_ROOT_ATTRIBUTE = re.compile(rf"\s+(?P<name>{QUALIFIED})\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')")
_DECLARING = r"<(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*?\sxmlns"
_IS_DECLARING = re.compile(_DECLARING)
_CHANGED = re.compile(r"[&\t\n]")
"""What XML 1.0 (3.3.3) reads of an attribute's value in another way than it is written."""
_NOT_ALLOWED = ("\ufffe", "\uffff")
"""By XML 1.0 (2.2, Char), beside the controls and surrogates that are no longer there."""


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
        begins = rf"<(?P<name>(?:{NAME}:)?(?:{'|'.join(map(re.escape, names))}))(?=[\s/>])"
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

        Line ends are "\n". In the place of a run of records stands an element of their name, with
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
                layout = draw_layout(text[place:end], self._namespaces, self._bodies)
            except Unusual:
                return False
            self._layouts.append(layout)
            match = layout.match(text, place)
            return match is not None and layout.read(match) is not None
        return False


def _find_namespaces(root: str) -> Iterator[tuple[str, str]]:
    """Yield the prefixes that a tag declares; not those whose namespace is not as it is written."""
    name = _NAME_OF_ROOT.match(root, 1)
    place = name.end() if name else len(root)
    while attribute := _ROOT_ATTRIBUTE.match(root, place):
        namespace = attribute[2] or attribute[3] or ""
        keyword, _, prefix = attribute["name"].partition(":")
        if keyword == "xmlns" and prefix and not _CHANGED.search(namespace):
            yield prefix, namespace
        place = attribute.end()


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
