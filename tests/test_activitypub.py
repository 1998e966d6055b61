"""ActivityPub: what may stand alone where others have a list, and who wrote a note."""

import json

import pytest

from moderation.parsers import read_comments

NOTE = {"id": "https://social.example/1", "type": "Note", "content": "<p>The ferry is back</p>"}
CONTEXT = {"@context": "https://www.w3.org/ns/activitystreams"}
COLLECTION = {**CONTEXT, "id": "https://social.example/outbox", "type": "OrderedCollection"}
ANN = "https://social.example/users/ann"


@pytest.mark.parametrize("name", ["items", "orderedItems"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "held",
    [NOTE, {"type": "Create", "actor": ANN, "object": NOTE}, [NOTE]],
    ids=["a note", "an activity", "a list"],
)
def test_what_a_collection_holds_may_be_one_object(name, indent, held):
    """ActivityStreams 2.0 lets writers leave out the brackets around one value."""
    page = {"first": {"type": "OrderedCollectionPage", name: held}}
    for collection in ({**COLLECTION, name: held}, {**COLLECTION, **page}):
        reading = read_comments(json.dumps(collection, indent=indent).encode())
        assert [comment.id for comment in reading] == [NOTE["id"]]
        assert reading.notes.left_out == {}


def test_an_address_alone_is_counted_as_in_a_list():
    reading = read_comments(json.dumps({**COLLECTION, "items": NOTE["id"]}).encode())
    assert list(reading) == []
    assert "1 objects of which only the address is there" in reading.summary()


@pytest.mark.parametrize(
    ("written_by", "author"),
    [
        (ANN, ANN),
        ({"id": ANN, "type": "Person", "preferredUsername": "ann"}, ANN),
        ({"type": "Person", "preferredUsername": "ann"}, "ann"),
        ([{"type": "Person", "preferredUsername": "ann"}, "https://b.example"], "ann"),
        ([{"type": "Organization"}, ANN], ANN),
        ([], None),
        (7, None),
    ],
    ids=["address", "object", "name", "list", "second", "nobody", "number"],
)
def test_the_author_is_known_by_address_or_name(written_by, author):
    [comment] = read_comments(json.dumps({**CONTEXT, **NOTE, "attributedTo": written_by}).encode())
    assert comment.author == author
