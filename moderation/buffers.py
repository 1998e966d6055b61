"""Texts as one buffer of UTF-8 bytes, from strings or from Arrow columns in place."""

import contextlib
import ctypes
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_FEW = 1000
"""Bytes that are not worth looking for the longest text among them."""
_LARGE_PAGE = 1 << 21
"""Bytes of a large page of memory."""

_ONE_TEXT = (str, bytes)
_PLAIN = (list, tuple)
Documents: TypeAlias = Sequence[str] | NDArray[Any] | Any
"""Texts: a sequence of strings, or a column that speaks Arrow (pyarrow, pandas, polars)."""


@dataclass(eq=False)
class Texts:
    """The bytes of all texts, and where each begins: `data[offsets[i] : offsets[i + 1]]`."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    size: int = field(init=False)
    """The length of all texts in bytes."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __post_init__(self) -> None:
        # Not a cached property: its lock costs as much as a short text.
        self.size = self.offsets.item(-1) - self.offsets.item(0)

    @property
    def longest(self) -> int:
        """The length of the longest text in bytes, or of all where that is no more than a few."""
        return self.size if self.size <= _FEW else self._longest

    @cached_property
    def _longest(self) -> int:
        return int((self.offsets[1:] - self.offsets[:-1]).max(initial=0))

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


def read_texts(documents: Documents) -> Texts:
    """
    Return texts as one buffer.

    Strings are copied; an Arrow column of one chunk is read where it is.

    Raises:
        TypeError: one string instead of several, or something in it that is not a string.

    """
    if isinstance(documents, _ONE_TEXT):
        raise TypeError("expected several texts, found one: put it in a list: [text]")
    if not isinstance(documents, _PLAIN) and _speaks_arrow(documents):
        return _read_arrow(documents)
    return _read_strings(documents)


def _speaks_arrow(documents: Documents) -> bool:
    speaks = hasattr(documents, "__arrow_c_stream__") or hasattr(documents, "__arrow_c_array__")
    return speaks and getattr(documents, "dtype", None) != np.dtype(object)


def _read_strings(documents: Iterable[str]) -> Texts:
    # A lone surrogate is no text, but scikit-learn takes it, and nobody else may refuse it.
    encoded = [
        document.encode("utf-8", "surrogatepass")
        if isinstance(document, str)
        else _refuse(place, document)
        for place, document in enumerate(documents)
    ]
    if len(encoded) == 1:  # as services ask: this way takes half the time
        return Texts(np.frombuffer(encoded[0], dtype=np.uint8), np.array([0, len(encoded[0])]))
    ends = accumulate(map(len, encoded), initial=0)
    offsets = np.fromiter(ends, np.int64, len(encoded) + 1)
    return Texts(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)


def decode(data: bytes) -> str:
    """Return bytes of such a buffer as a string."""
    return data.decode("utf-8", "surrogatepass")


def _refuse(place: int, found: object) -> bytes:
    raise TypeError(f"text {place} is a {type(found).__name__}, expected a string")


def _read_arrow(column: Any) -> Texts:
    import pyarrow as pa

    array = column if isinstance(column, pa.Array) else pa.chunked_array(column)
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if not len(array):
        return _read_strings([])
    if array.null_count:
        place = array.is_null().index(True).as_py()
        raise TypeError(f"text {place} is null, expected a string")
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    widths = {pa.string(): np.int32, pa.large_string(): np.int64}
    if array.type not in widths:
        raise TypeError(f"the column holds {array.type}, expected strings")
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=widths[array.type])
    # Both kinds of texts are read-only: each kind of array would have loops compiled of its own.
    octets = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
    octets.flags.writeable = False
    return Texts(octets, ends[array.offset : array.offset + len(array) + 1].astype(np.int64))


def allocate(*shapes: tuple[Any, type]) -> list[NDArray[Any]]:
    """
    Return arrays of zeros, (length, type) each, that share one block of memory.

    Looked up at random, many small arrays cost more than their size: the block begins at a large
    page and asks the system for such pages (where there are any: Linux), and each array begins at
    a cache line. numpy's own arrays get them only by luck: memory used before keeps its pages.
    """
    line = 64
    sizes = [-(-length * np.dtype(kind).itemsize // line) * line for length, kind in shapes]
    block = np.frombuffer(_map_memory(sum(sizes) + 2 * _LARGE_PAGE), dtype=np.uint8)
    at = -block.ctypes.data % _LARGE_PAGE
    arrays: list[NDArray[Any]] = []
    for (length, kind), size in zip(shapes, sizes, strict=True):
        arrays.append(block[at : at + length * np.dtype(kind).itemsize].view(kind))
        at += size
    return arrays


def _map_memory(size: int) -> mmap.mmap:
    private = getattr(mmap, "MAP_PRIVATE", None)  # Windows has no flags, and maps no file anyway
    if private is None:
        return mmap.mmap(-1, size)
    mapped = mmap.mmap(-1, size, flags=private | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(AttributeError, OSError):
        mapped.madvise(mmap.MADV_HUGEPAGE)
    return mapped


def release_freed_memory() -> None:
    """Give the system back what was freed, where the C library keeps it and can let go (glibc)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
