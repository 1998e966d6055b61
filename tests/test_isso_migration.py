"""Exports of Disqus and WordPress, beside what Isso's own importer makes of the same files."""

import importlib.util
import multiprocessing as mp
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlparse

import pytest

from moderation.comments import Comment, Status, find_root
from moderation.parsers import read_comments
from tests.benchmarks.exports import EXPORTS, write_export
from tests.browsers import need


@pytest.fixture(autouse=True)
def isso():
    """Skip where Isso is not installed; in CI, which installs it, fail."""
    return need("isso", "isso", extra="peers")


@dataclass(frozen=True)
class Imported:
    """A comment in Isso's database, in the terms of ours."""

    article: str
    title: str
    author: str | None
    created_at: datetime
    words: str
    parent: str | None
    """The words and the author of the comment at the top: Isso's replies have one level."""
    is_shown: bool


def migrate(importer: str, export: Path, database: Path, **options: object) -> list[Imported]:
    """Let Isso import a file, in a process of its own: it leaves files open and warns."""
    with mp.get_context("spawn").Pool(1) as apart:
        apart.apply(_migrate, (importer, export, database, options))
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT uri, title, c.author, c.created, c.text, p.text, p.author, c.mode"
            " FROM comments c JOIN threads ON threads.id = c.tid"
            " LEFT JOIN comments p ON p.id = c.parent"
        ).fetchall()
    connection.close()
    return sorted(map(_imported, rows), key=repr)


def _migrate(importer: str, export: Path, database: Path, options: dict[str, object]) -> None:
    from isso import config
    from isso import migrate as isso_migrate
    from isso.db import SQLite3

    settings = config.new({"general": {"dbpath": "/dev/null", "max-age": "1h"}})
    reader = getattr(isso_migrate, importer)
    reader(SQLite3(str(database), settings), str(export), **options).migrate()


def _imported(row: tuple) -> Imported:
    uri, title, author, created, text, parent_text, parent_author, mode = row
    moment = datetime.fromtimestamp(created).replace(tzinfo=UTC)  # Isso takes it for local time
    parent = None if parent_text is None else f"{fold(parent_text)} {parent_author}"
    return Imported(uri, title, author, moment, fold(text), parent, mode == 1)


def fold(words: str) -> str:
    """Return words without the tags and entities that these exports have, on one line."""
    for tag in ("<p>", "</p>", "<b>", "</b>", "<i>", "</i>", "</a>"):
        words = words.replace(tag, " " if "p" in tag else "")
    words = words.replace('<a href="https://a.example/x" rel="nofollow">', "")
    return " ".join(words.replace("&amp;", "&").split())


def ours(comments: list[Comment], is_shown: Callable[[Comment], bool]) -> list[Imported]:
    """Return our comments in the terms of Isso's."""
    known = {(c.article_id, c.id): c for c in comments}
    parents = {c.id: c.parent_id for c in comments}
    read = []
    for comment in comments:
        top = known[comment.article_id, find_root(comment.id, parents)]
        parent = None if top is comment else f"{fold(top.text or '')} {top.author}"
        address = urlparse(comment.article_id)
        read.append(
            Imported(
                address.path + (f"?{address.query}" if address.query else ""),
                comment.article_title or "",
                comment.author,
                comment.created_at,
                fold(comment.text or ""),
                parent,
                is_shown(comment),
            )
        )
    return sorted(read, key=repr)


def of_disqus(comments: list[Comment]) -> list[Imported]:
    """Return what Isso keeps: it forgets deleted posts without replies, and those of no thread."""
    parents = {comment.parent_id for comment in comments}
    kept = [
        comment
        for comment in comments
        if "/" in comment.article_id and (not is_deleted(comment) or comment.id in parents)
    ]
    return ours(kept, lambda comment: not is_deleted(comment))


def is_deleted(comment: Comment) -> bool:
    return "deleted" in (comment.removal_reason or "")


def is_approved(comment: Comment) -> bool:
    return comment.status is Status.PUBLISHED


def of_isso(name: str) -> Path:
    """Return a file that Isso tests its importer with."""
    return Path(importlib.util.find_spec("isso").origin).parent / "tests" / name


def test_a_disqus_export_is_read_as_isso_reads_it(tmp_path):
    export = tmp_path / "disqus.xml"
    write_export(EXPORTS["disqus"], export, 300_000)
    isso = migrate("Disqus", export, tmp_path / "isso.db", empty_id=True)
    assert len(isso) > 300
    assert of_disqus(list(read_comments(export))) == isso


def test_a_wordpress_export_is_read_as_isso_reads_it(tmp_path):
    export = tmp_path / "wordpress.xml"
    written = write_export(EXPORTS["wordpress"], export, 300_000)
    isso = migrate("WordPress", export, tmp_path / "isso.db")
    assert len(isso) == written
    assert ours(list(read_comments(export)), is_approved) == isso


def test_the_file_of_issos_own_tests_of_disqus_is_read_as_isso_reads_it(tmp_path):
    isso = migrate("Disqus", of_isso("disqus.xml"), tmp_path / "isso.db", empty_id=True)
    assert len(isso) == 5
    assert of_disqus(list(read_comments(of_isso("disqus.xml")))) == isso


def test_the_file_of_issos_own_tests_of_wordpress_is_read_as_isso_reads_it(tmp_path):
    isso = migrate("WordPress", of_isso("wordpress.xml"), tmp_path / "isso.db")
    assert len(isso) == 8
    assert ours(list(read_comments(of_isso("wordpress.xml"))), is_approved) == isso
