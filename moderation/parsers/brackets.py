"""`Brackets`: finds the lines of JSON that may nest too deeply, before they are decoded."""

import numpy as np

_WORD = 8
_FEWEST = 2 * _WORD


class Brackets:
    """
    Looks for many opening brackets close together; texts may hold them, too.

    Words of eight bytes with such a bracket are looked at: to count each takes as long as to
    decode it all, and so does memory that is new each time.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._room = np.empty(0, np.uint8)

    def may_exceed(self, block: bytes, longest: int) -> bool:
        """Tell whether a line of a block, the longest of which is so long, may nest deeper."""
        if self._depth < _FEWEST:
            return True
        length = -(-len(block) // _WORD) * _WORD
        if length > len(self._room):
            self._room = np.empty(length, np.uint8)
        found = self._room[:length]
        found[len(block) :] = 0
        np.bitwise_and(np.frombuffer(block, np.uint8), 0xDF, out=found[: len(block)])
        np.equal(found, ord("["), out=found.view(np.bool_))  # now "{" is one, too
        words = np.flatnonzero(found.view(np.uint64))
        # More brackets than `depth` are in more than an eighth as many words; of twice as few
        # words at least two stand in one line.
        some = words[:: self._depth // _FEWEST]
        return bool((np.diff(some) * _WORD < longest + _WORD).any())
