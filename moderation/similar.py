"""Near-duplicates: how alike two texts are, and the bands by which a database finds alike ones."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Final
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from moderation.errors import MissingPackage, ReviewError

NEAR: Final = 0.7
"""From here on two comments are taken for one case; what was looked at is in the README."""
RELATED: Final = 0.5
"""From here on one comment is worth showing beside another; below, about half of pairs differ."""

VERSION: Final = 1
"""Of the bands; one more whenever they change, so that stored ones are made anew."""
BANDS: Final = 8
ROWS: Final = 3
"""Minima in a band: pairs as alike as 0.7 share one of 8 with a probability of 0.97, 0.5: 0.66."""
LETTERS: Final = 4
"""In a shingle. With 3, chance gives 19 times as many candidates; with 5, a typo costs more."""
LONGEST: Final = 20_000
"""Characters of a text that count: nobody is to make the desk slow with one long comment."""

_SEED: Final = 20_040_331
_KNOWN_TEXT: Final = "The river is high below the old bridge."
_KNOWN_BANDS: Final = (-9097318756876389839, 8652240287672531550)
"""The first two of the known text: another version of rensa may give others."""
_SILENT = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_PADDING = "\0"
_ODD = tuple(
    np.uint64(factor)
    for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)
"""Odd 64-bit numbers: each letter of a shingle has its own."""

Hashes = NDArray[np.uint64]


def fold(text: str) -> str:
    """
    Return what of a text counts: letters and digits, neither case, accents, spaces nor repeats.

    So `h e l l o`, `HELLO!!` and `hellooo` are the same.

    >>> fold("Heeello, W o r l d, 1000 times!")
    'heloworld1000times'
    """
    letters = _SILENT.sub("", normalize("NFKD", text[:LONGEST]).casefold())
    return _REPEATED.sub(r"\1", letters)


def similarity(text: str, other: str) -> float:
    """
    Return the share of shingles that two texts have in common, from 0 to 1 (Jaccard).

    A shingle is four letters or digits in a row; of a shorter text, all of them. Texts without any
    are not alike, not even to themselves: there is nothing to compare.

    >>> similarity("Well said!", "well said.")
    1.0
    >>> round(similarity("The ferry is late again", "The ferry is late, again and again"), 2)
    0.71
    """
    return share(shingles(text), shingles(other))


def shingles(text: str) -> frozenset[str]:
    """Return the shingles of a text."""
    folded = fold(text)
    if not folded:
        return frozenset()
    last = max(1, len(folded) - LETTERS + 1)
    return frozenset(folded[at : at + LETTERS] for at in range(last))


def share(some: frozenset[str], others: frozenset[str]) -> float:
    """Return the share of the shingles of either that both have; 0 where there are none."""
    common = len(some & others)
    return common / (len(some) + len(others) - common) if common else 0.0


def find_bands(texts: Sequence[str]) -> list[list[int]]:
    """
    Return the bands of each text: 64-bit numbers with their sign, none where no letter is.

    Two texts share a band at the same place with the probability similarity ** 3 (MinHash, Broder
    1997: On the resemblance and containment of documents; bands: Leskovec, Rajaraman and Ullman,
    Mining of Massive Datasets, chapter 3.4). The same text has the same bands on every machine.

    Raises:
        MissingPackage: rensa is not installed.
        ReviewError: the installed one gives other bands than those that are stored.

    """
    _check()
    return _find_bands(texts)


@cache
def _check() -> None:
    """Refuse a rensa whose bands are not those that are stored."""
    if tuple(_find_bands([_KNOWN_TEXT])[0][:2]) != _KNOWN_BANDS:
        raise ReviewError(
            f"rensa {version('rensa')} finds near-duplicates in another way than the database "
            "expects; install the one that this package asks for: pip install 'moderation[app]'"
        )


def _find_bands(texts: Sequence[str]) -> list[list[int]]:
    try:
        from rensa import RMinHash  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingPackage(
            "finding near-duplicates needs rensa: pip install 'moderation[app]'"
        ) from error
    folded = [fold(text) for text in texts]
    padded = [letters.ljust(LETTERS, _PADDING) for letters in folded if letters]
    if not padded:
        return [[] for _ in texts]
    hashes, begins = _hash_shingles(padded)
    minima = RMinHash.digest_matrix_from_flat_token_hashes(hashes, begins, BANDS * ROWS, _SEED)
    bands = iter(_join(np.array(minima.to_rows(), dtype=np.uint64)).tolist())
    return [next(bands) if letters else [] for letters in folded]


def _hash_shingles(padded: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Return the hashes of all shingles, and where those of each text begin, and all end."""
    lengths = np.array([len(letters) for letters in padded])
    ends = np.cumsum(lengths)
    points = np.frombuffer("".join(padded).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    places = len(points) - LETTERS + 1
    hashes = np.zeros(places, dtype=np.uint64)
    for at, odd in enumerate(_ODD):
        hashes += (points[at : at + places] + np.uint64(1)) * odd
        hashes ^= hashes >> np.uint64(29)
    # A window that reaches from one text into the next is no shingle.
    is_within = np.ones(places, dtype=bool)
    for back in range(1, LETTERS):
        is_within[ends[:-1] - back] = False
    begins = np.concatenate([[0], np.cumsum(lengths - LETTERS + 1)]).astype(np.uint64)
    return _mix(hashes[is_within]), begins


def _join(minima: Hashes) -> NDArray[np.int64]:
    """Return one number for each band of minima: other versions and other places have others."""
    rows = minima.reshape(-1, BANDS, ROWS)
    places = np.arange(BANDS, dtype=np.uint64) + np.uint64(BANDS * VERSION)
    joined = np.tile(_mix(places), (len(rows), 1))
    for row in range(ROWS):
        joined = _mix(joined ^ rows[:, :, row])
    return joined.view(np.int64)


def _mix(numbers: Hashes) -> Hashes:
    """Spread each bit over all 64 (the end of SplitMix64; Steele, Lea and Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
