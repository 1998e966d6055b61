"""The table that sums up what was read of many files: by file and format, and what was not."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from moderation.harvest import Part

MOST_ROWS = 40
"""Beyond this many, files are told by the folder they are in, and then all in one."""
HEADER = ("file", "format", "files", "comments", "removed", "with words", "not read, and why")
NAME_CHARACTERS = 60
WHY_CHARACTERS = 200


@dataclass
class Row:
    """What is said of one file, or of several together."""

    files: int = 0
    comments: int = 0
    removed: int = 0
    with_text: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    """What was not read: files, or parts of those that were."""
    failures: list[str] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Count a part."""
        self.files += part.number
        self.comments += part.comments
        self.removed += part.removed
        self.with_text += part.with_text
        if part.is_failure:
            self.failures.append(part.why.removeprefix(part.file).lstrip("/: "))
        elif part.format is None:
            self.causes[part.why] += part.number
        else:
            self.causes.update(part.left_out)

    def cells(self, name: str, format_name: str) -> tuple[str, ...]:
        """Return what stands in the columns of `HEADER`."""
        counts = (self.files, self.comments, self.removed, self.with_text)
        shown = [f"{count:,}" for count in counts] if format_name else [f"{self.files:,}", *"   "]
        return (_cut_front(name), format_name or "-", *shown, _cut(self._why()))

    def _why(self) -> str:
        counted = (f"{number} {cause}" for cause, number in sorted(self.causes.items()))
        return "; ".join([*self.failures, *counted])


def tabulate(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the lines of the table, the last of which is of all together."""
    rows = _group(parts)
    lines = [HEADER, *(row.cells(name, kind) for (name, kind), row in rows.items())]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEADER))]
    for line in lines:
        yield _align(line, widths)
    yield sum_up(parts)


def sum_up(parts: Iterable[Part]) -> str:
    """Return the one line that tells of all files together."""
    total, formats, unread, failed = Row(), set[str](), 0, 0
    for part in parts:
        if part.format is None:
            unread += part.number
            failed += part.is_failure * part.number
        else:
            total.add(part)
            formats.add(part.format)
    said = (
        f"{total.comments:,} comments in {total.files:,} files of {len(formats)} formats: "
        f"{total.removed:,} removed, {total.with_text:,} with words"
    )
    if unread:
        said += f"; {unread:,} files not read"
    return f"{said}, of them {failed:,} that should have been" if failed else said


def _group(parts: Sequence[Part]) -> dict[tuple[str, str], Row]:
    """Return rows by file and format, or by something coarser where they would be too many."""
    coarser: tuple[Callable[[str], str], ...] = (str, _folder, lambda _: "all")
    rows: dict[tuple[str, str], Row] = {}
    for name_of in coarser:
        rows = {}
        for part in parts:
            rows.setdefault((name_of(part.file), part.format or ""), Row()).add(part)
        if len(rows) <= MOST_ROWS:
            break
    return rows


def _folder(file: str) -> str:
    return f"{PurePath(file).parent}/"


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = [
        cell.rjust(width) if 2 <= place <= 5 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(shown).rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= WHY_CHARACTERS else f"{text[:WHY_CHARACTERS]}…"


def _cut_front(text: str) -> str:
    return text if len(text) <= NAME_CHARACTERS else f"…{text[-NAME_CHARACTERS:]}"
