"""Workers answer until they are told to stop, cut no request then, and are replaced if they die."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from moderation.errors import ServiceError
from moderation.service.workers import open_socket, serve

PROGRAM = textwrap.dedent("""
    import asyncio, os, sys, time
    from moderation.errors import ServiceError
    from moderation.service import workers

    door = workers.open_socket("127.0.0.1", 0)
    print(door.getsockname()[1], flush=True)
    forks = []

    def create():
        async def application(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                if {broken}:
                    await send({{"type": "lifespan.startup.failed"}})
                    return
                await send({{"type": "lifespan.startup.complete"}})
                await receive()
                print("ended well", flush=True)
                await send({{"type": "lifespan.shutdown.complete"}})
                return
            while (await receive()).get("more_body"):
                pass
            if scope["path"] == "/slow":
                await asyncio.sleep(0.5)
            if scope["path"] == "/stuck":
                time.sleep(60)
            body = b"%d %d" % (os.getpid(), len(forks))
            headers = [(b"content-length", b"%d" % len(body))]
            await send({{"type": "http.response.start", "status": 200, "headers": headers}})
            await send({{"type": "http.response.body", "body": body}})

        return application

    def tell(line):
        print(line, flush=True)

    try:
        workers.serve(
            create, sockets=[door], tell=tell, workers={workers},
            before_fork=lambda: forks.append(1), every_second=lambda: tell("a second"),
            options={options},
        )
    except ServiceError as error:
        tell(error)
        sys.exit(1)
""")


@dataclass
class Running:
    process: subprocess.Popen
    port: int
    output: list[str] = field(default_factory=list)

    def ask(self, path="/") -> tuple[int, int]:
        """Return which process answered, and how many were forked when it was."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path)
        pid, forks = connection.getresponse().read().split()
        connection.close()
        return int(pid), int(forks)

    def wait_for(self, done) -> None:
        until = time.monotonic() + 20
        while not done():
            assert time.monotonic() < until
            time.sleep(0.05)

    def read(self) -> None:
        self.output.extend(self.process.stdout)

    def stop(self, signum=signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(30)


@contextlib.contextmanager
def running(workers=1, broken=False, options="{}") -> Iterator[Running]:
    program = PROGRAM.format(workers=workers, broken=broken, options=options)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    found = Running(process, int(process.stdout.readline()))
    reader = threading.Thread(target=found.read)
    reader.start()
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


@dataclass
class Client(threading.Thread):
    """Sends one request after the other over connections that are kept, until nobody listens."""

    port: int
    path: str = "/"
    pause: float = 0.0
    kept: bool = True
    answers: int = 0
    cut: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def __hash__(self):
        return id(self)

    def run(self):
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                self.use(socket.create_connection(("127.0.0.1", self.port), 20))

    def use(self, stream):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = stream
        try:
            while True:
                connection.request("POST", self.path, body=b"a comment" * 20)
                answer = connection.getresponse()
                answer.read()
                self.answers += 1
                if answer.will_close or not self.kept:
                    return
                time.sleep(self.pause)
        except (OSError, http.client.HTTPException) as error:
            self.cut.append(repr(error))
        finally:
            connection.close()
            stream.close()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stopping_under_load_cuts_no_request(workers, signum):
    """Of busy clients that keep their connections, of slow ones, and of such that always return."""
    with running(workers) as server:
        clients = [
            *(Client(server.port) for _ in range(4)),
            *(Client(server.port, pause=0.02) for _ in range(3)),
            *(Client(server.port, kept=False) for _ in range(3)),
            *(Client(server.port, path="/slow") for _ in range(3)),
        ]
        server.wait_for(server.ask)
        for client in clients:
            client.start()
        time.sleep(0.8)
        assert server.stop(signum) == 0
        for client in clients:
            client.join()
    assert [line for client in clients for line in client.cut] == []
    assert all(client.answers for client in clients)
    assert "".join(server.output).count("ended well") == workers


def test_a_connection_that_brings_nothing_does_not_hold_up_the_end():
    with running() as server:
        server.ask()
        with socket.create_connection(("127.0.0.1", server.port)) as idle:
            began = time.monotonic()
            assert server.stop() == 0
            assert idle.recv(1) == b""
    assert time.monotonic() - began < 15


def test_a_worker_that_is_killed_is_replaced():
    with running(workers=2) as server:
        victim, forks = server.ask()
        assert forks <= 2
        os.kill(victim, signal.SIGKILL)
        server.wait_for(lambda: server.ask()[1] == 3)
        assert server.stop() == 0
    told = [line for line in server.output if "ended by itself" in line]
    assert told == [f"worker {victim} ended by itself (signal 9); another takes its place\n"]
    assert server.output.count("a second\n") >= 1


def test_an_application_that_does_not_start_is_refused():
    for workers in (1, 2):
        with running(workers, broken=True) as server:
            assert server.process.wait(20) == 1
        assert "did not start" in server.output[-1]


def test_workers_end_with_a_parent_that_is_killed():
    with running(workers=2) as server:
        server.ask()
        server.process.kill()
        server.wait_for(lambda: not is_listened_to(server.port))


def is_listened_to(port):
    with socket.socket() as stream:
        return stream.connect_ex(("127.0.0.1", port)) == 0


def test_a_worker_that_hangs_is_killed_by_a_second_interrupt():
    with running(workers=2) as server:
        stuck = Client(server.port, path="/stuck")
        server.ask()
        stuck.start()
        time.sleep(0.3)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert server.stop(signal.SIGINT) == 0
        stuck.join()
    assert stuck.cut
    assert stuck.answers == 0


def test_a_place_where_nobody_can_listen_is_refused():
    with open_socket("127.0.0.1", 0) as taken, pytest.raises(ServiceError, match="cannot listen"):
        open_socket("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ServiceError, match="port 70000: there is none"):
        open_socket("127.0.0.1", 70_000)


def test_addresses_of_either_family_can_be_listened_to():
    with open_socket("127.0.0.1", 0) as four, open_socket("::1", 0) as six:
        assert (four.family, six.family) == (socket.AF_INET, socket.AF_INET6)


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="workers=0"):
        serve(lambda: None, sockets=[], tell=print, workers=0)
