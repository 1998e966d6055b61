"""Learns which n-grams, words and pairs of words texts hold, and how many texts hold each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation import kernels
from moderation.buffers import Texts
from moderation.kernels import LONGEST, NODES, PAIRS, WORDS
from moderation.letters import make_alphabet
from moderation.progress import Progress, without_progress
from moderation.threads import work_on
from moderation.vocabulary import Integers, Terms, choose_threads, make_memory, table_size, three

_CHUNK = 1 << 16
"""Bytes of text learnt before the tables grow: they keep room for all it could bring."""


@dataclass(frozen=True)
class Learnt:
    """Terms in order of their code points, with the comments that hold each and its occurrences."""

    terms: Terms
    comments: Integers
    totals: Integers

    def keep(self, chosen: Integers) -> "Learnt":
        """Return some of the terms."""
        begins = np.concatenate([[0], self.terms.ends])[chosen]
        terms = _join_runs(self.terms.letters, begins, self.terms.ends[chosen])
        return Learnt(terms, self.comments[chosen], self.totals[chosen])


class Learner:
    """Counts all n-grams, words and pairs of texts, in tables that grow."""

    def __init__(self) -> None:
        nothing = np.zeros(0, dtype=np.int32)
        empty = np.zeros(0, dtype=np.uint64)
        self._tables = kernels.Tables(
            empty, nothing, nothing, empty, nothing.astype(np.uint8), empty, nothing, empty,
            np.array([1, 0, 0, 0]),
        )  # fmt: skip
        self._memory = make_memory((0, 0, 0), (0, 0, 0))
        self._tallies = three(np.zeros((0, 2), dtype=np.int64) for _ in range(3))

    def learn(self, texts: Texts) -> None:
        """Count what texts hold; not too many at once, there must be room for all they bring."""
        self._make_room(texts.size, texts.longest)
        kernels.learn(
            make_alphabet(), self._tables, self._memory, texts.data, texts.offsets,
            self._tallies,
        )  # fmt: skip

    def merge(self, other: "Learner") -> None:
        """Add what another has learnt."""
        theirs = other._tables.sizes
        self._grow(*(self._tables.sizes + theirs), longest=0)
        numbers = [np.zeros(theirs[of], dtype=np.int64) for of in (NODES, WORDS, PAIRS)]
        kernels.merge(self._tables, other._tables, *numbers)
        for tallies, others, here in zip(self._tallies, other._tallies, numbers, strict=True):
            tallies[here] += others[: len(here)]

    def grams(self, fewest: float, most: float) -> Learnt:
        """Return the n-grams that are in at least so many comments and at most so many."""
        number = int(self._tables.sizes[NODES])
        parents, letters = self._tables.node_parents[:number], self._tables.node_letters[:number]
        depths = _depths(parents)
        comments, totals = self._tallies[0][:number].T
        nodes = np.flatnonzero(
            (depths >= kernels.SHORTEST) & (comments >= fewest) & (comments <= most)
        )
        depths = depths[nodes]
        spelled = np.zeros((len(nodes), LONGEST), dtype=np.uint64)  # code point + 1, 0 for none
        above: NDArray[Any] = nodes
        for back in range(1, LONGEST + 1):
            rows = np.flatnonzero(depths >= back)
            spelled[rows, depths[rows] - back] = letters[above[rows]] + 1
            above = parents[above]
        shift = np.uint64(21)
        head = (spelled[:, 0] << shift | spelled[:, 1]) << shift | spelled[:, 2]
        tail = spelled[:, 3] << shift | spelled[:, 4]
        order = np.lexsort((tail, head))
        spelled, nodes = spelled[order], nodes[order]
        terms = Terms((spelled[spelled > 0] - 1).astype(np.int32), np.cumsum(depths[order]))
        return Learnt(terms, comments[nodes], totals[nodes])

    def words(self, fewest: float, most: float) -> Learnt:
        """Return the words and pairs that are in at least so many comments and at most so many."""
        sizes, stored = self._tables.sizes, self._tables.word_letters
        of_words, of_pairs = self._tallies[1][: sizes[WORDS]], self._tallies[2][: sizes[PAIRS]]
        words, pairs = (
            np.flatnonzero((of[:, 0] >= fewest) & (of[:, 0] <= most)) for of in (of_words, of_pairs)
        )
        firsts, seconds = (members[pairs] for members in self._pair_members())
        used = np.unique(np.concatenate([words, firsts, seconds]))
        begins = self._word_places()[used]
        spelled = _join_runs(stored, begins + 1, begins + 1 + stored[begins])
        names = spelled.strings()
        rank = np.empty(len(used), dtype=np.int64)
        rank[sorted(range(len(used)), key=names.__getitem__)] = np.arange(len(used))
        words_at, firsts_at, seconds_at = (
            np.searchsorted(used, ids) for ids in (words, firsts, seconds)
        )
        # No word character sorts before the space: a pair stands right behind its first word.
        order = np.lexsort(
            (
                np.concatenate([np.zeros(len(words), dtype=np.int64), rank[seconds_at] + 1]),
                np.concatenate([rank[words_at], rank[firsts_at]]),
            )
        )
        terms = _spell(spelled, words_at, firsts_at, seconds_at, order)
        comments, totals = np.concatenate([of_words[words], of_pairs[pairs]])[order].T
        return Learnt(terms, comments, totals)

    def _pair_members(self) -> tuple[Integers, Integers]:
        """Return the first and the second word of each pair."""
        taken = np.flatnonzero(self._tables.pairs[0::2])
        keys = self._tables.pairs[0::2][taken] - np.uint64(1)
        members = np.empty((2, len(taken)), dtype=np.int64)
        order = self._tables.pairs[1::2][taken].astype(np.int64)
        members[0, order] = (keys >> np.uint64(32)).astype(np.int64)
        members[1, order] = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
        return members[0], members[1]

    def _word_places(self) -> Integers:
        """Return where each word is kept among the letters."""
        taken = np.flatnonzero(self._tables.words[0::2])
        values = self._tables.words[1::2][taken]
        places = np.empty(len(taken), dtype=np.int64)
        places[(values >> np.uint64(32)).astype(np.int64)] = values & np.uint64(0xFFFFFFFF)
        return places

    def _make_room(self, size: int, longest: int) -> None:
        """Let the tables have room for all that `size` bytes could bring."""
        starts = 2 * size + 1  # each letter, and a padding space for each
        words = size // 2 + 1
        nodes, known_words, letters, pairs = self._tables.sizes.tolist()
        self._grow(
            nodes + LONGEST * starts, known_words + words, letters + size + words, pairs + words,
            longest=longest,
        )  # fmt: skip

    def _grow(self, nodes: int, words: int, letters: int, pairs: int, *, longest: int) -> None:
        """Let the tables have room for so many in all, and texts of up to `longest` bytes."""
        tables, memory = self._tables, self._memory
        self._tables = tables._replace(
            edges=_grown_table(tables.edges, nodes),
            node_parents=_grown(tables.node_parents, nodes),
            node_letters=_grown(tables.node_letters, nodes),
            words=_grown_table(tables.words, words),
            word_letters=_grown(tables.word_letters, letters),
            pairs=_grown_table(tables.pairs, pairs),
        )
        ends = (nodes, words, pairs)
        self._tallies = three(map(_grown, self._tallies, ends))
        found = (LONGEST * (2 * longest + 1) + 1, longest + 1, longest + 1)
        self._memory = memory._replace(
            letters=_grown(memory.letters, longest + 2),
            places=_grown(memory.places, longest + 2),
            counts=three(map(_grown, memory.counts, ends)),
            found=three(map(_grown, memory.found, found)),
        )


def learn_texts(
    texts: Texts, *, threads: int | None = None, progress: Progress = without_progress
) -> Learner:
    """Learn from texts, on `threads` at once or on all cores."""
    idle: list[Learner] = []

    def learn(part: Texts) -> None:
        try:
            learner = idle.pop()
        except IndexError:
            learner = Learner()
        learner.learn(part)
        idle.append(learner)

    parts = list(texts.cut(_CHUNK))
    done = work_on(learn, parts, threads=choose_threads(texts, threads))
    for _ in progress(done, len(parts), "learning words"):
        pass
    first, *others = idle or [Learner()]  # what they know together does not depend on who had what
    while others:
        first.merge(others.pop())
    return first


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return an array of at least a size, twice as long when it has to grow."""
    if len(array) >= size:
        return array
    larger = np.zeros((max(size, 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def _grown_table(pairs: NDArray[np.uint64], number: int) -> NDArray[np.uint64]:
    """Return a table of pairs with room for so many keys."""
    if pairs.size >= table_size(number) // 2:
        return pairs
    larger = np.zeros(table_size(number), dtype=np.uint64)
    kernels.move(pairs, larger)
    return larger


def _join_runs(letters: NDArray[np.int32], begins: Integers, ends: Integers) -> Terms:
    """Return runs of letters one after the other."""
    lengths = np.cumsum(ends - begins)
    joined = np.empty(int(lengths[-1]) if len(lengths) else 0, dtype=np.int32)
    kernels.copy_runs(letters, begins, ends, joined)
    return Terms(joined, lengths)


def _spell(
    words: Terms, singles: Integers, firsts: Integers, seconds: Integers, order: Integers
) -> Terms:
    """Return single words, then pairs with a space between, in an order of all of them."""
    space = words.letters.size
    letters = np.append(words.letters, np.int32(ord(" ")))
    begins = np.append(0, words.ends)
    runs = np.full((len(order), 3, 2), space, dtype=np.int64)  # (term, part, begin and end)
    parts = (np.append(singles, firsts), np.append(singles, seconds))
    for place, part in ((0, parts[0]), (2, parts[1])):
        runs[:, place, 0], runs[:, place, 1] = begins[part], words.ends[part]
    runs[: len(singles), 2, 1] = runs[: len(singles), 2, 0]  # no second word,
    runs[len(singles) :, 1, 1] = space + 1  # and a space only before one
    runs = runs[order]
    joined = _join_runs(letters, runs[:, :, 0].ravel(), runs[:, :, 1].ravel())
    return Terms(joined.letters, joined.ends[2::3])


def _depths(parents: NDArray[np.int32]) -> Integers:
    depths = np.zeros(len(parents), dtype=np.int64)
    for _ in range(LONGEST):
        depths[1:] = depths[parents[1:]] + 1
    return depths
