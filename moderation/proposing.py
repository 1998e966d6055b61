"""Writes a proposed mapping as TOML, beside samples of the data in which no word can be read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.errors import NothingToRead, ParseError, UnknownFormat
from moderation.parsers.evidence import Part
from moderation.parsers.guessing import Guess, guess_mapping
from moderation.parsers.mapped import spell
from moderation.parsers.mapping import ISO, PLAIN
from moderation.parsers.reading import named
from moderation.parsers.sources import Source, open_source

SAMPLE_CHARACTERS = 40
MOST_OTHERS = 40
SELDOM = 10
"""What fewer than one in so many records have is not shown."""


@dataclass(frozen=True)
class Proposal:
    """The lines of a mapping, and from which file they are; `number` counts from 1."""

    lines: Sequence[str]
    file: str | Path
    number: int


def propose(files: Sequence[str | Path], *, encoding: str | None = None) -> Proposal:
    """
    Return a mapping of the first file of which one can be proposed.

    Raises:
        SourceError: a file cannot be read, or all of them are empty.
        ParseError: a file is malformed, or of none a mapping can be proposed.

    """
    for number, file in enumerate(files, 1):
        try:
            with open_source(file, encoding=encoding) as source:
                return Proposal(list(spell_mapping(_guess(source))), file, number)
        except (NothingToRead, UnknownFormat):
            if number == len(files):
                raise
    raise NothingToRead("no file to propose a mapping of")


def _guess(source: Source) -> Guess:
    try:
        return guess_mapping(source)
    except ParseError as error:
        raise named(error, source) from error


def spell_mapping(guess: Guess) -> Iterator[str]:
    """Yield the lines of a mapping's file; comments tell what was seen."""
    mapping = guess.mapping
    yield f"# Proposed from the first {guess.records} records: look it over, then give it to"
    yield "# python -m moderation.parse --mapping FILE"
    yield f"kind = {_quote(mapping.kind)}"
    if mapping.records:
        yield f"records = {_quote(mapping.records)}"
    if mapping.time != ISO:
        yield f"time = {_quote(mapping.time)}"
    if mapping.markup != PLAIN:
        yield f"markup = {_quote(mapping.markup)}"
    yield ""
    yield "[fields]"
    for name, part in guess.parts.items():
        yield f"{name} = {_quote(part.path)}  # {describe(part, guess.records)}"
    # What is seldom there may be an object whose keys are names of people, not of parts.
    usual = [part for part in guess.others if len(part.values) * SELDOM >= guess.records]
    for part in usual[:MOST_OTHERS]:
        yield f"# ? = {_quote(part.path)}  # {describe(part, guess.records)}"
    for name, table in (("status", mapping.status), ("label", mapping.label)):
        if table:
            yield ""
            yield f"[{name}]"
            yield from (f"{_quote(value)} = {json.dumps(means)}" for value, means in table.items())


def describe(part: Part, records: int) -> str:
    """Return in words what was seen at a path: how often, how varied, and one value masked."""
    kinds = sorted({type(value).__name__ for value in part.values})
    return (
        f"{'/'.join(kinds)} in {len(part.values)} of {records}, {len(part.distinct)} different: "
        f"{mask(spell(part.values[0]))}"
    )


def mask(value: str) -> str:
    """
    Return the shape of a value: letters as x, digits as 0.

    >>> mask("Ferry no. 7, at 12:30")
    'xxxxx xx. 0, xx 00:00'
    """
    shape = "".join("x" if c.isalpha() else "0" if c.isalnum() else c for c in value)
    shown = "".join(c if c.isprintable() and c.isascii() else "·" for c in shape)
    return shown if len(shown) <= SAMPLE_CHARACTERS else f"{shown[:SAMPLE_CHARACTERS]}…"


def _quote(text: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's, too, but for characters beyond 16 bits."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
