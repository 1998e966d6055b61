"""Files that are none of the formats that are read, made up alike each time, of many kinds."""

import csv
import gzip
import io
import itertools
import json
import random
import sqlite3
import struct
import tempfile
import wave
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

WORDS = [
    "ferry",
    "harbour",
    "bridge",
    "market",
    "lantern",
    "museum",
    "garden",
    "timetable",
    "river",
    "library",
]
EACH = 7


def sentence(draw: random.Random, words: int = 6) -> str:
    return " ".join(draw.choices(WORDS, k=words)).capitalize() + "."


def moment(draw: random.Random) -> str:
    return f"20{draw.randrange(10, 26)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 28):02}"


# What other systems answer: much like comments, and none that is read.


def lemmy(draw: random.Random) -> Any:
    return {
        "comments": [
            {
                "comment": {"id": n, "content": sentence(draw), "path": f"0.{n}", "removed": False},
                "creator": {"id": n, "name": draw.choice(WORDS)},
                "counts": {"score": n, "upvotes": n, "downvotes": 0},
            }
            for n in range(3)
        ]
    }


def discourse(draw: random.Random) -> Any:
    posts = [
        {"id": n, "cooked": f"<p>{sentence(draw)}</p>", "post_number": n, "topic_id": 4}
        for n in range(1, 4)
    ]
    return {"post_stream": {"posts": posts, "stream": [1, 2, 3]}, "id": 4, "title": "Ferry"}


def youtube(draw: random.Random) -> Any:
    snippet = {"textDisplay": sentence(draw), "likeCount": 3, "authorDisplayName": "Ada"}
    item = {"kind": "youtube#commentThread", "id": "U1", "snippet": {"topLevelComment": snippet}}
    return {"kind": "youtube#commentThreadListResponse", "items": [item], "pageInfo": {}}


def stack_exchange(draw: random.Random) -> Any:
    item = {"owner": {"user_id": 3}, "score": 2, "post_id": 7, "comment_id": 9, "edited": False}
    return {"items": [item | {"creation_date": 1768393800}], "has_more": False, "quota_max": 300}


def wordpress_rest(draw: random.Random) -> Any:
    return [
        {"id": n, "post": 4, "parent": 0, "author_name": "Ada", "date": f"{moment(draw)}T12:00:00",
         "content": {"rendered": f"<p>{sentence(draw)}</p>"}, "status": "approved"}
        for n in range(3)
    ]  # fmt: skip


def disqus_api(draw: random.Random) -> Any:
    post = {"id": "1", "forum": "x", "isDeleted": False, "isSpam": False, "parent": None}
    return {"code": 0, "cursor": {"hasNext": False}, "response": [post | {"message": "<p>A</p>"}]}


def github(draw: random.Random) -> Any:
    return [{"url": "https://api.example/1", "id": 1, "user": {"login": "ada"}, "body": "Words"}]


def article_search(draw: random.Random) -> Any:
    doc = {"web_url": "https://courier.example/a", "snippet": sentence(draw), "_id": "nyt://a/1"}
    return {"status": "OK", "response": {"docs": [doc], "meta": {"hits": 1}}}


def content_api(draw: random.Random) -> Any:
    result = {"id": "a/b", "type": "article", "webTitle": sentence(draw), "isHosted": False}
    return {"response": {"status": "ok", "total": 1, "pages": 1, "results": [result]}}


def geojson(draw: random.Random) -> Any:
    point = {"type": "Point", "coordinates": [draw.random(), draw.random()]}
    feature = {"type": "Feature", "geometry": point, "properties": {"name": draw.choice(WORDS)}}
    return {"type": "FeatureCollection", "features": [feature]}


def package(draw: random.Random) -> Any:
    return {"name": draw.choice(WORDS), "version": "1.0.0", "scripts": {"test": "x"}, "private": 1}


def notebook(draw: random.Random) -> Any:
    cell = {"cell_type": "markdown", "metadata": {}, "source": [sentence(draw)]}
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def activity_without_notes(draw: random.Random) -> Any:
    person = {"type": "Person", "id": "https://a.example/u/ada", "preferredUsername": "ada"}
    return {"@context": "https://www.w3.org/ns/activitystreams", **person}


def linked_product(draw: random.Random) -> Any:
    return {"@context": "https://schema.org", "@type": "Product", "name": draw.choice(WORDS)}


def weather(draw: random.Random) -> Any:
    return {"list": [{"dt": 1768393800 + n, "main": {"temp": draw.random()}} for n in range(4)]}


DOCUMENTS: tuple[Callable[[random.Random], Any], ...] = (
    lemmy, discourse, youtube, stack_exchange, wordpress_rest, disqus_api, github, article_search,
    content_api, geojson, package, notebook, activity_without_notes, linked_product, weather,
)  # fmt: skip


def orders(draw: random.Random) -> dict[str, Any]:
    """Of another database that mongoexport wrote."""
    ids = {"_id": {"$oid": "5"}, "id": "s1", "tenantID": "t"}
    return ids | {"createdAt": {"$date": moment(draw)}, "status": "APPROVED"}


def people(draw: random.Random) -> dict[str, Any]:
    return {"id": draw.randrange(99), "username": draw.choice(WORDS), "role": "COMMENTER"}


def events(draw: random.Random) -> dict[str, Any]:
    return {"time": moment(draw), "level": "INFO", "logger": "web", "message": sentence(draw)}


def submissions(draw: random.Random) -> dict[str, Any]:
    """Reddit's posts, not its comments."""
    post = {"id": "a1", "subreddit": "ferries", "author": "ada", "title": sentence(draw)}
    return post | {"selftext": "", "score": 3, "created_utc": 1768393800, "num_comments": 4}


def hacker_story(draw: random.Random) -> dict[str, Any]:
    return {"objectID": "1", "points": 3, "story_title": sentence(draw), "_tags": ["story"]}


def metrics(draw: random.Random) -> dict[str, Any]:
    return {"ts": 1768393800, "cpu": draw.random(), "host": draw.choice(WORDS)}


LINES: tuple[Callable[[random.Random], dict[str, Any]], ...] = (
    orders, people, events, submissions, hacker_story, metrics,
)  # fmt: skip

TABLES: Mapping[str, tuple[str, ...]] = {
    "products": ("sku", "name", "price", "stock"),
    "articles": ("articleID", "headline", "pubDate", "section_name", "web_url", "word_count"),
    "annotations": ("id", "toxicity", "obscene", "identity_attack", "insult", "threat", "worker"),
    "people": ("user_id", "user_name", "email", "created", "karma"),
    "votes": ("comment_id", "user_id", "vote", "date"),
    "places": ("name", "lat", "lon", "population"),
}

MARKUP = {
    "rss": '<?xml version="1.0"?><rss version="2.0"><channel><title>{0}</title><item><title>{1}'
    "</title><description>{2}</description><guid>{3}</guid></item></channel></rss>",
    "comments feed": '<?xml version="1.0"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<channel><item><dc:creator>Ada</dc:creator><title>By: Ada</title><description>{2}"
    "</description></item></channel></rss>",
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom"><title>{0}</title><entry><id>{3}</id>'
    "<content>{1}</content></entry></feed>",
    "sitemap": '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'
    "<loc>https://courier.example/{3}</loc></url></urlset>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><title>{0}</title><text>{1}</text></svg>',
    "plist": '<?xml version="1.0"?><plist version="1.0"><dict><key>comment</key><string>{1}'
    "</string></dict></plist>",
    "blog export": '<blogger:export xmlns:blogger="x"><post id="{3}"><message>{1}</message>'
    "</post></blogger:export>",
    "article": "<!doctype html><html><title>{0}</title><body><h1>{1}</h1><p>{2}</p></body></html>",
    "thread of another site": "<html><body><ul class='comments'><li class='comment' id='c{3}'>"
    "<span class='author'>Ada</span><p class='comment-body'>{1}</p></li></ul></body></html>",
    "linked article": '<html><head><script type="application/ld+json">{{"@context":'
    '"https://schema.org","@type":"NewsArticle","headline":"{0}","commentCount":{3}}}</script>'
    "</head><body><p>{1}</p></body></html>",
    "microdata recipe": '<html><body><div itemscope itemtype="https://schema.org/Recipe">'
    '<span itemprop="name">{0}</span><p itemprop="text">{1}</p></div></body></html>',
}

TEXTS = {
    "access log": '10.0.0.1 - - [14/Jan/2026:12:30:01] "GET /{3} HTTP/1.1" 200 {3}\n',
    "server log": "2026-01-14 12:30:{3} INFO {0}: {1}\n",
    "code": "def {3}():\n    # {1}\n    return {{'text': '{0}', 'id': 1}}\n",
    "mail": "From: ada@courier.example\nSubject: {0}\nDate: Wed, 14 Jan 2026\n\n{1} {2}\n",
    "prose": "{0}\n\n{1} {2} {1}\n",
    "subtitles": "{3}\n00:00:01,000 --> 00:00:04,000\n{1}\n\n",
    "settings": "[comments]\ntext = {0}\nlimit = {3}\n",
    "yaml": "- id: {3}\n  text: {0}\n  author: ada\n",
    "diff": "--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-{0}\n+{1}\n",
    "chat": "[14.01.26, 12:30:01] Ada: {0}\n[14.01.26, 12:31:07] Bea: {1}\n",
    "patterns": "#{3} {0}\n#{3}1 {1}\n",
}


def png(draw: random.Random) -> bytes:
    rows = b"".join(b"\0" + draw.randbytes(12) for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def sound(draw: random.Random) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(8000)
        writing.writeframes(draw.randbytes(400))
    return stream.getvalue()


BINARIES: Mapping[str, Callable[[random.Random], bytes]] = {
    "image": png,
    "sound": sound,
    "random": lambda draw: draw.randbytes(3000),
    "packed image": lambda draw: gzip.compress(png(draw), mtime=0),
    "pdf": lambda draw: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + draw.randbytes(500),
}

DATABASES = {
    "bookmarks": "create table moz_places (id integer primary key, url text, title text)",
    "a forum's": "create table threads (id, title); create table posts (id, tid, body, author)",
    "another comments table": "create table comments (id integer primary key, body text, user)",
    "half of Isso": "create table threads (id integer primary key, uri text unique, title text)",
    "empty": "create table x (a); drop table x",
}


def database(statements: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        connection = sqlite3.connect(path)
        connection.executescript(statements)
        connection.close()
        return path.read_bytes()


def make_others() -> Iterator[tuple[str, bytes]]:
    """Yield files by name, the same each time."""
    draw = random.Random(9)
    for number in range(EACH):
        for make in DOCUMENTS:
            spaces = (None, 2)[number % 2]
            content = json.dumps(make(draw), indent=spaces)
            yield f"{make.__name__}-{number}.json", content.encode()
        for line in LINES:
            lines = [json.dumps(line(draw)) for _ in range(number + 1)]
            yield f"{line.__name__}-{number}.jsonl", "\n".join(lines).encode()
    for number, (name, columns) in itertools.product(range(4), TABLES.items()):
        yield f"{name}-{number}.csv", _table(draw, columns, delimiter=",;\t,"[number])
    for number, (name, shape) in itertools.product(range(3), [*MARKUP.items(), *TEXTS.items()]):
        words = [sentence(draw) for _ in range(3)]
        filled = shape.format(*words, draw.randrange(10, 60))
        yield f"{name}-{number}", filled.encode()
    for name, binary in BINARIES.items():
        yield name, binary(draw)
    for name, statements in DATABASES.items():
        yield f"{name}.db", database(statements)


def _table(draw: random.Random, columns: tuple[str, ...], *, delimiter: str) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows([draw.choice(WORDS) for _ in columns] for _ in range(5))
    return stream.getvalue().encode()
