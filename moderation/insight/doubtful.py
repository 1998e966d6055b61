"""
Labels that are probably wrong, from scores that no comment had a part in (confident learning).

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", 2021.
The model in use may have learnt from these very decisions: a fresh one learns from the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.comments import Comment
from moderation.datasets import GatherReport, check_trainable, gather, usable_parts
from moderation.model import Space, search_strength
from moderation.progress import Progress, without_progress

MOST_COMMENTS: Final = 10_000
"""So many of the latest decisions are looked at: it takes a minute or two on two cores."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DoubtfulLabel:
    """A decision that the others speak against."""

    row: int
    """Of the comments given."""
    removed: bool
    """What was decided."""
    score: float
    """P(removal) by a model that learnt from other articles or threads."""


@dataclass(frozen=True)
class Doubts:
    """The labels that are probably wrong, most doubtful first."""

    labels: tuple[DoubtfulLabel, ...]
    comments: int
    without_words: int = 0
    """Comments left out, since nothing can be said of them."""
    grouped_by: str = "article"
    """What was kept whole: a comment's score is by a model that saw nothing of its group."""


def find_doubtful(
    comments: Sequence[Comment], *, seed: int = 0, progress: Progress = without_progress
) -> Doubts:
    """
    Return the decisions that a model which learnt from the others calls wrong.

    The comments carry their decision as `label`. Articles, or threads of few articles, are kept
    whole in cross-validation.

    Raises:
        DataError: too few comments of one outcome, or in too few articles or threads.

    """
    rows = [row for row, comment in enumerate(comments) if comment.text and comment.text.strip()]
    dataset = gather((comments[row] for row in rows), GatherReport())
    check_trainable(dataset)
    space = Space.learn(dataset.texts, progress=progress)
    parts = usable_parts(dataset)
    scores = search_strength(dataset, space, parts=parts, seed=seed, progress=progress).scores
    return Doubts(
        tuple(
            DoubtfulLabel(rows[row], bool(dataset.labels[row]), float(scores[row]))
            for row in rank_doubtful(dataset.labels, scores)
        ),
        comments=len(dataset),
        without_words=len(comments) - len(rows),
        grouped_by=dataset.grouped_by,
    )


def rank_doubtful(labels: Integers, scores: Floats) -> list[int]:
    """
    Return the rows whose labels (0/1) out-of-fold scores speak against, most doubtful first.

    A comment is confidently of a class when its score for it is at least as high as is usual for
    the comments with that label (their mean); where it is so of both, the higher score counts.
    What is confidently of the class that it was not given is doubtful: the off-diagonal of the
    confident joint. Of these, the one whose own label is least likely comes first.

    >>> labels, scores = np.array([1, 1, 1, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.2, 0.1, 0.95])
    >>> rank_doubtful(labels, scores)
    [5, 2]
    """
    if not 0 < labels.sum() < len(labels):
        return []
    likely = np.stack([1 - scores, scores])
    usual = np.array([likely[kind][labels == kind].mean() for kind in (0, 1)])
    confident = np.where(likely >= usual[:, np.newaxis], likely, -1.0)
    other = 1 - labels
    rows = np.arange(len(labels))
    wrong = (confident[other, rows] >= 0) & (confident[other, rows] > confident[labels, rows])
    found = np.flatnonzero(wrong)
    order = np.argsort(likely[labels[found], found], kind="stable")
    return [int(row) for row in found[order]]
