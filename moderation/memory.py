"""Which texts a model has learnt from: kept with it as digests, and asked of it."""

import base64
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.datasets import fold

DIGEST_BYTES = 4
"""
Of each text: a model that learnt from a million takes one text in four thousand that it does not
know for known, and leaves it out. No text can be found from its digest, nor which of thousands.
"""
_DIGEST = np.dtype(">u4")

Mask = NDArray[np.bool_]


def remember(texts: Iterable[str]) -> str:
    """Return what recognises the texts and their copies, as ASCII; their order is not kept."""
    return base64.b64encode(np.unique(_digest(texts)).tobytes()).decode("ascii")


def join_memories(memories: Iterable[str]) -> str:
    """
    Return what recognises all texts that some of `remember`'s results recognise.

    >>> join_memories([remember(["a ferry"]), remember(["a lantern"])]) == remember(
    ...     ["a lantern", "a ferry"]
    ... )
    True
    """
    digests = (base64.b64decode(memory) for memory in memories)
    joined = np.unique(np.frombuffer(b"".join(digests), dtype=_DIGEST))
    return base64.b64encode(joined.tobytes()).decode("ascii")


def recognise(memory: str, texts: Sequence[str]) -> Mask:
    """
    Return which of the texts are copies of those remembered, however they are spaced or cased.

    >>> recognise(remember(["The ferry", "a lantern"]), ["the  FERRY", "a harbour"]).tolist()
    [True, False]
    """
    known = np.frombuffer(base64.b64decode(memory), dtype=_DIGEST)
    return np.isin(_digest(texts), known)


def _digest(texts: Iterable[str]) -> NDArray[np.uint32]:
    digests = (
        hashlib.sha256(fold(text).encode("utf-8", "surrogatepass")).digest()[:DIGEST_BYTES]
        for text in texts
    )
    return np.frombuffer(b"".join(digests), dtype=_DIGEST)
