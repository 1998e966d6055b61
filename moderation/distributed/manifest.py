"""The manifest of an output: by which model and of what its parts are, and which are done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from moderation.distributed.addresses import Place, putting, read_text
from moderation.distributed.partitions import Part, Piece, Table, cut_again
from moderation.errors import OutputError

NAME = "_manifest.json"
"""Begins with an underscore: readers of folders of Parquet pass over it."""
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Done:
    """What is known of a part that is in place."""

    name: str
    rows: int
    without_words: int
    sha256: str
    left_out: Mapping[str, int]
    """What was not understood, counted by its cause."""
    learnt_from: Sequence[str] = ()
    """Tables that begin in it and that the model has learnt from."""


@dataclass(frozen=True)
class Manifest:
    """What an output is made of; parts of two models, inputs or options are not to be mixed."""

    model: str
    """The SHA-256 of the model."""
    options: Mapping[str, Any]
    columns: Sequence[tuple[str, str]]
    """Names and types of the output's columns."""
    tables: Sequence[Table]
    parts: Sequence[Part]
    done: dict[str, Done] = field(default_factory=dict)
    """Parts in place, by name."""
    part_rows: int | None = None
    """Rows of a part, at most; earlier manifests do not tell it."""

    def waiting(self) -> list[Part]:
        """Return the parts still to be done, in order."""
        return [part for part in self.parts if part.name not in self.done]


def write_manifest(place: Place, manifest: Manifest) -> None:
    """
    Put the manifest in place, whole.

    Raises:
        OutputError: it cannot be written.

    """
    with putting(place, NAME) as path:
        facts = {"format_version": FORMAT_VERSION, **asdict(manifest)}
        path.write_text(json.dumps(facts) + "\n", encoding="utf-8")


def read_manifest(place: Place) -> Manifest | None:
    """
    Return the manifest of an output; None where nothing was begun.

    Raises:
        OutputError: what is there is no manifest of this version.

    """
    text = read_text(place, NAME)
    if text is None:
        return None
    try:
        facts = json.loads(text)
        if facts.pop("format_version") != FORMAT_VERSION:
            raise ValueError("another version")
        return Manifest(
            model=facts["model"],
            options=facts["options"],
            columns=[(name, kind) for name, kind in facts["columns"]],
            tables=[Table(**table | {"groups": _groups(table)}) for table in facts["tables"]],
            parts=[_read_part(part) for part in facts["parts"]],
            done={name: Done(**done) for name, done in facts["done"].items()},
            part_rows=facts.get("part_rows"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{place.show()}: its {NAME} is not one that this version writes; name another folder"
        ) from error


def go_on(before: Manifest, now: Manifest, *, name: str) -> Manifest:
    """
    Return the manifest of a run that continues another.

    Tables none of whose rows are scored may have changed: one that was damaged is mended so.

    Raises:
        OutputError: the parts in place are of another model, other options or another input.

    """
    done = f"{name}: holds {len(before.done)} parts scored with"
    otherwise = "to keep them apart, name another folder, or delete that one"
    if before.model != now.model:
        raise OutputError(
            f"{done} model {before.model[:12]}, this is {now.model[:12]}; {otherwise}"
        )
    if before.options != now.options:
        raise OutputError(
            f"{done} {_show(before.options)}; asked for is {_show(now.options)}; {otherwise}"
        )
    if [table.path for table in before.tables] != [table.path for table in now.tables]:
        raise OutputError(
            f"{done} an input of {len(before.tables)} tables, this one has {len(now.tables)} or "
            f"others; {otherwise}"
        )
    if before.done and list(before.columns) != list(now.columns):
        raise OutputError(f"{done} other columns than the input has now; {otherwise}")
    parts = list(before.parts)
    fixed = {
        piece.table for part in parts if part.name in before.done for piece in part.pieces
    }  # fmt: skip
    for number, (old, new) in enumerate(zip(before.tables, now.tables, strict=True)):
        if (old.size, old.rows) == (new.size, new.rows):
            continue
        if number in fixed:
            changed = f"{new.path} as it was ({old.size} bytes), now it has {new.size}"
            raise OutputError(f"{done} {changed}; {otherwise}")
        parts = cut_again(parts, number, new.rows)
    return replace(now, parts=parts, done=dict(before.done), part_rows=before.part_rows)


def _show(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _groups(table: Mapping[str, Any]) -> tuple[int, ...] | None:
    return None if table["groups"] is None else tuple(table["groups"])


def _read_part(part: Mapping[str, Any]) -> Part:
    return Part(part["name"], tuple(Piece(**piece) for piece in part["pieces"]))
