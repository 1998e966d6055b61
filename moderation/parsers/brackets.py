"""`Brackets`: finds the lines of JSON that may nest too deeply, before they are decoded."""

from collections.abc import Sequence

import numpy as np

_WORD = 8


class Brackets:
    """
    Looks for lines with many opening brackets, some of which may stand in texts.

    Words of eight bytes with such a bracket are counted: to count each takes as long as to decode
    it all, and so does memory that is new each time.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._room = np.empty(0, np.uint8)

    def may_exceed(self, block: bytes, lines: Sequence[bytes]) -> bool:
        """Tell whether one of the lines that a block begins with may nest deeper."""
        length = -(-len(block) // _WORD) * _WORD
        if length > len(self._room):
            self._room = np.empty(length, np.uint8)
        found = self._room[:length]
        found[len(block) :] = 0
        np.bitwise_and(np.frombuffer(block, np.uint8), 0xDF, out=found[: len(block)])
        np.equal(found, ord("["), out=found.view(np.bool_))  # now "{" is one, too
        words = np.flatnonzero(found.view(np.uint64))
        ends = np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)) + 1) // _WORD
        up_to = np.searchsorted(words, ends, side="right")
        # A word that a line begins or ends in may hold brackets of its neighbour.
        most = np.diff(up_to, prepend=0).max(initial=0) + 1
        return bool(most * _WORD > self._depth)
