"""Exports of Disqus and WordPress without end, as their own systems lay them out, for `exports`."""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import lxml.etree

SENTENCE = (
    "the ferry was late again and nobody said why we waited at the harbour with tea bread boats "
    "weather buses people morning evening price ticket bridge island winter summer open closed"
)
WORDS = SENTENCE.split()
COMMENTS_OF_AN_ARTICLE = 40
BEGINNING = datetime(2014, 5, 1)

DISQUS_OPENING = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<disqus xmlns="http://disqus.com" '
    b'xmlns:dsq="http://disqus.com/disqus-internals">\n'
)
DISQUS_CLOSING = b"</disqus>\n"
DISQUS_THREAD = """<thread dsq:id="{0}">
<id>{0}</id>
<forum>courier</forum>
<category dsq:id="1" />
<link>https://courier.example/{0}</link>
<title>Ferry number {0}</title>
<message />
<createdAt>2014-05-01T10:00:00Z</createdAt>
<author>
<email>editor@courier.example</email>
<name>Editor</name>
<isAnonymous>false</isAnonymous>
<username>editor</username>
</author>
<ipAddress>192.0.2.1</ipAddress>
<isClosed>false</isClosed>
<isDeleted>false</isDeleted>
</thread>
"""
DISQUS_POST = """<post dsq:id="{id}">
<id />
<message><![CDATA[{body}]]></message>
<createdAt>{created:%Y-%m-%dT%H:%M:%SZ}</createdAt>
<isDeleted>{deleted}</isDeleted>
<isSpam>{spam}</isSpam>
<author>
<email>reader{author}@courier.example</email>
<name>Reader {author}</name>
<isAnonymous>false</isAnonymous>
<username>reader{author}</username>
</author>
<ipAddress>192.0.2.1</ipAddress>
<thread dsq:id="{article}" />{parent}
</post>
"""
WORDPRESS_OPENING = (
    b'<?xml version="1.0" encoding="UTF-8" ?>\n<rss version="2.0" '
    b'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    b'xmlns:wp="http://wordpress.org/export/1.2/">\n<channel>\n<title>Courier</title>\n'
)
WORDPRESS_CLOSING = b"</item>\n</channel>\n</rss>\n"
WORDPRESS_ITEM = """<item>
<title><![CDATA[Ferry number {0}]]></title><link>https://courier.example/?p={0}</link>
<content:encoded><![CDATA[<p>{1}</p>]]></content:encoded><wp:post_id>{0}</wp:post_id>
"""
WORDPRESS_COMMENT = """<wp:comment>
<wp:comment_id>{id}</wp:comment_id>
<wp:comment_author><![CDATA[Reader {author}]]></wp:comment_author>
<wp:comment_author_email><![CDATA[reader{author}@courier.example]]></wp:comment_author_email>
<wp:comment_author_url></wp:comment_author_url>
<wp:comment_author_IP><![CDATA[192.0.2.1]]></wp:comment_author_IP>
<wp:comment_date><![CDATA[{created:%Y-%m-%d %H:%M:%S}]]></wp:comment_date>
<wp:comment_date_gmt><![CDATA[{created:%Y-%m-%d %H:%M:%S}]]></wp:comment_date_gmt>
<wp:comment_content><![CDATA[{body}]]></wp:comment_content>
<wp:comment_approved><![CDATA[{approved}]]></wp:comment_approved>
<wp:comment_type><![CDATA[comment]]></wp:comment_type>
<wp:comment_parent>{parent}</wp:comment_parent>
<wp:comment_user_id>0</wp:comment_user_id>
</wp:comment>
"""


def write_disqus(rng: random.Random) -> Iterator[bytes]:
    """Yield posts; the first of a thread has the thread before it."""
    for number in itertools.count():
        article, place = divmod(number, COMMENTS_OF_AN_ARTICLE)
        post = DISQUS_POST.format(
            **_common(rng, number, "<p>{}</p>"),
            deleted=str(number % 29 == 0).lower(),
            spam=str(number % 41 == 0).lower(),
            article=article,
            parent=f'\n<parent dsq:id="{number}" />' if place % 3 == 2 else "",
        )
        yield (post if place else DISQUS_THREAD.format(article) + post).encode()


def write_wordpress(rng: random.Random) -> Iterator[bytes]:
    """Yield comments; the first of an item has the item's own fields before it."""
    for number in itertools.count():
        article, place = divmod(number, COMMENTS_OF_AN_ARTICLE)
        comment = WORDPRESS_COMMENT.format(
            **_common(rng, number, "{}\n\n"),
            approved=rng.choice(["1"] * 20 + ["0", "trash"]),
            parent=number if place % 3 == 2 else 0,
        )
        item = ("</item>\n" if number else "") + WORDPRESS_ITEM.format(article, _body(rng, "{}"))
        yield (comment if place else item + comment).encode()


def tokenise_disqus(path: Path) -> int:
    """Let lxml build each post, and do nothing with it."""
    return _tokenise(path, "{http://disqus.com}post")


def tokenise_wordpress(path: Path) -> int:
    """Let lxml build each comment, and do nothing with it."""
    return _tokenise(path, "{http://wordpress.org/export/1.2/}comment")


def _tokenise(path: Path, tag: str) -> int:
    number = 0
    for _, element in lxml.etree.iterparse(path, tag=tag, huge_tree=True):
        number += 1
        element.clear()
        while (before := element.getprevious()) is not None:
            element.getparent().remove(before)
    return number


def _common(rng: random.Random, number: int, paragraph: str) -> dict[str, object]:
    return {
        "id": number + 1,
        "body": _body(rng, paragraph),
        "created": BEGINNING + number * timedelta(seconds=37),
        "author": number % 5000,
    }


def _body(rng: random.Random, paragraph: str) -> str:
    """Return a body: some have a link, an entity or emphasis, most of them none."""
    words = rng.choices(WORDS, k=rng.randrange(5, 120))
    kind = rng.random()
    if kind < 0.1:
        words[0] = '<a href="https://a.example/x" rel="nofollow">here</a>'
    elif kind < 0.2:
        words[1] = "&amp;"
    elif kind < 0.25:
        words[2] = "<b>really <i>so</i></b>"
    half = len(words) // 2
    return "".join(paragraph.format(" ".join(part)) for part in (words[:half], words[half:]))
