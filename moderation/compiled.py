"""A fitted vocabulary with its IDFs, ready to run: matrices, logits and explanations of texts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
import sklearn
from numpy.typing import NDArray

from moderation import kernels
from moderation.buffers import Texts, allocate, decode, read_texts
from moderation.letters import make_alphabet
from moderation.masks import LONGER, Insertion, Masks, insert
from moderation.vocabulary import Terms, Vocabulary, three

Floats = NDArray[np.float64]

_FREQUENCIES = 1024
_LARGEST_INT32 = np.iinfo(np.int32).max


@dataclass(frozen=True)
class CompiledFeatures:
    """Terms as columns of a matrix: words and pairs first, then n-grams, each in order."""

    vocabulary: Vocabulary
    idf: Floats
    sublinear: bool
    words: int
    """How many of the columns are words or pairs."""
    masks: Masks | None = None
    """What reads masked words in texts, if anything does."""

    @classmethod
    def build(
        cls, words: Terms, grams: Terms, idf: Floats, sublinear: bool, masks: Masks | None = None
    ) -> Self:
        """
        Return the features of terms with their IDFs, (words + grams,).

        Raises:
            ValueError: another number of IDFs than of terms.

        """
        split = len(words.ends)
        if idf.shape != (split + len(grams.ends),):
            raise ValueError(f"{idf.size} IDFs for {split + len(grams.ends)} terms")
        vocabulary = Vocabulary.build(
            words,
            grams,
            word_order=np.argsort(idf[:split], kind="stable"),
            gram_order=np.argsort(idf[split:], kind="stable"),
        )
        return cls(vocabulary, idf, sublinear, split, masks)

    def read(self, texts: Texts) -> Texts:
        """Return texts as features are counted in them: plain forms behind what is masked."""
        return texts if self.masks is None else self.masks.unmask(texts)

    def longest(self, texts: Texts) -> int:
        """Return how many bytes the longest of texts can have when it is read."""
        return texts.longest if self.masks is None else LONGER * texts.longest

    def by_feature(self, values: NDArray[Any], missing: Any = 0) -> kernels.Spaced:
        """Return values of columns, (columns, ...), in the vocabulary's own numbers."""
        of_grams, of_words, of_pairs = (
            np.full((size, *values.shape[1:]), missing, dtype=values.dtype)
            for size in self.vocabulary.spaces
        )
        words, pairs = self.vocabulary.members.T
        of_grams[self.vocabulary.grams] = values[self.words :]
        of_words[words[words >= 0]] = values[: self.words][words >= 0]
        of_pairs[pairs[pairs >= 0]] = values[: self.words][pairs >= 0]
        return of_grams, of_words, of_pairs

    def frequencies(self, longest: int) -> Floats:
        """Return what each count is worth that a text of so many bytes can have."""
        counts = np.arange(max(longest, _FREQUENCIES) + 1, dtype=np.float64)
        if self.sublinear:
            counts[1:] = 1.0 + np.log(counts[1:])
        return counts

    def transform(
        self, texts: Texts, *, number: int | None = None, threads: int | None = None
    ) -> Any:
        """
        Return the matrix, (n, columns), in CSR form with sorted columns.

        `number` is how many values it has, where that is known: else they are counted first.
        """
        texts = self.read(texts)
        columns = self.by_feature(np.arange(len(self.idf), dtype=np.int32), missing=-1)
        if number is None:
            number = sum(self._measure(texts, columns, threads))
        kind = np.int32 if number <= _LARGEST_INT32 else np.int64
        starts = np.zeros(len(texts) + 1, dtype=kind)
        indices, values = np.empty(number, dtype=kind), np.empty(number)
        idle: list[_Desk] = []
        for row, desk, ends in self._fill(texts, columns, idle, threads):
            begin, length = int(starts[row]), int(ends[-1])
            indices[begin : begin + length] = desk.indices[:length]
            values[begin : begin + length] = desk.values[:length]
            starts[row : row + len(ends)] = begin + ends
            idle.append(desk)
        return _csr(values, indices, starts, (len(texts), len(self.idf)))

    def _measure(self, texts: Texts, columns: kernels.Spaced, threads: int | None) -> Iterator[int]:
        def measure(memory: kernels.Memory, part: Texts, row: int) -> int:
            lengths = np.empty(len(part), dtype=np.int64)
            kernels.measure(
                make_alphabet(), self.vocabulary.tables, memory, part.data, part.offsets, columns,
                lengths,
            )  # fmt: skip
            return int(lengths.sum())

        return self.vocabulary.map(texts, measure, threads)

    def _fill(
        self, texts: Texts, columns: kernels.Spaced, idle: "list[_Desk]", threads: int | None
    ) -> "Iterator[tuple[int, _Desk, NDArray[np.int64]]]":
        """Yield the first row of each part, its values, and where its rows begin and end."""
        idf, frequencies = self.by_feature(self.idf), self.frequencies(texts.longest)

        def fill(
            memory: kernels.Memory, part: Texts, row: int
        ) -> tuple[int, _Desk, NDArray[np.int64]]:
            size = kernels.most_features(part.size)
            desk = _find_desk(idle, len(self.idf), longest=texts.longest, size=size)
            ends = np.zeros(len(part) + 1, dtype=np.int64)
            kernels.transform(
                make_alphabet(), self.vocabulary.tables, memory, part.data, part.offsets,
                frequencies, idf, columns, desk.row, ends, desk.indices, desk.values,
            )  # fmt: skip
            return row, desk, ends

        return self.vocabulary.map(texts, fill, threads)


class CompiledScorer:
    """Features and the weights of one or more linear models: texts in, logits out."""

    def __init__(
        self, features: CompiledFeatures, coefficients: Floats, intercepts: Floats
    ) -> None:
        """
        Take coefficients (heads, columns) and intercepts (heads,).

        Raises:
            ValueError: they do not fit the features, or each other.

        """
        # The loops trust their arrays: what does not fit here would be read beyond its end there.
        if coefficients.shape != (len(intercepts), len(features.idf)):
            raise ValueError(
                f"coefficients of shape {coefficients.shape}, expected "
                f"{(len(intercepts), len(features.idf))}"
            )
        self._features = features
        self._intercepts = intercepts
        weights = np.column_stack([features.idf, (coefficients * features.idf).T])
        halves = features.by_feature(weights)
        blocks = allocate(*((half.size, np.float64) for half in halves))
        self._weights = three(
            block.reshape(half.shape) for block, half in zip(blocks, halves, strict=True)
        )
        for block, half in zip(self._weights, halves, strict=True):
            block[:] = half
        self._frequencies = features.frequencies(0)

    @property
    def width(self) -> int:
        """How many features each head has a weight for."""
        return len(self._features.idf)

    @property
    def intercept(self) -> float:
        """The first head's."""
        return float(self._intercepts[0])

    def logits(self, texts: Texts, *, threads: int | None = None) -> Floats:
        """Return the logit of each text and head, (n, heads)."""
        logits = np.empty((len(texts), len(self._intercepts)))
        logits[:] = self._intercepts
        features = self._features
        frequencies = self._worth(features.longest(texts))

        def work(memory: kernels.Memory, part: Texts, row: int) -> None:
            kernels.score(
                make_alphabet(), features.vocabulary.tables, memory, part.data, part.offsets,
                frequencies, self._weights, np.zeros(len(self._intercepts)),
                logits[row : row + len(part)],
            )  # fmt: skip

        for _ in features.vocabulary.map(texts, work, threads, prepare=features.read):
            pass
        return logits

    def explain(self, text: str) -> "Shares":
        """Return what each character of a text adds to the first head's logit."""
        written = read_texts([text])
        found = [] if self._features.masks is None else self._features.masks.find(written)
        read = insert(written, found)
        vocabulary = self._features.vocabulary
        shares = np.zeros(len(text) + sum(1 + len(decode(each.plain)) for each in found))
        memory = vocabulary.borrow(read.longest)
        kernels.explain(
            make_alphabet(), vocabulary.tables, memory, read.data, self._worth(read.longest),
            self._weights, three(np.zeros(size) for size in vocabulary.spaces), shares,
        )  # fmt: skip
        vocabulary.give_back(memory)
        readings = list(_in_characters(written, found))
        return Shares(_give_to_masks(shares, text, readings), readings)

    def _worth(self, longest: int) -> Floats:
        if longest >= len(self._frequencies):
            self._frequencies = self._features.frequencies(2 * longest)
        return self._frequencies


class Reading(NamedTuple):
    """What was read in the characters `[begin, end)` of a text: the plain form behind a mask."""

    begin: int
    end: int
    plain: str


class Shares(NamedTuple):
    """What each character of a text adds to a logit, (n,), and where masks were seen through."""

    by_character: Floats
    readings: list[Reading]


def _in_characters(written: Texts, found: list[Insertion]) -> Iterator[Reading]:
    data = written.data.tobytes()
    at, done = 0, 0
    for each in found:
        begin = at + len(decode(data[done : each.begin]))
        at = begin + len(decode(data[each.begin : each.end]))
        done = each.end
        yield Reading(begin, at, decode(each.plain))


def _give_to_masks(shares: Floats, text: str, readings: list[Reading]) -> Floats:
    """Return shares of a text's own characters; those of a plain form go to what it was read in."""
    own = np.zeros(len(text))
    inserted, done = 0, 0
    for begin, end, plain in readings:
        own[done:end] += shares[done + inserted : end + inserted]
        length = 1 + len(plain)
        seen = [at for at in range(begin, end) if not text[at].isspace()]
        own[seen] += shares[end + inserted : end + inserted + length].sum() / len(seen)
        inserted, done = inserted + length, end
    own[done:] += shares[done + inserted :]
    return own


@dataclass(frozen=True)
class _Desk:
    """Room for one part of a matrix; used again, it is in the cache and has its pages."""

    row: kernels.Row
    indices: NDArray[np.int32]
    values: Floats


def _find_desk(idle: list[_Desk], columns: int, *, longest: int, size: int) -> _Desk:
    try:
        desk = idle.pop()
    except IndexError:
        row = _make_row(columns, min(columns, kernels.most_features(longest)))
        desk = _Desk(row, np.empty(0, dtype=np.int32), np.empty(0))
    if len(desk.values) < size:
        desk = replace(desk, indices=np.empty(size, dtype=np.int32), values=np.empty(size))
    return desk


def _make_row(columns: int, most: int) -> kernels.Row:
    """Return room for a row of so many columns, of which at most so many are not 0."""
    marks = columns // 64 + 1
    return kernels.Row(
        np.empty(most, dtype=np.int32),
        np.empty(most),
        np.zeros(marks, dtype=np.uint64),
        np.zeros(marks // 64 + 1, dtype=np.uint64),
        np.empty(marks, dtype=np.int64),
    )


def _csr(
    values: Floats, indices: NDArray[Any], starts: NDArray[Any], shape: tuple[int, int]
) -> Any:
    """Return a matrix of the kind that scikit-learn is set to return."""
    modern = sklearn.get_config().get("sparse_interface") == "sparray"
    matrix = (sp.csr_array if modern else sp.csr_matrix)((values, indices, starts), shape=shape)
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix
