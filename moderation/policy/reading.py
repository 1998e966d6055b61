"""Takes values out of a table that was written by hand, and notes all that is wrong with it."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from moderation.policy.layout import KeyPath, quote

Part = TypeVar("Part")

_SHOWN = 60
_ALIKE = 0.75
"""So that "approve" is not suggested for "remove", which is 0.62."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and where: what was found, what was expected and what to write."""

    at: KeyPath
    says: str


@dataclass(frozen=True)
class Reader:
    """One table of a file; the mistakes are those of the whole file."""

    table: Mapping[str, Any]
    at: KeyPath
    mistakes: list[Mistake]

    def note(self, key: str | None, *, found: str, expected: str, write: str) -> None:
        """Note a mistake in a value, or with None in the table as a whole."""
        at = self.at if key is None else (*self.at, key)
        self.mistakes.append(Mistake(at, f"found {found}, expected {expected}, write {write}"))

    def refuse(self, key: str, *, expected: str, write: str) -> None:
        """Note that a value is not what it should be."""
        self.note(key, found=f"{key} = {show(self.table[key])}", expected=expected, write=write)

    def require(self, **examples: str) -> None:
        """Note which keys are not there."""
        for key, example in examples.items():
            if key not in self.table:
                self.note(None, found=f"no {key}", expected="one", write=f"{key} = {example}")

    def check_keys(self, keys: Sequence[str]) -> None:
        """Note which keys are none of those that there are."""
        for key in self.table:
            if key not in keys:
                near = difflib.get_close_matches(key.lower(), keys, n=1)
                write = near[0] if near else "one of them, or nothing"
                found = f"the unknown key {show(key)}"
                self.note(key, found=found, expected=one_of(keys), write=write)

    def words(self, key: str, example: str) -> str | None:
        """Return words, or None where there are none."""
        value = self.table.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.refuse(key, expected="words in quotes", write=f"{key} = {quote(example)}")
        return None

    def remark(self, key: str) -> str:
        """Return words that may be empty, and are where there are none."""
        value = self.table.get(key)
        return value if isinstance(value, str) else self.words(key, "some words") or ""

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        """Return one of the words that can be chosen, or None where there is none."""
        value = self.table.get(key)
        if value is None or value in choices:
            return value
        given = value.strip().lower() if isinstance(value, str) else ""
        near = difflib.get_close_matches(given, choices, n=1, cutoff=_ALIKE)
        write = f"{key} = {quote(near[0])}" if near else "one of them, in quotes"
        self.refuse(key, expected=one_of(choices), write=write)
        return None

    def share(self, key: str, example: float, *, ends: bool) -> float | None:
        """Return a number from 0 to 1; the ends themselves only where they are allowed."""
        value = self.table.get(key)
        if value is None:
            return None
        if _is_number(value) and (0 <= value <= 1 if ends else 0 < value < 1):
            return float(value)
        expected = "a number from 0 to 1" if ends else "a number above 0 and below 1"
        self.refuse(key, expected=expected, write=_unquoted(key, value) or f"{key} = {example:g}")
        return None

    def whole(self, key: str, example: int, *, least: int) -> int | None:
        """Return a whole number."""
        value = self.table.get(key)
        if value is None or (isinstance(value, int) and _is_number(value) and value >= least):
            return value
        write = _unquoted(key, value) or f"{key} = {example}"
        self.refuse(key, expected=f"a whole number of at least {least}", write=write)
        return None

    def names(self, key: str, example: str, *, alone: bool = True) -> tuple[str, ...]:
        """Return a list of words; a single one stands for a list where `alone` says so."""
        value = self.table.get(key)
        listed = [value] if alone and isinstance(value, str) else value
        if value is None:
            return ()
        if isinstance(listed, list) and listed and all(map(_is_words, listed)):
            return tuple(listed)
        example = value if _is_words(value) else example
        self.refuse(key, expected="a list of words in quotes", write=f"{key} = [{quote(example)}]")
        return ()

    def inner(self, key: str, keys: Sequence[str], *, example: str) -> "Reader | None":
        """Return the table of a key, or None where there is none."""
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(key, expected="a table in braces", write=f"{key} = {example}")
            return None
        reader = Reader(value, (*self.at, key), self.mistakes)
        reader.check_keys(keys)
        return reader

    def each(self, key: str, keys: Sequence[str], *, header: str) -> list["Reader"]:
        """Return the tables of a list of them."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            self.refuse(key, expected="a table for each", write=f"[[{header}]] before each")
            return []
        places = enumerate(value)
        readers = [Reader(table, (*self.at, key, at), self.mistakes) for at, table in places]
        for reader in readers:
            reader.check_keys(keys)
        return readers

    def make(self, build: Callable[[], Part]) -> Part | None:
        """Return what the table says, or None where a mistake was noted in it or inside it."""
        if any(mistake.at[: len(self.at)] == self.at for mistake in self.mistakes):
            return None
        return build()


def one_of(words: Sequence[str]) -> str:
    """
    Return words to choose from as a sentence has them.

    >>> one_of(["approve", "hold", "remove"])
    'approve, hold or remove'
    """
    *others, last = (str(word) for word in words)
    return f"{', '.join(others)} or {last}"


def show(value: Any) -> str:
    """Return a value much as a file has it, in one short line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list" if value else "an empty list"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:  # Python does not print longer ones
        return "a very large number"
    shown = quote(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unquoted(key: str, value: Any) -> str:
    """Return how to write a number that stands in quotes; nothing where it is none."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]*\.?[0-9]+\s*", value):
        return f"{key} = {float(value):g}, without quotes"
    return ""
