"""
Near-duplicates: what is found, and what it costs: `python -m tests.benchmarks.similar`.

First edits are planted: comments of the corpora (else invented ones) are changed as readers change
them, and put among the others. For each edit: how often it stays near (`NEAR`), and of those that
do, how many share a band, beside what MinHash promises. Every pair counted as near was compared in
full. Then pairs that nobody planted: of the near ones that comparing a sample with everything
finds, how many the bands find, and how many candidates they bring that are not near. Then the
time of making bands with rensa, beside that of datasketch with the same shingles. Last a store
with a queue and a history: adding, filing, and asking, one text of the history in many copies.
"""

import argparse
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import numpy as np
from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from moderation import review
from moderation.database import Store, open_store
from moderation.policy import Action
from moderation.similar import BANDS, NEAR, RELATED, ROWS, find_bands, shingles, similarity
from moderation.tables import Chain, Decision, Held, Kind, StoredComment
from tests.attacks import ATTACKS, mask
from tests.benchmarks.material import read_comments

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LENGTHS = {"3 to 5 words": (3, 5), "6 to 12": (6, 12), "13 to 30": (13, 30), "more": (31, 10**6)}
SPAM = "Earn 5,000 a week from home, ask me how: www.courier.example/work"
AT_ONCE = 20_000

Edit = Callable[[list[str], random.Random, Sequence[str]], list[str]]


def change_word(words: list[str], rng: random.Random, others: Sequence[str]) -> list[str]:
    """Put another word in the place of one."""
    at = rng.randrange(len(words))
    return [*words[:at], rng.choice(rng.choice(others).split() or ["so"]), *words[at + 1 :]]


def leave_out(words: list[str], rng: random.Random, _: Sequence[str]) -> list[str]:
    """Leave one word out."""
    at = rng.randrange(len(words))
    return [*words[:at], *words[at + 1 :]]


def swap_letters(words: list[str], rng: random.Random, _: Sequence[str]) -> list[str]:
    """Swap two letters that stand side by side."""
    whole = " ".join(words)
    at = rng.randrange(len(whole) - 1)
    return (whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :]).split()


def stretch(words: list[str], rng: random.Random, _: Sequence[str]) -> list[str]:
    """Write one letter several times."""
    at = rng.randrange(len(words))
    return [*words[:at], ATTACKS["stretched letters"](words[at], rng), *words[at + 1 :]]


def punctuate(words: list[str], rng: random.Random, _: Sequence[str]) -> list[str]:
    """Write other punctuation, and in capitals."""
    marks = ["!!", "...", "", " ?"]
    return re.sub(r"[.,!?]", lambda _: rng.choice(marks), " ".join(words)).upper().split()


def mask_word(words: list[str], rng: random.Random, _: Sequence[str]) -> list[str]:
    """Mask the longest word in one of the ways of `tests.attacks`."""
    at = max(range(len(words)), key=lambda at: len(words[at]))
    attack = ATTACKS[rng.choice(sorted(ATTACKS))]
    return [*words[:at], mask(words[at], attack, rng), *words[at + 1 :]]


def add_sentence(words: list[str], rng: random.Random, others: Sequence[str]) -> list[str]:
    """Add up to eight words of another comment at the end."""
    return [*words, *rng.choice(others).split()[:8]]


EDITS: dict[str, Edit] = {
    "a word changed": change_word,
    "a word left out": leave_out,
    "two letters swapped": swap_letters,
    "a letter stretched": stretch,
    "punctuation and capitals": punctuate,
    "the longest word masked": mask_word,
    "eight words added": add_sentence,
}


def print_edits(texts: Sequence[str], *, each: int) -> None:
    """Print how many edited comments stay near, and how many of those the bands find."""
    rng = random.Random(0)
    print(f"| edit | {' | '.join(LENGTHS)} | found by the bands | promised |")
    print(f"|---|{'---:|' * (len(LENGTHS) + 2)}")
    for name, edit in EDITS.items():
        stay, found, promised = [], [], []
        for least, most in LENGTHS.values():
            some = [one for one in texts if least <= len(one.split()) <= most][:each]
            pairs = [(one, " ".join(edit(one.split(), rng, texts))) for one in some]
            near = [(*pair, s) for pair in pairs if (s := similarity(*pair)) >= NEAR]
            stay.append(len(near) / max(1, len(pairs)))
            shared = zip(
                *(find_bands([pair[side] for pair in near]) for side in (0, 1)), strict=True
            )
            found += [bool(set(one) & set(two)) for one, two in shared]
            promised += [1 - (1 - s**ROWS) ** BANDS for *_, s in near]
        shares = [*stay, statistics.mean(found), statistics.mean(promised)]
        print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")


def print_natural(texts: Sequence[str], *, asked: int) -> None:
    """Print of the pairs that nobody planted how many the bands find, and what else they bring."""
    sets, bands = [shingles(one) for one in texts], find_bands(texts)
    sizes = np.array([len(one) for one in sets])
    holders: dict[int, list[int]] = defaultdict(list)
    with_shingle: dict[str, list[int]] = defaultdict(list)
    for number, (own, some) in enumerate(zip(sets, bands, strict=True)):
        for band in some:
            holders[band].append(number)
        for shingle in own:
            with_shingle[shingle].append(number)
    counts = {NEAR: [0, 0], RELATED: [0, 0]}
    candidates = []
    for number in range(asked):
        found = {other for band in bands[number] for other in holders[band]} - {number}
        candidates.append(len(found))
        common = np.zeros(len(texts), dtype=int)
        for shingle in sets[number]:
            common[with_shingle[shingle]] += 1
        alike = common / np.maximum(1, sizes[number] + sizes - common)
        alike[number] = 0
        for least, count in counts.items():
            near = np.flatnonzero(alike >= least).tolist()
            count[0] += len(near)
            count[1] += sum(other in found for other in near)
    print("\n| pairs nobody planted | pairs | found by the bands |\n|---|---:|---:|")
    for least, (pairs, found_too) in counts.items():
        print(f"| as alike as {least} | {pairs:,} | {found_too / max(1, pairs):.1%} |")
    print(
        f"\nOf {len(texts):,} comments, {np.mean(candidates):.1f} share a band with one, "
        f"99 of 100 times at most {np.quantile(candidates, 0.99):.0f}."
    )


def print_speed(texts: Sequence[str]) -> None:
    """Print the time of making bands, and that of datasketch's minima of the same shingles."""
    find_bands(texts[:1])
    print("\n| making bands | microseconds a comment |\n|---|---:|")
    print(f"| rensa, {len(texts):,} at once | {_microseconds(find_bands, texts):.0f} |")
    alone = _microseconds(lambda some: [find_bands([one]) for one in some], texts[:2_000])
    print(f"| rensa, one by one | {alone:.0f} |")
    try:
        from datasketch import MinHash
    except ImportError:
        return

    def with_datasketch(some: Sequence[str]) -> object:
        encoded = [[shingle.encode() for shingle in shingles(one)] for one in some]
        return MinHash.bulk(encoded, num_perm=BANDS * ROWS, seed=1)

    slow = _microseconds(with_datasketch, texts[:5_000])
    print(f"| datasketch, 5,000 at once, without joining bands | {slow:.0f} |")


def _microseconds(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    begun = time.perf_counter()
    work(texts)
    return (time.perf_counter() - begun) / len(texts) * 1e6


def fill(store: Store, texts: Iterable[str], *, waiting: int, decided: int, copies: int) -> None:
    """
    Put comments, decisions and a queue into an empty store.

    `copies` of one text stand in the history, newest, and as many wait; each comment of the
    corpora that comes again has another number behind it.
    """
    coming = cycle(texts)
    total = decided + waiting
    spam = {*range(decided - copies, decided), *range(decided, decided + copies)}
    for begin in range(0, total, AT_ONCE):
        comments, held, decisions = [], [], []
        for number in range(begin, min(begin + AT_ONCE, total)):
            words = next(coming)
            key = f"{number:032x}"
            is_decided = number < decided
            words = SPAM if number in spam else f"{words} {number}" if number % 5 else words
            comments.append(_comment(key, words, number + 1 if is_decided else None))
            if is_decided:
                decisions.append(_decision(number, key))
            else:
                held.append({"comment_key": key, "held_at": NOON})
        with store.writing() as session:
            for table, rows in ((StoredComment, comments), (Decision, decisions), (Held, held)):
                if rows:
                    session.execute(insert(table), rows)
    with store.writing() as session:
        session.execute(update(Chain).values(last_id=decided))


def _comment(key: str, words: str, decision: int | None) -> dict[str, object]:
    return {
        "key": key, "article_key": "bridge", "source_id": key, "text": words, "highlighted": False,
        "source": "csv", "decision_id": decision,
    }  # fmt: skip


def _decision(number: int, key: str) -> dict[str, object]:
    return {
        "id": number + 1, "comment_key": key, "kind": Kind.DECISION, "decided_by": "anna",
        "action": Action.REMOVE if number % 10 == 0 else Action.APPROVE, "decided_at": NOON,
        "weight": 1.0, "digest": "",
    }  # fmt: skip


def print_store(
    address: str, texts: list[str], *, waiting: int, decided: int, copies: int, at_once: int
) -> None:
    """Print what a store with a queue and a history takes to file and to answer."""
    store = open_store(address)
    fill(store, texts, waiting=waiting, decided=decided, copies=copies)
    begun = time.perf_counter()
    filed = 0
    while True:
        with store.writing() as session:
            some = review.index_comments(session, limit=at_once)
        filed += some
        if not some:
            break
    seconds = time.perf_counter() - begun
    if store.engine.name == "postgresql":  # which does so by itself after a while
        with store.writing() as session:
            session.execute(text("ANALYZE"))
    print(
        f"\n{store.engine.name}: {decided:,} decided, {waiting:,} waiting, {copies:,} copies "
        f"of one text in either; {filed / seconds:,.0f} comments filed a second.\n"
    )
    print("| asked | median, ms | 95 of 100 within |\n|---|---:|---:|")
    ordinary = [(f"{decided + waiting - 1 - n:032x}", texts[n]) for n in range(200)]
    spam = [(f"{decided + n:032x}", SPAM) for n in range(20)]
    with store.reading() as session:
        asked: dict[str, tuple[Callable[..., object], list[tuple[str, str]]]] = {
            "past decisions": (_ask_decided, ordinary),
            "past decisions of the copied text": (_ask_decided, spam),
            "near-duplicates that wait, 20": (_ask_waiting, ordinary),
            "those of the copied text, 20": (_ask_waiting, spam),
            "all of the copied text": (_ask_all, spam[:3]),
            "groups that wait, 20": (_ask_groups, spam[:3]),
            "contradictions, 20": (_ask_contradictions, spam[:3]),
        }
        for name, (ask, about) in asked.items():
            times = [_milliseconds(ask, session, *one) for one in about]
            late = np.quantile(times, 0.95)
            print(f"| {name} | {statistics.median(times):.1f} | {late:.1f} |", flush=True)
    print_decisions(store, waiting=waiting, decided=decided)
    store.engine.dispose()


def print_decisions(store: Store, *, waiting: int, decided: int) -> None:
    """Print what deciding takes, where the bands are filed by decision."""
    times = []
    for number in range(100):
        begun = time.perf_counter()
        with store.writing() as session:
            review.record_decision(
                session,
                f"{decided + waiting - 1 - 97 * number:032x}",
                Action.APPROVE,
                decided_by="anna",
                decided_at=NOON,
            )
        times.append((time.perf_counter() - begun) * 1e3)
    late = np.quantile(times, 0.95)
    print(f"| to decide and commit | {statistics.median(times):.1f} | {late:.1f} |")


def _milliseconds(ask: Callable[..., object], session: Session, key: str, words: str) -> float:
    session.rollback()
    begun = time.perf_counter()
    ask(session, key, words)
    return (time.perf_counter() - begun) * 1e3


def _ask_decided(session: Session, key: str, words: str) -> object:
    return review.find_decided(session, key, words)


def _ask_waiting(session: Session, key: str, words: str) -> object:
    return review.find_waiting(session, key, words, limit=20)


def _ask_all(session: Session, key: str, words: str) -> object:
    return review.find_waiting(session, key, words, limit=review.MOST_AT_ONCE)


def _ask_groups(session: Session, *_: str) -> object:
    return review.group_waiting(session, limit=20)


def _ask_contradictions(session: Session, *_: str) -> object:
    return review.find_contradictions(session, limit=20)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure finding near-duplicates.")
    parser.add_argument("--comments", type=int, default=60_000)
    parser.add_argument("--each", type=int, default=1_000, help="edits of each kind and length")
    parser.add_argument("--asked", type=int, default=4_000, help="compared with all comments")
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--decided", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=50_000)
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="filed in one transaction")
    parser.add_argument("--url", help="an empty database; default: SQLite in a temporary folder")
    args = parser.parse_args()
    texts, _, source = read_comments(args.comments)
    texts = list(dict.fromkeys(texts))
    print(f"{len(texts):,} comments, {source}\n")
    if args.each:
        print_edits(texts, each=args.each)
        print_natural(texts, asked=args.asked)
        print_speed(texts[:20_000])
    if args.decided:
        with tempfile.TemporaryDirectory() as folder:
            sizes = {"waiting": args.waiting, "decided": args.decided, "copies": args.copies}
            sizes["at_once"] = args.at_once
            print_store(args.url or f"sqlite:///{Path(folder) / 'review.db'}", texts, **sizes)


if __name__ == "__main__":
    main()
