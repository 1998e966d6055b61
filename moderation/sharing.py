"""Objects full of arrays as files that several processes map: the arrays are in memory once."""

import contextlib
import mmap
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final

_LINE: Final = 64
"""Bytes of a cache line; every array begins at one."""


def write_shared(value: object) -> IO[bytes]:
    """
    Return a nameless file that holds a value for `map_shared`; on Linux it is in memory alone.

    The arrays of a pickle of protocol 5 lie beside it (PEP 574), each where it can be used in
    place. Whoever the file is given to shares the memory; with the last of them it goes.

    Raises:
        OSError: there is no room for it.

    """
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts: list[bytes | memoryview] = [head, *(buffer.raw() for buffer in buffers)]
    stream = _open_nameless()
    try:
        for number in (len(parts), *map(len, parts)):
            stream.write(number.to_bytes(8, sys.byteorder))
        for part in parts:
            stream.seek(_align(stream.tell()))
            stream.write(part)
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError):  # it tries to write what is left
            stream.close()
        raise
    return stream


def map_shared(number: int) -> Any:
    """
    Return the value of a file by its descriptor, which can be closed then.

    What it holds is unpickled: only a file of this program's own making may be given. What a
    process changes in an array, it changes for itself alone. The arrays look as if they could be
    changed: read-only ones would have compiled loops of their own.
    """
    mapped = memoryview(mmap.mmap(number, 0, access=mmap.ACCESS_COPY))
    head, *buffers = _cut(mapped)
    return pickle.loads(head, buffers=buffers)


def _open_nameless() -> IO[bytes]:
    # Not in /dev/shm: containers have little room there.
    create = getattr(os, "memfd_create", None)
    return open(create("moderation"), "w+b") if create else tempfile.TemporaryFile()


def _cut(mapped: memoryview) -> Iterator[memoryview]:
    number = int.from_bytes(mapped[:8], sys.byteorder)
    at = 8 + 8 * number
    for size in mapped[8:at].cast("Q").tolist():
        at = _align(at)
        yield mapped[at : at + size]
        at += size


def _align(at: int) -> int:
    return -(-at // _LINE) * _LINE
