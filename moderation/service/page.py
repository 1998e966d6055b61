"""`make_page(document)`: an OpenAPI document as one page of HTML that needs nothing else."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

Json = dict[str, Any]

# Swagger UI, which FastAPI shows, is 1.5 MB of scripts from a foreign host. The service runs in
# closed networks and its page is read more than it is clicked on: headings, tables and commands to
# copy do, and a key never stands in a browser.
_STYLE: Final = """
:root { color-scheme: light dark; --edge: #8884; --soft: #8881; --link: light-dark(#0353a4, #8ab4f8) }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 6rem }
a { color: var(--link) }
code, pre { font: .875rem/1.45 ui-monospace, monospace }
pre { background: var(--soft); border-radius: .4rem; overflow-x: auto; padding: .75rem 1rem }
h2 { border-bottom: 1px solid var(--edge); margin-top: 3rem; padding-bottom: .25rem }
h3 { margin: 2.5rem 0 .25rem; overflow-wrap: anywhere }
h3 b { border: 1px solid; border-radius: .3rem; font-size: .75em; margin-right: .4em; padding: .1em .4em }
table { border-collapse: collapse; display: block; margin: .5rem 0 1rem; overflow-x: auto }
th, td { border-bottom: 1px solid var(--edge); padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top }
td:first-child { white-space: nowrap }
nav ul { columns: 18rem; list-style: none; padding: 0 }
nav li { break-inside: avoid; margin-bottom: .5rem; overflow-wrap: anywhere }
"""  # noqa: E501
ROOT: Final = "http://localhost:8000/"
"""What stands on the page for the address of the service."""
_BATCH: Final = (
    r"--part\nContent-Type: application/http\n\nPOST /v1alpha1/comments:analyze HTTP/1.1\n\n"
    r'{"comment": {"text": "The tram was late again."}, '
    r'"requestedAttributes": {"LIKELY_TO_REJECT": {}}}\n--part--'
)
"""A call in a batch, as a shell takes it between $' and '."""
_REFERENCE: Final = "#/components/schemas/"
"""How a document points to its schemas; on the page each has a heading of its own."""


def make_page(document: Json) -> str:
    """Return the page: an overview, each API with its endpoints, then all schemas."""
    info = document["info"]
    body = [
        f"<h1>{escape(info['title'])}</h1>",
        *(f"<p>{_mark(part)}</p>" for part in info["description"].split("\n\n")),
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>',
        *_list_all(document),
    ]
    for tag in document["tags"]:
        body += [f"<h2>{escape(tag['name'])}</h2>", f"<p>{_mark(tag['description'])}</p>"]
        for method, path, said in _find(document, tag["name"]):
            body += _describe(method, path, said, document)
    body += ["<h2>Schemas</h2>", "<p>What has a * is always there.</p>"]
    for name, schema in document["components"]["schemas"].items():
        body += [f'<h3 id="{escape(name)}">{escape(name)}</h3>', *_describe_schema(schema)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _find(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    """Yield method, address and description of the endpoints with a tag."""
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            if tag in said["tags"]:
                yield method.upper(), path, said


def _list_all(document: Json) -> Iterator[str]:
    yield "<nav><ul>"
    for tag in document["tags"]:
        for method, path, said in _find(document, tag["name"]):
            link = f'<a href="#{escape(said["operationId"])}">{method} {escape(path)}</a>'
            yield f"<li>{link}<br>{escape(said['summary'])}</li>"
    yield "</ul></nav>"


def _describe(method: str, path: str, said: Json, document: Json) -> Iterator[str]:
    """Yield what is said of an endpoint: what for, who may, what it takes and what it gives."""
    name = escape(said["operationId"])
    yield f'<h3 id="{name}"><b>{method}</b><code>{escape(path)}</code></h3>'
    yield f"<p><strong>{escape(said['summary'])}.</strong></p>"
    yield from (f"<p>{_mark(part)}</p>" for part in said["description"].split("\n\n"))
    yield f"<p>{_tell_keys(said['security'], document)}</p>"
    if said["parameters"]:
        yield from _table(
            ("in the address", "type", "meaning"),
            [
                (f"<code>{escape(each['name'])}</code>", _show(each["schema"]),
                 _mark(each["description"]))
                for each in said["parameters"]
            ],
        )  # fmt: skip
    if body := said.get("requestBody"):
        yield f"<p>Takes {_show_content(body)}.</p>"
        yield f"<pre>{escape(_make_command(path, body, document))}</pre>"
    yield from _table(
        ("status", "answer", "meaning"),
        [
            (f"<code>{status}</code>", _show_content(answer), _mark(answer["description"]))
            for status, answer in said["responses"].items()
        ],
    )


def _tell_keys(security: list[Json], document: Json) -> str:
    if not security:
        return "Anybody may ask."
    [(scheme, scopes), *_] = security[0].items()
    if not scopes:
        told = document["components"]["securitySchemes"][scheme]
        return f"Signed: <code>{escape(told['name'])}</code>. {_mark(told['description'])}"
    return f"Needs a key for <strong>{escape(', '.join(scopes))}</strong>."


def _make_command(path: str, body: Json, document: Json) -> str:
    """Return how to ask from a command line."""
    [(media, content)] = body["content"].items()
    if media == "application/json":
        example = _make_example(content["schema"], document["components"]["schemas"])
        sent = f"-d '{json.dumps(example)}'"
    else:
        media, sent = f"{media}; boundary=part", f"--data-binary $'{_BATCH}'"
    return (
        f"curl -H 'Authorization: Bearer KEY' -H 'Content-Type: {media}' \\\n"
        f"  {ROOT}{path.removeprefix('/')} \\\n  {sent}"
    )


def _make_example(schema: Json, schemas: Json) -> Any:
    """Return the least that a schema takes."""
    if "$ref" in schema:
        return _make_example(schemas[schema["$ref"].removeprefix(_REFERENCE)], schemas)
    if "anyOf" in schema:
        return _make_example(schema["anyOf"][0], schemas)
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if schema.get("type") == "object":
        inner = schema.get("properties", {})
        found = {
            name: "1" if name == "id" else _make_example(inner[name], schemas)
            for name in schema.get("required", ())
        }
        if "additionalProperties" in schema and not found:
            found["LIKELY_TO_REJECT"] = _make_example(schema["additionalProperties"], schemas)
        return found
    if schema.get("type") == "array":
        return [_make_example(schema["items"], schemas)]
    return {"string": "The tram was late again.", "boolean": False}.get(schema.get("type", ""), 1)


def _describe_schema(schema: Json) -> Iterator[str]:
    if "description" in schema:
        yield f"<p>{_mark(schema['description'])}</p>"
    required = schema.get("required", ())
    yield from _table(
        ("name", "type", "meaning"),
        [
            (f"<code>{escape(name)}</code>" + (" *" if name in required else ""), _show(inner),
             _mark(inner.get("description", "")))
            for name, inner in schema.get("properties", {}).items()
        ],
    )  # fmt: skip


def _show_content(holder: Json) -> str:
    [(media, content)] = holder["content"].items()
    shown = _show(content["schema"])
    return shown if "$ref" in content["schema"] else f"<code>{escape(media)}</code>"


def _show(schema: Json) -> str:
    """Return a schema as a few words; one with a heading of its own as a link to that."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(_REFERENCE))
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_show(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(each))}</code>" for each in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_show(schema['items'])}{_bounds(schema, 'Items')}"
    if "additionalProperties" in schema:
        return f"map to {_show(schema['additionalProperties'])}{_bounds(schema, 'Properties')}"
    return escape(" or ".join(kind) if isinstance(kind, list) else kind) + _bounds(schema, "Length")


def _bounds(schema: Json, of: str) -> str:
    """Return how long it may be, where that is limited."""
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    if least is None and most is None:
        return ""
    return f" ({least or 0} to {most:,})" if most is not None else f" ({least} or more)"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield "<table>"
        yield f"<tr>{''.join(f'<th>{each}</th>' for each in head)}</tr>"
        yield from (f"<tr>{''.join(f'<td>{each}</td>' for each in row)}</tr>" for row in rows)
        yield "</table>"


def _mark(text: str) -> str:
    """
    Return a text as HTML; what stands between backquotes as code.

    >>> _mark("`a` < b")
    '<code>a</code> &lt; b'
    """
    parts = escape(text, quote=False).split("`")
    return "".join(
        f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)
    )
