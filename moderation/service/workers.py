"""`serve`: one process that answers, or several that are forked from one that looks after them."""

import asyncio
import contextlib
import ctypes
import errno
import gc
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from typing import Any, Final

import uvicorn

from moderation.errors import ServiceError

Application = Callable[..., Any]
"""What ASGI calls one."""
Tell = Callable[[str], None]
"""What takes a line that somebody is to read."""

DRAINED_FOR: Final = 1.0
"""Seconds for which open connections may bring one more request when the service stops."""
STOPPED_AFTER: Final = 30
"""Seconds that requests being answered then have."""
TOO_SOON: Final = 5.0
"""Seconds: a worker that died earlier than that is replaced after a pause."""
PAUSE: Final = 1.0
OFTEN: Final = 1.0
"""Seconds between two calls of `every_second`."""

_UNHEARD: Final = {
    errno.EADDRINUSE: "another program does; name another port with --port, or end that",
    errno.EADDRNOTAVAIL: "it is no address of this machine",
    errno.EACCES: "ports below 1024 are the system's; name another with --port",
    socket.EAI_NONAME: "there is no host of that name",
}
_TICK: Final = 0.1
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_BACKLOG: Final = 2048
_SO_ATTACH_FILTER: Final = 26  # Linux's number; the standard library has no name for it
_NOT_STARTED: Final = 3
"""The exit status by which uvicorn says that the application did not start."""


def open_socket(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens; port 0 for one that is free.

    Raises:
        ServiceError: nobody can listen there.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not 0 <= port < 1 << 16:
        raise ServiceError(f"port {port}: there is none; expected 0 to 65535")
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = _UNHEARD.get(error.errno or 0, f"{error.strerror}")
        raise ServiceError(f"{host} port {port}: cannot listen there: {why}") from error
    except UnicodeError as error:
        raise ServiceError(f"{host}: no name of a host; expected one such as 127.0.0.1") from error


def serve(
    create: Callable[[], Application],
    *,
    sockets: Sequence[socket.socket],
    tell: Tell,
    workers: int = 1,
    before_fork: Callable[[], object] = lambda: None,
    every_second: Callable[[], object] = lambda: None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """
    Answer on sockets until SIGTERM or SIGINT, then finish what was begun.

    One worker is this process. Several are forked from it, and each creates its application; this
    process calls `before_fork` before each, restarts those that die, and calls `every_second`. It
    must have no threads then: forks do not inherit them. `options` are uvicorn's. The sockets are
    closed at the end, and of no use to others that have them.

    To stop: nobody new is let in; whoever is connected may bring one more request within
    `DRAINED_FOR` seconds, whose answer says `Connection: close`; then what is being answered has
    `STOPPED_AFTER` seconds. A second SIGINT ends all at once.

    Raises:
        ServiceError: the application of the first workers does not start; it has said why.
        ValueError: no worker.

    """
    if workers < 1:
        raise ValueError(f"workers={workers}: expected 1 or more")
    given = dict(options or {})
    if workers > 1:
        _Family(create, sockets, tell, workers, before_fork, every_second, given).look_after()
        return
    signals: list[int] = []  # uvicorn raises again at its end what it caught
    with _handling(lambda signum, frame: signals.append(signum)):
        if not _answer(create(), sockets, given, signals=signals):
            raise ServiceError("the service did not start; what it said before tells why")


def _answer(
    application: Application,
    sockets: Sequence[socket.socket],
    options: Mapping[str, Any],
    parent: int | None = None,
    signals: Sequence[int] = (),
) -> bool:
    """Answer until it is time to stop; tell whether it began at all."""
    given = {"timeout_graceful_shutdown": STOPPED_AFTER, "log_config": None, **options}
    server = _Server(uvicorn.Config(application, **given), parent, signals)
    try:
        server.run(list(sockets))
    except SystemExit as error:
        return error.code != _NOT_STARTED
    return server.started


class _Server(uvicorn.Server):
    """
    A server that stops without cutting a request.

    uvicorn closes idle connections at once when it stops: a request that is on its way then is
    lost, and so is a connection that waits to be accepted.
    """

    def __init__(
        self, config: uvicorn.Config, parent: int | None, signals: Sequence[int] = ()
    ) -> None:
        super().__init__(config)
        self._parent, self._signals = parent, signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.should_exit |= bool(self._signals)  # those that came before uvicorn listened to them

    async def on_tick(self, counter: int) -> bool:
        # A worker whose parent was killed would hold its port for ever.
        orphaned = self._parent is not None and os.getppid() != self._parent
        return await super().on_tick(counter) or orphaned

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        doors = [each.dup() for each in sockets or ()]
        if self._parent is None:  # others may still listen there; their parent closes it
            for door in doors:
                _turn_away(door)
        await asyncio.sleep(_TICK)
        for server in self.servers:
            server.close()
        for each in sockets or ():
            each.close()
        for door in doors:
            await self._let_in(door)
        await self._drain()
        await super().shutdown(sockets)

    async def _let_in(self, door: socket.socket) -> None:
        """Accept who waits at the door, then close it: who is turned away there loses a request."""
        loop = asyncio.get_running_loop()
        door.setblocking(False)
        with door, contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                visitor, _ = door.accept()
                await loop.connect_accepted_socket(self._make_protocol, visitor)

    def _make_protocol(self) -> asyncio.Protocol:
        kind: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _drain(self) -> None:
        """Let every connection end with an answer that says so, if it brings one more request."""
        self.server_state.default_headers.append((b"connection", b"close"))
        for each in self.server_state.connections:
            cycle = getattr(each, "cycle", None)
            if cycle is not None and not cycle.response_complete:
                cycle.keep_alive = False
        until = time.monotonic() + DRAINED_FOR
        while self.server_state.connections and time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(_TICK / 4)


@dataclass
class _Family:
    """A parent that forks workers, and buries and replaces those that die."""

    create: Callable[[], Application]
    sockets: Sequence[socket.socket]
    tell: Tell
    number: int
    before_fork: Callable[[], object]
    every_second: Callable[[], object]
    options: Mapping[str, Any]
    _workers: dict[ForkProcess, float] = field(default_factory=dict)
    """When each was begun."""
    _signals: int = 0
    _start_next_at: float = 0.0

    def look_after(self) -> None:
        with _handling(self._stop):
            try:
                self._live()
            finally:
                self._end()

    def _live(self) -> None:
        due = time.monotonic()
        while not self._signals:
            if (now := time.monotonic()) >= due:
                self._look()
                due = now + OFTEN
            self._bury(now)
            while len(self._workers) < self.number and now >= self._start_next_at:
                self._start()
            connection.wait([worker.sentinel for worker in self._workers], _TICK)

    def _look(self) -> None:
        try:
            self.every_second()
        except Exception as error:  # those who answer need it less than each other
            self.tell(f"looking after the service: {type(error).__name__}; trying again")

    def _start(self) -> None:
        self.before_fork()
        # What the parent has is not looked through by the child's collector, and stays shared.
        gc.collect()
        gc.freeze()
        worker = get_context("fork").Process(target=self._work, args=(os.getpid(),))
        with _held_back():
            if not self._signals:
                worker.start()
                self._workers[worker] = time.monotonic()

    def _work(self, parent: int) -> None:
        os.setpgid(0, 0)  # Ctrl-C is for the parent, which passes it on
        for each in _SIGNALS:
            signal.signal(each, lambda signum, frame: sys.exit(0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if not _answer(self.create(), self.sockets, self.options, parent):
            sys.exit(_NOT_STARTED)

    def _bury(self, now: float) -> None:
        for worker in list(self._workers):
            if (status := worker.exitcode) is None:
                continue
            began = self._workers.pop(worker)
            if status == _NOT_STARTED:
                raise ServiceError("a worker did not start; what it said before tells why")
            soon = now - began < TOO_SOON
            self._start_next_at = now + PAUSE if soon else now
            why = f"signal {-status}" if status < 0 else f"exit {status}"
            self.tell(f"worker {worker.pid} ended by itself ({why}); another takes its place")
            worker.close()

    def _stop(self, signum: int, frame: object) -> None:
        self._signals += 1
        for each in self.sockets:
            if self._signals == 1:
                _turn_away(each)
            each.close()
        insisted = self._signals > 1 and signum == signal.SIGINT
        for worker in self._workers:
            if worker.is_alive():
                worker.kill() if insisted else worker.terminate()

    def _end(self) -> None:
        """Wait for all; whoever does not come to an end is ended."""
        for worker in self._workers:
            if worker.is_alive() and not self._signals:
                worker.terminate()
        graceful = self.options.get("timeout_graceful_shutdown") or STOPPED_AFTER
        until = time.monotonic() + DRAINED_FOR + graceful + TOO_SOON
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))
            if worker.is_alive():
                self.tell(f"worker {worker.pid} did not come to an end; it is killed")
                worker.kill()
                worker.join()
        self._workers.clear()


def _turn_away(door: socket.socket) -> None:
    """
    Let nobody begin to connect, who has begun may come in; where the system can do that (Linux).

    Who has connected and waits to be accepted when the last listener closes is cut off by the
    system. A filter (McCanne and Jacobson 1993; socket(7), SO_ATTACH_FILTER) drops packets that
    say SYN and not ACK: their senders try again after a second, and find nobody or a successor.
    """
    flags, syn, syn_and_ack = 13, 0x02, 0x12  # in a TCP header (RFC 9293)
    lines = [
        (0x30, 0, 0, flags),  # load the byte
        (0x54, 0, 0, syn_and_ack),  # and
        (0x15, 0, 1, syn),  # the next line if equal, else the one after
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # pass the whole
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            where = struct.pack("HP", len(lines), ctypes.addressof(program))
            door.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, where)


@contextlib.contextmanager
def _handling(handler: Callable[[int, Any], object]) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handled in before.items():
            signal.signal(each, handled)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Keep signals waiting: a child that is not listed yet would not be told of them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
