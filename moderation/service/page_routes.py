"""Endpoints that tell what there is: the OpenAPI document, and the same as a page to read."""

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape

from moderation.service.asking import Answer, Asked, write
from moderation.service.documents import OPERATION, Json, describe
from moderation.service.front import Endpoint
from moderation.service.page import ROOT, make_page

HTML = b"text/html; charset=utf-8"
POLICY = b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""A browser loads nothing for the page, from anywhere, and runs no script."""


def endpoints(others: Sequence[Endpoint]) -> Iterator[Endpoint]:
    """Yield the endpoints that tell of others, and of themselves."""

    @cache
    def make_document() -> Json:
        return describe([*others, *own])

    @cache
    def make_html() -> str:
        return make_page(make_document())

    async def document(_: Asked) -> Answer:
        """Return this page's content in the format of the OpenAPI Initiative, version 3.1."""
        return write(make_document())

    async def page(asked: Asked) -> Answer:
        """Return this page; nothing of it comes from another host, and it runs no script."""
        html = make_html().replace(ROOT, escape(asked.root))
        headers = ((b"content-security-policy", POLICY), (b"x-content-type-options", b"nosniff"))
        return Answer(html.encode(), content_type=HTML, headers=headers)

    own = (
        Endpoint(
            "GET",
            "/openapi.json",
            document,
            summary="The OpenAPI document",
            tag=OPERATION,
            gives="application/json",
        ),
        Endpoint("GET", "/docs", page, summary="This page", tag=OPERATION, gives="text/html"),
    )
    yield from own
