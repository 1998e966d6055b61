"""The n-grams, words and pairs of words that features are made of, in tables built from terms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderation import kernels
from moderation.buffers import Texts, allocate
from moderation.kernels import (
    BLOCK,
    COMMON,
    HOLDS,
    LETTERS,
    NODES,
    PAIRS,
    TOKEN,
    WORDS,
)
from moderation.threads import count_cores, work_on

Spaces: TypeAlias = tuple[int, int, int]
"""How many n-grams, words and pairs there are."""
Integers = NDArray[np.int64]
Result = TypeVar("Result")

_REMEMBERED = 1 << 17
"""Tokens that a thread remembers before it starts anew: more miss less, but leave the cache."""
_SHARE = 1 << 18
"""Bytes of text worth a thread of their own."""
_CODE_POINTS = 0x110000


class Terms(NamedTuple):
    """Strings as code points, one after the other, with where each ends."""

    letters: NDArray[np.int32]
    ends: Integers

    @classmethod
    def read(cls, terms: Sequence[str]) -> "Terms":
        """Return terms from strings."""
        data = "".join(terms).encode("utf-32-le", "surrogatepass")
        ends = np.cumsum(np.fromiter(map(len, terms), np.int64, len(terms)))
        return cls(np.frombuffer(data, dtype=np.int32), ends)

    def strings(self) -> list[str]:
        """Return terms as strings."""
        text = self.letters.tobytes().decode("utf-32-le", "surrogatepass")
        begins = np.concatenate([[0], self.ends[:-1]]) if len(self.ends) else self.ends
        return [text[a:b] for a, b in zip(begins.tolist(), self.ends.tolist(), strict=True)]


@dataclass(frozen=True)
class Vocabulary:
    """
    Tables that find the features of a text, with what finds them lent to one thread at a time.

    Features are numbered apart in three spaces: nodes of n-grams, words, pairs. What comes often
    has small numbers: what is needed often stands together.
    """

    tables: kernels.Tables
    grams: Integers
    """The number of each n-gram given."""
    members: Integers
    """Of each word term given, (n, 2): its word and -1, or -1 and its pair."""
    spaces: Spaces
    _idle: list[kernels.Memory] = field(default_factory=list, repr=False)

    @classmethod
    def build(
        cls, words: Terms, grams: Terms, *, word_order: Integers, gram_order: Integers
    ) -> "Vocabulary":
        """
        Return a vocabulary of words and pairs ("one two"), and of n-grams.

        The orders list the terms of each from frequent to rare.
        """
        tables = _empty_tables(words, grams)
        members = np.empty((len(words.ends), 2), dtype=np.int64)
        nodes = np.empty(len(grams.ends), dtype=np.int64)

        def add_words() -> None:
            kernels.add_words(tables, words.letters, words.ends, word_order, members)

        def add_grams() -> None:
            kernels.add_grams(tables, grams.letters, grams.ends, gram_order, nodes)

        for _ in work_on(lambda add: add(), (add_words, add_grams), threads=count_cores()):
            pass
        tables, renumbered = _finish(tables, nodes, gram_order)
        spaces = (len(renumbered), int(tables.sizes[WORDS]), int(tables.sizes[PAIRS]))
        return cls(tables, renumbered[nodes], members, spaces)

    def borrow(self, longest: int) -> kernels.Memory:
        """Return what one thread works with, for texts of up to `longest` bytes."""
        try:
            memory = self._idle.pop()
        except IndexError:
            memory = make_memory(self.spaces, self.spaces)
        if memory.letters.size < longest + 2:
            room = np.zeros(longest + 2, dtype=np.int32)
            memory = memory._replace(letters=room, places=room.copy())
        return memory

    def give_back(self, memory: kernels.Memory) -> None:
        """Let others use it; not after an error, which may have left counts in it."""
        self._idle.append(memory)

    def release_memory(self) -> None:
        """Let go of what is not lent at this moment."""
        self._idle.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_idle": []}  # large, and worth nothing elsewhere

    def map(
        self,
        texts: Texts,
        work: Callable[[kernels.Memory, Texts, int], Result],
        threads: int | None,
        prepare: Callable[[Texts], Texts] | None = None,
    ) -> Iterator[Result]:
        """
        Yield what comes of parts of texts, in order; `work` gets a memory, the part, its first row.

        Where there is enough to do, on `threads` at once, or on all cores. Parts are prepared
        first, if at all.
        """

        def run(part: tuple[int, Texts]) -> Result:
            row, some = part
            if prepare is not None:
                some = prepare(some)
            memory = self.borrow(some.longest)
            result = work(memory, some, row)
            self.give_back(memory)
            return result

        if texts.size <= _SHARE:
            yield run((0, texts))
            return
        number = choose_threads(texts, threads)
        # Several parts for each thread: none waits long for the others at the end.
        size = min(_SHARE, max(_SHARE // 8, texts.size // (8 * number)))
        yield from work_on(run, _enumerate_rows(texts.cut(size)), threads=number)


def choose_threads(texts: Texts, threads: int | None) -> int:
    """Return how many threads are worth their while."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads}: expected a number from 1 on, or None for all cores")
    return min(threads or count_cores(), max(1, texts.size // _SHARE))


def _enumerate_rows(parts: Iterator[Texts]) -> Iterator[tuple[int, Texts]]:
    row = 0
    for part in parts:
        yield row, part
        row += len(part)


def make_memory(spaces: Spaces, found: Spaces) -> kernels.Memory:
    """Return what one thread works with, for features of these numbers; so many in one text."""
    entries = max(2 * _REMEMBERED, 4 * BLOCK)
    arrays = allocate(
        (4 * entries, np.uint64),
        (3, np.int64),
        (max(8 * entries, BLOCK * TOKEN), np.uint8),
        (max(16 * entries, BLOCK * HOLDS), np.uint32),
        (4 * TOKEN, np.int32),
        (4 * TOKEN, np.int32),
        (TOKEN + 2, np.int32),
        (TOKEN + 2, np.int32),
        (TOKEN + 2, np.uint64),
        (BLOCK, np.int64),
        (BLOCK, np.int64),
        (BLOCK, np.uint64),
        (BLOCK, np.uint64),
        (BLOCK, np.int64),
        (BLOCK * TOKEN, np.uint32),
        (BLOCK * TOKEN, np.uint64),
        *((size, np.int32) for size in spaces),
        *((size + 1, np.uint32) for size in found),
    )
    return kernels.Memory._make([*arrays[:-6], three(arrays[-6:-3]), three(arrays[-3:])])


def three(arrays: Iterable[NDArray[Any]]) -> kernels.Spaced:
    """Return an array each for n-grams, words and pairs."""
    of_grams, of_words, of_pairs = arrays
    return of_grams, of_words, of_pairs


# ---------------------------------------------------------------------------------------------
# Building
# ---------------------------------------------------------------------------------------------


def table_size(number: int) -> int:
    """Return the length of a table for so many keys: two numbers each, at most half of it full."""
    return 2 << max(4, int(2 * number - 1).bit_length())


def _empty_tables(words: Terms, grams: Terms) -> kernels.Tables:
    number, letters = len(words.ends), words.letters.size
    most_words = 2 * number  # a pair may bring two
    nodes = grams.letters.size + 1
    return kernels.Tables(
        edges=np.zeros(table_size(nodes), dtype=np.uint64),
        node_parents=np.zeros(nodes, dtype=np.int32),
        node_letters=np.zeros(nodes, dtype=np.int32),
        nodes=np.zeros(0, dtype=np.uint64),
        common=np.zeros(0, dtype=np.uint8),
        words=np.zeros(table_size(most_words), dtype=np.uint64),
        word_letters=np.zeros(letters + most_words, dtype=np.int32),
        pairs=np.zeros(table_size(number), dtype=np.uint64),
        sizes=np.array([1, 0, 0, 0]),
    )


def _finish(
    tables: kernels.Tables, nodes: Integers, order: Integers
) -> tuple[kernels.Tables, Integers]:
    """
    Return tables of a finished trie, and what number each of the old nodes has in it.

    Siblings come to stand side by side, those that one frequent n-gram is among before others.
    """
    number = int(tables.sizes[NODES])
    parents, letters = tables.node_parents[:number], tables.node_letters[:number]
    rank = np.full(number, number, dtype=np.int64)
    rank[nodes[order]] = np.arange(len(order))
    best = np.full(number, number, dtype=np.int64)
    np.minimum.at(best, parents[1:], rank[1:])
    common = _common_letters(letters[1:])
    bits = np.where(letters < common.size, common[np.minimum(letters, common.size - 1)], COMMON)
    root_last = np.lexsort((letters, bits, parents, best[parents], np.arange(number) == 0))
    old = np.roll(root_last, 1)
    new = np.empty(number, dtype=np.int64)
    new[old] = np.arange(number)
    edges, node_table, words, word_letters, pairs, common_table = allocate(
        (table_size(int((bits[1:] == COMMON).sum())), np.uint64),
        (2 * number, np.uint64),
        (table_size(int(tables.sizes[WORDS])), np.uint64),
        (int(tables.sizes[LETTERS]), np.int32),
        (table_size(int(tables.sizes[PAIRS])), np.uint64),
        (common.size, np.uint8),
    )
    kernels.move(tables.words, words)
    kernels.move(tables.pairs, pairs)
    word_letters[:], common_table[:] = tables.word_letters[: word_letters.size], common
    nothing = np.zeros(0, dtype=np.int32)
    finished = kernels.Tables(
        edges, nothing, nothing, node_table, common_table, words, word_letters, pairs, tables.sizes
    )
    kernels.finish_nodes(finished, new[parents[old]], letters[old])
    return finished, new


def _common_letters(letters: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the bit of each code point up to the last that has one of its own."""
    counts = np.bincount(letters)
    most = np.argsort(-counts, kind="stable")[:COMMON]
    most = np.sort(most[counts[most] > 0])
    common = np.full(int(most.max(initial=0)) + 1, COMMON, dtype=np.uint8)
    common[most] = np.arange(len(most))
    return common
