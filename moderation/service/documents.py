"""`describe(endpoints)`: the OpenAPI document, with what each takes and gives and who may ask."""

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from moderation.perspective.discovery import make_discovery
from moderation.service.front import Endpoint, refuse
from moderation.service.schemas import make_schemas, refer

Json = dict[str, Any]

_JSON: Final = "application/json"
_TEXT: Final = {"type": "string"}

VERSION: Final = "1"
"""Of the addresses below /v1."""
DESCRIPTION: Final = (
    "Scores comments with the site's own model. Clients of the Perspective API, of OpenAI's "
    "moderation endpoint and of Coral find the addresses that they know; the rest is the service's "
    "own.\n\n"
    "A key is sent as `key` in the address, as the header `X-Goog-Api-Key`, or as a bearer token. "
    "It is for scores, for labels, or for everything (admin). Every answer names the model in use "
    "in its header `X-Moderation-Model`.\n\n"
    "Scores on the 50/50 scale are the probability of removal where half of all comments deserve "
    "it, as those of the Perspective API were; probabilities are those at the base rate of the "
    "training data."
)
PERSPECTIVE, OWN, OPENAI, CORAL, OPERATION = (
    "Perspective API", "Own API", "OpenAI", "Coral", "Operation",
)  # fmt: skip
TAGS: Final = {
    PERSPECTIVE: "As its clients know it: only the host is another.",
    OWN: "Scores and verdicts for many comments at once, and decisions to learn from.",
    OPENAI: "Its moderation endpoint. Categories that no attribute stands for are always 0.",
    CORAL: "Its external moderation phase.",
    OPERATION: "For whoever runs the service, and for whoever reads this.",
}
"""The APIs, in the order in which they are shown."""

_OF_KEYS: Final = {
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Goog-Api-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_OF_CORAL: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Coral-Signature",
    "description": "The HMAC-SHA256 of the body, made with a secret that the service has, too.",
}
_WHY: Final = {
    400: "The key is not valid, or something else was expected: the message says where.",
    401: "There is no key, or it is not valid.",
    403: "There is no key, or it is for something else.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is compressed.",
    429: "The key's quota is used up: `Retry-After` says for how many seconds.",
    503: "Too many labels wait for the database: `Retry-After` says when to try again.",
}


def describe(endpoints: Sequence[Endpoint]) -> Json:
    """Return the OpenAPI document of these endpoints."""
    paths: dict[str, Json] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _describe_one(each)
    is_signed = any(each.is_signed for each in endpoints)
    kinds = [kind for each in endpoints for kind in (each.takes, each.gives)]
    return {
        "openapi": "3.1.0",
        "info": {"title": "moderation", "version": VERSION, "description": DESCRIPTION},
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": make_schemas(kind for kind in kinds if isinstance(kind, type)),
            "securitySchemes": _OF_KEYS | ({"signature": _OF_CORAL} if is_signed else {}),
        },
    }


def parameter(name: str, description: str, **schema: Any) -> Json:
    """Return a parameter of the address that may be left out."""
    told = {"type": "string", **schema}
    return {"name": name, "in": "query", "description": description, "schema": told}


def read_parameters_of(method: str | None) -> tuple[Json, ...]:
    """
    Return the parameters of a method of the Perspective API, from the discovery document.

    Those that are always refused are not among them, nor is the key, of which `security` tells.
    """
    document = make_discovery("http://localhost/")
    known = dict(document["parameters"])
    if method is not None:
        known |= document["resources"]["comments"]["methods"][method]["parameters"]
    del known["key"], known["callback"]
    known["alt"]["enum"] = ["json"]
    return tuple(
        parameter(name, said["description"], type=said["type"], **_narrow(said))
        for name, said in known.items()
    )


def _narrow(said: Json) -> Json:
    """Return which values a parameter of the discovery document, whose defaults are text, has."""
    narrowed = {"enum": said["enum"]} if "enum" in said else {}
    if "default" in said:
        text = said["default"]
        narrowed["default"] = text == "true" if said["type"] == "boolean" else text
    return narrowed


def _describe_one(endpoint: Endpoint) -> Json:
    model = {"X-Moderation-Model": {"description": "The model in use.", "schema": _TEXT}}
    done = {"description": HTTPStatus(endpoint.status).phrase, "headers": model}
    error = "GoogleError" if endpoint.refuse is refuse else "OpenAIError"
    said: Json = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": inspect.getdoc(endpoint.handler) or "",
        "operationId": re.sub(r"\W+", "_", endpoint.method.lower() + endpoint.path).rstrip("_"),
        "parameters": list(endpoint.parameters),
        "responses": {
            str(endpoint.status): {**done, **_content(endpoint.gives)},
            **{
                str(status): {"description": _WHY[status], "headers": model, **_content(error)}
                for status in _find_refusals(endpoint)
            },
        },
        "security": _secure(endpoint),
    }
    if endpoint.takes is not None:
        said["requestBody"] = {"required": True, **_content(endpoint.takes)}
    return said


def _find_refusals(endpoint: Endpoint) -> list[int]:
    """Return the statuses that an endpoint refuses with: its own, and those of any body or key."""
    found = set(endpoint.refuses)
    if endpoint.takes is not None:
        found |= {400, 408, 413, 415}
    if endpoint.scope is not None:
        found |= {400 if endpoint.refuse is refuse else 401, 403}
    return sorted(found)


def _secure(endpoint: Endpoint) -> list[Json]:
    if endpoint.is_signed:
        return [{"signature": []}]
    if endpoint.scope is None:
        return []
    return [{name: [str(endpoint.scope)]} for name in _OF_KEYS]


def _content(kind: Any) -> Json:
    """Return what is sent as: a type's or a schema's JSON, or text of a media type."""
    if kind == _JSON:
        return {"content": {_JSON: {"schema": {"type": "object"}}}}
    if isinstance(kind, str) and "/" in kind:
        return {"content": {kind: {"schema": _TEXT}}}
    return {"content": {_JSON: {"schema": refer(kind if isinstance(kind, str) else kind.__name__)}}}
