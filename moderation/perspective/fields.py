"""Partial answers: `fields=attributeScores/TOXICITY/summaryScore,languages`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moderation.perspective.discovery import SCHEMAS, Schema
from moderation.perspective.errors import invalid_selection

LONGEST: Final = 2_000
"""Characters of a selection; more than any answer has names for."""
_TOKEN = re.compile(r"\s*([,/()]|[^,/()\s]+)\s*")
_ANY: Final = "*"


@dataclass(slots=True)
class Selection:
    """What of a value is wanted: all of it, or some of its members, each with what of it."""

    whole: bool = False
    members: dict[str, "Selection"] = field(default_factory=dict)


def read_selection(fields: str, message: str) -> Selection:
    """
    Read a selection from the message of that name, as Google's "Performance tips" have it.

    Names are parted by commas; `a/b` selects b within a, `a(b,c)` several, `*` every member.

    Raises:
        ApiError: it has another form, or names what the message has not.

    """
    if len(fields) > LONGEST:
        raise invalid_selection("")
    selection = Selection()
    reader = _Reader([match[1] for match in _TOKEN.finditer(fields)])
    reader.read_list(selection, [{"$ref": message}])
    reader.expect_end()
    return selection


def select(value: Any, selection: Selection) -> Any:
    """
    Return what is selected of an answer, whose own values stay as they are.

    >>> answer = {"languages": ["en"], "clientToken": "a"}
    >>> select(answer, read_selection("clientToken", "AnalyzeCommentResponse"))
    {'clientToken': 'a'}
    """
    if selection.whole:
        return value
    if isinstance(value, list):
        return [select(item, selection) for item in value if isinstance(item, dict)]
    if not isinstance(value, dict):
        return {}  # it has none of the members that are wanted
    found = {}
    for name, item in value.items():
        wanted = _wanted(selection, name)
        if wanted is not None and (part := select(item, wanted)) not in ({}, []):
            found[name] = part
    return found


def _wanted(selection: Selection, name: str) -> Selection | None:
    named, every = selection.members.get(name), selection.members.get(_ANY)
    if named is None or every is None or named is every:
        return named or every
    both = Selection()
    _merge(both, named)
    _merge(both, every)
    return both


def _merge(into: Selection, other: Selection) -> None:
    into.whole |= other.whole
    for name, member in other.members.items():
        _merge(into.members.setdefault(name, Selection()), member)


@dataclass(slots=True)
class _Reader:
    """
    Reads tokens from left to right, as deep as the message is: its schemas refer to none above.
    """

    tokens: list[str]
    at: int = 0

    def read_list(self, into: Selection, schemas: Sequence[Schema]) -> None:
        self.read_path(into, schemas)
        while self._take(","):
            self.read_path(into, schemas)

    def read_path(self, into: Selection, schemas: Sequence[Schema]) -> None:
        name = self._name()
        within = _members(schemas, name)
        into = into.members.setdefault(name, Selection())
        if self._take("/"):
            self.read_path(into, within)
        elif self._take("("):
            self.read_list(into, within)
            if not self._take(")"):
                raise invalid_selection(name)
        else:
            into.whole = True

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise invalid_selection(self.tokens[self.at])

    def _name(self) -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if not token or token in ",/()":
            raise invalid_selection(token)
        self.at += 1
        return token

    def _take(self, token: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == token:
            self.at += 1
            return True
        return False


def _members(schemas: Sequence[Schema], name: str) -> list[Schema]:
    """Return what a member of that name may be; of `*`, what any member may be."""
    found: list[Schema] = []
    for schema in map(_resolve, schemas):
        properties = schema.get("properties", {})
        if "additionalProperties" in schema:
            found.append(schema["additionalProperties"])
        elif name == _ANY:
            found += properties.values()
        elif name in properties:
            found.append(properties[name])
    if not found:
        raise invalid_selection(name)
    return found


def _resolve(schema: Schema) -> Schema:
    """Return the schema that a reference means, or that of a list's items."""
    schema = schema.get("items", schema)
    return SCHEMAS[schema["$ref"]] if "$ref" in schema else schema
