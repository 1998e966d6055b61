"""What there is to see of the records of an XML export, read by their layouts or built by lxml."""

import html
from collections.abc import Collection, Mapping

from moderation.errors import ModerationError
from moderation.parsers.notes import Notes
from moderation.parsers.sources import open_source
from moderation.parsers.xml_records import local_name, read_records

Seen = tuple[str, dict[str, str], dict[str, list[dict[str, str]]]]
"""The name of a record, its fields, and those of its children that have children."""


def see_records(
    export: bytes,
    parents: Mapping[str, str],
    *,
    bodies: Collection[str],
    by_layout: bool,
    encoding: str | None = None,
) -> tuple[list[Seen], str, dict[str, int]]:
    """Return the records with no others in them, how reading was refused, and what was counted."""
    notes, found, refusal = Notes(), [], ""
    try:
        with open_source(export, encoding=encoding) as source:
            for element, record in read_records(
                source, parents, notes, bodies=bodies, by_layout=by_layout
            ):
                if local_name(element) in parents.values():
                    continue
                fields = record.fields
                groups = {path: list(record.each(path)) for path in _paths_above(fields)}
                found.append((element.tag, {**fields, **_unescape(fields, bodies)}, groups))
    except (ModerationError, UnicodeDecodeError) as error:
        refusal = str(error)
    # What is counted before a refusal depends on how far was read ahead of it.
    return found, refusal, {} if refusal else dict(notes.left_out)


def _paths_above(fields: Mapping[str, str]) -> set[str]:
    return {path.partition("/")[0].partition("@")[0] for path in fields}


def _unescape(fields: Mapping[str, str], bodies: Collection[str]) -> dict[str, str]:
    """Return markup that lxml wrote as it reads: libxml2 writes a letter in one way or another."""
    return {path: html.unescape(fields[path]) for path in bodies if "<" in fields.get(path, "")}
