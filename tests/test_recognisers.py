"""What looks like an export of one of the systems, and is none: it is not taken for one."""

import json

import pytest

from moderation.parsers.detection import find_export

CONTEXT = "https://www.w3.org/ns/activitystreams"
OTHERS = {
    "a person of ActivityPub": {"@context": CONTEXT, "type": "Person", "id": "x", "name": "Ann"},
    "linked data": {"@context": "https://schema.org", "type": "Note", "id": "x", "content": "y"},
    "a site's backup": {"version": 2, "users": [{"id": 1}], "posts": [{"title": "One"}]},
    "a tracker's comments": {"version": 1, "comments": [{"id": 1, "body": "One"}]},
    "an issue": {"id": 7, "type": "story", "title": "One", "status": "open"},
    "a note": {"id": 7, "type": "comment", "by": "ann", "time": 1, "text": "One"},
    "events": {"type": "comment", "id": 7, "time": 1, "user": "ann"},
    "a forum's answer": {"discussion": {"id": 1, "comments": [{"id": 2, "text": "One"}]}},
    "a story": {"storyID": "s", "status": "open", "title": "One"},
    "a mail": {"body": "One", "subject": "Two", "link_id": "t1"},
    "a page's comments": {"totalCommentsCount": 3, "comments": []},
    "tickets": {"id": 1, "status": 0, "text": "One", "forumUri": "x"},
    "ratings": {"commentID": 1, "commentBody": "One", "rating": 5},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("indent", [None, 2], ids=["line", "lines"])
def test_what_only_looks_like_an_export_is_none(other, indent):
    assert find_export(json.dumps(other, indent=indent)) is None


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_an_array_of_such_is_none(other):
    assert find_export(json.dumps([other])) is None


@pytest.mark.parametrize(
    "header",
    ["id,comment_text,rating,likes", "commentID,commentBody,score", "id,text,status", "a\tb"],
)
def test_a_table_with_some_of_the_columns_is_none(header):
    assert find_export(f"{header}\n1,2,3,4\n") is None


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE comments (id INTEGER, text TEXT, mode INTEGER)",
        "CREATE TABLE threads (id INTEGER)\nCREATE TABLE notes (tid, mode, remote_addr, voters)",
        "CREATE TABLE wp_comments (comment_ID INTEGER)\nCREATE TABLE wp_posts (ID INTEGER)",
    ],
)
def test_another_database_is_none(schema):
    assert find_export(schema) is None


def test_prefixes_and_old_addresses_change_nothing():
    """A prefix may be any in XML, and the context's address has been written with http, too."""
    disqus = '<?xml version="1.0"?><q:disqus xmlns:q="http://disqus.com"><q:thread/></q:disqus>'
    assert find_export(disqus) == "disqus"
    note = {"@context": CONTEXT.replace("https", "http"), "type": "Note", "id": "x", "content": "y"}
    assert find_export(json.dumps(note)) == "activitypub"
