"""`read_comments(source, format=None)`: picks a parser by name or by looking at the first bytes."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from moderation.parsers.archives import leave_out, read_archive, read_members
from moderation.parsers.files import (
    DATABASE_ENDINGS,
    FILE_ENDINGS,
    NO_COMMENTS,
    find_files,
    find_time_in_name,
)
from moderation.parsers.limits import DEFAULT_LIMITS, Limits
from moderation.parsers.mapping import TableMapping
from moderation.parsers.members import Unread
from moderation.parsers.opening import begin, check_format
from moderation.parsers.options import Options
from moderation.parsers.reading import Reading
from moderation.parsers.registry import (
    EXPORT_PARSERS,
    FAMILIES,
    FORMATS,
    PAGE_PARSERS,
    TABLE_PARSERS,
)
from moderation.parsers.sources import Openable, open_source

__all__ = [
    "DATABASE_ENDINGS", "EXPORT_PARSERS", "FAMILIES", "FILE_ENDINGS", "FORMATS", "NO_COMMENTS",
    "PAGE_PARSERS", "TABLE_PARSERS", "Limits", "Options", "Reading", "Unread", "find_files",
    "find_time_in_name", "leave_out", "open_input", "read_comments", "read_each",
]  # fmt: skip


def read_comments(
    source: Openable,
    format: str | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    article: str | None = None,
    captured_at: datetime | None = None,
    mapping: TableMapping | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reading:
    """
    Return an iterator over the comments of a page, an export or a table, or an archive of those.

    Args:
        source: a path, the bytes, a file opened in binary mode, or "-" for standard input.
        format: one of `FORMATS` or "bbc"; found by looking at the content where it is None.
        encoding: of a text; found by mark, declaration and trial where it is None.
        columns: from a comment's field to the table's column, where they are named unusually.
        article: the article's address or id, where the source does not say it.
        captured_at: when the source was taken (aware), where it and its name do not say it.
        mapping: which part of a table or of JSON means what (`mapping.read_mapping`).
        limits: what is refused for its size, its depth or the time it takes.

    Raises:
        SourceError: the input cannot be opened, unpacked or decoded.
        ParseError: it is not what its format promises; while iterating, too.

    """
    return open_input(
        source,
        Options(
            format=format,
            encoding=encoding,
            columns=columns or {},
            article=article,
            captured_at=captured_at,
            mapping=mapping,
            limits=limits,
        ),
    )


def open_input(source: Openable, options: Options) -> Reading:
    """
    Return what `read_comments` does.

    Raises:
        SourceError, ParseError: as `read_comments`.

    """
    check_format(options.format)
    opened = open_source(source, encoding=options.encoding, limits=options.limits)
    return read_archive(opened, options) if opened.is_archive else begin(opened, options)


def read_each(source: Openable, options: Options) -> Iterator[Reading | Unread]:
    """
    Yield what is in an input: one reading, or one for each file of an archive, in its order.

    Each reading is to be taken to its end, or left, before the next is asked for. What an archive
    holds beside comments is told, too, and where a file of it fails the others are read.

    Raises:
        SourceError: the input cannot be opened, unpacked or decoded.
        ParseError: it is not what its format promises.

    """
    check_format(options.format)
    opened = open_source(source, encoding=options.encoding, limits=options.limits)
    if opened.is_archive:
        yield from read_members(opened, options)
    else:
        yield begin(opened, options)
