"""
Features of a part's comments, built where they are needed and kept in files of that worker.

A file only remembers what the Parquet file behind it says: where it is missing, as on a worker that
took the place of another, it is made again. What a fit reads stays in memory as far as there is
room, whatever the data weigh; of the rest one part at a time is there.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import scipy.sparse as sp
from distributed import Worker, get_worker
from numpy.typing import NDArray

from moderation import kernels
from moderation.distributed.rows import Part, PartRows, read_part
from moderation.features import TfidfFeatures
from moderation.frames import TEXT, replacing

HELD_BELOW = 0.5
"""Matrices are held while a worker uses less of its memory: weights and sums need the rest."""
_HELD: dict[tuple[str, str, int], Any] = {}
"""Matrices of this process, by training, name and part."""

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

PLAIN, MASKED = "plain", "masked"
"""Features as they are learnt, and those that read the words behind masks, too."""


@dataclass(frozen=True)
class Piece:
    """
    The labelled rows (m,) of a part that are learnt from.

    `rows` (m,) says which are; `labels` is theirs, and `chosen` which of these are meant, all if
    None.
    """

    part: Part
    rows: Booleans
    labels: NDArray[np.int8]
    chosen: Booleans | None = None

    @property
    def chosen_labels(self) -> NDArray[np.int8]:
        """The labels, -1 for rows that are not meant."""
        return self.labels if self.chosen is None else np.where(self.chosen, self.labels, -1)


@dataclass(frozen=True)
class Store:
    """The files of one training on a worker, in a folder that goes when the worker does."""

    name: str

    @property
    def folder(self) -> Path:
        folder = self.folder_of(get_worker())
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def folder_of(self, worker: Worker) -> Path:
        return Path(worker.local_directory) / f"training-{self.name}"

    def read(self, part: Part) -> PartRows:
        """Read a part from its source, keep its words, and return what the client may know."""
        table, known = read_part(part)
        with replacing(self._words(part)) as stream, pa.ipc.new_file(stream, table.schema) as file:
            file.write_table(table)
        return known

    def labelled(self, part: Part) -> pa.Table:
        """Return the labelled rows of a part: words, article and place of each."""
        if not self._words(part).exists():
            self.read(part)
        with pa.OSFile(str(self._words(part))) as file:
            return pa.ipc.open_file(file).read_all()

    def texts(self, part: Part, rows: Booleans) -> list[str]:
        """Return the words of some of the labelled rows (m,) of a part."""
        texts: list[str] = self.labelled(part)[TEXT].filter(pa.array(rows)).to_pylist()
        return texts

    def matrix(self, piece: Piece, name: str, features: TfidfFeatures) -> Any:
        """
        Return the features of all of a piece's comments, (n, columns), CSR.

        `name` tells them from those that other features make of it.
        """
        path = self.folder / f"{name}-{piece.part.number:06}.matrix"
        if path.exists():
            return _load(path, len(features.idf_))
        matrix = features.transform(self.texts(piece.part, piece.rows))
        with replacing(path) as stream:
            for array in (matrix.data, matrix.indices, matrix.indptr):
                np.save(stream, array)
        return matrix

    def reweighed(self, piece: Piece, features: TfidfFeatures, ratios: Floats) -> Any:
        """Return `matrix` as `TfidfFeatures.as_if_learnt_from` would have it, by its ratios."""
        matrix = self.matrix(piece, PLAIN, features)
        split = len(features.words_.ends)
        kernels.reweigh(matrix.data, matrix.indices, matrix.indptr, ratios, split)
        return matrix

    def for_fit(
        self, piece: Piece, name: str, features: TfidfFeatures, ratios: Floats | None
    ) -> Any:
        """
        Return the features that a fit of that name reads again and again.

        They are those of the name, or the plain ones changed by ratios (columns,). As many as there
        is room for stay in memory.
        """
        key = (self.name, name, piece.part.number)
        if key in _HELD:
            return _HELD[key]
        matrix = (
            self.matrix(piece, name, features)
            if ratios is None
            else self.reweighed(piece, features, ratios)
        )
        size = sum(array.nbytes for array in (matrix.data, matrix.indices, matrix.indptr))
        if _has_room(size):
            _HELD[key] = matrix
        return matrix

    def _words(self, part: Part) -> Path:
        return self.folder / f"{part.number:06}.arrow"


def forget(store: Store, name: str, dask_worker: Worker) -> None:
    """Let go of the matrices of a name, or with "" of all files, on the worker that runs this."""
    folder = store.folder_of(dask_worker)
    for key in [key for key in _HELD if key[0] == store.name and name in ("", key[1])]:
        del _HELD[key]
    if not name:
        shutil.rmtree(folder, ignore_errors=True)
    for path in folder.glob(f"{name}-*.matrix"):
        path.unlink(missing_ok=True)


def _has_room(size: int) -> bool:
    """Tell whether this worker may hold so many bytes more."""
    limit = get_worker().memory_manager.memory_limit or psutil.virtual_memory().total
    return bool(psutil.Process().memory_info().rss + size <= HELD_BELOW * limit)


def count_columns(store: Store, pieces: Sequence[Piece], features: TfidfFeatures) -> Integers:
    """Return how many of the chosen comments hold each feature, (columns,)."""
    comments = np.zeros(len(features.idf_), dtype=np.int64)
    for piece in pieces:
        chosen = store.matrix(piece, PLAIN, features)[piece.chosen]
        comments += np.bincount(chosen.indices, minlength=len(comments))
    return comments


def count_words(store: Store, pieces: Sequence[Piece], features: TfidfFeatures) -> Integers:
    """Return how many comments labelled 1 and 0 hold each word or pair, (2, words)."""
    words = len(features.words_.ends)
    comments = np.zeros((2, words), dtype=np.int64)
    for piece in pieces:
        matrix = store.matrix(piece, PLAIN, features)
        for row, label in enumerate((1, 0)):
            held = matrix[piece.labels == label].indices
            comments[row] += np.bincount(held[held < words], minlength=words)
    return comments


def score_pieces(
    store: Store,
    pieces: Sequence[Piece],
    features: TfidfFeatures,
    ratios: Floats,
    weights: NDArray[np.float64],
    intercepts: Floats,
) -> Floats:
    """Return the logits that weights (models, columns) give the chosen comments, (n, models)."""
    logits = []
    for piece in pieces:
        matrix = store.reweighed(piece, features, ratios)[piece.chosen]
        logits.append(matrix @ weights.T + intercepts)
    return np.concatenate(logits)


def _load(path: Path, width: int) -> Any:
    with path.open("rb") as stream:
        data, indices, starts = (np.load(stream, allow_pickle=False) for _ in range(3))
    matrix = sp.csr_matrix((data, indices, starts), shape=(len(starts) - 1, width))
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return matrix
