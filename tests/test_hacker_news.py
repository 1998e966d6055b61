"""Hacker News: on which story a comment is."""

import json

import pytest

from moderation.comments import Status
from moderation.parsers import hacker_news, read_comments


def item(number: int, **more: object) -> str:
    return json.dumps({"id": number, "type": "comment", "by": "ann", "time": 0, **more})


def test_memory_of_stories_is_bounded(monkeypatch):
    """An export has millions of items; parents are mostly close by."""
    monkeypatch.setattr(hacker_news, "REMEMBERED", 2)
    lines = [
        item(1, type="story", title="The harbour"),
        item(2, parent=1, text="first"),
        item(3, parent=2, text="second"),
        item(4, parent=1, text="the story is out of reach"),
        item(5, parent=3, text="third"),
    ]
    found = list(read_comments("\n".join(lines).encode()))
    assert [comment.article_id for comment in found] == ["1", "1", None, "1"]
    assert [comment.parent_id for comment in found] == [None, "2", "1", "3"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"author": None, "comment_text": None}, Status.WITHDRAWN),
        ({"author": "ann", "comment_text": "words"}, Status.PUBLISHED),
        ({"author": "ann", "comment_text": None}, Status.PUBLISHED),
    ],
    ids=["deleted", "there", "unknown"],
)
def test_what_search_has_neither_name_nor_words_of_is_withdrawn(more, status):
    hit = {"objectID": "5", "created_at_i": 1600000000, "_tags": ["comment"], "story_id": 1}
    [comment] = read_comments(json.dumps({"hits": [{**hit, **more}]}).encode())
    assert comment.status is status
