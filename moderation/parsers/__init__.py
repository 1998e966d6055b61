"""`read_comments(source, format=None)`: picks a parser by name or by looking at the first bytes."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from moderation.comments import Comment, Status
from moderation.errors import ParseError, SourceError
from moderation.parsers.detection import find_export, find_format, find_page_format
from moderation.parsers.limits import DEFAULT_LIMITS, Limits
from moderation.parsers.notes import Notes
from moderation.parsers.registry import (
    EXPORT_PARSERS,
    FAMILIES,
    FORMATS,
    PAGE_PARSERS,
    TABLE_PARSERS,
)
from moderation.parsers.sources import Openable, Source, open_source

__all__ = [
    "EXPORT_PARSERS", "FAMILIES", "FILE_ENDINGS", "FORMATS", "NO_COMMENTS", "PAGE_PARSERS",
    "TABLE_PARSERS", "Limits", "Reading", "find_files", "find_time_in_name", "read_comments",
]  # fmt: skip

FILE_ENDINGS = frozenset(
    {".html", ".htm", ".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz"}
)
"""What is taken from a folder."""
NO_COMMENTS = frozenset({"identity_templates.csv", "keys.json"})
"""In `data/`: sentences with a slot, which measure fairness, and the API keys of the service."""

# "20130705140200" as the Wayback Machine names captures, "2013-07-05" or "20130705T1402Z".
_NAMED_TIME = re.compile(
    r"(?<![0-9A-Za-z])((?:19|20)\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[T_ -]?([01]\d|2[0-3])[:.h-]?([0-5]\d)(?:[:.m-]?([0-5]\d))?)?Z?(?![0-9A-Za-z])"
)


class Reading(Iterator[Comment]):
    """
    The comments of one source as they are read, and what there is to say of it.

    `notes` and the counts are complete once the last comment was taken.
    """

    def __init__(self, source: Source, format_name: str, notes: Notes, comments: Iterator[Comment]):
        self.name = source.name
        self.format = format_name
        self.notes = notes
        self.by_status: Counter[Status | None] = Counter()
        self.labelled: Counter[int] = Counter()
        self.with_text = 0
        self._comments = _guard(source, comments)

    def __next__(self) -> Comment:
        comment = next(self._comments)
        self.by_status[comment.status] += 1
        if comment.label is not None:
            self.labelled[comment.label] += 1
        self.with_text += comment.text is not None
        return comment

    @property
    def count(self) -> int:
        """How many comments were read so far."""
        return self.by_status.total()

    def summary(self) -> str:
        """Return one line on what was read and what was not."""
        return f"{self.name}: {self.format}, {'; '.join(self._facts())}"

    def _facts(self) -> Iterator[str]:
        others = [
            f"{number} {status}"
            for status, number in self.by_status.items()
            if status not in (None, Status.PUBLISHED)
        ]
        if self.labelled:
            others.append(f"{self.labelled[1]} labelled 1 and {self.labelled[0]} labelled 0")
        counted = {0: "no comments found", 1: "1 comment"}.get(self.count, f"{self.count} comments")
        yield ", ".join([counted, *others])
        if self.notes.is_partial:
            yield f"page {self.notes.page} of {self.notes.pages}, not the whole discussion"
        if self.notes.total is not None and self.notes.total > self.count:
            yield f"{self.count} of the article's {self.notes.total}"
        for cause, number in sorted(self.notes.left_out.items()):
            yield f"not read: {number} {cause}"


def read_comments(
    source: Openable,
    format: str | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    article: str | None = None,
    captured_at: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reading:
    """
    Return an iterator over the comments of a page, an export or a table.

    Args:
        source: a path, the bytes, a file opened in binary mode, or "-" for standard input.
        format: one of `FORMATS` or "bbc"; found by looking at the content where it is None.
        encoding: of a text; found by mark, declaration and trial where it is None.
        columns: from a comment's field to the table's column, where they are named unusually.
        article: the article's address or id, where the source does not say it.
        captured_at: when the source was taken (aware), where it and its name do not say it.
        limits: what is refused for its size, its depth or the time it takes.

    Raises:
        SourceError: the input cannot be opened, unpacked or decoded.
        ParseError: it is not what its format promises; while iterating, too.

    """
    opened = open_source(source, encoding=encoding, limits=limits)
    try:
        notes = Notes(
            article_id=article,
            captured_at=find_time_in_name(opened.name) or captured_at,
            limits=limits,
        )
        return _begin(opened, format, notes, columns or {})
    except BaseException as error:
        opened.close()
        if isinstance(error, ParseError):
            raise _named(error, opened) from error
        raise


def find_time_in_name(name: str) -> datetime | None:
    """
    Return the time that a file's name tells, in UTC.

    >>> find_time_in_name("ferry-20260114T1230Z.html")
    datetime.datetime(2026, 1, 14, 12, 30, tzinfo=datetime.timezone.utc)
    >>> find_time_in_name("002_ab5b4fd25105b7c2.txt")
    """
    found = list(_NAMED_TIME.finditer(Path(name).name))
    if not found:
        return None
    match = next((m for m in found if m[4]), found[0])  # the other digits may be an article's id
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # the 31st of a shorter month: digits that only look like a date
        return None


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and of each folder the readable ones in it, in order of name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(filter(_is_readable, path.rglob("*")))
            if not inside:
                raise SourceError(f"{path}: a folder without pages or tables in it")
            found.extend(inside)
        else:
            found.append(path)
    return found


def _is_readable(path: Path) -> bool:
    is_known = path.suffix.lower() in FILE_ENDINGS and path.name not in NO_COMMENTS
    return is_known and path.is_file()


def _guard(source: Source, comments: Iterator[Comment]) -> Iterator[Comment]:
    """Pass comments on; errors name the source, and it is closed whatever happens."""
    try:
        yield from _timed(comments, source.limits)
    except UnicodeDecodeError as error:
        raise source.undecodable(error) from error
    except ParseError as error:
        raise _named(error, source) from error
    finally:
        source.close()


def _timed(
    comments: Iterator[Comment], limits: Limits, clock: Callable[[], float] = time.monotonic
) -> Iterator[Comment]:
    """Pass comments on until reading them, without what is done with them, has taken too long."""
    spent = 0.0
    began = clock()
    for comment in comments:
        spent += clock() - began
        if spent > limits.seconds:
            raise limits.too_slow()
        yield comment
        began = clock()


def _named(error: ParseError, source: Source) -> ParseError:
    named = ParseError(f"{source.name}: {error}")
    named.row = error.row
    return named


def _begin(source: Source, name: str | None, notes: Notes, columns: Mapping[str, str]) -> Reading:
    found = _choose(source, name, columns)
    if found is not None and found in TABLE_PARSERS:
        return Reading(source, found, notes, TABLE_PARSERS[found](source, notes, columns))
    if found is not None and found in EXPORT_PARSERS:
        return Reading(source, found, notes, EXPORT_PARSERS[found](source, notes))
    page = source.page()
    if found is None:
        found = find_page_format(page)
        _check_family(name, found)
    return Reading(source, found, notes, PAGE_PARSERS[found](page, notes))


def _choose(source: Source, name: str | None, columns: Mapping[str, str]) -> str | None:
    """Return the format named, or found; None where it is a page, all of which is looked at."""
    if name is not None and name not in FORMATS and name not in FAMILIES:
        raise SourceError(
            f"no format is called {name!r}; formats are {', '.join((*FAMILIES, *FORMATS))}"
        )
    if name in FORMATS:
        return name
    if name is None:
        return find_format(source, columns)
    found = find_export(source.head_text())
    return found if found in FAMILIES[name] else None


def _check_family(name: str | None, found: str) -> None:
    if name is not None and found not in FAMILIES[name]:
        raise ParseError(f"no page of the {name} formats is recognised in it")
