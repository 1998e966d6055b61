"""
Training on a cluster: the same choices, artifact, manifest and card as `moderation.training`.

Words and features stay on the workers. The client holds the vocabulary, a few vectors of weights,
and of each comment numbers only: label, hashes of words and article, scores; about 150 bytes.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
from distributed import Client, Future
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from moderation.calibration import Scale
from moderation.datasets import Dataset, folds, split, usable_parts
from moderation.distributed.crew import LOST, Crew
from moderation.distributed.fitting import TOLERANCE, Start, fit_over_parts
from moderation.distributed.frequencies import MOST_TERMS
from moderation.distributed.gathering import Gathered, gather_rows
from moderation.distributed.losses import Fits, Sums, sum_leaves
from moderation.distributed.matrices import (
    MASKED,
    PLAIN,
    Piece,
    Store,
    count_columns,
    count_words,
    score_pieces,
)
from moderation.distributed.rounds import Rounds
from moderation.distributed.rows import ARTICLE, PLACE, File, Part, PartRows, digest_table
from moderation.distributed.trees import cut_leaves, join_nodes
from moderation.distributed.vocabulary_search import learn_features
from moderation.errors import ClusterError
from moderation.fairness import IDENTITIES, measure_bias, mentions
from moderation.frames import TEXT
from moderation.languages import SAMPLE
from moderation.masks import Masks
from moderation.memory import join_memories, remember
from moderation.metrics import Report, measure
from moderation.model import Race, Space, StrengthSearch, assemble
from moderation.progress import Progress, without_progress
from moderation.scorer import FEATURES, Scorer
from moderation.threads import work_on
from moderation.thresholds import choose_points
from moderation.training import TINY, Training, languages_fact

ROUGH = 1e-2
"""How near to the best weights, by their length, is near enough to compare strengths."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DistributedTraining(Training):
    """A training whose words are on the workers, and what these told of them."""

    gathered: Gathered
    """Its `parts` and labelled rows."""
    count_error: int
    """By how many comments the count behind an IDF can be too small at most; 0: all are exact."""
    told_fingerprint: str
    told_memory: str
    told_languages: Mapping[str, Any]
    comments_with: NDArray[np.int64]
    """How many comments learnt from hold each feature, (features,)."""
    rounds: int
    """How often the losses of all comments were summed."""

    def lines(self) -> Iterator[str]:
        """Yield what there is to say of the rows: how many, what was left out, what is inexact."""
        yield f"{self.gathered.report.comments} rows"
        yield from self.gathered.not_read
        yield from self.gathered.report.lines()
        if self.count_error:
            yield (
                "more terms than are counted at once: how many comments hold a term may be "
                f"{self.count_error} too few"
            )

    @property
    def fingerprint(self) -> str:
        return self.told_fingerprint

    @property
    def memory(self) -> str:
        return self.told_memory

    @property
    def languages(self) -> dict[str, Any]:
        return dict(self.told_languages)

    def strongest_words(self, number: int) -> list[tuple[str, float]]:
        return self.scorer.strongest_of(number, self.comments_with)


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


def train_on_cluster(
    client: Client,
    parts: Sequence[Part],
    *,
    base: Scorer | None = None,
    seed: int = 0,
    most_terms: int = MOST_TERMS,
    progress: Progress = without_progress,
) -> DistributedTraining:
    """
    Learn from the rows of Parquet files, beginning with a base model or with nothing.

    The same parts give the same model whatever the workers are.

    Raises:
        DataError: too few comments of one class, or in too few articles.
        ClusterError: the workers ended before their work did.

    """
    crew = Crew(client)
    try:
        return _train(crew, parts, base, seed, most_terms, progress)
    except LOST as error:
        raise ClusterError(
            "the cluster was lost, or all workers that shared the work at once; where memory was "
            "full, give each more (--worker-memory); then run this again"
        ) from error
    finally:
        crew.leave()


def _train(
    crew: Crew,
    parts: Sequence[Part],
    base: Scorer | None,
    seed: int,
    most_terms: int,
    progress: Progress,
) -> DistributedTraining:
    cut = cut_leaves(parts)
    known = progress(crew.over(read_rows, cut), len(cut), "reading")
    gathered = gather_rows(parts, [rows for leaf in known for rows in leaf])
    data = gathered.dataset
    both = split(data, parts=usable_parts(data), seed=seed)
    learned, held_out = both.train, both.test
    leaves = cut_leaves(gathered.pieces(learned))
    found = learn_features(crew, leaves, number=len(learned), most=most_terms, progress=progress)
    space = _space(found.features, base)
    learner = Learner(crew, leaves, space, crew.share(space.features))
    search = _search_strength(learner, learned, seed=seed, progress=progress)
    unseen = logit(np.clip(search.scores, TINY, 1 - TINY))
    scale = Scale.learn(unseen, learned.labels).at(
        data.base_rate, learnt_at=float(learned.labels.mean())
    )
    points = choose_points(learned.labels, scale.apply(unseen))
    scorer = _fit(learner, learned, strength=search.strength, scale=scale)
    measured = _score(crew, cut_leaves(gathered.pieces(held_out)), scorer, base)

    def report(scores: Floats, thresholds: Mapping[str, float]) -> Report:
        return measure(
            held_out.labels,
            scores,
            groups=held_out.groups,
            thresholds=thresholds,
            site_base_rate=data.base_rate,
            seed=seed,
        )

    return DistributedTraining(
        scorer=scorer,
        data=data,
        learned=learned,
        held_out=held_out,
        held_out_scores=measured.scores,
        search=search,
        scale=scale,
        points=points,
        report=report(measured.scores, {point.name: point.threshold for point in points}),
        bias=measure_bias(
            measured.mentions,
            held_out.labels,
            measured.scores,
            groups=held_out.groups,
            threshold=min((point.threshold for point in points), default=None),
            seed=seed,
        ),
        seed=seed,
        base=base,
        base_report=None if base is None else report(measured.base_scores, {}),
        gathered=gathered,
        count_error=found.error,
        told_fingerprint=_fingerprint(crew, gathered),
        told_memory=join_memories(crew.over(remember_leaf, leaves)),
        told_languages=languages_fact(_sample(crew, gathered, learned, seed), seed=seed),
        comments_with=_count(crew, leaves, scorer),
        rounds=crew.rounds,
    )


def digest_tables(client: Client, files: Sequence[File]) -> list[str]:
    """Return the SHA-256 of each file, read by the workers."""
    digests: list[str] = client.gather(client.map(digest_table, files, pure=False))
    return digests


def read_rows(store: Store, parts: Sequence[Part]) -> list[PartRows]:
    """Read a leaf's parts, and return what the client may know of them."""
    return [store.read(part) for part in parts]


def _space(features: Any, base: Scorer | None) -> Space:
    """Return the space of features as `Space.learn` would, without texts and matrix."""
    columns = np.zeros(0, dtype=np.int64)
    if base is not None:
        columns = features.extend(base.pipeline[FEATURES])
        features.read_masks(base.masks)
    return Space(features, (), None, base, columns)


def _search_strength(
    learner: Learner, learned: Dataset, *, seed: int, progress: Progress
) -> StrengthSearch:
    """Choose C as `search_strength` does, on the same folds."""
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


def _fit(learner: Learner, learned: Dataset, *, strength: float, scale: Scale) -> Scorer:
    """Learn from all comments, as `fit_scorer` does: words behind masks are learnt first."""
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


@dataclass(frozen=True)
class Measured:
    """Scores of comments (n,), those of the base model or none, and which groups they mention."""

    scores: Floats
    base_scores: Floats
    mentions: list[str]
    """A term for each group of people that a comment mentions, in the place of its words."""


def _score(
    crew: Crew, leaves: Sequence[Sequence[Piece]], scorer: Scorer, base: Scorer | None
) -> Measured:
    found = list(crew.over(score_leaf, leaves, crew.share(scorer), crew.share(base)))
    return Measured(
        np.concatenate([some.scores for some in found]),
        np.concatenate([some.base_scores for some in found]),
        [text for some in found for text in some.mentions],
    )


def score_leaf(
    store: Store, pieces: Sequence[Piece], scorer: Scorer, base: Scorer | None
) -> Measured:
    """Score a leaf's comments with the new model and the base model."""
    scores, base_scores, named = [], [], []
    for piece in pieces:
        texts = store.texts(piece.part, piece.rows)
        scores.append(scorer.score(texts, threads=1))
        if base is not None:
            base_scores.append(base.score(texts, threads=1))
        named += _name_mentions(texts)
    nothing = np.zeros(0)
    return Measured(
        np.concatenate([nothing, *scores]), np.concatenate([nothing, *base_scores]), named
    )


def _name_mentions(texts: Sequence[str]) -> list[str]:
    """Return for each text a term of each group that it mentions, and nothing else of it."""
    found = mentions(texts)
    return [
        ", ".join(IDENTITIES[group][0] for group, named in found.items() if named[place])
        for place in range(len(texts))
    ]


def _fingerprint(crew: Crew, gathered: Gathered) -> str:
    """Return the data's fingerprint: their rows go through here once, part by part."""
    digest = hashlib.sha256()
    pieces = gathered.pieces(gathered.dataset)
    for spelled in crew.over(spell_rows, pieces, gathered.by_article):
        digest.update(spelled)
    return digest.hexdigest()


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


def _sample(crew: Crew, gathered: Gathered, learned: Dataset, seed: int) -> list[str]:
    """Return the texts that `share_languages` would look at."""
    places = random.Random(seed).sample(range(len(learned)), min(SAMPLE, len(learned)))
    pieces = gathered.pieces(learned.take(np.sort(np.array(places, dtype=np.intp))))
    wanted = [piece for piece in pieces if piece.rows.any()]
    return [text for texts in crew.over(read_words, wanted) for text in texts]


def read_words(store: Store, piece: Piece) -> list[str]:
    """Return the texts of a piece."""
    return store.texts(piece.part, piece.rows)


def _count(crew: Crew, leaves: Sequence[Sequence[Piece]], scorer: Scorer) -> NDArray[np.int64]:
    return np.asarray(sum(crew.over(count_features, leaves, crew.share(scorer))))


def count_features(store: Store, pieces: Sequence[Piece], scorer: Scorer) -> NDArray[np.int64]:
    """Return how many of a leaf's comments hold each of a model's features, (features,)."""
    found = (
        scorer.count_features(store.texts(piece.part, piece.rows), threads=1) for piece in pieces
    )
    return np.asarray(sum(found))
