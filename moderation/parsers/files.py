"""Which files of a folder are read, and what the name of a file tells."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath

from moderation.errors import SourceError
from moderation.parsers.sources import show_path

FILE_ENDINGS = frozenset(
    {
        *(".html", ".htm", ".txt", ".xml", ".json", ".jsonl", ".ndjson", ".csv", ".tsv"),
        *(".parquet", ".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz", ".warc"),
    }
)
"""What is taken from a folder."""
DATABASE_ENDINGS = frozenset({".db", ".sqlite", ".sqlite3"})
"""Taken besides where all that a folder holds is meant: `data/` has the desk's own database."""
NO_COMMENTS = frozenset({"identity_templates.csv", "keys.json"})
"""In `data/`: sentences with a slot, which measure fairness, and the API keys of the service."""

# "20130705140200" as the Wayback Machine names captures, "2013-07-05" or "20130705T1402Z".
_NAMED_TIME = re.compile(
    r"(?<![0-9A-Za-z])((?:19|20)\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[T_ -]?([01]\d|2[0-3])[:.h-]?([0-5]\d)(?:[:.m-]?([0-5]\d))?)?Z?(?![0-9A-Za-z])"
)


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


def find_files(paths: Iterable[Path], *, endings: Collection[str] = FILE_ENDINGS) -> list[Path]:
    """
    Return the files named, and of each folder the readable ones in it, in order of name.

    Raises:
        SourceError: a folder has none, or there is one in it that may not be looked into.

    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file for file in _walk(path) if is_readable(file, endings) and file.is_file()
            )
            if not inside:
                raise SourceError(f"{path}: a folder without pages or tables in it")
            found.extend(inside)
        else:
            found.append(path)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder and below; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        raise SourceError(
            f"{show_path(error.filename)}: the folder cannot be looked into ({error.strerror}); "
            "allow it, or leave it out"
        ) from error

    for inside, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(inside, name) for name in names)


def is_readable(path: PurePath, endings: Collection[str]) -> bool:
    """Tell by a file's name whether it may hold comments."""
    return path.suffix.lower() in endings and path.name not in NO_COMMENTS
