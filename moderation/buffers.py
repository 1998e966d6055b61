"""Texts as one buffer of UTF-8 bytes, from strings or from Arrow columns in place."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_FEW = 1000
"""Bytes that are not worth looking for the longest text among them."""

Documents: TypeAlias = Sequence[str] | NDArray[Any] | Any
"""Texts: a sequence of strings, or a column that speaks Arrow (pyarrow, pandas, polars)."""


@dataclass(frozen=True)
class Texts:
    """The bytes of all texts, and where each begins: `data[offsets[i] : offsets[i + 1]]`."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def longest(self) -> int:
        """The length of the longest text in bytes, or of all where that is no more than a few."""
        if self.size <= _FEW:
            return self.size
        return int((self.offsets[1:] - self.offsets[:-1]).max(initial=0))

    @cached_property
    def size(self) -> int:
        """The length of all texts in bytes."""
        return int(self.offsets[-1] - self.offsets[0])

    def part(self, begin: int, end: int) -> "Texts":
        """Return some of the texts; the bytes are not copied."""
        return Texts(self.data, self.offsets[begin : end + 1])

    def cut(self, size: int) -> Iterator["Texts"]:
        """Yield parts of about `size` bytes, in order; a longer text is a part of its own."""
        begin = 0
        while begin < len(self):
            limit = self.offsets[begin] + size
            end = int(np.searchsorted(self.offsets, limit, side="right")) - 1
            end = min(max(end, begin + 1), len(self))
            yield self.part(begin, end)
            begin = end

    def divide(self, number: int) -> Iterator["Texts"]:
        """Yield a number of parts of about the same size, in order."""
        targets = self.offsets[0] + np.arange(1, number) * (self.size / number)
        ends = np.searchsorted(self.offsets, targets).tolist()
        for begin, end in pairwise([0, *ends, len(self)]):
            yield self.part(begin, end)


def read_texts(documents: Documents) -> Texts:
    """
    Return texts as one buffer.

    Strings are copied; the chunks of an Arrow column of one chunk are read where they are.

    Raises:
        TypeError: one string instead of several, or something in it that is not a string.

    """
    if isinstance(documents, str | bytes):
        raise TypeError("expected several texts, found one: put it in a list: [text]")
    if hasattr(documents, "__arrow_c_stream__") or hasattr(documents, "__arrow_c_array__"):
        return _read_arrow(documents)
    return _read_strings(documents)


def _read_strings(documents: Iterable[str]) -> Texts:
    encoded = []
    try:
        # A lone surrogate is no text, but scikit-learn takes it, and nobody else may refuse it.
        for document in documents:
            encoded.append(str.encode(document, "utf-8", "surrogatepass"))
    except TypeError as error:
        found = type(document).__name__
        raise TypeError(f"text {len(encoded)} is a {found}, expected a string") from error
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
    return Texts(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)


def _read_arrow(column: Any) -> Texts:
    import pyarrow as pa

    chunked = pa.chunked_array(column) if not isinstance(column, pa.Array) else column
    array = chunked.combine_chunks() if isinstance(chunked, pa.ChunkedArray) else chunked
    if array.null_count:
        place = array.is_null().index(True).as_py()
        raise TypeError(f"text {place} is null, expected a string")
    if not pa.types.is_large_string(array.type):
        if not (pa.types.is_string(array.type) or pa.types.is_string_view(array.type)):
            raise TypeError(f"the column holds {array.type}, expected strings")
        if not pa.types.is_string(array.type):
            array = array.cast(pa.large_string())
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=width)[array.offset : array.offset + len(array) + 1]
    return Texts(
        np.frombuffer(data if data is not None else b"", dtype=np.uint8),
        ends.astype(np.int64) if len(array) else np.zeros(1, dtype=np.int64),
    )


def allocate(*shapes: tuple[Any, type]) -> list[NDArray[Any]]:
    """
    Return arrays of zeros, (length, type) each, that share one block of memory.

    Looked up at random, many small arrays cost more than their size: a block is large enough for
    the system to give it large pages, and each array begins at a cache line.
    """
    line = 64
    sizes = [-(-length * np.dtype(kind).itemsize // line) * line for length, kind in shapes]
    block = np.zeros(max(sum(sizes), _LARGE_PAGES) + line, dtype=np.uint8)
    at = -block.ctypes.data % line
    arrays: list[NDArray[Any]] = []
    for (length, kind), size in zip(shapes, sizes, strict=True):
        arrays.append(block[at : at + length * np.dtype(kind).itemsize].view(kind))
        at += size
    return arrays


_LARGE_PAGES = 1 << 22
"""From this size on, numpy asks the system for large pages."""
