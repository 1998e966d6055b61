"""`Asked` and `Answer`: a request as the endpoints see it, and what they return."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope

from moderation.service.refusals import body_timed_out, body_too_large, compressed_body, crowded
from moderation.serving import Served

JSON: Final = b"application/json; charset=UTF-8"
MODEL_HEADER: Final = b"x-moderation-model"
"""Each answer says in it which model was in use."""

SERVED: Final = "moderation.served"
"""Where in a request's scope the model stands that answers it."""

IS_WHOLE: Final = "moderation.is_whole"
"""In the scope of a request of which all has come: no clock is needed to read its body."""

_encode = msgspec.json.Encoder().encode


class Disconnected(Exception):
    """Whoever asked has gone away."""


class Answer(NamedTuple):
    """What is sent back."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Room:
    """What the large bodies of all requests may take together, in bytes."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, size: int) -> None:
        """
        Count bytes that are kept.

        Raises:
            ApiError: there is no room for them now.

        """
        if size > self.left:
            raise crowded()
        self.left -= size

    def give_back(self, size: int) -> None:
        """Count bytes that are kept no longer."""
        self.left += size


class Asked:
    """A request: its head at once, its body when it is asked for."""

    __slots__ = ("_receive", "_room", "_taken", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self._room: Room | None = None
        self._taken = 0

    @property
    def served(self) -> Served:
        """The model that was in use when the request began: its answer is of no other."""
        found: Served = self.scope[SERVED]
        return found

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address, in their order; of one that comes twice, the last."""
        raw: bytes = self.scope["query_string"]
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}

    @property
    def root(self) -> str:
        """The address of this service as it was asked by."""
        host = self.header(b"host") or "localhost"
        return f"{self.scope['scheme']}://{host}/"

    def header(self, name: bytes) -> str | None:
        """Return the first header of a name in lower case."""
        found = (value for key, value in self.scope["headers"] if key == name)
        value = next(found, None)
        return None if value is None else value.decode("latin-1")

    async def body(self, *, most: int, seconds: float, room: Room) -> bytes:
        """
        Return the body as it came.

        What is compressed is refused rather than unpacked: a few bytes could become gigabytes.
        One that comes in several parts takes `room` until the request is answered.

        Raises:
            ApiError: it is larger than `most` bytes, compressed, takes longer than `seconds`, or
                there is no room for it now.
            Disconnected: whoever asked went away.

        """
        self._room = room
        _check_head(self.scope["headers"], most)
        if IS_WHOLE in self.scope:
            return await self._read(most)
        try:
            async with asyncio.timeout(seconds):
                return await self._read(most)
        except TimeoutError:
            raise body_timed_out(seconds) from None

    async def _read(self, most: int) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size > most:
                raise body_too_large(most)
            if more or parts:
                self._take(len(part))
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take(self, size: int) -> None:
        assert self._room is not None
        self._room.take(size)
        self._taken += size

    def let_go(self) -> None:
        """Give back the room of the body: it is answered."""
        if self._room is not None and self._taken:
            self._room.give_back(self._taken)
            self._taken = 0


Handler: TypeAlias = Callable[[Asked], Awaitable[Answer]]


def write(body: Any, *, status: int = 200) -> Answer:
    """Return an answer in JSON."""
    return Answer(_encode(body), status)


def _check_head(headers: list[tuple[bytes, bytes]], most: int) -> None:
    for name, value in headers:
        if name == b"content-length" and int(value) > most:
            raise body_too_large(most)
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise compressed_body()
