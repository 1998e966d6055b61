"""
How many comments hold each term: counted by hash on the workers, merged within bounded memory.

A summary holds up to so many terms. When two that are merged hold more, the rarest are dropped, as
lossy counting does (Manku and Motwani 2002, "Approximate frequency counts over data streams"), and
`error` says by how many comments a count can be too small after that: merging adds the errors of
both, dropping adds the largest count dropped. No count is ever too large, but for two terms with
the same 64 bits: among 10^8 terms there are any once in 4,000 times. As long as nothing is dropped,
the counts are exact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.buffers import read_texts
from moderation.kernels import compiled
from moderation.learning import learn_texts
from moderation.vocabulary import Terms

MOST_TERMS = 1 << 24
"""Terms in a summary: 16 bytes each, and three times as many while two are merged."""
WORDS, GRAMS = 0, 1
"""The halves of the features; a term of each is another one."""
_STEP, _MIX, _MIX_AGAIN = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_STARTS = (np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344))
"""Of each half: digits of pi, far beyond code points, so that no two terms mix alike."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Counts:
    """Hashes of terms in order (t,), the comments that hold each, and a part that holds it."""

    hashes: Hashes
    comments: NDArray[np.uint32]
    parts: NDArray[np.int32]
    error: int = 0
    """By how many comments a count can be too small at most."""

    def keep(self, fewest: float) -> "Counts":
        """Return the terms that so many comments hold, as far as is known."""
        return self._take(self.comments >= fewest)

    def _take(self, chosen: NDArray[np.bool_], error: int | None = None) -> "Counts":
        error = self.error if error is None else error
        return Counts(self.hashes[chosen], self.comments[chosen], self.parts[chosen], error)

    def prune(self, most: int) -> "Counts":
        """Return at most so many terms, without the rarest; `error` grows by their count."""
        if len(self.hashes) <= most:
            return self
        # The largest count that is dropped: what stands above it must fit.
        dropped = int(np.partition(self.comments, len(self.comments) - most - 1)[-most - 1])
        return self._take(self.comments > dropped, self.error + dropped)


NOTHING = Counts(np.zeros(0, np.uint64), np.zeros(0, np.uint32), np.zeros(0, np.int32))


def count_terms(texts: Sequence[str], *, part: int) -> Counts:
    """Return how many of the texts hold each term."""
    learner = learn_texts(read_texts(texts), threads=1)
    halves = [learner.words(1, np.inf), learner.grams(1, np.inf)]
    hashes = np.concatenate([hash_terms(half.terms, kind) for kind, half in enumerate(halves)])
    comments = np.concatenate([half.comments for half in halves]).astype(np.uint32)
    order = np.argsort(hashes)
    parts = np.full(len(hashes), part, dtype=np.int32)
    return Counts(hashes[order], comments[order], parts)


def merge_counts(one: Counts, other: Counts, *, most: int = MOST_TERMS) -> Counts:
    """Return what two summaries know together, in at most so many terms."""
    hashes = np.concatenate([one.hashes, other.hashes])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    if not len(hashes):
        return one
    first = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
    comments = np.concatenate([one.comments, other.comments])[order]
    parts = np.concatenate([one.parts, other.parts])[order]
    merged = Counts(
        hashes[first],
        np.add.reduceat(comments, first, dtype=np.uint32),
        np.minimum.reduceat(parts, first),
        one.error + other.error,
    )
    return merged.prune(most)


def find_terms(texts: Sequence[str], wanted: Hashes) -> list[list[tuple[int, str]]]:
    """Return the terms of texts whose hashes are wanted, with these, (words, n-grams)."""
    learner = learn_texts(read_texts(texts), threads=1)
    found = []
    for kind, learnt in enumerate((learner.words(1, np.inf), learner.grams(1, np.inf))):
        hashes = hash_terms(learnt.terms, kind)
        chosen = np.flatnonzero(np.isin(hashes, wanted))
        spelled = learnt.keep(chosen).terms.strings()
        found.append(list(zip(hashes[chosen].tolist(), spelled, strict=True)))
    return found


def sort_terms(
    found: Iterable[list[tuple[int, str]]], counts: Counts
) -> tuple[Terms, NDArray[np.int64]]:
    """Return the terms of one half in order, and how many comments hold each."""
    terms = sorted(((term, hashed) for some in found for hashed, term in some))
    hashes = np.array([hashed for _, hashed in terms], dtype=np.uint64)
    comments = counts.comments[np.searchsorted(counts.hashes, hashes)].astype(np.int64)
    return Terms.read([term for term, _ in terms]), comments


def hash_terms(terms: Terms, kind: int) -> Hashes:
    """Return 64 bits of each term."""
    hashes = np.empty(len(terms.ends), dtype=np.uint64)
    _hash(terms.letters, terms.ends, _STARTS[kind], hashes)
    return hashes


@compiled
def _hash(
    letters: NDArray[np.int32], ends: NDArray[np.int64], start: np.uint64, hashes: Hashes
) -> None:
    """Mix the code points of each term, one after the other, as splitmix64 does (Vigna 2015)."""
    begin = 0
    for term in range(len(ends)):
        mixed = start
        for at in range(begin, ends[term]):
            mixed = (mixed ^ np.uint64(letters[at])) + _STEP
            mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_AGAIN
            mixed ^= mixed >> np.uint64(31)
        hashes[term] = mixed
        begin = ends[term]
