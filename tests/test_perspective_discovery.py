"""Google's own client builds a working service from the discovery document."""

import json

import pytest

from moderation.perspective.discovery import SCHEMAS, make_discovery
from tests.browsers import need


@pytest.fixture(scope="module")
def google():
    need("googleapiclient", "google-api-python-client")
    from googleapiclient import discovery, http

    return discovery, http


def references(value):
    """Yield the messages that a part of the document refers to."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else ())
        for part in value.values():
            yield from references(part)


@pytest.mark.parametrize("root", ["http://127.0.0.1:8000", "https://scores.example.org/"])
def test_every_address_is_of_the_server(root):
    document = make_discovery(root)
    address = f"{root.rstrip('/')}/"
    assert document["rootUrl"] == document["baseUrl"] == address
    assert document["servicePath"] == ""
    assert "google" not in json.dumps(document)


def test_every_message_that_is_referred_to_is_told():
    assert set(references(make_discovery("http://localhost"))) <= SCHEMAS.keys()


def test_each_document_is_its_own():
    """Google's client writes into the one that it is given."""
    make_discovery("http://localhost")["schemas"].clear()
    assert make_discovery("http://localhost")["schemas"] == SCHEMAS


@pytest.mark.parametrize("root", ["", "localhost:8000", "file:///tmp", "//localhost"])
def test_a_root_that_is_no_address_is_refused(root):
    with pytest.raises(ValueError, match="expected http"):
        make_discovery(root)


def test_googles_client_asks_this_server(google):
    discovery, http = google
    document = make_discovery("http://127.0.0.1:8000")
    answers = http.HttpMockSequence([({"status": "200"}, b'{"languages": ["en"]}')] * 2)
    service = discovery.build_from_document(document, developerKey="a-key", http=answers)
    body = {"comment": {"text": "warm"}, "requestedAttributes": {"INSULT": {}}}
    calls = [
        service.comments().analyze(body=body, wordContributions=True),
        service.comments().suggestscore(body={"comment": {"text": "warm"}}),
    ]
    assert [call.execute() for call in calls] == [{"languages": ["en"]}] * 2
    assert [sent[0] for sent in answers.request_sequence] == [
        "http://127.0.0.1:8000/v1alpha1/comments:analyze?wordContributions=true&key=a-key&alt=json",
        "http://127.0.0.1:8000/v1alpha1/comments:suggestscore?key=a-key&alt=json",
    ]


def test_googles_client_refuses_what_the_document_does_not_name(google):
    discovery, http = google
    service = discovery.build_from_document(
        json.dumps(make_discovery("http://127.0.0.1:8000")), http=http.HttpMock()
    )
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        service.comments().analyze(body={}, model="x")
