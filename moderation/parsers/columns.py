"""Which column of a table means what, and a row of it as a `Comment`."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from moderation.comments import Comment, Status
from moderation.errors import ParseError, UnknownFormat
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
_FALSE = frozenset({"0", "0.0", "false", "no"})
_UNNAMED = re.compile(r"[\s_\-.]+")
_HEADING = re.compile(r"[\w.:/-]{1,40}(?: [\w.:/-]{1,20}){0,2}")
_NUMBER_OR_WORD = re.compile(r"[\w.+-]{1,20}")
_INT64 = 1 << 63

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """Which column of a table fills which field of a comment."""

    by_field: Mapping[str, str]
    extra: tuple[str, ...]
    """Columns that no field takes."""
    hidden: tuple[str, ...] = ()
    """Columns that no field takes though they are called like one; they would overwrite it."""

    @cached_property
    def _readers(self) -> list[tuple[str, str, Callable[[Any], object]]]:
        return [(field, column, READERS[field]) for field, column in self.by_field.items()]

    def comment(self, row: Row, *, number: int, source: str, notes: Notes) -> Comment:
        """
        Return a row as a comment; `number` is the row's, counted from 1, to name it by.

        Raises:
            ParseError: the text, the label or the status is not what such a column can hold.

        """
        found: dict[str, Any] = {
            "source": source,
            "status": None,
            "article_id": notes.article_id,
            "article_title": notes.article_title,
            "captured_at": notes.captured_at,
        }
        for field, column, read in self._readers:
            value = row.get(column)
            if value is None or value == "" or value != value:  # NaN alone is not equal to itself
                continue
            try:
                found[field] = read(value)
            except ParseError as error:
                raise ParseError(str(error), row=number) from error
            except (ValueError, OverflowError, TypeError):
                notes.left_out[f"values of {column!r} not understood"] += 1
        if "text" not in found:  # words that are not shown are not known
            is_shown = found["status"] in (None, Status.PUBLISHED)
            found["text"] = "" if is_shown and row.get(self.by_field["text"]) == "" else None
        if "id" not in found:
            found["id"] = make_id(number, found["text"])
        further = {
            name: value
            for name in self.extra
            if (value := row.get(name)) is not None and value == value
        }
        return Comment(**found, extra=further)


def find_columns(names: Iterable[str], *, given: Mapping[str, str], source: str) -> Columns:
    """
    Match a table's columns to the fields of a comment; `given` maps a field to its column.

    >>> find_columns(["ID", "comment_text", "likes"], given={}, source="example").by_field
    {'text': 'comment_text', 'id': 'ID', 'positive_votes': 'likes'}
    """
    names = list(names)
    by_field = _match(names, given, source)
    if "text" not in by_field:
        raise UnknownFormat(
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


def make_id(number: int, text: str | None) -> str:
    """
    Return an id for a row without one: row 1 of another table must not pass for the same comment.

    >>> make_id(1, "the ferry")
    '1-dd7ca2cb'
    """
    words = (text or "").encode("utf-8", "surrogatepass")
    return f"{number}-{hashlib.sha256(words).hexdigest()[:8]}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ParseError(f"the text is a {type(value).__name__}, expected a string")
    return value


def read_status(value: Any) -> Status:
    status = STATUSES.get(str(value).strip().casefold())
    if status is None:
        raise ParseError(
            f"the status {_show(value)} is not known; expected one of {', '.join(STATUSES)}; "
            "if the column means something else, rename it"
        )
    return status


def read_label(value: Any) -> int:
    spelled = str(value).strip().casefold()
    if spelled in _TRUE:
        return 1
    if spelled in _FALSE:
        return 0
    raise ParseError(
        f"the label is {_show(value)}, expected 0 or 1; words such as 'removed' are a status: "
        "--column status=NAME"
    )


def _show(value: object) -> str:
    """Return a value for a message, unless it may be the words of a comment."""
    text = str(value)
    return repr(text) if _NUMBER_OR_WORD.fullmatch(text) else f"of {len(text)} characters"


def read_string(value: Any) -> str:
    is_whole = isinstance(value, float) and value.is_integer()  # an id where others are missing
    return str(int(value) if is_whole else value)


def _flag(value: Any) -> bool:
    return str(value).strip().casefold() in _TRUE


def _whole(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str | int) else float(value)
    except ValueError:
        number = float(value)
    if number != int(number) or not -_INT64 <= number < _INT64:
        raise ValueError("not a whole number, or one beyond 64 bits")
    return int(number)


def read_time(value: Any) -> datetime:
    """Read ISO 8601; a time without a zone is UTC."""
    spelled = value.isoformat() if isinstance(value, date) else str(value).strip()
    if len(spelled) > 8 and spelled[:9].isdigit():  # milliseconds since 1970 read as year 1612
        raise ValueError("a number, not a time in ISO 8601")
    moment = datetime.fromisoformat(spelled)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


READERS: Mapping[str, Callable[[Any], object]] = {
    **dict.fromkeys(ALIASES, read_string),
    **dict.fromkeys(("number", "positive_votes", "negative_votes", "rating"), _whole),
    **dict.fromkeys(("created_at", "captured_at"), read_time),
    "text": _text,
    "status": read_status,
    "label": read_label,
    "highlighted": _flag,
}
"""What reads the value of a field: refusing it, or saying that it is not understood."""
