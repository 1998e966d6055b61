"""Which rows count, from the numbers that workers tell of them: labels, copies and articles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from moderation.datasets import (
    GROUP,
    MIN_ARTICLES,
    Dataset,
    GatherReport,
    check_trainable,
    merge_same,
)
from moderation.distributed.matrices import Piece
from moderation.distributed.rows import Part, PartRows
from moderation.errors import DataError
from moderation.frames import LABEL

ROW = "row"
"""The number of a row among all labelled ones, which stands in the place of its words."""


@dataclass(frozen=True)
class Gathered:
    """Labelled rows on the workers, copies merged; `dataset` has their numbers, not their words."""

    parts: Sequence[Part]
    sizes: Sequence[int]
    """How many labelled rows each part has."""
    dataset: Dataset
    by_article: bool
    newest: datetime | None
    report: GatherReport
    not_read: Sequence[str]

    def masks(self, dataset: Dataset) -> list[NDArray[np.bool_]]:
        """Return for each part which of its labelled rows (m,) are in some of the data."""
        whole = np.zeros(sum(self.sizes), dtype=np.bool_)
        whole[dataset.frame[ROW].to_numpy()] = True
        return np.split(whole, np.cumsum(self.sizes)[:-1])

    def pieces(self, dataset: Dataset) -> list[Piece]:
        """Return what each part has of some of the data."""
        masks = self.masks(dataset)
        ends = np.cumsum([int(mask.sum()) for mask in masks])
        labels = np.split(dataset.labels.astype(np.int8), ends[:-1])
        return [
            Piece(part, mask, some)
            for part, mask, some in zip(self.parts, masks, labels, strict=True)
        ]


def gather_rows(parts: Sequence[Part], known: Sequence[PartRows]) -> Gathered:
    """
    Return the labelled rows as `gather` and `merge_copies` would have them.

    Articles are kept whole, or where the data tell none, comments that answer no other.

    Raises:
        DataError: threads would have to be followed from row to row, or captures joined, which the
            workers do not do; or nothing can be learnt from the rows.

    """
    _refuse_captures(known)
    report = GatherReport(comments=sum(rows.read for rows in known))
    for rows in known:
        report.left_out.update(rows.left_out)
    articles = np.concatenate([rows.articles for rows in known])
    places = np.concatenate([rows.places for rows in known])
    by_article = len(np.unique(articles[articles != 0])) >= MIN_ARTICLES
    _refuse_threads(known, by_article=by_article)
    groups = np.where(articles == 0, places, articles) if by_article else places
    frame = pd.DataFrame(
        {
            LABEL: np.concatenate([rows.labels for rows in known]).astype(np.int64),
            GROUP: groups,
            ROW: np.arange(len(groups)),
        }
    )
    grouped_by = "article" if by_article else "thread"
    if frame[GROUP].is_unique:
        grouped_by = "comment"
    base_rate = float(frame[LABEL].mean()) if len(frame) else 0.0
    same = pd.Series(np.concatenate([rows.texts for rows in known]))
    merged = merge_same(Dataset(frame, base_rate, grouped_by), same, report)
    check_trainable(merged)
    return Gathered(
        parts,
        [len(rows.labels) for rows in known],
        merged,
        by_article,
        max((rows.newest for rows in known if rows.newest), default=None),
        report,
        list(_not_read(known)),
    )


def _refuse_captures(known: Sequence[PartRows]) -> None:
    if captures := sum(rows.captures for rows in known):
        raise DataError(
            f"{captures} comments are captures of pages, which --engine dask does not join: join "
            "them first, with python -m moderation.parse --join"
        )


def _refuse_threads(known: Sequence[PartRows], *, by_article: bool) -> None:
    replies = sum(rows.replies if by_article else rows.answers for rows in known)
    if replies:
        raise DataError(
            f"{replies} comments answer others, and no article keeps them together; --engine dask "
            f"keeps articles whole, from {MIN_ARTICLES} on: add 'article_id' to each row, or leave "
            "out 'parent_id', or learn with --engine local"
        )


def _not_read(known: Sequence[PartRows]) -> Iterator[str]:
    causes = sorted({cause for rows in known for cause in rows.not_read})
    for cause in causes:
        yield f"not read: {sum(rows.not_read[cause] for rows in known)} {cause}"
