"""Which column of a table means what, and a row of it as a `Comment`."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from moderation.comments import Comment, Status
from moderation.errors import ParseError
from moderation.parsers.notes import Notes

# Names seen in exports, by the field they fill; the first that a table has is taken. They are
# compared without case, spaces and underscores. A field's own name always comes first.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "text": ("commenttext", "commentbody", "commentcontent", "comment", "body", "content",
             "message"),
    "id": ("commentid", "idcomment"),
    "parent_id": ("parent", "parentcommentid", "inreplyto", "idparent", "pid"),
    "number": (),
    "article_id": ("article", "storyid", "articleurl", "pageurl", "threadid"),
    "article_title": ("articletitle", "storytitle", "title"),
    "author": ("authorid", "username", "user", "authorname"),
    "created_at": ("created", "createdate", "createddate", "date", "timestamp", "published"),
    "captured_at": ("captured", "retrievedat"),
    "positive_votes": ("likes", "upvotes", "ups", "recommendations"),
    "negative_votes": ("dislikes", "downvotes", "downs"),
    "rating": ("netrating",),
    "status": ("state", "moderationstatus"),
    "removal_reason": ("reason", "removedbecause"),
    "highlighted": ("editorspick", "editorsselection", "ishighlighted", "featured"),
    "label": (),
    "source": (),
}  # fmt: skip

STATUSES: Mapping[str, Status] = {
    **dict.fromkeys(("published", "approved", "approve", "online", "visible", "ok", "live", "kept"),
                    Status.PUBLISHED),
    **dict.fromkeys(("removed", "remove", "rejected", "reject", "deleted", "blocked", "hidden",
                     "spam"), Status.REMOVED),
    **dict.fromkeys(("pending", "premod", "held", "hold", "referred", "awaiting", "unapproved",
                     "system_withheld"), Status.PENDING),
    **dict.fromkeys(("withdrawn", "retracted"), Status.WITHDRAWN),
}  # fmt: skip

# Logs, commits and settings have these, too: they are a comment's text beside one of its traits.
_SHARED_NAMES = frozenset({"body", "content", "message"})
_TRAITS = frozenset({"id", "parent_id", "article_id", "author", "positive_votes", "negative_votes",
                     "rating", "status", "removal_reason", "highlighted", "label"})  # fmt: skip

_TRUE = frozenset({"1", "1.0", "true", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "no", ""})
_UNNAMED = re.compile(r"[\s_\-.]+")
_HEADING = re.compile(r"[\w.:/-]{1,40}(?: [\w.:/-]{1,20}){0,2}")
_NUMBER_OR_WORD = re.compile(r"[\w.+-]{1,20}")
_DATE_FIRST = re.compile(r"\d{4}-?\d\d-?\d\d(?:[T ]|$)")
_INT64 = 1 << 63

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """Which column of a table fills which field of a comment."""

    by_field: Mapping[str, str]
    extra: tuple[str, ...]
    """Columns that no field takes."""
    hidden: tuple[str, ...] = ()
    """Columns that no field takes though they are called like one; they would overwrite it."""

    def comment(self, row: Row, *, number: int, source: str, notes: Notes) -> Comment:
        """
        Return a row as a comment; `number` is the row's, counted from 1, to name it by.

        Raises:
            ParseError: the text, the label or the status is not what such a column can hold.

        """
        read = _RowReader(row, self.by_field, number, notes)
        status = read.status()
        return Comment(
            id=read.string("id") or str(number),
            text=read.text(status),
            source=read.string("source") or source,
            status=status,
            parent_id=read.string("parent_id"),
            number=read.whole("number"),
            article_id=read.string("article_id") or notes.article_id,
            article_title=read.string("article_title") or notes.article_title,
            author=read.string("author"),
            created_at=read.time("created_at"),
            captured_at=read.time("captured_at") or notes.captured_at,
            positive_votes=read.whole("positive_votes"),
            negative_votes=read.whole("negative_votes"),
            rating=read.whole("rating"),
            removal_reason=read.string("removal_reason"),
            highlighted=read.flag("highlighted"),
            label=read.label(),
            extra={  # of all values, only NaN is not equal to itself
                name: value
                for name in self.extra
                if (value := row.get(name)) is not None and value == value
            },
        )


def find_columns(names: Iterable[str], *, given: Mapping[str, str], source: str) -> Columns:
    """
    Match a table's columns to the fields of a comment; `given` maps a field to its column.

    >>> find_columns(["ID", "comment_text", "likes"], given={}, source="example").by_field
    {'text': 'comment_text', 'id': 'ID', 'positive_votes': 'likes'}
    """
    names = list(names)
    by_field = _match(names, given, source)
    if "text" not in by_field:
        raise ParseError(
            f"no text column among {show_names(names)}; "
            "expected 'text', or name it: --column text=NAME"
        )
    taken = set(by_field.values())
    others = [name for name in names if name not in taken and name.strip()]
    return Columns(
        by_field,
        extra=tuple(name for name in others if name not in ALIASES),
        hidden=tuple(name for name in others if name in ALIASES),
    )


def show_names(names: Sequence[str]) -> str:
    """
    Return the names of columns for a message: a table without a header has words in their place.

    >>> show_names(["id", "Well, I never thought I would agree"])
    "'id', one of 35 characters"
    """
    shown = [
        repr(name) if _HEADING.fullmatch(name) or not name else f"one of {len(name)} characters"
        for name in names[:12]
    ]
    return (", ".join(shown) or "none") + (" …" if len(names) > 12 else "")


def has_text_column(names: Iterable[str]) -> bool:
    """Tell whether one of the names is that of a text column."""
    return bool({_plain(name) for name in names} & {"text", *ALIASES["text"]})


def _match(names: list[str], given: Mapping[str, str], source: str) -> dict[str, str]:
    for field, column in given.items():
        if field not in ALIASES:
            raise ParseError(f"no field is called {field!r}; fields are {', '.join(ALIASES)}")
        if column not in names:
            raise ParseError(f"no column {column!r} in {source}; it has {show_names(names)}")
    plain: dict[str, str] = {}
    for name in names:
        if name not in given.values():
            plain.setdefault(_plain(name), name)
    by_field: dict[str, str] = {}
    for field, aliases in ALIASES.items():
        matching = (plain[alias] for alias in (_plain(field), *aliases) if alias in plain)
        found = given.get(field) or next(matching, None)
        if found is not None:
            by_field[field] = found
    is_shared = "text" not in given and _plain(by_field.get("text", "")) in _SHARED_NAMES
    if is_shared and not by_field.keys() & _TRAITS:
        del by_field["text"]
    return by_field


def _plain(name: str) -> str:
    return _UNNAMED.sub("", name).casefold()


class _RowReader:
    """Reads typed values out of one row."""

    def __init__(self, row: Row, by_field: Mapping[str, str], number: int, notes: Notes) -> None:
        self._row = row
        self._by_field = by_field
        self._number = number
        self._notes = notes

    def text(self, status: Status) -> str | None:
        value = self._value("text")
        if value is None or (value == "" and status is not Status.PUBLISHED):
            return None
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ParseError(f"the text is a {kind}, expected a string", row=self._number)
        return value

    def status(self) -> Status:
        value = self._value("status")
        if value is None or value == "":
            return Status.PUBLISHED
        status = STATUSES.get(str(value).strip().casefold())
        if status is None:
            raise ParseError(
                f"the status {_show(value)} is not known; expected one of "
                f"{', '.join(STATUSES)}; if the column means something else, rename it",
                row=self._number,
            )
        return status

    def label(self) -> int | None:
        value = self._value("label")
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            return None
        spelled = str(value).strip().casefold()
        if spelled in _TRUE:
            return 1
        if spelled in _FALSE:
            return 0
        raise ParseError(f"the label is {_show(value)}, expected 0 or 1", row=self._number)

    def string(self, field: str) -> str | None:
        value = self._value(field)
        if isinstance(value, float):  # an id in a column that has gaps
            value = int(value) if value.is_integer() else value if value == value else None
        return None if value is None or value == "" else str(value)

    def flag(self, field: str) -> bool:
        value = self._value(field)
        return value is not None and str(value).strip().casefold() in _TRUE

    def whole(self, field: str) -> int | None:
        return self._understood(field, _whole)

    def time(self, field: str) -> datetime | None:
        return self._understood(field, _time)

    def _understood(self, field: str, read: Callable[[Any], T | None]) -> T | None:
        value = self._value(field)
        if value is None or value == "":
            return None
        try:
            return read(value)
        except (ValueError, OverflowError, TypeError):
            self._notes.left_out[f"values of {self._by_field[field]!r} not understood"] += 1
            return None

    def _value(self, field: str) -> Any:
        column = self._by_field.get(field)
        return None if column is None else self._row.get(column)


def _show(value: object) -> str:
    """Return a value for a message, unless it may be the words of a comment."""
    text = str(value)
    return repr(text) if _NUMBER_OR_WORD.fullmatch(text) else f"of {len(text)} characters"


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and math.isnan(value):
        return None
    try:
        number = int(value) if isinstance(value, str | int) else float(value)
    except ValueError:
        number = float(value)
    if number != int(number) or not -_INT64 <= number < _INT64:
        raise ValueError("not a whole number, or one beyond 64 bits")
    return int(number)


def _time(value: Any) -> datetime:
    """Read ISO 8601; a time without a zone is UTC. Seconds since 1970 are not told from dates."""
    spelled = value.isoformat() if isinstance(value, date) else str(value).strip()
    if not _DATE_FIRST.match(spelled):
        raise ValueError("not a time in ISO 8601")
    moment = datetime.fromisoformat(spelled)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
