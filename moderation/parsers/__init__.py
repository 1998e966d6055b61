"""`read_comments(source, format=None)`: picks a parser by name or by looking at the first bytes."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from moderation.comments import Comment, Status
from moderation.errors import ParseError, SourceError
from moderation.parsers import bbc_module, bbc_text, pages, tabular
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Openable, Source, open_source

PageParser = Callable[[str, Notes], Iterator[Comment]]
TableParser = Callable[[Source, Notes, Mapping[str, str]], Iterator[Comment]]

PAGE_PARSERS: Mapping[str, PageParser] = {
    bbc_module.NAME: bbc_module.parse,
    "bbc_module_json": bbc_module.parse_envelope,
    bbc_text.NAME: bbc_text.parse,
    pages.NAME: pages.parse,
}
TABLE_PARSERS: Mapping[str, TableParser] = {
    "csv": tabular.parse_csv,
    "jsonl": tabular.parse_json_lines,
    "parquet": tabular.parse_parquet,
}
FORMATS = (*PAGE_PARSERS, *TABLE_PARSERS)
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "bbc": (bbc_module.NAME, "bbc_module_json", bbc_text.NAME)
}
"""Names that stand for several formats; the content decides which."""
FILE_ENDINGS = frozenset(
    {".html", ".htm", ".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz"}
)
"""What is taken from a folder."""
NO_COMMENTS = frozenset({"identity_templates.csv", "keys.json"})
"""In `data/`: sentences with a slot, which measure fairness, and the API keys of the service."""

# "20130705140200" as the Wayback Machine names captures, "2013-07-05" or "20130705T1402Z".
_NAMED_TIME = re.compile(
    r"(?<![0-9A-Za-z])((?:19|20)\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[T_ -]?([01]\d|2[0-3])[:.h-]?([0-5]\d)(?:[:.m-]?([0-5]\d))?)?Z?(?![0-9A-Za-z])"
)
_JSON_ENVELOPE = re.compile(r'"comments"\s*:\s*"(?:\\[nrt]|\s)*(?:<|\\u003c|")', re.I)
# A page of text may begin with a bracket of its own: "[Photo: agency]", "{{Infobox}}".
_JSON_OBJECT = re.compile(r'\s*\{\s*(?:["}]|$)')
_JSON_ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]]|$)')


class Reading(Iterator[Comment]):
    """
    The comments of one source as they are read, and what there is to say of it.

    `notes` and the counts are complete once the last comment was taken.
    """

    def __init__(self, source: Source, format_name: str, notes: Notes, comments: Iterator[Comment]):
        self.name = source.name
        self.format = format_name
        self.notes = notes
        self.by_status: Counter[Status | None] = Counter()
        self.labelled: Counter[int] = Counter()
        self.with_text = 0
        self._comments = _guard(source, comments)

    def __next__(self) -> Comment:
        comment = next(self._comments)
        self.by_status[comment.status] += 1
        if comment.label is not None:
            self.labelled[comment.label] += 1
        self.with_text += comment.text is not None
        return comment

    @property
    def count(self) -> int:
        """How many comments were read so far."""
        return self.by_status.total()

    def summary(self) -> str:
        """Return one line on what was read and what was not."""
        return f"{self.name}: {self.format}, {'; '.join(self._facts())}"

    def _facts(self) -> Iterator[str]:
        others = [
            f"{number} {status}"
            for status, number in self.by_status.items()
            if status not in (None, Status.PUBLISHED)
        ]
        if self.labelled:
            others.append(f"{self.labelled[1]} labelled 1 and {self.labelled[0]} labelled 0")
        counted = {0: "no comments found", 1: "1 comment"}.get(self.count, f"{self.count} comments")
        yield ", ".join([counted, *others])
        if self.notes.is_partial:
            yield f"page {self.notes.page} of {self.notes.pages}, not the whole discussion"
        if self.notes.total is not None and self.notes.total > self.count:
            yield f"{self.count} of the article's {self.notes.total}"
        for cause, number in sorted(self.notes.left_out.items()):
            yield f"not read: {number} {cause}"


def read_comments(
    source: Openable,
    format: str | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    article: str | None = None,
    captured_at: datetime | None = None,
) -> Reading:
    """
    Return an iterator over the comments of a page, an export or a table.

    Args:
        source: a path, the bytes, a file opened in binary mode, or "-" for standard input.
        format: one of `FORMATS` or "bbc"; found by looking at the content where it is None.
        encoding: of a text; found by mark, declaration and trial where it is None.
        columns: from a comment's field to the table's column, where they are named unusually.
        article: the article's address or id, where the source does not say it.
        captured_at: when the source was taken (aware), where it and its name do not say it.

    Raises:
        SourceError: the input cannot be opened, unpacked or decoded.
        ParseError: it is not what its format promises; while iterating, too.

    """
    opened = open_source(source, encoding=encoding)
    try:
        notes = Notes(
            article_id=article,
            captured_at=find_time_in_name(opened.name) or captured_at,
        )
        return _begin(opened, format, notes, columns or {})
    except BaseException as error:
        opened.close()
        if isinstance(error, ParseError):
            raise _named(error, opened) from error
        raise


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


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and of each folder the readable ones in it, in order of name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(filter(_is_readable, path.rglob("*")))
            if not inside:
                raise SourceError(f"{path}: a folder without pages or tables in it")
            found.extend(inside)
        else:
            found.append(path)
    return found


def _is_readable(path: Path) -> bool:
    is_known = path.suffix.lower() in FILE_ENDINGS and path.name not in NO_COMMENTS
    return is_known and path.is_file()


def _guard(source: Source, comments: Iterator[Comment]) -> Iterator[Comment]:
    """Pass comments on; errors name the source, and it is closed whatever happens."""
    try:
        yield from comments
    except UnicodeDecodeError as error:
        raise source.undecodable(error) from error
    except ParseError as error:
        raise _named(error, source) from error
    finally:
        source.close()


def _named(error: ParseError, source: Source) -> ParseError:
    named = ParseError(f"{source.name}: {error}")
    named.row = error.row
    return named


def _begin(source: Source, name: str | None, notes: Notes, columns: Mapping[str, str]) -> Reading:
    if name is not None and name not in FORMATS and name not in FAMILIES:
        raise SourceError(
            f"no format is called {name!r}; formats are {', '.join((*FAMILIES, *FORMATS))}"
        )
    found = name or _detect_table(source, columns) or "any page"
    if found in TABLE_PARSERS:
        return Reading(source, found, notes, TABLE_PARSERS[found](source, notes, columns))
    page = source.page()
    if found not in PAGE_PARSERS:
        family, found = FAMILIES.get(found, FORMATS), _detect_page(page)
        if found not in family:
            raise ParseError(f"no page of the {name} formats is recognised in it")
    return Reading(source, found, notes, PAGE_PARSERS[found](page, notes))


def _detect_table(source: Source, columns: Mapping[str, str]) -> str | None:
    """Return which kind of table a source is, or None where it is a page."""
    if source.is_parquet:
        return "parquet"
    head = source.head_text()
    if _JSON_ARRAY.match(head):
        raise ParseError("a JSON array; expected one object on each line (JSON Lines)")
    if _JSON_OBJECT.match(head):
        return None if _JSON_ENVELOPE.search(head) else "jsonl"
    if head.lstrip().startswith("<"):
        return None
    named = source.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    return "csv" if named or tabular.find_delimiter(head, columns.values()) else None


def _detect_page(page: str) -> str:
    if _JSON_OBJECT.match(page):
        return "bbc_module_json"
    if bbc_module.recognises(page):
        return bbc_module.NAME
    if bbc_text.recognises(page):
        return bbc_text.NAME
    return pages.NAME
