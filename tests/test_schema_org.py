"""schema.org: names by address, by prefix and without are the same ones."""

import json

import pytest

from moderation.parsers import read_comments

PLAIN = {
    "@type": "NewsArticle",
    "headline": "The harbour",
    "comment": {
        "@type": "Comment",
        "text": "The ferry is back",
        "author": {"@type": "Person", "name": "Ann"},
        "upvoteCount": 3,
    },
}
HTTP, HTTPS = "http://schema.org/", "https://schema.org/"


def page(data: object) -> bytes:
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'.encode()


def prefixed(value, prefix: str):
    """Return data with a prefix before each name and type."""
    if isinstance(value, dict):
        return {
            key if key[0] == "@" else prefix + key: (
                prefix + held if key == "@type" else prefixed(held, prefix)
            )
            for key, held in value.items()
        }
    return value


@pytest.mark.parametrize(
    "data",
    [
        {"@context": HTTP, **PLAIN},
        {"@context": {"@vocab": HTTPS}, **PLAIN},
        {"@context": {"schema": HTTP}, **prefixed(PLAIN, "schema:")},
        {"@context": ["https://w3id.org/x", {"s": HTTPS}], **prefixed(PLAIN, "s:")},
        {"@context": {"schema": HTTPS}, "@graph": [prefixed(PLAIN, "schema:")]},
        prefixed(PLAIN, HTTP),
        prefixed(PLAIN, HTTPS),
        prefixed(PLAIN, "https://www.schema.org/"),
    ],
    ids=["plain", "vocab", "prefix", "own_prefix", "graph", "http", "https", "www"],
)
def test_names_of_json_ld_may_be_written_in_any_way(data):
    reading = read_comments(page(data))
    [comment] = reading
    assert (comment.text, comment.author) == ("The ferry is back", "Ann")
    assert (comment.positive_votes, comment.article_title) == (3, "The harbour")
    assert reading.notes.left_out == {}


def test_a_prefix_of_something_else_is_none_of_schema_org():
    data = {"@context": {"s": "https://other.example/", "x": HTTP}, **prefixed(PLAIN, "s:")}
    assert list(read_comments(page(data))) == []


def test_a_value_with_its_language_is_the_value():
    text = {"@value": "The ferry is back", "@language": "en"}
    data = {"@context": HTTPS, "@type": "Comment", "text": text, "name": [text]}
    assert [comment.text for comment in read_comments(page(data))] == ["The ferry is back"]


@pytest.mark.parametrize("address", [HTTP, HTTPS, "http://www.schema.org/", "HTTPS://schema.org/"])
def test_microdata_may_have_either_address(address):
    item = f'<div itemscope itemtype="{address}Comment"><p itemprop="text">The ferry</p></div>'
    assert [comment.text for comment in read_comments(item.encode())] == ["The ferry"]
