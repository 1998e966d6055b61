"""What one request may ask for: bounds on its size, its answer and what is kept of it."""

import json
import socket
import threading
import time

import httpx
import pytest

from moderation.delivery import Delivered
from tests.services import run_service
from tests.test_service_labels import history, wait_until_delivered

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
TEXT = "The tram was late again."


@pytest.fixture(scope="module")
def running(trained, tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("service"), trained) as running:
        yield running


def decision(**more) -> dict:
    return {"decisions": [{"id": "1", "text": TEXT, "action": "remove", **more}]}


def suggestion(*attributes: str, **more) -> dict:
    scores = {name: {"summaryScore": {"value": 1}} for name in attributes}
    return {"comment": {"text": TEXT}, "attributeScores": scores, **more}


def question(*attributes: str, **more) -> dict:
    asked = {name: {} for name in attributes or ("LIKELY_TO_REJECT",)}
    return {"comment": {"text": TEXT}, "requestedAttributes": asked, **more}


def coral_id(name: str) -> dict:
    entry = {"text": json.dumps({"Coral_comment_id": name})}
    return {"communityId": "Coral:https://news.example", "context": {"entries": [entry]}}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/decisions", decision(rule=" "), "decisions[0]: house_rule"),
        ("/v1/decisions", decision(decided_by=" "), "decisions[0]: a decision names"),
        ("/v1/decisions", decision(decided_by="a\nb"), "decisions[0]: a name has no control"),
        ("/v1/decisions", decision(created_at="0001-01-01T00:00:00+14:00"), "[0].created_at"),
        ("/v1/decisions", decision(decided_at="9999-12-31T23:00:00-14:00"), "[0].decided_at"),
        (SUGGEST, suggestion(""), "attribute_scores[0]: attribute"),
        (SUGGEST, suggestion("INSULT", "A" * 65), "attribute_scores[1]: attribute"),
        (SUGGEST, suggestion("INSULT", clientToken="t" * 2049), "at most 2048"),
        (SUGGEST, suggestion("INSULT", communityId="c" * 2049), "at most 2048"),
        (SUGGEST, suggestion("INSULT", **coral_id("c" * 2049)), "at most 2048"),
    ],
)
def test_what_no_store_keeps_is_refused_with_its_place(running, path, body, expected):
    answer = running.post(path, body, scope="label")
    assert (answer.status_code, expected in answer.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "body", [suggestion("INSULT", **coral_id("a\0b")), suggestion("INSULT", **coral_id("\ud800"))]
)
def test_names_that_no_database_takes_are_kept_with_what_it_takes(trained, tmp_path, body):
    with run_service(tmp_path, trained) as running:
        assert running.post(SUGGEST, body, scope="label").status_code == 200
        wait_until_delivered(running)
        assert running.service.labels.spool.count_refused() == 0
        [(name, *_)] = history(running)
    assert "\ufffd" in name


@pytest.mark.parametrize(
    ("path", "body", "scope"),
    [
        (ANALYZE, question(*(f"A{number}" for number in range(101))), "score"),
        (SUGGEST, suggestion(*(f"A{number}" for number in range(101))), "label"),
        ("/v1/moderations", {"input": ["one"] * 1001}, "score"),
        (
            "/v1/score",
            {"comments": [{"text": "a" * 60_000}, {"text": "b" * 40_001}], "explain": True},
            "score",
        ),
    ],
)
def test_more_than_a_request_may_have_is_refused(running, path, body, scope):
    answer = running.post(path, body, scope=scope)
    assert (answer.status_code, "length <=" in answer.text or "at most" in answer.text) == (
        400,
        True,
    )


@pytest.mark.parametrize("path", [ANALYZE, "/coral"])
def test_a_request_about_one_comment_is_smaller_than_one_about_many(running, path):
    large = question(context={"entries": [{"text": "a" * 600_000}]})
    assert running.post(path, large).status_code == 413
    texts = [{"text": "a" * 99_000} for _ in range(7)]
    assert running.post("/v1/score", {"comments": texts}).status_code == 200


def test_large_bodies_together_have_an_end_and_room_is_given_back(trained, tmp_path):
    site = "[limits]\nbodies_bytes = 300_000\nbody_seconds = 30\n"
    body = json.dumps({"comments": [{"text": "a" * 50_000}] * 4}).encode()
    with run_service(tmp_path, trained, site=site) as running:
        head = (
            f"POST /v1/score?key={running.keys['score']} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        address = ("127.0.0.1", int(running.address.rsplit(":", 1)[1]))
        with socket.create_connection(address, timeout=30) as slow:
            slow.sendall(head + body[:-1])
            wait_until_taken(running, 150_000)
            refused = running.post("/v1/score", json.loads(body))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            slow.sendall(body[-1:])
            assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        assert running.post("/v1/score", json.loads(body)).status_code == 200
        assert running.service.room.left == 300_000


def wait_until_taken(running, size: int) -> None:
    for _ in range(600):
        if running.service.room.left <= 300_000 - size:
            return
        time.sleep(0.02)
    pytest.fail("the body was not read")


def batch(
    running, bodies: list[dict], *headers: str, query: str | None = None, **outer: str
) -> httpx.Response:
    """Send calls with a key each, or with what `query` says; `outer` are the batch's headers."""
    query = f"?key={running.keys['score']}" if query is None else query
    lines = "".join(f"{header}\r\n" for header in headers)
    parts = "".join(
        f"--b\r\nContent-Type: application/http\r\n\r\nPOST {ANALYZE}{query}"
        f" HTTP/1.1\r\n{lines}\r\n{json.dumps(body)}\r\n"
        for body in bodies
    )
    kind = {"Content-Type": "multipart/mixed; boundary=b", **outer}
    with running.client() as client:
        return client.post("/batch", content=f"{parts}--b--", headers=kind)


@pytest.mark.parametrize("length", ["abc", "-1", "9" * 5000, "3"])
def test_the_length_of_a_part_is_that_of_the_part(running, length):
    answer = batch(running, [question()], f"Content-Length: {length}")
    assert "HTTP/1.1 200 OK" in answer.text


def test_a_call_of_a_batch_without_a_key_has_that_of_the_whole(running):
    good, other = running.keys["score"], running.keys["label"]
    refused = batch(running, [question()], query="")
    answered = batch(running, [question()], query="", Authorization=f"Bearer {good}")
    its_own = batch(running, [question()], query=f"?key={other}", Authorization=f"Bearer {good}")
    found = [answer.text.split("HTTP/1.1 ")[1][:3] for answer in (refused, answered, its_own)]
    assert found == ["403", "200", "403"]


def test_calls_of_a_batch_whose_answers_are_too_long_are_refused(running, monkeypatch):
    monkeypatch.setattr("moderation.service.perspective_routes.MOST_ANSWERED", 500)
    answer = batch(running, [question()] * 4)
    assert (answer.text.count("HTTP/1.1 200"), answer.text.count("HTTP/1.1 413")) == (2, 2)


def test_others_are_answered_while_a_large_batch_is(running):
    """A request that begins later ends earlier."""
    ended = []

    def send_batch() -> None:
        batch(running, [question(spanAnnotations=True)] * 1000)
        ended.append("batch")

    before = count_scored(running)
    thread = threading.Thread(target=send_batch)
    thread.start()
    until = time.monotonic() + 30
    while count_scored(running) == before and time.monotonic() < until:
        time.sleep(0.001)
    running.get("/healthz")
    ended.append("another")
    thread.join()
    assert ended == ["another", "batch"]


def count_scored(running) -> float:
    running.service.metrics.add_up()
    return running.service.metrics.registry.get_sample_value("moderation_comments_scored_total")


@pytest.mark.parametrize("path", ["/healthz", "/v1/models/any", "/docs"])
def test_what_can_be_got_can_be_asked_for_its_head(running, path):
    with running.client(headers={"X-Goog-Api-Key": running.keys["score"]}) as client:
        head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/healthz", "GET, HEAD"), ("OPTIONS", "/v1/score", "POST"), ("PUT", "/docs", None)],
)
def test_another_method_is_told_which_ones_there_are(running, method, path, allowed):
    with running.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == (allowed or "GET, HEAD")
    assert answer.headers["x-moderation-model"] == running.service.served.version


def test_a_service_stops_while_labels_keep_coming(trained, tmp_path):
    """It waits for the delivery that is underway, and not until there is nothing to deliver."""
    delivered = threading.Event()

    def deliver(*_) -> Delivered:
        delivered.set()
        time.sleep(0.01)
        return Delivered(refused=1)

    with run_service(tmp_path, trained) as running:
        running.service.labels.deliver = deliver
        assert delivered.wait(20)
