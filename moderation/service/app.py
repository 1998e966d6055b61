"""`create_app(service)`: the ASGI app of a service."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from moderation.perspective import errors
from moderation.service import (
    coral_routes,
    openai_routes,
    operation_routes,
    own_routes,
    page_routes,
    perspective_routes,
)
from moderation.service.asking import Answer, Asked
from moderation.service.front import Endpoint, Front, refuse
from moderation.service.parts import Service

ROUTES = (perspective_routes, own_routes, openai_routes, coral_routes, operation_routes)


def create_app(service: Service) -> ASGIApp:
    """Return the ASGI app of a service; it works on its background tasks while it runs."""

    @contextlib.asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        with service.working():
            yield

    # FastAPI's own pages load scripts from elsewhere: page_routes has ours.
    app = FastAPI(
        lifespan=run,
        redirect_slashes=False,
        openapi_url=None,
        exception_handlers={HTTPException: _refuse_place},
    )
    endpoints = list(chain.from_iterable(each.endpoints(service) for each in ROUTES))
    endpoints += page_routes.endpoints(endpoints)
    front = Front(endpoints, app, metrics=service.metrics, served=lambda: service.served)
    for endpoint in endpoints:
        methods = ["GET", "HEAD"] if endpoint.method == "GET" else [endpoint.method]
        app.add_api_route(endpoint.path, _pass_on(front, endpoint), methods=methods)
    return front


def _pass_on(front: Front, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint for FastAPI, which finds addresses with a part that varies."""

    async def pass_on(request: Request) -> Response:
        return _respond(await front.answer(endpoint, Asked(request.scope, request.receive)))

    return pass_on


async def _refuse_place(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != errors.method_not_allowed("").code:
        return _respond(refuse(errors.not_found()))
    allowed = ", ".join(sorted((error.headers or {})["Allow"].split(", ")))
    refused = errors.method_not_allowed(allowed)
    refused.headers = {"Allow": allowed}
    return _respond(refuse(refused))


def _respond(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, media_type=answer.content_type.decode())
