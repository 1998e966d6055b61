"""The page about the API: all that the document says, without anything from elsewhere."""

import html
import re
import shlex

import pytest

from moderation.service.page import make_page
from moderation.service.schemas import read_notes
from tests.services import run_service


@pytest.fixture(scope="module")
def running(trained, tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("service"), trained) as running:
        yield running


@pytest.fixture(scope="module")
def document(running):
    return running.get("/openapi.json").json()


@pytest.fixture(scope="module")
def page(running):
    return running.get("/docs").text


def test_the_page_loads_nothing_and_runs_nothing(running, page):
    assert not re.search(r"<script|<link|<img|<iframe|src=|@import|url\(|\son\w+=", page)
    assert {*re.findall(r'href="([^#"]*)', page)} == {"", "openapi.json"}
    assert "default-src 'none'" in running.get("/docs").headers["content-security-policy"]


def test_the_page_has_every_endpoint_with_what_it_is_for(document, page):
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            assert f"<b>{method.upper()}</b><code>{path}</code>" in page
            assert said["description"]
            assert said["summary"] in page.replace("&#x27;", "'")


def test_every_link_of_the_page_leads_somewhere(document, page):
    links, places = re.findall(r'href="#([^"]*)', page), re.findall(r' id="([^"]*)', page)
    assert set(links) <= set(places)
    assert len(places) == len(set(places))
    assert set(document["components"]["schemas"]) <= set(places)


def test_the_page_says_how_to_ask_with_a_body_that_is_taken(running, page):
    commands = re.findall(rf"{running.address}(/\S+) \\\n  -d &#x27;(\{{.*\}})&#x27;", page)
    assert len(commands) == 6
    assert "localhost:8000" not in page
    for path, body in commands:
        with running.client(headers={"X-Goog-Api-Key": running.keys["admin"]}) as client:
            answer = client.post(path, content=body.replace("&quot;", '"'))
        assert answer.is_success, (path, answer.text)


def test_the_batch_of_the_page_is_answered(running, page):
    [command] = re.findall(r"curl [^<]*/batch [^<]*", page)
    words = shlex.split(html.unescape(command).replace("\\\n", "").replace("$'", "'"))
    [kind] = [word for word in words if word.startswith("Content-Type")]
    with running.client(headers={"X-Goog-Api-Key": running.keys["score"]}) as client:
        answer = client.post(
            words[words.index("--data-binary") - 1].removeprefix(running.address),
            content=words[-1].replace("\\n", "\n"),
            headers=dict([kind.split(": ")]),
        )
    assert (answer.status_code, answer.text.count("HTTP/1.1 200")) == (200, 1)


def test_the_address_on_the_page_cannot_become_markup(running):
    page = running.get("/docs", headers={"Host": 'a"><script>b'}).text
    assert "<script" not in page


def test_what_the_document_holds_cannot_become_markup(document):
    hostile = {**document, "info": {**document["info"], "title": "<b>", "description": "`<i>`"}}
    assert not re.search(r"<h1><b>|<i>", make_page(hostile))


def test_each_field_is_told_as_it_is_in_the_source(document):
    schemas = document["components"]["schemas"]
    said = schemas["Scored"]["properties"]["probabilities"]["description"]
    assert said == "At the base rate of the training data, for the heads that are calibrated."


def test_without_the_source_there_are_no_notes():
    assert read_notes(type("Unseen", (), {"__module__": "__main__"})) == {}


def test_the_scope_that_the_document_tells_is_the_one_that_is_needed(running, document):
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            needed = {scope for way in said["security"] for [scope] in way.values()}
            assert len(said["security"]) == (3 if needed else 0)
            refused = {
                scope
                for scope, key in running.keys.items()
                if ask(running, method, path, key).status_code == 403
            }
            assert refused == ({"score", "label"} - needed if needed else set())


def ask(running, method: str, path: str, key: str):
    with running.client(headers={"X-Goog-Api-Key": key}) as client:
        return client.request(method, path)


def test_coral_with_secrets_signs_and_needs_no_key(trained, tmp_path):
    with run_service(tmp_path, trained, coral_secrets=("a-secret",)) as running:
        document = running.get("/openapi.json").json()
        page = running.get("/docs").text
    assert document["paths"]["/coral"]["post"]["security"] == [{"signature": []}]
    assert document["components"]["securitySchemes"]["signature"]["name"] == "X-Coral-Signature"
    assert "Signed: <code>X-Coral-Signature</code>" in page
