"""
Exports of Disqus and WordPress, read on one core: `python -m tests.benchmarks.xml_exports`.

Each is written by a generator, then read in processes of their own, one after another: by a loop
of `lxml.etree.iterparse` that only empties the records, and by `read_comments` to comments.
"""

import argparse
import itertools
import multiprocessing as mp
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lxml.etree

from moderation.parsers import read_comments

SENTENCE = (
    "the ferry was late again and nobody said why we waited at the harbour with tea bread boats "
    "weather buses people morning evening price ticket bridge island winter summer open closed"
)
WORDS = SENTENCE.split()
DISQUS_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<disqus xmlns="http://disqus.com" '
    'xmlns:dsq="http://disqus.com/disqus-internals">\n'
)
DISQUS_THREAD = """<thread dsq:id="{0}">
<id>{0}</id><forum>courier</forum><category dsq:id="1"/><link>https://courier.example/{0}</link>
<title>Ferry number {0}</title><message/><createdAt>2014-05-01T10:00:00Z</createdAt>
<author><name>Editor</name><isAnonymous>false</isAnonymous><username>editor</username></author>
<isClosed>false</isClosed><isDeleted>false</isDeleted>
</thread>
"""
DISQUS_POST = """<post dsq:id="{id}">
<id />
<message><![CDATA[{body}]]></message>
<createdAt>2014-05-{day:02}T1{hour}:30:00Z</createdAt>
<isDeleted>{deleted}</isDeleted>
<isSpam>{spam}</isSpam>
<author>
<email>reader{author}@courier.example</email>
<name>Reader {author}</name>
<isAnonymous>false</isAnonymous>
<username>reader{author}</username>
</author>
<ipAddress>192.0.2.1</ipAddress>
<thread dsq:id="{article}"/>{parent}
</post>
"""
WORDPRESS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<rss version="2.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:wp="http://wordpress.org/export/1.2/">\n<channel>\n<title>Courier</title>\n'
)
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
<wp:comment_date><![CDATA[2014-05-{day:02} 1{hour}:30:00]]></wp:comment_date>
<wp:comment_date_gmt><![CDATA[2014-05-{day:02} 1{hour}:30:00]]></wp:comment_date_gmt>
<wp:comment_content><![CDATA[{body}]]></wp:comment_content>
<wp:comment_approved><![CDATA[{approved}]]></wp:comment_approved>
<wp:comment_type><![CDATA[comment]]></wp:comment_type>
<wp:comment_parent>{parent}</wp:comment_parent><wp:comment_user_id>0</wp:comment_user_id>
</wp:comment>
"""
COMMENTS_OF_AN_ARTICLE = 40


def write_disqus(path: Path, megabytes: float, *, seed: int = 0) -> int:
    """Write an export of about that size, threads first; return how many posts are in it."""
    rng = random.Random(seed)
    posts = max(1, int(megabytes * 1e6 / 750))
    articles = -(-posts // COMMENTS_OF_AN_ARTICLE)
    threads = map(DISQUS_THREAD.format, range(articles))
    pieces = itertools.chain([DISQUS_HEAD], threads, _posts(rng, posts), ["</disqus>\n"])
    _write(path, pieces)
    return posts


def write_wordpress(path: Path, megabytes: float, *, seed: int = 0) -> int:
    """Write an export of about that size; return how many comments are in it."""
    rng = random.Random(seed)
    comments = max(1, int(megabytes * 1e6 / 1125))
    _write(path, itertools.chain([WORDPRESS_HEAD], _items(rng, comments), ["</channel></rss>\n"]))
    return comments


def _write(path: Path, pieces: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces)


def _posts(rng: random.Random, number: int) -> Iterator[str]:
    for place in range(number):
        is_reply = place % 3 == 2
        yield DISQUS_POST.format(
            **_common(rng, place, "<p>{}</p>"),
            deleted=str(place % 29 == 0).lower(),
            spam=str(place % 41 == 0).lower(),
            article=place // COMMENTS_OF_AN_ARTICLE,
            parent=f'<parent dsq:id="{place - 1}"/>' if is_reply else "",
        )


def _items(rng: random.Random, number: int) -> Iterator[str]:
    for place in range(number):
        if place % COMMENTS_OF_AN_ARTICLE == 0:
            yield ("</item>\n" if place else "") + WORDPRESS_ITEM.format(place, _body(rng, "{}"))
        yield WORDPRESS_COMMENT.format(
            **_common(rng, place, "{}"),
            approved=rng.choice(["1"] * 20 + ["0", "trash"]),
            parent=place - 1 if place % 3 == 2 else 0,
        )
    yield "</item>\n"


def _common(rng: random.Random, place: int, paragraph: str) -> dict[str, object]:
    return {
        "id": place,
        "body": _body(rng, paragraph),
        "day": place % 28 + 1,
        "hour": place % 10,
        "author": place % 5000,
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


def tokenise(path: Path, tag: str) -> int:
    """Read a file and keep nothing: what lxml alone takes."""
    number = 0
    for _, element in lxml.etree.iterparse(path, tag=tag, huge_tree=True):
        number += 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return number


def read(path: Path, _: str) -> int:
    """Read a file to comments."""
    return sum(1 for _ in read_comments(path))


def measure(reader: Callable[[Path, str], int], path: Path, tag: str) -> str:
    """Return one line on the speed and the memory of a reader, in a process of its own."""
    with mp.get_context("spawn").Pool(1) as pool:
        number, seconds, before, peak = pool.apply(_timed, (reader, path, tag))
    rate = path.stat().st_size / 1e6 / seconds
    return (
        f"{reader.__name__:9} {rate:6.1f} MB/s  {number} records in {seconds:.1f} s, "
        f"{peak - before:.0f} MB of memory above the {before:.0f} MB of the imports"
    )


def _timed(
    reader: Callable[[Path, str], int], path: Path, tag: str
) -> tuple[int, float, float, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    number = reader(path, tag)
    seconds = time.process_time() - began
    return number, seconds, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100.0)
    size = parser.parse_args().megabytes
    cases = (
        ("disqus", write_disqus, "{http://disqus.com}post"),
        ("wordpress", write_wordpress, "{http://wordpress.org/export/1.2/}comment"),
    )
    for name, write, tag in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.xml"
            written = write(path, size)
            print(f"{name}: {path.stat().st_size / 1e6:.0f} MB, {written} comments", flush=True)
            for reader in (tokenise, read):
                print(f"  {measure(reader, path, tag)}", flush=True)


if __name__ == "__main__":
    main()
