"""The features of comments that lie on the workers, as if they had been learnt in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from moderation.distributed.crew import Crew
from moderation.distributed.frequencies import (
    GRAMS,
    MOST_TERMS,
    NOTHING,
    WORDS,
    Counts,
    Hashes,
    count_terms,
    find_terms,
    merge_counts,
    sort_terms,
)
from moderation.distributed.matrices import Piece, Store
from moderation.errors import DataError
from moderation.features import MIN_DOCUMENTS, TfidfFeatures, make_features
from moderation.progress import Progress, without_progress


@dataclass(frozen=True)
class Found:
    """Features, and by how many comments the count behind each IDF can be too small at most."""

    features: TfidfFeatures
    error: int


def learn_features(
    crew: Crew,
    leaves: Sequence[Sequence[Piece]],
    *,
    number: int,
    most: int = MOST_TERMS,
    progress: Progress = without_progress,
) -> Found:
    """
    Return the features of `number` comments on the workers, those of `make_features().fit`.

    The workers count the terms of their parts, and merge summaries of up to `most` terms two by
    two; the client sees the last one.

    Raises:
        DataError: no term is in two comments.

    """
    counts = crew.reduce(
        partial(count_leaf, most=most),
        leaves,
        partial(merge_counts, most=most),
        done=lambda counted, number: progress(counted, number, "counting words"),
    )
    kept = counts.keep(MIN_DOCUMENTS)
    wanted = [
        [(piece, kept.hashes[kept.parts == piece.part.number]) for piece in leaf] for leaf in leaves
    ]
    words: list[list[tuple[int, str]]] = []
    grams: list[list[tuple[int, str]]] = []
    for found in progress(crew.over(spell_leaf, wanted), len(leaves), "collecting words"):
        words.append(found[WORDS])
        grams.append(found[GRAMS])
    (word_terms, word_counts), (gram_terms, gram_counts) = (
        sort_terms(half, kept) for half in (words, grams)
    )
    if not len(word_terms.ends) or not len(gram_terms.ends):
        raise DataError("no word of two letters is in two comments; add more comments")
    comments = np.concatenate([word_counts, gram_counts])
    features = make_features().adopt(word_terms, gram_terms, comments, number=number)
    features.threads = 1  # the workers are what works at once
    return Found(features, counts.error)


def count_leaf(store: Store, pieces: Sequence[Piece], *, most: int) -> Counts:
    """Return the terms of a leaf's comments."""
    counts = (
        count_terms(store.texts(piece.part, piece.rows), part=piece.part.number) for piece in pieces
    )
    return reduce(partial(merge_counts, most=most), counts, NOTHING)


def spell_leaf(store: Store, wanted: Sequence[tuple[Piece, Hashes]]) -> list[list[tuple[int, str]]]:
    """Return the terms of wanted hashes, with these, (words, n-grams)."""
    spelled: list[list[tuple[int, str]]] = [[], []]
    for piece, hashes in wanted:
        found = find_terms(store.texts(piece.part, piece.rows), hashes)
        for kind in (WORDS, GRAMS):
            spelled[kind] += found[kind]
    return spelled
