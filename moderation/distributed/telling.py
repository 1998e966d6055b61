"""What workers tell of the comments that a model is trained and measured on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from moderation.distributed.matrices import Piece, Store
from moderation.distributed.measuring import Bits, find_mentions
from moderation.distributed.rows import ARTICLE, PLACE, Part, PartRows
from moderation.frames import TEXT
from moderation.memory import join_memories, remember
from moderation.scorer import Scorer

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Scores of comments (n,), those of a base model or none, and whom the comments mention."""

    scores: Floats
    base_scores: Floats
    mentioned: Bits
    """A bit for each group of people, (n,)."""

    @classmethod
    def join(cls, found: "Sequence[Scored]") -> "Scored":
        """Return what several have, one after the other."""
        return cls(
            np.concatenate([one.scores for one in found]),
            np.concatenate([one.base_scores for one in found]),
            np.concatenate([one.mentioned for one in found]),
        )


def read_rows(store: Store, parts: Sequence[Part]) -> list[PartRows]:
    """Read a leaf's parts, and return what the client may know of them."""
    return [store.read(part) for part in parts]


def score_leaf(
    store: Store, pieces: Sequence[Piece], scorer: Scorer, base: Scorer | None
) -> Scored:
    """Score a leaf's comments with the new model and, where there is one, the base model."""
    return Scored.join([_score_piece(store, piece, scorer, base) for piece in pieces])


def _score_piece(store: Store, piece: Piece, scorer: Scorer, base: Scorer | None) -> Scored:
    texts = store.texts(piece.part, piece.rows)
    base_scores = np.zeros(0) if base is None else base.score(texts, threads=1)
    return Scored(scorer.score(texts, threads=1), base_scores, find_mentions(texts))


def spell_rows(store: Store, piece: Piece, by_article: bool) -> bytes:
    """Return the rows of a piece as `Dataset.fingerprint` spells them."""
    rows = store.labelled(piece.part).filter(pa.array(piece.rows))
    spelled = bytearray()
    for text, article, place, label in zip(
        *(rows[name].to_pylist() for name in (TEXT, ARTICLE, PLACE)), piece.labels, strict=True
    ):
        group = article if by_article and article is not None else place
        spelled += f"{len(text)}:{label}:{group}:".encode()
        spelled += text.encode()
    return bytes(spelled)


def remember_leaf(store: Store, pieces: Sequence[Piece]) -> str:
    """Return what recognises a leaf's texts."""
    return join_memories(remember(store.texts(piece.part, piece.rows)) for piece in pieces)


def read_words(store: Store, piece: Piece) -> list[str]:
    """Return the texts of a piece."""
    return store.texts(piece.part, piece.rows)


def count_features(store: Store, pieces: Sequence[Piece], scorer: Scorer) -> NDArray[np.int64]:
    """Return how many of a leaf's comments hold each of a model's features, (features,)."""
    found = (
        scorer.count_features(store.texts(piece.part, piece.rows), threads=1) for piece in pieces
    )
    return np.asarray(sum(found))
