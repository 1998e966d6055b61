"""The service's own API and what all endpoints have in common, over HTTP."""

import json
import socket
import time

import numpy as np
import pytest
from sqlalchemy import select

from moderation.artifacts import load_model
from moderation.database import open_store
from moderation.tables import StoredComment
from tests.services import run_service

TEXTS = ["The tram was late again.", "Thank you for the report, it was a good read."]


@pytest.fixture(scope="module")
def running(trained, tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("service"), trained) as running:
        yield running


def test_scores_are_those_of_the_model(running, trained):
    sent = {"comments": [{"id": str(row), "text": text} for row, text in enumerate(TEXTS)]}
    answer = running.post("/v1/score", sent).json()
    model = load_model(trained)
    found = [result["probabilities"][model.attribute] for result in answer["results"]]
    assert np.allclose(found, model.score(TEXTS), rtol=0, atol=1e-12)
    even = [result["scores"][model.attribute] for result in answer["results"]]
    assert np.allclose(even, model.score(TEXTS, base_rate=0.5), rtol=0, atol=1e-9)
    assert [result["id"] for result in answer["results"]] == ["0", "1"]
    assert answer["model"] == model.version


def test_every_answer_names_the_model(running):
    version = running.service.served.version
    answers = [
        running.post("/v1/score", {"comments": [{"text": "one"}]}),
        running.post("/v1/score", {}),
        running.get("/v1/model"),
        running.get("/healthz"),
    ]
    assert [answer.headers["x-moderation-model"] for answer in answers] == [version] * 4


def test_an_explanation_adds_up_to_the_logit(running):
    sent = {"comments": [{"text": TEXTS[0]}], "explain": True}
    [result] = running.post("/v1/score", sent).json()["results"]
    said = result["explanation"]
    logit = said["intercept"] + sum(word["value"] for word in said["words"])
    score = result["probabilities"][running.service.served.attributes[0]]
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(score, abs=1e-9)
    assert [TEXTS[0][word["begin"] : word["end"]] for word in said["words"]] == TEXTS[0].split()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"comments": []}', "Expected `array` of length >= 1 - at `$.comments`"),
        (b'{"comments": [{"text": ""}]}', "Expected `str` of length >= 1"),
        (b'{"comments": [{"text": 1}]}', "Expected `str`, got `int` - at `$.comments[0].text`"),
        (b'{"comments": [{"text": "one", "words": 1}]}', "Object contains unknown field `words`"),
        (b'{"comments": [{"text": "\xff"}]}', "Expected UTF-8"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
    ],
)
def test_what_is_no_request_is_refused_with_its_place(running, body, expected):
    params = {"key": running.keys["score"]}
    with running.client() as client:
        answer = client.post("/v1/score", content=body, params=params)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert expected in error["message"]
    assert error["status"] == "INVALID_ARGUMENT"


def test_a_value_in_the_wrong_place_is_not_repeated(running):
    decision = {"id": "1", "text": "one", "action": "it's a 'quiet' harbour"}
    answer = running.post("/v1/decisions", {"decisions": [decision]}, scope="label")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(
        "Invalid enum value - at `$.decisions[0].action`."
    )


def test_ids_may_be_numbers(running):
    scored = running.post("/v1/score", {"comments": [{"text": "one", "id": 44}]})
    assert scored.json()["results"][0]["id"] == 44
    decision = {"id": 44, "text": "one", "action": "approve", "article": 7, "parent_id": 43}
    answer = running.post("/v1/decisions", {"decisions": [decision]}, scope="label")
    assert answer.status_code == 202
    for _ in range(600):
        with open_store(running.settings.database_url).reading() as session:
            found = [(row.source_id, row.article_id, row.source_parent_id)
                     for row in session.scalars(select(StoredComment))]  # fmt: skip
        if ("44", "7", "43") in found:
            return
        time.sleep(0.05)
    pytest.fail("not delivered")


def test_languages_are_told_where_they_are_asked_for(running):
    texts = ["ok", "Die Fähre fährt am Mittag ab, und wer zu spät kommt, wartet am Ufer.",
             "The ferry leaves at noon, and whoever comes late waits on the pier."]  # fmt: skip
    request = {"comments": [{"text": text} for text in texts]}
    told = running.post("/v1/score", {**request, "languages": True}).json()["results"]
    assert [one["language"] for one in told] == ["und", "de", "en"]
    learnt = running.get("/v1/model").json()["languages"]
    assert [one.get("is_learnt") for one in told] == [None, "de" in learnt, "en" in learnt]
    silent = running.post("/v1/score", request).json()["results"]
    assert all("language" not in one for one in silent)


def test_operating_points_are_told_on_both_scales(running):
    model = running.get("/v1/model").json()
    rate = model["base_rates"]["LIKELY_TO_REJECT"]
    assert model["operating_points"].keys() == model["even_operating_points"].keys() != set()
    for name, point in model["operating_points"].items():
        odds = point / (1 - point) * (1 - rate) / rate
        assert model["even_operating_points"][name] == pytest.approx(odds / (1 + odds))


def test_more_comments_than_a_request_may_have_are_refused(running):
    answer = running.post("/v1/score", {"comments": [{"text": "one"}] * 1001})
    assert (answer.status_code, "length <= 1000" in answer.text) == (400, True)


def test_a_large_batch_is_scored_as_single_comments_are(running):
    texts = [f"{text} {number}" for number in range(500) for text in TEXTS]
    answer = running.post("/v1/score", {"comments": [{"text": text} for text in texts]})
    assert answer.status_code == 200
    single = running.post("/v1/score", {"comments": [{"text": texts[-1]}]}).json()["results"][0]
    assert answer.json()["results"][-1] == single


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "identity"}, 200),
    ],
)
def test_what_is_compressed_is_refused_unread(running, headers, status):
    body = json.dumps({"comments": [{"text": "one"}]})
    with running.client() as client:
        answer = client.post(
            "/v1/score", content=body, params={"key": running.keys["score"]}, headers=headers
        )
    assert answer.status_code == status


def test_a_body_over_the_limit_is_refused_by_its_size(trained, tmp_path):
    with run_service(tmp_path, trained, site="[limits]\nbody_bytes = 200\n") as running:
        long = running.post("/v1/score", {"comments": [{"text": "one" * 100}]})
        with running.client() as client:
            sent = (b"x" * 100 for _ in range(3))  # without a Content-Length
            params = {"key": running.keys["score"]}
            in_parts = client.post("/v1/score", content=sent, params=params)
        assert running.post("/v1/score", {"comments": [{"text": "one"}]}).status_code == 200
    assert [long.status_code, in_parts.status_code] == [413, 413]


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_a_client_that_sends_all_before_it_reads_learns_why_it_is_refused(running, headers):
    body = b"x" * 9_000_000
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST /v1/score?key={running.keys['score']} HTTP/1.1\r\nHost: localhost\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    address = ("127.0.0.1", int(running.address.rpartition(":")[2]))
    with socket.create_connection(address, timeout=30) as connection:
        for sent in (head.encode(), body, head.encode(), body):
            connection.sendall(sent)
        answers = b""
        while answers.count(b"HTTP/1.1 41") < 2 and (part := connection.recv(1 << 16)):
            answers += part
    assert answers.count(b"HTTP/1.1 415" if headers else b"HTTP/1.1 413") == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/score", 405), ("POST", "/v1/scores", 404), ("DELETE", "/healthz", 405)],
)
def test_places_and_methods_that_there_are_not_get_the_envelope(running, method, path, status):
    with running.client() as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


def test_what_goes_wrong_inside_is_answered_without_its_words(running, monkeypatch, caplog):
    def fail(_):
        raise RuntimeError("the text of a comment")

    monkeypatch.setattr("moderation.service.own_routes._score", lambda *_: fail(None))
    answer = running.post("/v1/score", {"comments": [{"text": "one"}]})
    assert (answer.status_code, answer.json()["error"]["status"]) == (500, "INTERNAL")
    assert "RuntimeError at " in caplog.text
    assert "text of a comment" not in caplog.text + answer.text


def test_what_the_model_is_can_be_asked(running):
    said = running.get("/v1/model").json()
    assert said["version"] == running.service.served.version
    assert said["attributes"][0] == "LIKELY_TO_REJECT"
    assert set(said["calibrated"]) <= set(said["attributes"])


def test_the_openapi_page_describes_every_endpoint(running):
    document = running.get("/openapi.json").json()
    assert {"/v1/score", "/v1/decisions", "/v1alpha1/comments:analyze"} <= document["paths"].keys()
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]
    assert running.get("/docs").status_code == 200
