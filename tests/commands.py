"""The service as its command, in a process of its own, and clients that keep it busy."""

import contextlib
import http.client
import itertools
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy
from sqlalchemy import func

from moderation.database import open_store
from moderation.review.audit import Account, follow
from moderation.settings import Settings, as_environment
from moderation.tables import Decision, StoredComment, StoredLabel

PATIENCE = 120
"""Seconds that only guard against hanging."""
REPOSITORY = Path(__file__).parents[1]
HURRIED = textwrap.dedent("""
    import sys
    from moderation import serve, serving
    from moderation.service import parts, workers
    parts.LOOK_SECONDS = workers.OFTEN = workers._TICK = 0.05
    serving.STILL_FOR = 0.7
    sys.exit(serve.main(sys.argv[1:]))
""")
"""The command, which looks for a new model more often, and waits less for what is half there."""
AS_IT_IS = ("-m", "moderation.serve")


@dataclass
class Command:
    """The command while it runs."""

    process: subprocess.Popen
    log: Path
    port: int = 0

    def read_log(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()

    def find_children(self) -> list[int]:
        """Return the workers, where there are several."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def measure_memory(self) -> float:
        """Return megabytes; what processes share counts once (Pss)."""
        pids = [self.process.pid, *self.find_children()]
        texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
        return sum(int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) for text in texts) / 1024

    def ask(self, path: str, body=None) -> dict:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            sent = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, body=sent)
            return json.loads(connection.getresponse().read())

    def wait_for(self, done: Callable[[], object]) -> None:
        wait_for(done, lambda: "\n".join(self.read_log()))

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)


def wait_for(done: Callable[[], object], explain: Callable[[], str] = str) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, explain()
        time.sleep(0.02)


@contextmanager
def run_command(
    settings: Settings,
    *options: str,
    program: Sequence[str] = AS_IT_IS,
) -> Iterator[Command]:
    """Run the command on a free port until the block ends, and wait until it can be asked."""
    with start_command(settings, "--port", "0", *options, program=program) as command:

        def find_port() -> bool:
            assert command.process.poll() is None, command.read_log()
            found = re.search(r"^http://[^ ]+:(\d+)/docs ", "\n".join(command.read_log()), re.M)
            command.port = int(found[1]) if found else 0
            return bool(found)

        command.wait_for(find_port)
        command.ask("/healthz")
        yield command


@contextmanager
def start_command(
    settings: Settings, *options: str, program: Sequence[str] = AS_IT_IS
) -> Iterator[Command]:
    """Start the command; what it says goes to a file, and in the end it is killed."""
    log = settings.spool.with_name(f"log-{time.monotonic_ns()}.txt")
    environment = as_environment(settings) | {"PYTHONPATH": str(REPOSITORY)}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *program, *options],
            env=environment, stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    command = Command(process, log)
    try:
        yield command
    finally:
        for pid in [*_children_of(command), process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _children_of(command: Command) -> list[int]:
    try:
        return command.find_children() if command.process.poll() is None else []
    except FileNotFoundError:
        return []


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    model: str | None
    """The version that the header names."""
    body: object


@dataclass(frozen=True)
class Ask:
    """A request, made anew each time."""

    path: str
    make: Callable[[], object]
    check: Callable[[object, Answer], None]
    """Is given what was sent and what came back, and raises an AssertionError."""
    content_type: str = "application/json"


@dataclass
class Labels:
    """Decisions that are sent, each on a comment of its own, and what became of them."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    refused: int = 0
    """Requests that were answered with 503."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send(self, *, many: int = 2, words: int = 10) -> Ask:
        def make() -> dict:
            ids = [f"c-{next(self._numbers)}" for _ in range(many)]
            self.sent.update(ids)
            text = "a quiet remark " * (words // 3 + 1)
            facts = {"text": text, "action": "remove"}
            return {"decisions": [{"id": id, **facts} for id in ids]}

        def check(sent, answer) -> None:
            assert answer.status in (202, 503), answer
            if answer.status == 503:
                self.refused += 1
            else:
                assert answer.body["accepted"] == many
                self.acknowledged.update(one["id"] for one in sent["decisions"])

        return Ask("/v1/decisions", make, check)

    def check(self, url: str) -> int:
        """See that what was acknowledged is stored, and nothing twice; return how much is."""
        store = open_store(url)
        with store.reading() as session:
            labelled = sqlalchemy.select(StoredComment.source_id, func.count()).group_by(
                StoredComment.key
            )
            labels = dict(session.execute(labelled.join(StoredLabel)).all())
            decided = sqlalchemy.select(StoredComment.source_id, func.count()).group_by(
                StoredComment.key
            )
            mine = Decision.comment_key == StoredComment.key
            decisions = dict(session.execute(decided.join(Decision, mine)).all())
            assert list(follow(session, Account())) == []
        store.engine.dispose()
        assert self.acknowledged - labels.keys() == set()
        assert labels.keys() - self.sent == set()
        assert labels == decisions == dict.fromkeys(labels, 1)
        return len(labels)


@dataclass
class Client(threading.Thread):
    """
    Asks one thing after the other on a connection that is kept, until it is told to stop.

    A connection is lost for no request where the server says that it closes it, or where it was
    closed before anything was sent. All else is a cut.
    """

    port: int
    asks: Sequence[Ask]
    pause: float = 0.0
    kept: bool = True
    answered: Counter[str] = field(default_factory=Counter)
    """Requests by the last word of their path and the status."""
    closed_before: int = 0
    cut: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: str | None = None
    """The version of the last answer."""
    told_to_stop: bool = False

    def __post_init__(self):
        super().__init__(daemon=True)
        self._sent = 0

    def __hash__(self):
        return id(self)

    @property
    def total(self) -> int:
        return sum(self.answered.values())

    def run(self):
        with contextlib.suppress(ConnectionRefusedError):
            while not self.told_to_stop:
                stream = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with contextlib.closing(stream):
                    self._use(stream)

    def stop(self) -> None:
        self.told_to_stop = True
        self.join(PATIENCE)
        assert not self.is_alive()

    def _use(self, stream: socket.socket) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = stream
        while not self.told_to_stop:
            if select.select([stream], [], [], 0)[0]:
                self.closed_before += 1
                return
            ask = self.asks[self._sent % len(self.asks)]
            self._sent += 1
            try:
                closes = self._send(connection, ask)
            except (OSError, http.client.HTTPException) as error:
                self.cut.append(f"{ask.path}: {error!r}")
                return
            if closes or not self.kept:
                return
            time.sleep(self.pause)

    def _send(self, connection: http.client.HTTPConnection, ask: Ask) -> bool:
        """Send a request; tell whether the connection ends with the answer."""
        body = ask.make()
        headers = {"Content-Type": ask.content_type}
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request("POST", ask.path, body=text, headers=headers)
        found = connection.getresponse()
        text = found.read()
        kind = found.getheader("Content-Type", "")
        answer = Answer(
            found.status,
            found.getheader("X-Moderation-Model"),
            json.loads(text) if "json" in kind else text.decode(),
        )
        self.answered[f"{ask.path.rpartition('/')[2]} {found.status}"] += 1
        try:
            ask.check(body, answer)
        except AssertionError as error:
            self.wrong.append(f"{ask.path}: {error}")
        self.seen = answer.model
        return found.will_close


@contextmanager
def working(clients: Sequence[Client]) -> Iterator[Sequence[Client]]:
    """Let clients ask while the block runs; wait first until each had an answer."""
    for client in clients:
        client.start()
    try:
        wait_for(lambda: all(client.total for client in clients))
        yield clients
    finally:
        for client in clients:
            client.told_to_stop = True
        for client in clients:
            client.stop()


def count(clients: Sequence[Client]) -> Counter[str]:
    """Return how many requests of all clients had which answer."""
    return sum((client.answered for client in clients), Counter())
