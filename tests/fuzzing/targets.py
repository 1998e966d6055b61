"""What is fuzzed: the readers with samples to begin from, tokens to put in, and what must hold."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from moderation.comments import Comment
from moderation.errors import ModerationError
from moderation.parsers import read_comments
from tests.records import see_records

TESTS = Path(__file__).parents[1]
PAGES_AND_XML = (
    "bbc_module", "bbc_text", "bbc_dna", "bbc_dna_text", "schema_org", "disqus", "wordpress",
)  # fmt: skip
OTHERS = (
    "activitypub", "bbc_api", "bbc_containers", "civil_comments", "commento", "coral", "csv",
    "guardian", "hacker_news", "isso", "jsonl", "nyt", "reddit", "remark42",
)  # fmt: skip
BY_LAYOUT = {
    "disqus": ({"thread": "disqus", "post": "disqus"}, ("message",)),
    "wordpress": ({"comment": "item", "item": "channel"}, ("comment_content",)),
}
"""The records of XML exports, and what of them is a body: see `tests.records`."""
INPUT_SECONDS = 20
"""What one input may take."""
MEMORY_BYTES = 4 << 30
"""Of addresses, far more than a reader uses: what asks for more asks without bound."""
TOKENS = (
    "<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE", "<?", "&", "&amp;",
    "&#0;", "&#x110000;", '"', "'", "=", "\0", "\x0b", "\r", "\u2028", "\ufeff", "\uffff",
    "\U0001f375",
    "<p>", "<br>", "<b>", "<li>", "</li>", "<ul>", "</ul>", "<table>", "<script>", "<template>",
    "<svg>", "<title>", "xmlns", "xml:base", "wp:comment", "<item>", "<post>", "dsq:id",
    "isDeleted", "0000-00-00 00:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00",
    "#1 ", "#999999999", "Comment number 1.", "rate this", " wrote:", "Explain", "Page 1 of 2",
    "Complain about this comment", "itemscope", "itemtype=http://schema.org/Comment", "itemprop",
    '{"@type":"Comment","text":"x"}', '"@id":', '"comment":[', '"parentItem":', "[]", "{}", "null",
    "1e999", "\\ud800", "NaN", "http://[", "#",
)  # fmt: skip


def find_samples(name: str) -> list[Path]:
    """Return the files that a reader reads; those that fuzzing once found are among them."""
    folders = [TESTS / kind / name for kind in ("exports", "pages")]
    folders += [TESTS / kind / "regressions" / name for kind in ("exports", "pages")]
    found = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    return [path for path in found if path.is_file() and ".expected" not in path.suffixes]


def check(name: str | None, data: bytes) -> None:
    """Read what a reader is given: comments that are whole, or a refusal of one line."""
    comments: list[Comment] = []
    refusal = ""
    try:
        comments += read_comments(data, format=name)
    except ModerationError as error:
        refusal = str(error)
    assert "\n" not in refusal, "a refusal of several lines"
    for comment in comments:
        assert comment.id, "a comment without an id"
        assert comment.parent_id != "", "an empty parent"
        words = (comment.id, comment.text, comment.author, comment.article_title)
        assert all(one is None or one.encode() is not None for one in words)
        json.dumps(asdict(comment), default=str, ensure_ascii=False).encode()
        if comment.created_at is not None:
            assert comment.created_at.utcoffset() == timedelta(0), "a time that is not in UTC"
    if name in BY_LAYOUT:
        parents, bodies = BY_LAYOUT[name]
        matched, built = (
            see_records(data, parents, bodies=bodies, by_layout=by_layout)
            for by_layout in (True, False)
        )
        assert matched == built, "records that were matched differ from those that lxml builds"
