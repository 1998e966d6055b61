"""`Member`: one file of an archive, and which files of archives are looked at."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from moderation.errors import ModerationError
from moderation.parsers.files import DATABASE_ENDINGS, FILE_ENDINGS, HIDDEN, is_readable, name_kind
from moderation.parsers.packing import Allowance

ENDINGS = FILE_ENDINGS | DATABASE_ENDINGS | {""}
"""What is looked at in an archive: also dumps that have no ending."""


@dataclass(frozen=True)
class Member:
    """A file in an archive, or an answer in a web archive: to be read before the next."""

    name: str
    """As the archive has it: nothing is ever written by that name."""
    open: Callable[[], BinaryIO]
    around: Allowance
    """What the archive allows to come out of it."""
    article: str | None = None
    captured_at: datetime | None = None
    is_answer: bool = False
    """From a web archive: a page or an export, whose like as a table is something else."""


@dataclass(frozen=True)
class Unread:
    """What of an input was not read, and why."""

    name: str
    why: str
    number: int = 1
    error: ModerationError | None = None
    """Where it should have been read."""


Members = Iterator[Member | Unread]


class Skipped(Counter[str]):
    """How many members were left out, by cause."""

    def has(self, name: str) -> bool:
        """Tell by its name whether a member is left out, and count it if so."""
        why = find_fault(name)
        if why is not None:
            self[why] += 1
        return why is not None

    def unread(self, archive: str) -> Iterator[Unread]:
        """Yield what was counted."""
        for why, number in sorted(self.items()):
            yield Unread(archive, why, number)


def find_fault(name: str) -> str | None:
    r"""
    Return why a member of this name is not read, or None where it is.

    >>> find_fault("pages/ferry.html"), find_fault("../../etc/cron.txt")
    (None, 'with a name that leads out of the archive')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.name:
        return "without a name"
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
        return "with a name that leads out of the archive"
    if path.parts[0] == "__MACOSX" or path.name.startswith("."):
        return HIDDEN
    if not is_readable(path, ENDINGS):
        return name_kind(path)
    return None
