"""Where a text in TOML says what, by its lines; and changing one value in it, and nothing else."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.errors import PolicyError

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys of tables, and numbers in lists from 0."""


@dataclass(frozen=True)
class Statement:
    """Lines [first, end) of a text, counted from 0, that give keys or begin a table."""

    first: int
    end: int
    header: bool
    gives: tuple[KeyPath, ...]


def find_statements(text: str) -> list[Statement]:
    """
    Return the statements of a text that is TOML, in order, without blank lines and comments.

    A statement ends with the first line up to which it can be read alone. It gives what reading the
    headers so far together with it yields, and reading them without it does not.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    statements: list[Statement] = []
    headers, had, first = "", frozenset[KeyPath](), 0
    for end in range(1, len(lines) + 1):
        body = "\n".join(lines[first:end]) + "\n"
        alone = _read(body)
        if alone is None:
            continue
        if alone:
            has = tuple(_paths(tomllib.loads(headers + body), ()))
            header = body.lstrip().startswith("[")
            gives = tuple(at for at in has if at not in had)
            statements.append(Statement(first, end, header, gives))
            if header:
                headers, had = headers + body, frozenset(has)
        first = end
    return statements


def find_lines(text: str) -> dict[KeyPath, int]:
    """
    Return the line, from 1, on which the statement begins that first gives each key of a text.

    >>> find_lines('otherwise = "hold"\\n\\n[[rule]]\\nname = "a"')
    {('otherwise',): 1, ('rule',): 3, ('rule', 0): 3, ('rule', 0, 'name'): 4}
    """
    lines: dict[KeyPath, int] = {}
    for statement in find_statements(text):
        for at in statement.gives:
            lines.setdefault(at, statement.first + 1)
    return lines


def change_value(text: str, at: KeyPath, value: Any) -> str:
    """
    Return the text with the value at a path set, or with None deleted; all else stays as it is.

    A key that is there keeps its place and the comment behind it, a new one follows the last of its
    table.

    Raises:
        PolicyError: it stands in one statement with other values.

    """
    statements = find_statements(text)
    there = [one for one in statements if any(_is_inside(given, at) for given in one.gives)]
    if any(not _is_inside(given, at) for one in there for given in one.gives):
        raise PolicyError("write each rule as a [[rule]] of its own, and each key on its own line")
    lines = text.split("\n")
    line = "" if value is None else f"{at[-1]} = {as_toml(value)}"
    if line and len(there) == 1 and not there[0].header:
        here = slice(there[0].first, there[0].end)
        lines[here] = [_rewrite("\n".join(lines[here]), line)]
        return "\n".join(lines)
    gone = {place for one in there for place in range(one.first, one.end)}
    if line:
        end = "\r" if lines[0].endswith("\r") else ""
        last = _end_of(statements, at[:-1]) - 1
        unended = last == len(lines) - 1
        before = [] if last in gone else [lines[last] + (end if unended else "")]
        lines[last] = "\n".join([*before, line + ("" if unended else end)])
        gone.discard(last)
    return "\n".join(old for place, old in enumerate(lines) if place not in gone)


def as_toml(value: Any) -> str:
    """Return a value in TOML, in one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(as_lines(**value))
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, str):
        return quote(value)
    # NumPy's numbers are no literals by their repr.
    return repr(float(value)) if isinstance(value, float) else str(int(value))


def as_lines(**values: Any) -> list[str]:
    """Return a line for each value that there is: nothing stands for what is None or empty."""
    return [
        f"{key} = {as_toml(value)}"
        for key, value in values.items()
        if value is not None and not (isinstance(value, str | tuple) and not value)
    ]


def quote(words: str) -> str:
    """Return words as a string of TOML, which escapes like JSON, and DEL besides."""
    return json.dumps(str(words), ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _paths(value: Any, at: KeyPath) -> Iterator[KeyPath]:
    """Yield the path of everything in a value."""
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for key, part in inside:
        yield (*at, key)
        yield from _paths(part, (*at, key))


def _is_inside(at: KeyPath, outer: KeyPath) -> bool:
    return at[: len(outer)] == outer


def _end_of(statements: Sequence[Statement], table: KeyPath) -> int:
    """Return where the statements under the header of a table end, before the next header."""
    begins = next(place for place, one in enumerate(statements) if table in one.gives)
    last = begins
    while last + 1 < len(statements) and not statements[last + 1].header:
        last += 1
    return statements[last].end


def _rewrite(statement: str, line: str) -> str:
    """Return another line in place of a statement, as far in and with the comment behind it."""
    indent = statement[: len(statement) - len(statement.lstrip())]
    whole = tomllib.loads(statement.removesuffix("\r") + "\n")
    marks = [match.start() for match in re.finditer("#", statement)]
    comment = next((mark for mark in marks if _read(statement[:mark]) == whole), len(statement))
    bare = statement[:comment].rstrip(" \t\r")
    return indent + line + statement[len(bare) :]
