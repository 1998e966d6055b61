"""Keeps spreadsheets from taking readers' words for formulas, and takes the marks off again."""

import re
from typing import Any, Final

MARKED: Final = "formulas_marked"
"""The column that says of a table that its texts are marked."""

# What makes a formula of a cell, with the forms that are these to Unicode (NFKC) and so to some
# spreadsheets, and the minus sign, which is not.
_SIGNS: Final = (
    "=+-@\u207a\u207c\u208a\u208c\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20\u2212"
)
# Behind one of these a cell begins, where a table is cut up at other separators than its own.
_BREAKS: Final = '"“”,;|\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029'
_BLANK: Final = rf"(?:(?![{_BREAKS}])[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00])*"
_SIGN: Final = f"{_BLANK}[{re.escape(_SIGNS)}]"
_START: Final = rf"\A(?='*(?:{_SIGN}|{_BLANK}[\t\r\n]))"
_WITHIN: Final = f"(?<=[{_BREAKS}])(?='*{_SIGN})"
_UNMARKED: Final = re.compile(f"{_START}|{_WITHIN}")
_MARKED: Final = re.compile(f"(?:{_START}|{_WITHIN})'")


def mark(text: str) -> str:
    """
    Return a text with an apostrophe before whatever a spreadsheet may take for a formula.

    That is =, +, - and @, also in full width, and tabs and line ends, at the beginning of the
    text, and the signs behind a separator, a quotation mark or a line end (OWASP, "CSV
    injection"). White space and what is not seen in between does not help.

    >>> mark("=SUM(1)"), mark("a; @sum"), mark("1 - 1")
    ("'=SUM(1)", "a;' @sum", '1 - 1')
    """
    return _UNMARKED.sub("'", text)


def unmark(text: str) -> str:
    """
    Return the text that was marked.

    >>> unmark(mark("'=1")) == "'=1"
    True
    """
    return _MARKED.sub("", text)


def mark_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose texts are marked, and that says so."""
    marked = {name: mark(held) if isinstance(held, str) else held for name, held in row.items()}
    return {**marked, MARKED: 1}
