"""Which column of a table means what, and a row of it as a `Comment`."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
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

_TRUE = frozenset({"1", "1.0", "true", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "no", ""})
_UNNAMED = re.compile(r"[\s_\-.]+")

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """Which column of a table fills which field of a comment."""

    by_field: Mapping[str, str]
    extra: tuple[str, ...]
    """Columns that no field takes."""

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
            extra={name: row[name] for name in self.extra if row.get(name) is not None},
        )


def find_columns(names: Iterable[str], *, given: Mapping[str, str], source: str) -> Columns:
    """
    Match a table's columns to the fields of a comment; `given` maps a field to its column.

    >>> find_columns(["ID", "comment_text", "likes"], given={}, source="example").by_field
    {'text': 'comment_text', 'id': 'ID', 'positive_votes': 'likes'}
    """
    names = list(names)
    by_field = dict(_match(names, given, source))
    if "text" not in by_field:
        found = ", ".join(repr(name) for name in names[:12]) or "none"
        raise ParseError(
            f"no text column among {found}{' …' if len(names) > 12 else ''}; "
            "expected 'text', or name it: --column text=NAME"
        )
    taken = set(by_field.values())
    return Columns(by_field, tuple(name for name in names if name not in taken))


def has_text_column(names: Iterable[str]) -> bool:
    """Tell whether one of the names is that of a text column."""
    return bool({_plain(name) for name in names} & {"text", *ALIASES["text"]})


def _match(names: list[str], given: Mapping[str, str], source: str) -> Iterable[tuple[str, str]]:
    for field, column in given.items():
        if field not in ALIASES:
            raise ParseError(f"no field is called {field!r}; fields are {', '.join(ALIASES)}")
        if column not in names:
            raise ParseError(f"no column {column!r} in {source}; it has {', '.join(names[:12])}")
    plain: dict[str, str] = {}
    for name in names:
        if name not in given.values():
            plain.setdefault(_plain(name), name)
    for field, aliases in ALIASES.items():
        matching = (plain[alias] for alias in (_plain(field), *aliases) if alias in plain)
        found = given.get(field) or next(matching, None)
        if found is not None:
            yield field, found


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
        if value is None or (value == "" and status is Status.REMOVED):
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
                f"the status {str(value)[:40]!r} is not known; expected one of "
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
        raise ParseError(f"the label is {str(value)[:20]!r}, expected 0 or 1", row=self._number)

    def string(self, field: str) -> str | None:
        value = self._value(field)
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
        except (ValueError, OverflowError):
            self._notes.left_out[f"values of {self._by_field[field]!r} not understood"] += 1
            return None

    def _value(self, field: str) -> Any:
        column = self._by_field.get(field)
        return None if column is None else self._row.get(column)


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and math.isnan(value):
        return None
    number = float(value)
    if not number.is_integer():
        raise ValueError("not a whole number")
    return int(number)


def _time(value: Any) -> datetime:
    """Read ISO 8601; a time without a zone is UTC."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    else:
        moment = datetime.fromisoformat(str(value).strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
