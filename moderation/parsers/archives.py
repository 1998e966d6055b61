"""Opens archives: zip, tar and WARC, and one such archive within another, file by file."""

import struct
from collections.abc import Iterator

from moderation.comments import Comment
from moderation.errors import ModerationError, NothingToRead, ParseError, SourceError, UnknownFormat
from moderation.parsers import tars, warcs, zips
from moderation.parsers.members import Member, Members, Unread
from moderation.parsers.notes import Notes
from moderation.parsers.opening import begin
from moderation.parsers.options import Options
from moderation.parsers.reading import Reading, named
from moderation.parsers.registry import TABLE_PARSERS
from moderation.parsers.sources import Source, show_path
from moderation.parsers.streams import DAMAGE

UNKNOWN = "of no format that is read"
EMPTY = "that are empty or no text"
NESTED = "that are archives within an archive in an archive"


def read_archive(source: Source, options: Options) -> Reading:
    """
    Return the comments of all files of an archive as one reading.

    Raises:
        ModerationError: while iterating: the archive or a file in it cannot be read to its end.

    """
    notes = Notes(limits=options.limits)
    return Reading(source.name, find_kind(source), notes, _chain(source, options, notes))


def read_members(
    source: Source, options: Options, *, is_nested: bool = False
) -> Iterator[Reading | Unread]:
    """
    Yield each file of an archive, to be read before the next, and what was left out of it.

    Raises:
        ModerationError: the archive itself is damaged, or holds more than the limits allow.

    """
    try:
        for member in _find_members(source):
            if isinstance(member, Unread):
                yield member
            else:
                yield from _read_member(member, source.name, options, is_nested=is_nested)
                if member.around.refusal is not None:
                    raise member.around.refusal
    except ParseError as error:
        raise named(error, source) from error
    finally:
        source.close()


def is_other(error: ModerationError) -> bool:
    """Tell that a file is something else than comments, which is no failure beside others."""
    return isinstance(error, UnknownFormat | NothingToRead)


def leave_out(name: str, error: ModerationError) -> Unread:
    """Return an error as what it means for a file beside others."""
    if isinstance(error, NothingToRead):
        return Unread(name, EMPTY)
    if isinstance(error, UnknownFormat):
        return Unread(name, UNKNOWN)
    return Unread(name, str(error), error=error)


def find_kind(source: Source) -> str:
    """Return what an archive is called."""
    return "warc" if source.is_warc else "zip" if source.is_zip else "tar"


def _find_members(source: Source) -> Members:
    kinds = {"warc": warcs.find_members, "zip": zips.find_members, "tar": tars.find_members}
    return kinds[find_kind(source)](source)


def _read_member(
    member: Member, archive: str, options: Options, *, is_nested: bool
) -> Iterator[Reading | Unread]:
    name = f"{archive}/{show_path(member.name)}"
    try:
        source = _open(member, name, options)
        if not source.is_archive:
            yield from _begin(member, source, options)
        elif is_nested:
            source.close()
            yield Unread(archive, NESTED)
        else:
            yield from read_members(source, options, is_nested=True)
    except ModerationError as error:
        yield leave_out(name, error)


def _open(member: Member, name: str, options: Options) -> Source:
    try:
        stream = member.open()
    except (
        *DAMAGE,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise SourceError(f"{name}: damaged, or packed in a way that is not read") from error
    return Source(
        stream, name=name, encoding=options.encoding, limits=options.limits, around=member.around
    )


def _begin(member: Member, source: Source, options: Options) -> Iterator[Reading | Unread]:
    if not member.is_answer:
        yield begin(source, options).start()
        return
    notes = Notes(article_id=member.article, captured_at=member.captured_at, limits=options.limits)
    reading = begin(source, options, notes)
    if reading.format in TABLE_PARSERS and options.format is None:
        source.close()
        yield Unread(source.name, UNKNOWN)
    else:
        yield reading.start()


def _chain(source: Source, options: Options, notes: Notes) -> Iterator[Comment]:
    for found in read_members(source, options):
        if isinstance(found, Unread):
            if found.error is not None:
                raise found.error
            notes.left_out[f"files {found.why}"] += found.number
        else:
            yield from _pass_on(found, notes)


def _pass_on(reading: Reading, notes: Notes) -> Iterator[Comment]:
    """Pass the comments of a file on; what it says of itself is added to the archive's notes."""
    notes.columns = tuple(dict.fromkeys([*notes.columns, *reading.notes.columns]))
    yield from reading
    notes.left_out.update(reading.notes.left_out)
