"""`make_schemas(kinds)`: the schemas of all that is sent and answered, for the OpenAPI document."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec.structs import fields

from moderation.perspective.discovery import make_discovery
from moderation.perspective.requests import MOST_ATTRIBUTES

Json = dict[str, Any]

_COMPONENT: Final = "#/components/schemas/"
_NOT_TODAY: Final = frozenset({"id", "enumDescriptions", "format"})
"""Words of discovery documents that OpenAPI has not, or understands in another way."""
_TEXT: Final = {"type": "string"}


def _object(description: str, required: Iterable[str], **properties: Json) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
    }


_DETAIL: Final = _object(
    "A message of google.rpc or of the API; `@type` tells which.",
    ["@type"],
    **{"@type": _TEXT},
)
_GOOGLE: Final = _object(
    "Why a request is refused, as Google's servers say it.",
    ["error"],
    error=_object(
        "A google.rpc.Status.",
        ["code", "message", "status"],
        code={"type": "integer", "description": "The HTTP status."},
        message=_TEXT,
        status={"type": "string", "description": "Its name in google.rpc.Code."},
        details={"type": "array", "items": _DETAIL},
    ),
)
_OPENAI: Final = _object(
    "Why a request is refused, as OpenAI's servers say it.",
    ["error"],
    error=_object(
        "An error.",
        ["message", "type", "param", "code"],
        message=_TEXT,
        type={"type": "string", "enum": ["invalid_request_error", "requests", "server_error"]},
        param={"type": ["string", "null"]},
        code={"type": ["string", "null"]},
    ),
)
_UNTOLD: Final[dict[str, Json]] = {
    "AnalyzeCommentRequest": {"required": ["comment", "requestedAttributes"]},
    "SuggestCommentScoreRequest": {
        "required": ["comment", "attributeScores"],
        "examples": [
            {
                "comment": {"text": "The tram was late again."},
                "attributeScores": {"LIKELY_TO_REJECT": {"summaryScore": {"value": 0}}},
            }
        ],
    },
    "TextEntry": {"required": ["text"]},
}
"""What a discovery document has no word for."""


def refer(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"{_COMPONENT}{name}"}


def make_schemas(kinds: Iterable[type]) -> Json:
    """Return the schemas of these types, with what they refer to, and of the Perspective API."""
    kinds = list(kinds)
    _, own = msgspec.json.schema_components(kinds, ref_template=_COMPONENT + "{name}")
    modules = {kind.__module__: sys.modules[kind.__module__] for kind in kinds}
    for name, schema in own.items():
        for module in modules.values():
            if name in vars(module):
                _add_notes(schema, vars(module)[name])
    return {"GoogleError": _GOOGLE, "OpenAIError": _OPENAI, **_of_perspective(), **own}


def read_notes(kind: type) -> dict[str, str]:
    """
    Return what is written below the fields of a class, by their names on the wire.

    Python does not keep it; where there is no source, there are no notes.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except OSError:
        return {}
    [of_class] = tree.body
    assert isinstance(of_class, ast.ClassDef)
    names = {one.name: one.encode_name for one in fields(kind)} if _is_struct(kind) else {}
    return {
        names.get(above.target.id, above.target.id): " ".join(inspect.cleandoc(note).split())
        for above, below in pairwise(of_class.body)
        if isinstance(above, ast.AnnAssign)
        and isinstance(above.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(note := below.value.value, str)
    }


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)


def _add_notes(schema: Json, kind: type) -> None:
    for name, note in read_notes(kind).items():
        # Beside a reference JSON Schema lets a description stand since draft 2019-09.
        schema["properties"][name]["description"] = note


def _of_perspective() -> Json:
    """Return the schemas of the discovery document as OpenAPI writes them."""
    schemas = make_discovery("http://localhost/")["schemas"]
    found: Json = {
        name: {**_translate(said), **_UNTOLD.get(name, {})} for name, said in schemas.items()
    }
    for request, name in (
        ("AnalyzeCommentRequest", "requestedAttributes"),
        ("SuggestCommentScoreRequest", "attributeScores"),
    ):
        found[request]["properties"][name] |= {"minProperties": 1, "maxProperties": MOST_ATTRIBUTES}
    found["Score"]["properties"]["value"] |= {"minimum": 0, "maximum": 1}
    return found


def _translate(schema: Any) -> Any:
    """Return a schema of a discovery document (JSON Schema draft 3) as one of today's."""
    if "$ref" in schema:
        return {**schema, "$ref": _COMPONENT + schema["$ref"]}
    changed = {key: value for key, value in schema.items() if key not in _NOT_TODAY}
    for key in ("items", "additionalProperties"):
        if key in schema:
            changed[key] = _translate(schema[key])
    if "properties" in schema:
        inner = schema["properties"].items()
        changed["properties"] = {name: _translate(value) for name, value in inner}
    return changed
