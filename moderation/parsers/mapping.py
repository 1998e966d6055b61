"""`TableMapping`: a file (TOML) that tells which part of any other table or JSON means what."""

import contextlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moderation.comments import Status
from moderation.errors import ParseError, SourceError
from moderation.parsers.columns import ALIASES

KINDS = ("csv", "jsonl", "json", "parquet")
ISO, SECONDS, MILLISECONDS = "iso", "seconds", "milliseconds"
PLAIN, HTML = "plain", "html"
_MOMENT = datetime(2026, 1, 14, 12, 30, tzinfo=UTC)
KEYS = ("kind", "name", "records", "time", "markup", "fields", "status", "label")
FIELDS = tuple(name for name in ALIASES if name != "source")


@dataclass(frozen=True, kw_only=True)
class TableMapping:
    """
    Which part of a record fills which field of a comment.

    A part is named by a column, or by keys with dots between them: `meta.posted`, `replies.0.id`.
    """

    kind: str
    """One of `KINDS`; "jsonl" has an object on each line, "json" an array of them somewhere."""
    fields: Mapping[str, str]
    """From a field of `Comment` to where it is; "text" at least."""
    name: str = "mapping"
    """What the comments' `source` says."""
    records: str = ""
    """Where in JSON the array of records is; all of the file where it is empty."""
    time: str = ISO
    """ISO 8601, seconds or milliseconds since 1970, or a pattern such as "%d.%m.%Y %H:%M"."""
    markup: str = PLAIN
    """Whether the text is plain or HTML."""
    status: Mapping[str, Status] = field(default_factory=dict)
    """From a value as it is spelled to the status it means; without any, the usual words."""
    label: Mapping[str, int] = field(default_factory=dict)
    """From a value as it is spelled to 1 or 0."""


def read_mapping(path: Path) -> TableMapping:
    """
    Return what a file of a mapping says.

    Raises:
        SourceError: there is no such file, or it is no TOML.
        ParseError: it says what no mapping can.

    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: cannot be opened ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: no TOML; python -m moderation.parse --guess writes one") from (
            error
        )
    try:
        return make_mapping(told)
    except ParseError as error:
        raise ParseError(f"{path}: {error}") from error


def make_mapping(told: Mapping[str, Any]) -> TableMapping:
    """
    Return a mapping from the values of its file.

    Raises:
        ParseError: a name or a value is none that a mapping has.

    """
    _check_names(told, KEYS)
    fields = _table(told, "fields", str)
    _check_names(fields, FIELDS, "[fields] ")
    if "text" not in fields:
        raise ParseError("[fields] does not say where the text is: text = 'NAME'")
    _check_one(told.get("kind"), "kind", KINDS)
    _check_one(told.get("markup", PLAIN), "markup", (PLAIN, HTML))
    words = {name: told[name] for name in ("name", "records", "time", "markup") if name in told}
    for name, value in words.items():
        if not isinstance(value, str):
            raise ParseError(f"{name} is no text")
    _check_time(words.get("time", ISO))
    return TableMapping(
        kind=told["kind"],
        fields=fields,
        status={value: _status(said) for value, said in _table(told, "status", str).items()},
        label={value: _label(said) for value, said in _table(told, "label", int).items()},
        **words,
    )


def _table(told: Mapping[str, Any], name: str, kind: type) -> Mapping[str, Any]:
    table = told.get(name, {})
    if not isinstance(table, dict) or not all(type(value) is kind for value in table.values()):
        wanted = "text" if kind is str else "number"
        raise ParseError(f"[{name}] is no table of names, each with a {wanted}{_show_inner(table)}")
    return table


def _show_inner(table: Any) -> str:
    """Return what is said of keys within keys: `created_at.format` is none that a mapping has."""
    inside = []
    if isinstance(table, dict):
        inside = [name for name, value in table.items() if isinstance(value, dict)]
    if not inside:
        return ""
    keys = ", ".join(f"{inside[0]}.{key}" for key in table[inside[0]])
    return f"; it has {keys}, but the keys that tell how to read are {', '.join(KEYS[:5])}"


def _check_time(written: str) -> None:
    """Refuse a pattern by which no time can be read."""
    if written in (ISO, SECONDS, MILLISECONDS):
        return
    with contextlib.suppress(ValueError):  # a directive that there is not
        if "%" in written and datetime.strptime(_MOMENT.strftime(written), written):
            return
    raise ParseError(
        f"time is {written!r}; expected {ISO}, {SECONDS}, {MILLISECONDS}, or a pattern such as "
        "'%d.%m.%Y %H:%M'"
    )


def _check_names(table: Mapping[str, Any], known: tuple[str, ...], where: str = "") -> None:
    if unknown := [name for name in table if name not in known]:
        raise ParseError(f"{where}does not know {unknown[0]!r}; expected {', '.join(known)}")


def _check_one(value: object, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ParseError(f"{name} is {value!r}; expected {' or '.join(known)}")


def _status(said: str) -> Status:
    _check_one(said, "a value of [status]", tuple(Status))
    return Status(said)


def _label(said: int) -> int:
    if said not in (0, 1):
        raise ParseError(f"a value of [label] is {said}; expected 0 or 1")
    return said
