"""
Exports of other systems, read on one core: `python -m tests.benchmarks.exports`.

Writes an export of each format to a temporary folder, and reads it in a process of its own: once
as `read_comments` does, and once with a loop that only tokenises the same file with the same
library. Prints megabytes a second of processor time (the machine may have other work), of the
clock, and the most memory that was in use at a quarter of the comments and at the end: where a
file is read as a stream, both are the same. The comments read are compared with those written.
"""

import argparse
import itertools
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from moderation.parsers import coral, read_comments, reddit
from tests.benchmarks import xml_exports

MEGABYTE = 1_000_000
WORDS = [
    *("the", "ferry", "council", "harbour", "morning", "budget", "line", "station", "reader"),
    *("article", "agree", "because", "never", "street", "winter", "train", "library", "evening"),
    *("question", "answer", "number", "people", "again", "always", "bridge"),
]
SEED = 9


@dataclass(frozen=True)
class Export:
    """A format: the pieces of an export without end, each of one comment, and its tokeniser."""

    records: Callable[[Random], Iterator[bytes]]
    tokenise: Callable[[Path], int]
    """Returns how many comments there are."""
    opening: bytes = b""
    closing: bytes = b""


@dataclass(frozen=True)
class Measured:
    """How one loop over a file went."""

    comments: int
    processor: float
    """Seconds of processor time."""
    clock: float
    quarter: float
    """Megabytes in use at most until a quarter of the comments was read."""
    end: float


def write_reddit(random: Random) -> Iterator[bytes]:
    """Yield lines with the fields of a dump of 2019 and later."""
    for number in itertools.count():
        link = f"t3_{number // 50:07x}"
        record = {
            "all_awardings": [], "approved_at_utc": None, "associated_award": None,
            "author": f"reader_{random.randrange(50_000)}",
            "author_flair_background_color": None, "author_flair_css_class": None,
            "author_flair_richtext": [], "author_flair_template_id": None,
            "author_flair_text": None, "author_flair_text_color": None,
            "author_flair_type": "text", "author_fullname": f"t2_{random.randrange(1 << 32):x}",
            "author_patreon_flair": False, "author_premium": False, "awarders": [],
            "banned_at_utc": None, "body": _markdown(random), "can_mod_post": False,
            "collapsed": False, "collapsed_because_crowd_control": None,
            "collapsed_reason": None, "comment_type": None, "controversiality": 0,
            "created_utc": 1_600_000_000 + number, "distinguished": None, "edited": False,
            "gilded": 0, "gildings": {}, "id": f"{number:07x}", "is_submitter": False,
            "link_id": link, "locked": False, "no_follow": True,
            "parent_id": link if number % 3 == 0 else f"t1_{number - 1:07x}",
            "permalink": f"/r/harbour/comments/{link[3:]}/the_ferry_is_late/{number:07x}/",
            "retrieved_on": 1_600_100_000 + number, "score": random.randrange(-5, 200),
            "send_replies": True, "stickied": False, "subreddit": "harbour",
            "subreddit_id": "t5_2qh1i", "subreddit_name_prefixed": "r/harbour",
            "subreddit_type": "public", "top_awarded_type": None, "total_awards_received": 0,
            "treatment_tags": [],
        }  # fmt: skip
        yield msgspec.json.encode(record) + b"\n"


def write_coral(random: Random) -> Iterator[bytes]:
    """Yield lines as `mongoexport` writes them, a tenth of the comments with two revisions."""
    for number in itertools.count():
        moment = {"$date": f"2024-0{1 + number % 9}-1{number % 10}T10:{number % 60:02}:07.512Z"}
        parents = [] if number % 3 == 0 else [_uuid(number - 1)]
        record = {
            "_id": {"$oid": f"{number:024x}"}, "id": _uuid(number), "tenantID": _uuid(1),
            "ancestorIDs": parents, **({"parentID": parents[0]} if parents else {}),
            "authorID": _uuid(random.randrange(50_000)), "storyID": _uuid(number // 50),
            "siteID": _uuid(2), "section": "local", "childIDs": [], "childCount": 0, "tags": [],
            "revisions": [
                {
                    "id": _uuid(random.randrange(1 << 48)), "body": _html(random),
                    "actionCounts": {}, "createdAt": moment,
                    "metadata": {
                        "nudge": True, "linkCount": 0, "akismet": False,
                        "perspective": {"score": random.random(), "model": "TOXICITY"},
                        "wordList": {"bannedWords": [], "suspectWords": []},
                    },
                }
                for _ in range(2 if number % 10 == 0 else 1)
            ],
            "status": random.choices(["APPROVED", "NONE", "REJECTED"], [1, 8, 1])[0],
            "actionCounts": {"REACTION": random.randrange(9)}, "createdAt": moment,
            "initialStatus": "NONE",
        }  # fmt: skip
        yield msgspec.json.encode(record) + b"\n"


def _uuid(number: int) -> str:
    return f"0b7a3c52-8f1e-4d6a-9c2b-{number:012x}"


def tokenise_reddit(path: Path) -> int:
    """Decode each line into the fields that the parser needs, and do nothing with them."""
    return _decode_lines(path, reddit.Record)


def tokenise_coral(path: Path) -> int:
    """Decode each line into the fields that the parser needs, and do nothing with them."""
    return _decode_lines(path, coral.Record)


EXPORTS: Mapping[str, Export] = {
    "reddit": Export(write_reddit, tokenise_reddit),
    "coral": Export(write_coral, tokenise_coral),
    "disqus": Export(
        xml_exports.write_disqus,
        xml_exports.tokenise_disqus,
        opening=xml_exports.DISQUS_OPENING,
        closing=xml_exports.DISQUS_CLOSING,
    ),
    "wordpress": Export(
        xml_exports.write_wordpress,
        xml_exports.tokenise_wordpress,
        opening=xml_exports.WORDPRESS_OPENING,
        closing=xml_exports.WORDPRESS_CLOSING,
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=list(EXPORTS), help=", ".join(EXPORTS))
    parser.add_argument("--megabytes", type=int, default=100, help="of each export")
    args = parser.parse_args(argv)
    print(f"{'format':8} {'':9} {'comments':>9} {'MB/s':>6} {'clock':>6} {'quarter':>9} {'end':>9}")
    for name in args.formats:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export"
            written = write_export(EXPORTS[name], path, args.megabytes * MEGABYTE)
            size = path.stat().st_size / MEGABYTE
            read, tokenised = (_apart(loop, name, path, written) for loop in (_read, _tokenise))
        for measured, what in ((read, "read"), (tokenised, "tokenised")):
            assert measured.comments == written, f"{measured.comments} of {written} comments"
            print(
                f"{name:8} {what:9} {measured.comments:9} {size / measured.processor:6.0f} "
                f"{size / measured.clock:6.0f} {measured.quarter:6.0f} MB {measured.end:6.0f} MB"
            )
        print(f"{name:8} takes {read.processor / tokenised.processor:.1f} times as long as that")
    return 0


def write_export(export: Export, path: Path, size: int) -> int:
    """Write an export of a size in bytes; return how many comments it has."""
    random = Random(SEED)
    with path.open("wb") as stream:
        stream.write(export.opening)
        for number, record in enumerate(export.records(random), 1):
            stream.write(record)
            if number % 100 == 0 and stream.tell() >= size:
                stream.write(export.closing)
                return number
    raise AssertionError("records have no end")


def _apart(
    loop: Callable[[str, Path, int], Measured], name: str, path: Path, written: int
) -> Measured:
    """Run a loop in a new process: memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(loop, (name, path, written))


def _read(name: str, path: Path, written: int) -> Measured:
    clock, processor = time.perf_counter(), time.process_time()
    reading = read_comments(path)
    assert reading.format == name, f"taken for {reading.format}"
    comments = sum(1 for _ in itertools.islice(reading, written // 4))
    quarter = _peak()
    comments += sum(1 for _ in reading)
    assert not reading.notes.left_out, reading.summary()
    return Measured(
        comments,
        time.process_time() - processor,
        time.perf_counter() - clock,
        quarter,
        _peak(),
    )


def _tokenise(name: str, path: Path, written: int) -> Measured:
    clock, processor = time.perf_counter(), time.process_time()
    comments = EXPORTS[name].tokenise(path)
    took = time.process_time() - processor, time.perf_counter() - clock
    return Measured(comments, *took, _peak(), _peak())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def _decode_lines(path: Path, kind: type[msgspec.Struct]) -> int:
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as lines:
        return sum(1 for _ in map(decode, lines))


def _words(random: Random) -> list[str]:
    return random.choices(WORDS, k=random.randrange(5, 60))


def _markdown(random: Random) -> str:
    """Return what a reader wrote: some of it quotes, some in paragraphs, some gone."""
    words, kind = _words(random), random.random()
    if kind < 0.06:
        return random.choice(["[removed]", "[deleted]"])
    if kind < 0.16:
        words[0] = f"&gt; {words[0]}\n\n{words[0]}"
    elif kind < 0.3:
        words[len(words) // 2] += "\n\nBesides,"
    elif kind < 0.35:
        words.append("⛴️🙂")
    return " ".join(words) + "."


def _html(random: Random) -> str:
    """Return what Coral's editor makes of it: three in ten have tags, one an entity."""
    words, kind = _words(random), random.random()
    if kind < 0.3:
        half = len(words) // 2
        return f"<div>{' '.join(words[:half])}<br></div><div>{' '.join(words[half:])}</div>"
    if kind < 0.4:
        words[0] += " &amp; co"
    return " ".join(words) + "."


if __name__ == "__main__":
    sys.exit(main())
