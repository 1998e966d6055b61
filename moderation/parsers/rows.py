"""CSVs whose columns are those of a known data set."""

import csv
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from moderation.errors import ParseError
from moderation.parsers.columns import show_names
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.tabular import open_csv
from moderation.parsers.values import Identifier, read_id

Row = Mapping[str, Any]


def find_header(head: str) -> list[str]:
    """
    Return the names of the columns of a CSV from its beginning; none of JSON.

    >>> find_header("id,text" + chr(10) + "1,one")
    ['id', 'text']
    """
    first = head.lstrip().partition("\n")[0].rstrip("\r")
    if first.startswith(("{", "[", "<")):
        return []
    try:
        return next(csv.reader([first]), [])
    except csv.Error:
        return []


def read_rows(
    source: Source, notes: Notes, *, read: Collection[str], needed: Collection[str]
) -> Iterator[Row]:
    """
    Yield the rows of a CSV by column, without what is empty.

    The notes say which columns there are but those that are `read`: `extra` keeps them.

    Raises:
        ParseError: it is malformed, or lacks one of the columns that are needed.

    """
    names, rows = open_csv(source, notes)
    if lacking := [name for name in needed if name not in names]:
        raise ParseError(
            f"no column {show_names(sorted(lacking))} among {show_names(names)}; "
            "if it is another table, leave out --format"
        )
    notes.columns = tuple(name for name in names if name.strip() and name not in read)
    for row in rows:
        if row is not None:
            yield {name: value for name, value in row.items() if value != ""}


def read_extra(row: Row, notes: Notes) -> dict[str, object]:
    """Return the values of a row that no field takes."""
    return {name: row[name] for name in notes.columns if name in row}


def read_row_id(value: Identifier | None) -> str | None:
    """
    Return an id as a string; where others are missing, tables spell it as a fraction.

    >>> read_row_id("239575.0"), read_row_id("0.0"), read_row_id("n.0")
    ('239575', '0', 'n.0')
    """
    if isinstance(value, str) and value.endswith(".0") and value[:-2].isdecimal():
        return value[:-2]
    return read_id(value)
