"""The features of comments that lie on the workers, as if they had been learnt in one place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

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
    shards: Sequence[Sequence[Piece]],
    *,
    number: int,
    most: int = MOST_TERMS,
    progress: Progress = without_progress,
) -> Found:
    """
    Return the features of `number` comments on the workers, those of `make_features().fit`.

    A worker counts the terms of its parts and merges them into a summary of up to `most` terms; the
    client merges those of the shards.

    Raises:
        DataError: no term is in two comments.

    """
    summaries = crew.over(count_shard, shards, most)
    arriving = progress(summaries, len(shards), "counting words")
    counts = _merge_all(arriving, most)
    kept = counts.keep(MIN_DOCUMENTS)
    wanted = [
        [(piece, kept.hashes[kept.parts == piece.part.number]) for piece in shard]
        for shard in shards
    ]
    words: list[list[tuple[int, str]]] = []
    grams: list[list[tuple[int, str]]] = []
    for found in progress(crew.over(spell_shard, wanted), len(shards), "collecting words"):
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


def count_shard(store: Store, pieces: Sequence[Piece], most: int) -> Counts:
    """Return the terms of a shard's comments."""
    parts = (
        count_terms(store.texts(piece.part, piece.rows), part=piece.part.number) for piece in pieces
    )
    return _merge_all(parts, most)


def spell_shard(
    store: Store, wanted: Sequence[tuple[Piece, Hashes]]
) -> list[list[tuple[int, str]]]:
    """Return the terms of wanted hashes, with these, (words, n-grams)."""
    spelled: list[list[tuple[int, str]]] = [[], []]
    for piece, hashes in wanted:
        found = find_terms(store.texts(piece.part, piece.rows), hashes)
        for kind in (WORDS, GRAMS):
            spelled[kind] += found[kind]
    return spelled


def _merge_all(summaries: Iterable[Counts], most: int) -> Counts:
    """Merge summaries as they come: no more than two are held."""
    return reduce(lambda one, other: merge_counts(one, other, most=most), summaries, NOTHING)
