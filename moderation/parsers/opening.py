"""Begins to read one source: finds its format, and what reads it."""

from collections.abc import Iterator

from moderation.comments import Comment
from moderation.errors import ParseError, SourceError, UnknownFormat
from moderation.parsers import mapped
from moderation.parsers.detection import find_export, find_format, find_page_format
from moderation.parsers.files import find_time_in_name
from moderation.parsers.notes import Notes
from moderation.parsers.options import Options
from moderation.parsers.reading import Reading, guard, named
from moderation.parsers.registry import (
    EXPORT_PARSERS,
    EXPORTS,
    FAMILIES,
    FORMATS,
    PAGE_PARSERS,
    TABLE_PARSERS,
)
from moderation.parsers.sources import Source


def begin(source: Source, options: Options, notes: Notes | None = None) -> Reading:
    """
    Return the comments of a source that is no archive; it is closed when that fails.

    `notes` are what is known of it beforehand: where they are None, what the options say and its
    name tells.

    Raises:
        SourceError: the source cannot be read.
        ParseError: it is not what its format promises.

    """
    try:
        return _begin(source, options, notes or _note(source, options))
    except BaseException as error:
        source.close()
        if isinstance(error, ParseError):
            raise named(error, source) from error
        raise


def _note(source: Source, options: Options) -> Notes:
    return Notes(
        article_id=options.article,
        captured_at=find_time_in_name(source.name) or options.captured_at,
        limits=options.limits,
    )


def check_format(name: str | None) -> None:
    """
    Refuse a name that is no format's.

    Raises:
        SourceError: no format is called so.

    """
    if name is not None and name not in FORMATS and name not in FAMILIES:
        raise SourceError(
            f"no format is called {name!r}; formats are {', '.join((*FAMILIES, *FORMATS))}"
        )


def _begin(source: Source, options: Options, notes: Notes) -> Reading:
    if options.mapping is not None:
        comments = mapped.parse(source, notes, options.mapping)
        return Reading(source.name, options.mapping.name, notes, guard(source, comments))
    found = _choose(source, options)
    if found is not None and found in TABLE_PARSERS:
        comments = TABLE_PARSERS[found](source, notes, options.columns)
    elif found is not None and found in EXPORT_PARSERS:
        comments = EXPORT_PARSERS[found](source, notes)
    else:
        page = source.page()
        found = found or _find_page(page, options)
        comments = PAGE_PARSERS[found](page, notes)
    if options.format == found and not _is_recognised(source, found):
        notes.remark = f"nothing in it is known as {found}, which --format names"
        comments = _doubted(comments, found)
    return Reading(source.name, found, notes, guard(source, comments))


def _is_recognised(source: Source, name: str) -> bool:
    """Tell whether a file looks like an export of this name; of pages and tables it is not said."""
    known = next((row.recognises for row in EXPORTS if row.name == name), None)
    return known is None or known(source.head_text())


def _doubted(comments: Iterator[Comment], name: str) -> Iterator[Comment]:
    """Pass comments on; an error says, too, that the file may be something else."""
    try:
        yield from comments
    except ParseError as error:
        raise type(error)(
            f"{error}; nothing in it is known as {name}: leave out --format"
        ) from error


def _choose(source: Source, options: Options) -> str | None:
    """Return the format named, or found; None where it is a page, all of which is looked at."""
    if options.format in FORMATS:
        return options.format
    if options.format is None:
        return find_format(source, options.columns)
    found = find_export(source.head_text())
    return found if found in FAMILIES[options.format] else None


def _find_page(page: str, options: Options) -> str:
    found = find_page_format(page)
    if options.format is not None and found not in FAMILIES[options.format]:
        raise UnknownFormat(f"no page of the {options.format} formats is recognised in it")
    return found
