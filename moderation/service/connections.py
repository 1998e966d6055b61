"""`Connection`: uvicorn's HTTP/1.1, with an end to what a client could go on with for ever."""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from moderation.perspective.errors import ApiError
from moderation.service.asking import IS_WHOLE
from moderation.service.configuration import Limits
from moderation.service.front import refuse
from moderation.service.refusals import head_timed_out, head_too_large, no_request

MOST_HEAD: Final = 64 * 1024
"""Bytes of a request's address and headers."""
MOST_WAITING: Final = 64
"""Requests that a client may send before the first of them is answered."""
HEAD_SECONDS: Final = 10.0
"""Time for a request's head to arrive, from its first byte or from when the connection is open."""
GRACE_SECONDS: Final = 5.0
"""A body that is late is refused with an answer; this much later its connection ends anyway."""
TAKING_SECONDS: Final = 60.0
"""In this time a client takes `LEAST_TAKEN` bytes of its answers, or what is left of them."""
LEAST_TAKEN: Final = 64 * 1024

_FRAMING: Final = (b"content-length", b"transfer-encoding")
"""The headers by which the end of a body is known."""
_WRAPPING: Final = 16
"""Bytes around one byte of a body that comes in chunks; five are the least."""


def listening_options(limits: Limits) -> dict[str, Any]:
    """
    Return what uvicorn is to be told.

    Its access log would hold the keys that come in addresses; no endpoint is a web socket; what
    serves, and in which version, is nobody's business.
    """
    connection = partial(Connection, body_seconds=limits.body_seconds)
    return {"http": connection, "ws": "none", "access_log": False, "server_header": False}


class Connection(HttpToolsProtocol):
    """
    A connection that ends where its client is too slow, says too much or makes no sense.

    uvicorn limits neither the length of a head nor the time for it (its issue 157), goes on
    reading while pipelined requests wait, and keeps an answer for ever that nobody takes. It also
    loses the body of a request that offers another protocol (its issue 2722), as those of Java's
    HttpClient do. What is no HTTP is not logged: anybody could fill the disk with it.
    """

    def __init__(self, *args: Any, body_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._body_seconds = body_seconds + GRACE_SECONDS
        self._in_head = True
        """Whether a request's head is due or on its way."""
        self._is_whole = False
        """Whether all has come of the request that came last."""
        self._is_shown_again = False
        self._came = 0
        """Bytes that came last, at once."""
        self._first = 0
        """Those with which the head began; the end of another request may be among them."""
        self._of_part = 0
        """Bytes that came since, of the head or body that is on its way."""
        self._of_body = 0
        """Bytes of the body itself."""
        self._answered = 0
        self._running: RequestResponseCycle | None = None
        """The request that is being answered; uvicorn's own `cycle` is the one that came last."""
        self._late: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._look_at_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell_gone()
        self._wait_no_longer()
        if self._taking is not None:
            self._taking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._came = len(data)
        self._of_part += len(data)
        try:
            self._feed(data)
            if not self._is_whole:
                self._check_part()
        except _HeadTooLarge:
            self._refuse(head_too_large(MOST_HEAD))
        except httptools.HttpParserError as error:
            is_large = isinstance(error.__context__, _HeadTooLarge)
            self._refuse(head_too_large(MOST_HEAD) if is_large else no_request())
        else:
            self._look_at_clock()

    def on_message_begin(self) -> None:
        self._in_head, self._is_whole = True, False
        self._first, self._of_part = self._came, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._is_shown_again:
            self._in_head = self._is_shown_again = False
            return
        if self._first + self._of_part > MOST_HEAD and self._measure_head() > MOST_HEAD:
            raise _HeadTooLarge
        if len(self.pipeline) >= MOST_WAITING:
            raise httptools.HttpParserError
        super().on_headers_complete()  # it may refuse the address
        self._in_head = False
        self._of_part = self._of_body = 0
        if self._late is not None:
            self._wait_no_longer()

    def on_body(self, body: bytes) -> None:
        self._of_body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_whole = True
        super().on_message_complete()
        self.cycle.scope[IS_WHOLE] = True  # type: ignore[typeddict-unknown-key]

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answered += 1
        self._watch_taking()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])

    def _decline(self, rest: bytes) -> None:
        """
        Read a request that offers another protocol as if it did not (RFC 9110, section 7.8).

        The parser stops after the head. A new one is shown a head with the same framing, to go on
        from there.
        """
        framing = [b"%s: %s\r\n" % header for header in self.headers if header[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(self)
        self._is_shown_again = True
        self.cycle.more_body = True
        del self.cycle.scope[IS_WHOLE]  # type: ignore[typeddict-item]
        self.cycle.message_event.clear()
        self._feed(b"POST / HTTP/1.1\r\n%s\r\n" % b"".join(framing))
        self._feed(rest)

    def _check_part(self) -> None:
        """
        Refuse what is long before its end is seen.

        Raises:
            _HeadTooLarge: a head.
            HttpParserError: what stands around the chunks of a body, or after them.

        """
        if self._in_head and self._of_part > MOST_HEAD:
            raise _HeadTooLarge
        if self._of_part > MOST_HEAD + _WRAPPING * self._of_body:
            raise httptools.HttpParserError

    def _measure_head(self) -> int:
        lines = (len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        return len(self.url) + sum(lines)

    def _is_pending(self) -> bool:
        """Tell whether the request whose head came last waits for its answer."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look_at_clock(self) -> None:
        """Let time run while it is the client's turn."""
        if self._is_whole and self._is_pending():
            if self._late is not None:
                self._wait_no_longer()
        elif self._late is None and not self.transport.is_closing():
            in_body = not (self._in_head or self._is_whole)
            seconds = self._body_seconds if in_body else HEAD_SECONDS
            self._late = self.loop.call_later(seconds, self._give_up)

    def _wait_no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        """End a connection whose time is up, unless the client waits for us as well."""
        self._late = None
        if self.flow.read_paused or (self._in_head and self._is_pending()):
            self._look_at_clock()
        elif self._in_head and self._first + self._of_part:
            self._refuse(head_timed_out(HEAD_SECONDS))
        else:
            self._end()

    def _refuse(self, error: ApiError) -> None:
        """Answer what the endpoints do not see, where that is the next answer that is due."""
        if self._in_head or self._is_whole:
            is_next = not self._is_pending()
        else:
            is_next = not (self.pipeline or self.cycle.response_started)
        if is_next:
            answer = refuse(error)
            headers = [
                *self.server_state.default_headers,
                (b"content-type", answer.content_type),
                (b"content-length", b"%d" % len(answer.body)),
                *answer.headers,
            ]
            lines = [b"%s: %s\r\n" % header for header in headers]
            head = b"".join([STATUS_LINE[answer.status], *lines, b"\r\n"])
            self.transport.write(head + answer.body)
        self._end()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _tell_gone(self) -> None:
        """Tell whoever is answering that nobody will read it."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _end(self) -> None:
        self._tell_gone()
        self._wait_no_longer()
        self.transport.close()
        self._watch_taking()

    def _watch_taking(self) -> None:
        """See to it that what is left to send is taken; a closed connection waits for that, too."""
        left = self.transport.get_write_buffer_size()
        if left and self._taking is None:
            self._taking = self.loop.call_later(
                TAKING_SECONDS, self._check_taking, left, self._answered
            )

    def _check_taking(self, left_before: int, answered_before: int) -> None:
        self._taking = None
        left = self.transport.get_write_buffer_size()
        if left and left_before - left < LEAST_TAKEN and self._answered == answered_before:
            self.transport.abort()
        else:
            self._watch_taking()


class _Flow(FlowControl):
    """Reads nothing more while requests wait: uvicorn's own goes on after each answer."""

    def __init__(self, transport: asyncio.Transport, waiting: Collection[object]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class _HeadTooLarge(Exception):
    """A request's head has more than `MOST_HEAD` bytes."""
