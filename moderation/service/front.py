"""`Front`: finds the endpoint of a request, and is the one place where errors become answers."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asking

from moderation.keys import Scope
from moderation.perspective import errors
from moderation.perspective.errors import ApiError
from moderation.service.asking import (
    MODEL_HEADER,
    SERVED,
    Answer,
    Asked,
    Disconnected,
    Handler,
    write,
)
from moderation.service.metrics import Metrics
from moderation.serving import Served

log = logging.getLogger("moderation.service")

OTHER: Final = "other"
"""What addresses without an endpoint are counted as."""
GONE: Final = 499
"""Whoever asked went away; nobody reads this status but the metrics."""


def refuse(error: ApiError) -> Answer:
    """Return an error in Google's envelope."""
    answer = write(error.body(), status=error.code)
    headers = tuple((name.encode(), value.encode()) for name, value in error.headers.items())
    return answer._replace(headers=headers)


@dataclass(frozen=True)
class Endpoint:
    """
    What one method of one address does; GET answers HEAD, too.

    From `summary` on it is for the OpenAPI document, as the handler's docstring is.
    """

    method: str
    path: str
    handler: Handler
    refuse: Callable[[ApiError], Answer] = refuse
    summary: str = ""
    tag: str = ""
    """The API that it belongs to."""
    takes: Any = None
    """The kind of the request's body: a type, a schema's name or a media type; None for none."""
    gives: Any = None
    """That of the answer's."""
    status: int = 200
    scope: Scope | None = None
    """What a key must be for; None where anybody may ask."""
    is_signed: bool = False
    """Whether a signature of Coral's stands for the key."""
    refuses: tuple[int, ...] = ()
    """Statuses of refusals, but those that a body or a key may have anywhere."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    """Of the address, as OpenAPI writes them."""


class Front:
    """
    An ASGI app of endpoints; everything else goes to the app behind it.

    FastAPI's own way to a function takes some 120 microseconds, as much as all the rest of a
    request together: it is left to the pages about the API, and to what is not found.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        behind: ASGIApp,
        *,
        metrics: Metrics,
        served: Callable[[], Served],
    ) -> None:
        self._behind = behind
        self._metrics = metrics
        self._served = served
        self._places = {(each.method, each.path): each for each in endpoints}
        heads = {("HEAD", path): each for (way, path), each in self._places.items() if way == "GET"}
        self._places |= heads

    async def __call__(self, scope: Asking, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        begin = perf_counter()
        scope[SERVED] = self._served()
        endpoint = self._places.get((scope["method"], scope["path"]))
        if endpoint is None:
            status = await self._pass_on(scope, receive, send)
            self._metrics.count(OTHER, status, perf_counter() - begin)
            return
        answer = await self.answer(endpoint, Asked(scope, receive))
        if answer.status != GONE:
            await self._send(answer, send, _name_model(scope))
        self._metrics.count(endpoint.path, answer.status, perf_counter() - begin)

    async def answer(self, endpoint: Endpoint, asked: Asked) -> Answer:
        """Return what an endpoint answers, errors too."""
        try:
            return await endpoint.handler(asked)
        except ApiError as error:
            return endpoint.refuse(error)
        except Disconnected:
            return Answer(b"", GONE)
        except Exception as error:
            _report(error)
            return endpoint.refuse(errors.internal())
        finally:
            asked.let_go()

    async def _send(self, answer: Answer, send: Send, model: tuple[bytes, bytes]) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            model,
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _pass_on(self, scope: Asking, receive: Receive, send: Send) -> int:
        status = 500

        async def note(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], _name_model(scope)]}
            await send(message)

        await self._behind(scope, receive, note)
        return status


def _name_model(scope: Asking) -> tuple[bytes, bytes]:
    served: Served = scope[SERVED]
    return MODEL_HEADER, served.version.encode()


def _report(error: Exception) -> None:
    """Say where it went wrong; what the error says itself may quote a comment."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "?"
    log.error("a request failed: %s at %s", type(error).__name__, place)
