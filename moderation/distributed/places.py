"""Where comments stand, as 64-bit hashes: the tops of threads are found without their ids."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from moderation.comments import find_root

Hashes = NDArray[np.uint64]
"""
Of names, 0 for none: SipHash (Aumasson and Bernstein 2012) as pandas has it.

That two of a million names have the same is as likely as 1 in 37 million; of a hundred million, as
1 in 3,700.
"""


def hash_names(names: pa.Array) -> Hashes:
    """Return the hash of each name, (n,)."""
    values = names.to_numpy(zero_copy_only=False)
    found: Hashes = pd.util.hash_array(values, categorize=False).astype(np.uint64)
    found[names.is_null().to_numpy(zero_copy_only=False)] = 0
    return found


def name_articles(article_ids: pa.Array, titles: pa.Array) -> pa.Array:
    """Return what tells each row's article from others, as `captures.article_key` does."""
    titled = pc.binary_join_element_wise("title:", titles.fill_null(""), "")
    return pc.coalesce(article_ids, titled)


def find_tops(places: Hashes, parents: Hashes) -> Hashes:
    """
    Return the place at the top of each one's chain of parents, (n,), as `find_root` would.

    Of comments at the same place the last one's parent counts. A parent that is not among them is
    the top; a circle ends where it closes.

    >>> find_tops(np.array([1, 2, 3], np.uint64), np.array([0, 1, 9], np.uint64)).tolist()
    [1, 1, 9]
    """
    if not parents.any():
        return places
    known, last = np.unique(places[::-1], return_index=True)
    above = parents[::-1][last]
    at = np.minimum(np.searchsorted(known, above), len(known) - 1)
    inside = (above != 0) & (known[at] == above)
    tops = np.where(above == 0, known, above)
    ends = _follow(np.where(inside, at, np.arange(len(known))))
    found = tops[ends]
    if (lost := inside[ends]).any():
        found[lost] = _walk(known[lost], above[lost])
    return found[np.searchsorted(known, places)]


def _follow(step: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where each chain ends; half as many steps are left each time."""
    for _ in range(len(step).bit_length()):
        further = step[step]
        if np.array_equal(further, step):
            break
        step = further
    return step


def _walk(places: Hashes, above: Hashes) -> Hashes:
    """Return the tops of those whose chain runs into a circle, one by one."""
    parents: dict[int, int | None] = dict(zip(places.tolist(), above.tolist(), strict=True))
    return np.array([find_root(place, parents) for place in places.tolist()], dtype=np.uint64)
