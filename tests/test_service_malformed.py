"""Ten thousand requests that make no sense: no error inside, no hang, no growth, nothing logged."""

import selectors
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest

from tests.apart import Apart, run_apart
from tests.malformed import ANALYZE, BODIES, MARK, Maker, Malformed

REQUESTS = 10_000
WARM_UP = 2_000
"""Requests after which the memory is looked at first: by then all has been used once."""
GROWTH = 32
"""MB that it may have grown by since: freed pieces lie between those in use."""
SPARE_FILES = 8
"""What a delivery of labels, or a connection that is being closed, may hold just then."""
SECONDS = 30
"""Of patience with one answer, on a machine that has other things to do."""
ALWAYS = {
    "bomb": {415},
    "escape": {200, 202, 400},
    "long_head": {431},
    "nested": {400, 413},
    "noise": {400},
    "not_utf8": {400},
    "odd_number": {200, 202, 400},
    "truncated_json": {400},
    "two_lengths": {400},
}
"""What some kinds are answered with; of the others many are good requests still."""


@dataclass
class Run:
    """What came of all that was sent."""

    apart: Apart
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    hung: Counter[str] = field(default_factory=Counter)
    good: list[tuple[dict, dict]] = field(default_factory=list)
    """Answers to a good request in between, with that at first."""
    held: list[tuple[float, int]] = field(default_factory=list)
    """Memory in MB and open files, after the warm-up and at the end."""
    left: int = 0
    """Connections that the service never let go."""


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """Send everything to a service in a process of its own, where memory can be measured."""
    with run_apart(tmp_path_factory.mktemp("apart"), trained) as apart:
        run = Run(apart)
        with stay(apart) as staying, httpx.Client(timeout=SECONDS) as client:
            first = ask_well(apart, client)
            maker = Maker(apart.keys, Random(7))
            for number, malformed in enumerate(maker.make(REQUESTS), 1):
                note(run, malformed)
                if number % 100 == 0:
                    run.good.append((first, ask_well(apart, client)))
                if number in (WARM_UP, REQUESTS):
                    run.held.append((apart.resident(), apart.files()))
                if number == WARM_UP:
                    run.left = wait_until_let_go(staying)
                    run.held[0] = (apart.resident(), apart.files())
        yield run


def note(run: Run, malformed: Malformed) -> None:
    """Send a request on a connection of its own, and note the statuses of all answers."""
    found = b""
    address = run.apart.host, run.apart.port
    with socket.create_connection(address, timeout=SECONDS) as connection:
        try:
            connection.sendall(malformed.data)
            if malformed.is_cut:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                found += part
        except ConnectionError:
            pass  # it was closed while something was still on its way
        except TimeoutError:
            run.hung[malformed.kind] += 1
    answers = (part[:3] for part in found.split(b"HTTP/1.1 ")[1:])
    run.statuses[malformed.kind].update(int(status) for status in answers)


def ask_well(apart: Apart, client: httpx.Client) -> dict:
    """Return the answer to a good request, on a connection that stays open."""
    answer = client.post(
        f"http://{apart.host}:{apart.port}{ANALYZE}",
        json=BODIES[ANALYZE][1],
        params={"key": apart.keys["score"]},
    )
    assert answer.status_code == 200
    return answer.json()


@contextmanager
def stay(apart: Apart) -> Iterator[list[socket.socket]]:
    """Open connections that say nothing, and some that say a byte now and then; yield them."""
    begun = [
        b"",
        b"GET /healthz HTTP/1.1\r\nX: ",
        b"\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n"
        b"X-Goog-Api-Key: " + apart.keys["score"].encode() + b"\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n",
        b"POST /batch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1",
    ]
    over = threading.Event()
    with ExitStack() as stack:
        connections = []
        for data in begun * 20:
            connection = socket.create_connection((apart.host, apart.port))
            connections.append(stack.enter_context(connection))
            connection.sendall(data)

        def drip() -> None:
            while not over.wait(0.1):
                for place, connection in enumerate(connections):
                    if place % len(begun):
                        try:
                            connection.send(b"\n" if place % len(begun) == 2 else b"1")
                        except OSError:
                            continue

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield connections
        finally:
            over.set()
            thread.join()


def wait_until_let_go(connections: list[socket.socket]) -> int:
    """Return how many connections the other side has not ended after a while."""
    until = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < until:
            for key, _ in selector.select(timeout=0.1):
                try:
                    ended = not key.fileobj.recv(1 << 16)
                except ConnectionError:
                    ended = True
                if ended:
                    selector.unregister(key.fileobj)
        return len(selector.get_map())


def test_nothing_that_is_sent_fails_inside(run):
    """503 is for labels only, where too many wait."""
    failed = {
        kind: statuses
        for kind, counts in run.statuses.items()
        if (statuses := [status for status in counts if status >= 500 and status != 503])
    }
    assert failed == {}
    assert sum(sum(counts.values()) for counts in run.statuses.values()) > REQUESTS / 2


@pytest.mark.parametrize("kind", ALWAYS)
def test_what_makes_no_sense_is_refused_as_what_it_is(run, kind):
    assert set(run.statuses[kind]) <= ALWAYS[kind]


def test_no_request_is_left_without_an_end(run):
    assert run.hung == {}


def test_good_requests_in_between_are_answered_as_ever(run):
    assert len(run.good) == REQUESTS / 100
    assert all(answer == first for first, answer in run.good)


def test_whoever_sends_slowly_or_nothing_is_let_go(run):
    assert run.left == 0


def test_memory_and_files_do_not_grow(run):
    (memory, files), (memory_after, files_after) = run.held
    assert memory_after - memory < GROWTH
    assert files_after - files <= SPARE_FILES


def test_nothing_that_is_sent_is_logged(run):
    """Everything is logged that any package logs, at its lowest level."""
    log = run.apart.log.read_text()
    assert "alembic" in log
    assert MARK not in log
    assert "Traceback" not in log
    assert not any(key in log for key in run.apart.keys.values())
