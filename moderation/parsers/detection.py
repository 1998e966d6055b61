"""Finds which format an input is by its content, and says what was seen where it is none."""

import contextlib
import json
import re
from collections.abc import Collection, Mapping

from lxml.html.defs import tags as HTML_TAGS

from moderation.errors import UnknownFormat
from moderation.parsers import pages, tabular
from moderation.parsers.columns import ALIASES, show_names
from moderation.parsers.documents import outline
from moderation.parsers.registry import ANY_PAGES, EXPORTS, SITE_PAGES
from moderation.parsers.sources import Source
from moderation.parsers.xml_records import find_root

_TABLE_NAME = re.compile(r"\.[ct]sv(?:\.(?:gz|bz2|xz|zst))?$")
_JSON_ENVELOPE = re.compile(r'"comments"\s*:\s*"(?:\\[nrt]|\s)*(?:<|\\u003c|")', re.I)
# A page of text may begin with a bracket of its own: "[Photo: agency]", "{{Infobox}}".
_JSON_OBJECT = re.compile(r'\s*\{\s*(?:["}]|$)')
_JSON_SPREAD = re.compile(r'\s*\{[^{}\n]*\n\s*"')
_ADVICE = ", or say what is what in it with --mapping: --guess proposes one"
_EXPECTED = "expected a page, an export, a table or JSON with comments"
_JSON_VALUE = re.compile(r"\ufeff?\s*(?:[\[{\"\d-]|(?:true|false|null)\s*$)")
_JSON_KINDS = {
    "dict": "an object",
    "list": "an array",
    "str": "a text",
    **dict.fromkeys(("int", "float"), "a number"),
    **dict.fromkeys(("bool", "NoneType"), "one word"),
}
_XML = re.compile(r"\ufeff?\s*<\?xml\s")
_JSON_ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]]|$)')


def find_format(source: Source, columns: Mapping[str, str]) -> str | None:
    """
    Return the format of an input from its beginning, or None where it is a page.

    A table whose columns the caller names is read as they say, whatever else it may be.

    Raises:
        UnknownFormat: it is no format that is read here, or several.

    """
    if source.is_parquet:
        return "parquet"
    head = source.head_text()
    if source.is_sqlite:
        return find_export(head) or _refuse_database(source)
    if not (columns or _is_own(head)) and (found := find_export(head)):
        return found
    return _find_table(source, head, columns) or (find_export(head) if columns else None)


def find_export(head: str) -> str | None:
    """
    Return the export that the beginning of a file belongs to, or None.

    Raises:
        UnknownFormat: several recognise it.

    """
    found = [row.name for row in EXPORTS if row.recognises(head)]
    if len(found) > 1:
        raise UnknownFormat(f"may be {' or '.join(found)}; say which with --format")
    return found[0] if found else None


def find_page_format(page: str) -> str:
    """
    Return which format a page has, that of pages without comments where none is found.

    Raises:
        UnknownFormat: it is no page, but JSON or XML of a kind that is not read here.

    """
    if _JSON_OBJECT.match(page):
        return "bbc_module_json"
    rows = (*SITE_PAGES, *ANY_PAGES)
    found = next((row.name for row in rows if row.recognises(page)), None)
    if found is None:
        _refuse_data(page)
    return found or pages.NAME


def _refuse_data(page: str) -> None:
    """Refuse what programs write for each other, in which nobody could see that comments lack."""
    if _JSON_VALUE.match(page):
        with contextlib.suppress(ValueError, RecursionError):
            kind = type(json.loads(page.removeprefix("\ufeff"))).__name__
            raise UnknownFormat(f"JSON ({_JSON_KINDS[kind]}); {_EXPECTED}{_ADVICE}")
    root = find_root(page) if _XML.match(page) else None
    name = root and root[1:].split(maxsplit=1)[0].rstrip("/>")
    if name and name.rpartition(":")[2].lower() not in HTML_TAGS:
        raise UnknownFormat(f"XML of the kind {show_names([name])}; {_EXPECTED}")


def _is_own(head: str) -> bool:
    """Tell a table that was written here: it has all columns, whatever further ones it kept."""
    first = head.lstrip().partition("\n")[0]
    return all(name in first for name in ALIASES)


def _refuse_database(source: Source) -> str:
    tables: Collection[str] = source.database().tables()
    raise UnknownFormat(
        f"an SQLite database with the tables {show_names(list(tables))}, which is none that is "
        "read here; write its comments to a table, CSV or JSON Lines"
    )


def _find_table(source: Source, head: str, columns: Mapping[str, str]) -> str | None:
    """Return which kind of table a text is, or None where it is a page."""
    if _JSON_ARRAY.match(head):
        raise UnknownFormat(
            f"a JSON array{_show_keys(head, 'item')}; expected one object on each line (JSON "
            f"Lines){_ADVICE}"
        )
    if _JSON_OBJECT.match(head):
        if _JSON_ENVELOPE.search(head):
            return None
        if _JSON_SPREAD.match(head):
            raise UnknownFormat(
                f"one JSON object over several lines{_show_keys(head, '')}; expected one on each "
                f"(JSON Lines){_ADVICE}"
            )
        return "jsonl"
    if head.lstrip().startswith("<"):
        return None
    named = _TABLE_NAME.search(source.name.lower())
    return "csv" if named or tabular.find_delimiter(head, columns.values()) else None


def _show_keys(head: str, path: str) -> str:
    """Return the keys of the first object, for a message."""
    inside = path and f"{path}."
    paths = [found.removeprefix(inside) for found in outline(head) if found.startswith(inside)]
    keys = [found for found in paths if found and "." not in found and found != path]
    return f" with {show_names(keys)}" if keys else ""
