"""What other systems' own code writes and reads, beside what is read here; each where installed."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from moderation.comments import Comment, Status
from moderation.parsers import read_comments
from moderation.text import markup_to_text
from tests.benchmarks.exports import EXPORTS, write_export
from tests.browsers import need

MODES = {Status.PUBLISHED: 1, Status.PENDING: 2, Status.REMOVED: 4}
FIELDS = """
    SELECT comments.id, parent, created, mode, text, author, likes, dislikes, uri, title
    FROM comments JOIN threads ON threads.id = tid
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Write a database with Isso's own code: comments, replies, votes, deletions, one approved."""
    isso = need("isso", "isso", extra="peers")
    settings = isso.config.new({"guard": {"enabled": "false"}})
    path = tmp_path / "comments.db"
    store, random = isso.db.SQLite3(str(path), settings), Random(7)
    for thread in range(5):
        store.threads.new(f"/page-{thread}/", f"Page {thread}")
    added: list[dict[str, Any]] = []
    for number in range(80):
        comment = {
            "text": f"Comment *{number}* <b>as typed</b>", "mode": random.choice([1, 1, 1, 2]),
            "author": random.choice([None, "Ann", "Bob"]), "email": None, "website": None,
            "remote_addr": "127.0.0.0", "created": 1_700_000_000 + number / 4, "notification": 0,
            "parent": random.choice(added)["id"] if added and number % 3 else None,
        }  # fmt: skip
        added.append(store.comments.add(f"/page-{number % 5}/", comment))
    for number, comment in enumerate(random.choices(added, k=50)):
        store.comments.vote(number % 4 > 0, comment["id"], f"10.0.{number}.0")
    for comment in random.sample(added, 6):
        store.comments.activate(comment["id"])
    for comment in random.sample(added, 10):
        store.comments.delete(comment["id"])
    return path


def test_isso_as_its_own_code_writes_it(database):
    """Each row, and each field of it, is there as SQLite tells it."""
    reading = read_comments(database)
    assert [_isso_row(comment) for comment in reading] == _rows(database)
    assert not reading.notes.left_out
    assert Counter(reading.by_status.keys()).keys() == MODES.keys()


def _rows(database: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    rows = connection.execute(f"{FIELDS} ORDER BY comments.id").fetchall()
    connection.close()
    return rows


def _isso_row(comment: Comment) -> tuple[Any, ...]:
    parent = comment.parent_id and int(comment.parent_id)
    status = comment.status
    return (
        int(comment.id), parent, comment.created_at.timestamp(), MODES[status], comment.text or "",
        comment.author, comment.positive_votes, comment.negative_votes, comment.article_id,
        comment.article_title,
    )  # fmt: skip


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database for Isso, whose importers take the times of exports for local ones."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield tmp_path / "imported.db"
    monkeypatch.undo()
    time.tzset()


def test_disqus_as_isso_imports_it(imported, tmp_path):
    """Its importer has a parser and a reading of its own; what spam is it does not look at."""
    export = _export("disqus", tmp_path)
    importer = need("isso.migrate", "isso", extra="peers").Disqus(
        _open_isso(imported), str(export), empty_id=True
    )
    importer.migrate()
    comments = list(read_comments(export))
    assert importer.comments == {comment.id for comment in comments}
    parents = {comment.parent_id for comment in comments}
    # Isso forgets what was deleted and has no replies.
    kept = [one for one in comments if not _was_deleted(one) or one.id in parents]
    modes = [4 if _was_deleted(comment) else 1 for comment in kept]
    assert _as_isso_has_it(kept, modes) == _imported_rows(imported, keep_lines=False)


@pytest.mark.filterwarnings("ignore:.*wordpress.xml:pytest.PytestUnraisableExceptionWarning")
def test_wordpress_as_isso_imports_it(imported, tmp_path):
    """It leaves the export open, of which Python warns."""
    export = _export("wordpress", tmp_path)
    importer = need("isso.migrate", "isso", extra="peers").WordPress(
        _open_isso(imported), str(export)
    )
    importer.migrate()
    comments = list(read_comments(export))
    assert importer.count == len(comments)
    modes = [1 if comment.status is Status.PUBLISHED else 2 for comment in comments]
    assert _as_isso_has_it(comments, modes) == _imported_rows(imported, keep_lines=True)


def _export(name: str, folder: Path) -> Path:
    path = folder / f"{name}.xml"
    write_export(EXPORTS[name], path, 300_000)
    return path


def _open_isso(path: Path) -> Any:
    isso = need("isso", "isso", extra="peers")
    return isso.db.SQLite3(str(path), isso.config.new({"guard": {"enabled": "false"}}))


def _was_deleted(comment: Comment) -> bool:
    return "deleted" in (comment.removal_reason or "")


def _as_isso_has_it(comments: list[Comment], modes: list[int]) -> list[tuple[Any, ...]]:
    """Return what Isso keeps of comments; a reply's parent by when it was written."""
    written = {comment.id: comment.created_at.timestamp() for comment in comments}
    rows = [
        (
            written[comment.id], comment.text, comment.author, mode,
            written.get(comment.parent_id), comment.article_title,
        )
        for comment, mode in zip(comments, modes, strict=True)
    ]  # fmt: skip
    return sorted(rows)


def _imported_rows(database: Path, *, keep_lines: bool) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    found = connection.execute("""
        SELECT one.created, one.text, one.author, one.mode, other.created, title
        FROM comments one JOIN threads ON threads.id = one.tid
        LEFT JOIN comments other ON other.id = one.parent
    """).fetchall()
    connection.close()
    return sorted(
        (created, markup_to_text(text, keep_lines=keep_lines), *others)
        for created, text, *others in found
    )


def test_schema_org_as_extruct_finds_it():
    """The library of those who crawl finds the same comments in a page's microdata and JSON-LD."""
    extruct = need("extruct", "extruct", extra="peers")
    page = Path(__file__).parent / "exports/schema_org/microdata.html"
    found = extruct.extract(page.read_text(encoding="utf-8"), syntaxes=["microdata", "json-ld"])
    theirs = {_fold(text) for text in _find_comments(found)}
    ours = {_fold(comment.text) for comment in read_comments(page) if comment.text is not None}
    assert ours == theirs
    assert len(ours) == 6


def _find_comments(found: Any) -> Iterator[str]:
    """Yield the words of comments wherever they are, in either of extruct's layouts."""
    if isinstance(found, list):
        for one in found:
            yield from _find_comments(one)
    elif isinstance(found, dict):
        properties = found.get("properties", found)
        text = properties.get("text") or properties.get("commentText")
        kind = str(found.get("type") or found.get("@type"))
        if text and kind.endswith(("Comment", "UserComments")):
            yield text
        yield from _find_comments(list(found.values()))


def _fold(text: str) -> str:
    return " ".join(text.split())


def test_a_database_with_other_tables_is_refused(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE comments (id INTEGER PRIMARY KEY, body TEXT)")
    connection.close()
    with pytest.raises(Exception, match="an SQLite database with the tables 'comments'"):
        read_comments(path)


def test_reddit_as_praw_understands_it(tmp_path):
    """The library that moderators' bots are written with is given the same records."""
    praw = need("praw", "praw", extra="peers")
    sample = Path(__file__).parent / "exports/reddit/comments.jsonl"
    reddit = praw.Reddit(client_id="-", client_secret="-", user_agent="tests")
    lines = sample.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    whole = [
        record
        for record in records
        if {"id", "body", "author", "parent_id"} <= record.keys()
        and isinstance(record["created_utc"], int | float)
    ]
    found = {comment.id: comment for comment in read_comments(sample)}
    for record in whole:
        theirs = praw.models.Comment(reddit, _data=dict(record))
        ours = found[theirs.id]
        assert (ours.parent_id is None) == theirs.is_root
        assert ours.parent_id in (None, theirs.parent_id.split("_")[1])
        assert ours.article_id == f"t3_{theirs.submission.id}"
        assert ours.created_at == datetime.fromtimestamp(theirs.created_utc, UTC)
        assert ours.author == (theirs.author.name if theirs.author else None)
    assert len(whole) == 10
