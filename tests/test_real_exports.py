"""What other systems' own code writes and reads, beside what is read here; each where installed."""

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from moderation.comments import Comment, Status
from moderation.parsers import read_comments
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
