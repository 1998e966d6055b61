"""What Python says of each code point, as tables for the compiled loops."""

import sys
import unicodedata
from functools import cache

import numpy as np

from moderation.kernels import CASED, IGNORABLE, WORD, Alphabet

_LAST_WORD, _LAST_CASED = 0x40000, 0x20000
"""Above them nothing is a word character or has case; a test looks at all code points."""
_IGNORABLE_CATEGORIES = {"Mn", "Me", "Cf", "Lm", "Sk"}
_BLOCKS_WITH_IGNORABLE = (
    range(0x3400),
    range(0xA000, 0xAC00),  # between the ideographs and the Hangul syllables
    range(0xF900, 0x17000),
    range(0x1AFF0, _LAST_CASED),
    range(0xE0000, 0xE0200),  # tags and variation selectors
)
"""Without the large blocks that have none; a test looks at all code points here, too."""
_IGNORABLE_MARKS = (
    "'.:\xb7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
)
"""Of the word break classes MidLetter, MidNumLet and Single_Quote."""


@cache
def make_alphabet() -> Alphabet:
    """
    Return the lower case and the kind of each code point.

    A word character is what `\\w` matches: a letter, a digit, or `_`. What has case, and what is
    ignored when looking for it, is Unicode 3.13's definition for the final sigma; a test compares
    both with `re` and `str.lower`.
    """
    points = np.arange(sys.maxunicode + 1, dtype=np.uint32).view("U1")
    kinds = np.zeros(len(points), dtype=np.uint8)
    kinds[:_LAST_WORD][np.strings.isalnum(points[:_LAST_WORD])] |= WORD
    kinds[ord("_")] |= WORD
    low = points[:_LAST_CASED]
    cased = np.strings.islower(low) | np.strings.isupper(low) | np.strings.istitle(low)
    kinds[:_LAST_CASED][cased] |= CASED
    ignorable = [
        point
        for block in _BLOCKS_WITH_IGNORABLE
        for point in block
        if unicodedata.category(chr(point)) in _IGNORABLE_CATEGORIES
    ]
    kinds[ignorable] |= IGNORABLE
    kinds[[ord(mark) for mark in _IGNORABLE_MARKS]] |= IGNORABLE
    lower = np.arange(_LAST_CASED, dtype=np.int32)
    for point in np.flatnonzero(cased):
        made = chr(point).lower()
        if len(made) == 1:  # the one that becomes two is the loops' own case
            lower[point] = ord(made)
    return Alphabet(lower, kinds)
