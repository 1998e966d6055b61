"""Which files of a folder are read, and what the name of a file tells."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath

from moderation.errors import SourceError
from moderation.parsers.sources import show_path, spell_name

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
HIDDEN = "that the system keeps for itself"
_USUAL_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")

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


@dataclass(frozen=True)
class Found:
    """What of a folder is read, and how much of it is not, by cause."""

    files: Sequence[Path | str]
    left_out: Mapping[str, int] = field(default_factory=dict)


def find_files(paths: Iterable[Path], *, endings: Collection[str] = FILE_ENDINGS) -> list[Path]:
    """
    Return the files named, and of each folder the readable ones in it, in order of name.

    Raises:
        SourceError: a folder has none, or there is one in it that may not be looked into.

    """
    found = (look_through(path, endings=endings).files for path in paths)
    return [Path(file) for files in found for file in files]


def look_through(path: Path, *, endings: Collection[str] = FILE_ENDINGS) -> Found:
    """
    Return what is to be read of a folder; a file is what it is.

    Raises:
        SourceError: as `find_files`.

    """
    if not path.is_dir():
        return Found([path])
    left_out = Counter[str]()
    files = []
    for file in sorted(_walk(path)):
        if (oddity := _find_oddity(file, endings)) is None:
            files.append(file)
        else:
            left_out[oddity] += 1
    if not files:
        said = "; ".join(f"{number} {why}" for why, number in sorted(left_out.items()))
        raise SourceError(
            f"{spell_name(path)}: a folder without pages or tables in it{said and f': {said}'}"
        )
    return Found(files, left_out)


def _find_oddity(file: Path, endings: Collection[str]) -> str | None:
    """Return why a file of a folder is not read, or None where it is; none is opened."""
    if file.name.startswith("."):
        return HIDDEN
    if file.name in NO_COMMENTS:
        return "of the desk's own"
    if file.is_dir():
        return "that are links to folders"
    if not is_readable(file, endings):
        return name_kind(file)
    if file.is_file():
        return None
    return "that are pipes, sockets or devices" if file.exists() else "that are links to nothing"


def name_kind(path: PurePath) -> str:
    """Return the kind of a file that is not read, by its name's ending."""
    is_usual = _USUAL_ENDING.fullmatch(path.suffix)
    return f"of the kind {path.suffix.lower()}" if is_usual else "of other kinds"


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder and below; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        raise SourceError(
            f"{show_path(error.filename)}: the folder cannot be looked into ({error.strerror}); "
            "allow it, or leave it out"
        ) from error

    for inside, folders, names in os.walk(folder, onerror=refuse):
        yield from (Path(inside, name) for name in names)
        yield from (link for name in folders if (link := Path(inside, name)).is_symlink())


def is_readable(path: PurePath, endings: Collection[str]) -> bool:
    """Tell by a file's name whether it may hold comments."""
    return path.suffix.lower() in endings and path.name not in NO_COMMENTS
