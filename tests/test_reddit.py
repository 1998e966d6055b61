"""Reddit: which comment another answers, however a dump spells it."""

import json

import pytest

from moderation.parsers import read_comments

COMMENT = {"id": "hx2", "body": "words", "link_id": "t3_abc", "subreddit": "ferries"}


@pytest.mark.parametrize(
    ("parent", "read"),
    [
        ("t1_hx1", "hx1"),
        ("t3_abc", None),
        (int("hx1", 36), "hx1"),
        (float(int("hx1", 36)), "hx1"),
        (int("abc", 36), None),
        (None, None),
    ],
    ids=["comment", "submission", "number", "float", "number of the submission", "none"],
)
def test_a_parent_may_be_a_number(parent, read):
    """Some of pushshift's dumps have it to the base of 10, beside ids to the base of 36."""
    [comment] = read_comments(json.dumps({**COMMENT, "parent_id": parent}).encode())
    assert comment.parent_id == read


def test_where_all_ids_are_numbers_they_stay_as_they_are():
    [comment] = read_comments(json.dumps({**COMMENT, "id": 7, "parent_id": 41}).encode())
    assert (comment.id, comment.parent_id) == ("7", "41")
