"""The formats that are read, one row for each: what it is called, what tells it, what reads it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from moderation.comments import Comment
from moderation.parsers import (
    activitypub,
    bbc_api,
    bbc_containers,
    bbc_dna,
    bbc_dna_text,
    bbc_module,
    bbc_text,
    civil_comments,
    commento,
    coral,
    disqus,
    guardian,
    hacker_news,
    isso,
    nyt,
    pages,
    reddit,
    remark42,
    schema_org,
    tabular,
    wordpress,
)
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source

ExportParser = Callable[[Source, Notes], Iterator[Comment]]
PageParser = Callable[[str, Notes], Iterator[Comment]]
TableParser = Callable[[Source, Notes, Mapping[str, str]], Iterator[Comment]]
Recogniser = Callable[[str], bool]


@dataclass(frozen=True)
class ExportFormat:
    """
    What a system writes, read as a stream.

    `recognises` is given the decoded beginning of a file (64 kB, perhaps cut within a word); of an
    SQLite database what creates its tables. It says no rather than guess. A parser whose comments
    have something in `extra` puts its names into `notes.columns` before the first comment.
    """

    name: str
    recognises: Recogniser
    parse: ExportParser


@dataclass(frozen=True)
class PageFormat:
    """What a page holds; `recognises` is given all of it."""

    name: str
    recognises: Recogniser
    parse: PageParser


EXPORTS: tuple[ExportFormat, ...] = (
    ExportFormat(activitypub.NAME, activitypub.recognises, activitypub.parse),
    ExportFormat(bbc_api.NAME, bbc_api.recognises, bbc_api.parse),
    ExportFormat(bbc_containers.NAME, bbc_containers.recognises, bbc_containers.parse),
    ExportFormat(civil_comments.NAME, civil_comments.recognises, civil_comments.parse),
    ExportFormat(commento.NAME, commento.recognises, commento.parse),
    ExportFormat(coral.NAME, coral.recognises, coral.parse),
    ExportFormat(guardian.NAME, guardian.recognises, guardian.parse),
    ExportFormat(hacker_news.NAME, hacker_news.recognises, hacker_news.parse),
    ExportFormat(isso.NAME, isso.recognises, isso.parse),
    ExportFormat(nyt.NAME, nyt.recognises, nyt.parse),
    ExportFormat(reddit.NAME, reddit.recognises, reddit.parse),
    ExportFormat(remark42.NAME, remark42.recognises, remark42.parse),
    ExportFormat(disqus.NAME, disqus.recognises, disqus.parse),
    ExportFormat(wordpress.NAME, wordpress.recognises, wordpress.parse),
)
"""Of these exactly one may recognise a file; the order means nothing."""
SITE_PAGES: tuple[PageFormat, ...] = (
    PageFormat(bbc_module.NAME, bbc_module.recognises, bbc_module.parse),
    PageFormat(bbc_text.NAME, bbc_text.recognises, bbc_text.parse),
    PageFormat(bbc_dna.NAME, bbc_dna.recognises, bbc_dna.parse),
    PageFormat(bbc_dna_text.NAME, bbc_dna_text.recognises, bbc_dna_text.parse),
)
"""The markup of one site each; the first that recognises a page reads it."""
ANY_PAGES: tuple[PageFormat, ...] = (
    PageFormat(schema_org.NAME, schema_org.recognises, schema_org.parse),
)
"""What any site may have in its pages; looked for where none of the above is there."""

EXPORT_PARSERS: Mapping[str, ExportParser] = {row.name: row.parse for row in EXPORTS}
PAGE_PARSERS: Mapping[str, PageParser] = {
    **{row.name: row.parse for row in (*SITE_PAGES, *ANY_PAGES)},
    "bbc_module_json": bbc_module.parse_envelope,
    pages.NAME: pages.parse,
}
TABLE_PARSERS: Mapping[str, TableParser] = {
    "csv": tabular.parse_csv,
    "jsonl": tabular.parse_json_lines,
    "parquet": tabular.parse_parquet,
}
FORMATS = (*PAGE_PARSERS, *EXPORT_PARSERS, *TABLE_PARSERS)
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "bbc": (
        bbc_module.NAME,
        "bbc_module_json",
        bbc_text.NAME,
        bbc_api.NAME,
        bbc_containers.NAME,
        bbc_dna.NAME,
        bbc_dna_text.NAME,
    )
}
"""Names that stand for several formats; the content decides which."""
