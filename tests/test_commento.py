"""Commento: what says that a comment is deleted."""

import json

import pytest

from moderation.comments import Status
from moderation.parsers import read_comments

COMMENT = {"commentHex": "a1", "commenterHex": "ff00", "parentHex": "root", "state": "approved"}


@pytest.mark.parametrize(
    "more",
    [
        {"deleted": True, "html": "words"},
        {"markdown": "[deleted]", "html": "words"},
        {"markdown": "", "html": "[deleted]"},
    ],
    ids=["mark", "markdown", "html"],
)
def test_a_deleted_comment_has_no_words(more):
    export = {"version": 1, "comments": [{**COMMENT, **more}], "commenters": []}
    [comment] = read_comments(json.dumps(export).encode())
    assert (comment.text, comment.status, comment.author) == (None, Status.REMOVED, "ff00")
