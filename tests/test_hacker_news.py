"""Hacker News: on which story a comment is."""

import json

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
