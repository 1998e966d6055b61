"""
Cells of a CSV that were in quotation marks: in a table that was written here these are texts.

What stands without is a number, true or false, or missing where it is empty, as in the dialect
`QUOTE_STRINGS` of Python 3.12. Tables of others are read as text: few of them mean anything by it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_CELL = re.compile(r'("(?:[^"]++|"")*+"|[^",\r\n]*+)(?:,|\r\n?|\n|\Z)')
_BARE = re.compile(
    r"(?P<whole>-?[0-9]{1,1000})|(?P<flag>True|False)"
    r"|nan|-?inf|-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:e[+-]?[0-9]{1,4})?"
)


class Quotation:
    """
    The lines of a CSV on their way to `csv.reader`, and what is meant by the cells of its rows.

    The lines of a row are kept until it is asked for: each row has to be, or `forget` called.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._taken: list[str] = []
        self._keeps = True

    def lines(self) -> Iterator[str]:
        """Pass the lines on."""
        for line in self._lines:
            if self._keeps:
                self._taken.append(line)
            yield line

    def forget(self) -> None:
        """Keep no more lines."""
        self._keeps = False
        self._taken.clear()

    def has_texts_only(self, row: list[str]) -> bool:
        """Tell whether every cell of the row that was read last is in quotation marks."""
        return all(self._are_quoted(self._take(), len(row)))

    def read(self, row: list[str], places: Sequence[int]) -> list[Any]:
        """Return the row that was read last, with what is meant by the cells in these places."""
        written = self._take()
        cells: list[Any] = list(row)
        if len(row) <= max(places):  # it is refused as one that is too short
            return cells
        quoted: list[bool] | None = None
        for place in places:
            cell = row[place]
            bare = _BARE.fullmatch(cell) if cell else None
            if cell and bare is None:
                continue
            if f'"{cell}"' in written:  # it may be this one, or within a longer one
                quoted = quoted or self._are_quoted(written, len(row))
                if quoted[place]:
                    continue
            cells[place] = None if bare is None else _read_bare(bare)
        return cells

    def _take(self) -> str:
        written = "".join(self._taken)
        self._taken.clear()
        return written

    def _are_quoted(self, written: str, width: int) -> list[bool]:
        """Tell of each cell whether it is in quotation marks; where that is not plain, it is."""
        found = _CELL.findall(written.lstrip("\r\n"))[:width]
        return [cell.startswith('"') for cell in found] + [True] * (width - len(found))


def _read_bare(found: re.Match[str]) -> int | float | bool:
    if found["whole"]:
        return int(found[0])
    return found[0] == "True" if found["flag"] else float(found[0])
