"""Connections end where a client goes on for ever, and good clients notice nothing of that."""

import asyncio
import json
import socket
import time

import pytest

from moderation.service import connections
from moderation.service.configuration import Limits
from tests.services import listen

HOST = b"Host: localhost\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
LARGE = 64 * 1024 * 1024


async def answer(scope, receive, send) -> None:
    """Say what was sent; wait, say much, or leave the body unread, where the address tells it."""
    if scope["type"] != "http":
        return
    body, more = b"", scope["path"] != "/unread"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    if scope["path"] == "/wait":
        await asyncio.sleep(0.6)
    said = b"x" * LARGE if scope["path"] == "/large" else body
    length = (b"content-length", b"%d" % len(said))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture(scope="module")
def port():
    with listen(answer, limits=Limits(body_seconds=0.1)) as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture
def hurry(monkeypatch):
    """Let all times be so short that a test can wait for them."""
    for name in ("HEAD_SECONDS", "GRACE_SECONDS", "TAKING_SECONDS"):
        monkeypatch.setattr(connections, name, 0.2)


@pytest.fixture
def connection(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what is sent until the connection ends."""
    found = b""
    try:
        while part := connection.recv(1 << 20):
            found += part
    except ConnectionError:
        pass
    return found


def drip(connection: socket.socket, drop: bytes) -> bytes:
    """Send some bytes again and again until the connection ends; return what came."""
    found = b""
    connection.settimeout(0.05)
    for _ in range(400):
        try:
            connection.sendall(drop)
            part = connection.recv(1 << 16)
        except TimeoutError:
            continue
        except ConnectionError:
            return found
        if not part:
            return found
        found += part
    pytest.fail("it is still there")


def statuses(sent: bytes) -> list[int]:
    return [int(part[:3]) for part in sent.split(b"HTTP/1.1 ")[1:]]


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in (b"Content-Length: %d" % len(body), *headers))
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET /" + b"a" * 66_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000,
        b"\r\n" * 500_000,
    ],
)
def test_a_long_head_is_refused_before_its_end(connection, head):
    for begin in range(0, len(head), 50_000):
        try:
            connection.sendall(head[begin : begin + 50_000])
        except ConnectionError:
            break
        time.sleep(0.001)
    assert statuses(read_all(connection)) in ([431], [])  # [] where it was still being sent


def test_why_a_head_is_refused_is_said_in_the_envelope(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 65_600 + b"\r\n\r\n")
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert (error["code"], "more than 65536 bytes" in error["message"]) == (431, True)
    assert b"connection: close" in head.lower()


def test_the_longest_head_is_read_behind_a_long_body(connection):
    head = b"GET / HTTP/1.1\r\nConnection: close\r\nX: " + b"y" * 65_000 + b"\r\n\r\n"
    connection.sendall(post(b"/", b"z" * 300_000) + head)
    assert statuses(read_all(connection)) == [200, 200]


@pytest.mark.parametrize(
    ("begin", "drop", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", b"X", [408]),
        (b"", b"", []),
        (GET, b"\r\n", [200]),
        (post(b"/unread", b"x" * 100)[:-100], b"x", [200]),
        (b"GET /healthz\r\n", b"", [408]),
    ],
    ids=["head", "nothing", "line ends", "unread body", "HTTP/0.9"],
)
def test_a_slow_client_is_let_go(hurry, connection, begin, drop, expected):
    connection.sendall(begin)
    assert statuses(drip(connection, drop)) == expected


def test_a_body_that_its_endpoint_does_not_see_the_end_of_ends(hurry, connection):
    connection.sendall(post(b"/", b"x" * 100)[:-50])
    assert read_all(connection) == b""


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\n" + b"X: y\r\n" * 100_000,
        b"0\r\nX: " + b"y" * 1_000_000,
        b"1;" + b"x" * 1_000_000,
    ],
)
def test_what_stands_around_a_body_is_not_kept(connection, rest):
    connection.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for begin in range(0, len(rest), 50_000):
        try:
            connection.sendall(rest[begin : begin + 50_000])
        except ConnectionError:
            break
        time.sleep(0.001)
    assert statuses(read_all(connection)) in ([400], [])


def test_a_body_in_the_smallest_chunks_is_read(connection):
    body = b"q" * 30_000
    chunks = b"1\r\nq\r\n" * len(body) + b"0\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + chunks)
    assert read_all(connection).endswith(b"\r\n\r\n" + body)


def test_pipelined_requests_are_answered_in_their_order(connection):
    bodies = [b"%d" % number for number in range(60)]
    connection.sendall(b"".join(post(b"/", body) for body in bodies[:-1]))
    connection.sendall(post(b"/", bodies[-1], b"Connection: close"))
    found = [part.split(b"HTTP/1.1")[0] for part in read_all(connection).split(b"\r\n\r\n")[1:]]
    assert found == bodies


def test_more_pipelined_requests_than_may_wait_end_the_connection(connection):
    connection.sendall(post(b"/wait", b"") + GET * 100)
    assert read_all(connection) == b""


def test_what_is_wrong_with_a_request_is_not_said_to_the_one_before(connection):
    connection.sendall(post(b"/wait", b"one") + b"no HTTP\r\n\r\n")
    assert read_all(connection) == b""


def test_whoever_waits_for_an_answer_is_not_called_slow(hurry, connection):
    connection.sendall(post(b"/wait", b"one") + b"GE")
    assert statuses(read_all(connection)) == [200, 408]


OFFER = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAI")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_body_of_a_request_that_offers_another_protocol_is_read(connection, size):
    """RFC 9110, section 7.8: an offer may be ignored. Java's HttpClient makes one each time."""
    chunked = (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + b"\r\n".join(OFFER) + b"\r\n\r\n"
    )
    sent = (
        post(b"/", b"one", *OFFER)
        + (chunked + b"3\r\ntwo\r\n0\r\n\r\n")
        + GET.replace(HOST, b"\r\n".join(OFFER) + b"\r\n")
        + post(b"/", b"four", b"Connection: close")
    )
    for begin in range(0, len(sent), size):
        connection.sendall(sent[begin : begin + size])
    found = [part.split(b"HTTP/1.1")[0] for part in read_all(connection).split(b"\r\n\r\n")[1:]]
    assert found == [b"one", b"two", b"", b"four"]


def test_an_answer_that_nobody_takes_is_not_kept(hurry, port):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(GET.replace(b"/ ", b"/large "))
        time.sleep(1.0)
        assert len(read_all(connection)) < LARGE


def test_whoever_takes_an_answer_slowly_gets_all_of_it(hurry, connection):
    connection.sendall(GET.replace(b"/ H", b"/large H").replace(HOST, b"Connection: close\r\n"))
    found = 0
    while part := connection.recv(2 << 20):
        found += len(part)
        time.sleep(0.02)
    assert found > LARGE


def test_what_is_no_http_is_answered_and_not_logged(connection, caplog):
    connection.sendall(b"quokka\r\n\r\n")
    assert statuses(read_all(connection)) == [400]
    assert caplog.text == ""
