"""Learns on the workers: C by cross-validation, then the weights, with the words behind masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
from distributed import Future
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from moderation.calibration import Scale
from moderation.datasets import Dataset, folds, usable_parts
from moderation.distributed.crew import Crew
from moderation.distributed.fitting import TOLERANCE, Start, fit_over_parts
from moderation.distributed.losses import Fits, Sums, sum_leaves
from moderation.distributed.matrices import (
    MASKED,
    PLAIN,
    Piece,
    count_columns,
    count_words,
    score_pieces,
)
from moderation.distributed.rounds import Rounds
from moderation.distributed.trees import join_nodes
from moderation.features import TfidfFeatures
from moderation.masks import Masks
from moderation.model import Race, Space, StrengthSearch, assemble
from moderation.progress import Progress
from moderation.scorer import FEATURES, Scorer
from moderation.threads import work_on

ROUGH = 1e-2
"""How near to the best weights, by their length, is near enough to compare strengths."""


@dataclass(frozen=True)
class Learner:
    """Pieces learnt from in leaves, and the space their features make, here and on the workers."""

    crew: Crew
    leaves: Sequence[Sequence[Piece]]
    space: Space
    features: "Future[Any]"

    @property
    def width(self) -> int:
        return len(self.space.features.idf_)

    def fit(
        self,
        strengths: Sequence[float],
        leaves: Sequence[Sequence[Piece]],
        name: str,
        ratios: "Future[Any] | None" = None,
        *,
        tolerance: float = TOLERANCE,
    ) -> list[LogisticRegression]:
        """Return a classifier for each strength, from the chosen comments of leaves."""
        shared = self.crew.share(leaves)

        def evaluate(fits: Fits) -> Sums:
            asked = self.crew.share(fits)
            found = self.crew.at_once(
                sum_leaves, len(leaves), shared, name, self.features, ratios, asked
            )
            return join_nodes(found, add)

        rounds = Rounds(evaluate, fits=len(strengths))
        labels = np.concatenate([piece.chosen_labels for leaf in leaves for piece in leaf])
        start = Start.at_rate(self.width, float(labels[labels >= 0].mean()))

        def fit(number: int) -> LogisticRegression:
            try:
                return fit_over_parts(
                    partial(rounds.ask, number),
                    start,
                    strength=strengths[number],
                    towards=self.space.towards,
                    tolerance=tolerance,
                )
            finally:
                rounds.leave()

        # They wait for the workers most of the time: a thread for each, however many cores. With
        # threads of its own in each, BLAS takes four times as long.
        with threadpool_limits(1, user_api="blas"):
            return list(work_on(fit, range(len(strengths)), threads=len(strengths)))

    def choose(self, rows: NDArray[np.intp]) -> list[list[Piece]]:
        """Return the leaves with some of the comments learnt from, by number, as the chosen."""
        pieces = [piece for leaf in self.leaves for piece in leaf]
        ends = np.cumsum([len(piece.labels) for piece in pieces])
        mask = np.zeros(int(ends[-1]), dtype=np.bool_)
        mask[rows] = True
        masks = iter(np.split(mask, ends[:-1]))
        return [[replace(piece, chosen=next(masks)) for piece in leaf] for leaf in self.leaves]


def make_space(features: TfidfFeatures, base: Scorer | None) -> Space:
    """Return the space of features as `Space.learn` would, without texts and matrix."""
    columns = np.zeros(0, dtype=np.int64)
    if base is not None:
        columns = features.extend(base.pipeline[FEATURES])
        features.read_masks(base.masks)
    return Space(features, (), None, base, columns)


def search_strength(
    learner: Learner, learned: Dataset, *, seed: int, progress: Progress
) -> StrengthSearch:
    """Choose C as `model.search_strength` does, on the same folds."""
    race = Race(learned.labels)
    cut = list(folds(learned, parts=usable_parts(learned), seed=seed))
    for _ in progress(_steps(learner, race, cut), len(cut), "choosing C"):
        pass
    losses = race.losses()
    best = min(race.running, key=lambda strength: losses[strength])
    return StrengthSearch(best, losses, race.scores[best])


def _steps(
    learner: Learner, race: Race, cut: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
) -> Iterator[None]:
    crew, space = learner.crew, learner.space
    for number, (learn, measured) in enumerate(cut):
        known, unseen = learner.choose(learn), learner.choose(measured)
        comments = reduce(np.add, crew.over(count_columns, known, learner.features))
        ratios = crew.share(
            space.features.ratios_if_learnt_from(comments, number=len(learn), known=space.columns)
        )
        name = f"fold-{number}"
        fitted = learner.fit(race.running, known, name, ratios, tolerance=ROUGH)
        crew.forget(name)
        weights = crew.share(np.vstack([one.coef_ for one in fitted]))
        intercepts = np.concatenate([one.intercept_ for one in fitted])
        scored = crew.over(score_pieces, unseen, learner.features, ratios, weights, intercepts)
        scores = expit(np.concatenate(list(scored)))
        for strength, column in zip(race.running, scores.T, strict=True):
            race.scores[strength][measured] = column
        race.drop_the_slow()
        yield


def fit_scorer(learner: Learner, learned: Dataset, *, strength: float, scale: Scale) -> Scorer:
    """Learn from all comments as `model.fit_scorer` does: words behind masks are learnt first."""
    crew, space = learner.crew, learner.space
    removed, kept = reduce(np.add, crew.over(count_words, learner.leaves, learner.features))
    masks = Masks.weigh(
        space.features.words_.strings(),
        removed.astype(np.float64),
        kept.astype(np.float64),
        of=(float(learned.removed), float(len(learned) - learned.removed)),
        known=None if space.base is None else space.base.masks,
    )
    space.features.read_masks(masks)
    crew.forget(PLAIN)
    masked = replace(learner, features=crew.share(space.features))
    [classifier] = masked.fit([strength], learner.leaves, MASKED)
    return assemble(classifier, space, scale=scale)
