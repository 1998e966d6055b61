"""The n-grams, words and pairs of words that features are made of: learnt, or built from terms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderation import kernels
from moderation.buffers import Texts, allocate
from moderation.kernels import (
    BLOCK,
    COMMON,
    HOLDS,
    LONGEST,
    NODES,
    PAIRS,
    TOKEN,
    WORDS,
)
from moderation.letters import make_alphabet
from moderation.threads import count_cores, work_on

Spaces: TypeAlias = tuple[int, int, int]
"""How many n-grams, words and pairs there are."""
Integers = NDArray[np.int64]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Progress(Protocol):
    """Passes items on while it shows how far it is."""

    def __call__(self, items: Iterable[Item], number: int, what: str, /) -> Iterable[Item]: ...


def without_progress(items: Iterable[Item], number: int, what: str, /) -> Iterable[Item]:
    """Pass items on and show nothing."""
    return items


_REMEMBERED = 1 << 16
"""Tokens that a thread remembers before it starts anew: more miss less, but leave the cache."""
_CHUNK = 1 << 16
"""Bytes of text learnt before the tables grow: they keep room for all it could bring."""
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
        kernels.add_words(tables, words.letters, words.ends, word_order, members)
        nodes = np.empty(len(grams.ends), dtype=np.int64)
        kernels.add_grams(tables, grams.letters, grams.ends, gram_order, nodes)
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

    def map(
        self,
        texts: Texts,
        work: Callable[[kernels.Memory, Texts, int], Result],
        threads: int | None,
    ) -> Iterator[Result]:
        """
        Yield what comes of parts of texts, in order; `work` gets a memory, the part, its first row.

        Where there is enough to do, on `threads` at once, or on all cores.
        """

        def run(part: tuple[int, Texts]) -> Result:
            row, some = part
            memory = self.borrow(some.longest)
            result = work(memory, some, row)
            self.give_back(memory)
            return result

        if texts.size <= _SHARE:
            yield run((0, texts))
            return
        parts = _enumerate_rows(texts.cut(_SHARE))
        yield from work_on(run, parts, threads=_threads(texts, threads))


def _threads(texts: Texts, threads: int | None) -> int:
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


def _pairs(number: int) -> int:
    """Return the length of a table for so many keys: two numbers each, at most half of it full."""
    return 2 << max(4, int(2 * number - 1).bit_length())


def _empty_tables(words: Terms, grams: Terms) -> kernels.Tables:
    number, letters = len(words.ends), words.letters.size
    most_words = 2 * number  # a pair may bring two
    nodes = grams.letters.size + 1
    return kernels.Tables(
        edges=np.zeros(_pairs(nodes), dtype=np.uint64),
        node_parents=np.zeros(nodes, dtype=np.int32),
        node_letters=np.zeros(nodes, dtype=np.int32),
        nodes=np.zeros(0, dtype=np.uint64),
        common=np.zeros(0, dtype=np.uint8),
        words=np.zeros(_pairs(most_words), dtype=np.uint64),
        word_letters=np.zeros(letters + most_words, dtype=np.int32),
        pairs=np.zeros(_pairs(number), dtype=np.uint64),
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
        (_pairs(int((bits[1:] == COMMON).sum())), np.uint64),
        (2 * number, np.uint64),
        (tables.words.size, np.uint64),
        (tables.word_letters.size, np.int32),
        (tables.pairs.size, np.uint64),
        (common.size, np.uint8),
    )
    words[:], word_letters[:] = tables.words, tables.word_letters
    pairs[:], common_table[:] = tables.pairs, common
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


def _depths(parents: NDArray[np.int32]) -> Integers:
    depths = np.zeros(len(parents), dtype=np.int64)
    for _ in range(LONGEST):
        depths[1:] = depths[parents[1:]] + 1
    return depths


# ---------------------------------------------------------------------------------------------
# Learning
# ---------------------------------------------------------------------------------------------


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
    parts = [list(part.cut(_CHUNK)) for part in texts.divide(_threads(texts, threads))]
    learners = [Learner() for _ in parts]
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    stopped = Event()

    def learn(learner: Learner, own: list[Texts]) -> None:
        for part in own:
            if stopped.is_set():
                return
            try:
                learner.learn(part)
                done.put(None)
            except BaseException as error:
                done.put(error)
                return

    with ThreadPoolExecutor(len(parts)) as pool:
        for learner, own in zip(learners, parts, strict=True):
            pool.submit(learn, learner, own)
        try:
            number = sum(map(len, parts))
            for _ in progress(range(number), number, "learning words"):
                if error := done.get():
                    raise error
        finally:
            stopped.set()
    first, *others = learners
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
    if pairs.size >= _pairs(number) // 2:
        return pairs
    larger = np.zeros(_pairs(number), dtype=np.uint64)
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
