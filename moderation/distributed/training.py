"""
Training on a cluster: the same choices, artifact, manifest and card as `moderation.training`.

Words and features stay on the workers. The client holds the vocabulary, a few vectors of weights,
and of each comment numbers only: label, hashes of words and article, scores; about 150 bytes.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Client
from numpy.typing import NDArray
from scipy.special import logit

from moderation.calibration import Scale
from moderation.datasets import Dataset, split, usable_parts
from moderation.distributed.crew import LOST, Crew, lost
from moderation.distributed.evaluating import split_bits
from moderation.distributed.frequencies import MOST_TERMS
from moderation.distributed.gathering import Gathered, gather_rows
from moderation.distributed.learner import Learner, fit_scorer, make_space, search_strength
from moderation.distributed.rows import File, Part, digest_table
from moderation.distributed.telling import (
    Scored,
    count_features,
    read_rows,
    read_words,
    remember_leaf,
    score_leaf,
    spell_rows,
)
from moderation.distributed.trees import cut_leaves
from moderation.distributed.vocabulary_search import learn_features
from moderation.fairness import BiasReport, measure_mentioned
from moderation.languages import SAMPLE
from moderation.memory import join_memories
from moderation.metrics import Report, measure
from moderation.progress import Progress, without_progress
from moderation.scorer import Scorer
from moderation.thresholds import OperatingPoint, choose_points
from moderation.training import TINY, Training, languages_fact

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
        raise lost() from error
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
    gathered = _gather(crew, parts, progress)
    data = gathered.dataset
    both = split(data, parts=usable_parts(data), seed=seed)
    learned, held_out = both.train, both.test
    leaves = cut_leaves(gathered.pieces(learned))
    found = learn_features(crew, leaves, number=len(learned), most=most_terms, progress=progress)
    space = make_space(found.features, base)
    learner = Learner(crew, leaves, space, crew.share(space.features))
    search = search_strength(learner, learned, seed=seed, progress=progress)
    unseen = logit(np.clip(search.scores, TINY, 1 - TINY))
    scale = Scale.learn(unseen, learned.labels).at(
        data.base_rate, learnt_at=float(learned.labels.mean())
    )
    points = choose_points(learned.labels, scale.apply(unseen))
    scorer = fit_scorer(learner, learned, strength=search.strength, scale=scale)
    shared, pieces = crew.share(scorer), cut_leaves(gathered.pieces(held_out))
    scored = Scored.join(list(crew.over(score_leaf, pieces, shared, crew.share(base))))
    measuring = _Measuring(data, held_out, seed)
    return DistributedTraining(
        scorer=scorer,
        data=data,
        learned=learned,
        held_out=held_out,
        held_out_scores=scored.scores,
        search=search,
        scale=scale,
        points=points,
        report=measuring.report(scored.scores, points),
        bias=measuring.bias(scored, points),
        seed=seed,
        base=base,
        base_report=None if base is None else measuring.report(scored.base_scores, ()),
        gathered=gathered,
        count_error=found.error,
        told_fingerprint=_fingerprint(crew, gathered),
        told_memory=join_memories(crew.over(remember_leaf, leaves)),
        told_languages=languages_fact(_sample(crew, gathered, learned, seed), seed=seed),
        comments_with=np.asarray(sum(crew.over(count_features, leaves, shared))),
        rounds=crew.rounds,
    )


@dataclass(frozen=True)
class _Measuring:
    """How scores of what was set aside are measured."""

    data: Dataset
    held_out: Dataset
    seed: int

    def report(self, scores: Floats, points: Sequence[OperatingPoint]) -> Report:
        return measure(
            self.held_out.labels,
            scores,
            groups=self.held_out.groups,
            thresholds={point.name: point.threshold for point in points},
            site_base_rate=self.data.base_rate,
            seed=self.seed,
        )

    def bias(self, scored: Scored, points: Sequence[OperatingPoint]) -> BiasReport:
        return measure_mentioned(
            split_bits(scored.mentioned),
            self.held_out.labels,
            scored.scores,
            groups=self.held_out.groups,
            threshold=min((point.threshold for point in points), default=None),
            seed=self.seed,
        )


def _gather(crew: Crew, parts: Sequence[Part], progress: Progress) -> Gathered:
    leaves = cut_leaves(parts)
    known = progress(crew.over(read_rows, leaves), len(leaves), "reading")
    return gather_rows(parts, [rows for leaf in known for rows in leaf])


def digest_tables(client: Client, files: Sequence[File]) -> list[str]:
    """Return the SHA-256 of each file, read by the workers."""
    digests: list[str] = client.gather(client.map(digest_table, files, pure=False))
    return digests


def _fingerprint(crew: Crew, gathered: Gathered) -> str:
    """Return the data's fingerprint: their rows go through here once, part by part."""
    digest = hashlib.sha256()
    pieces = gathered.pieces(gathered.dataset)
    for spelled in crew.over(spell_rows, pieces, gathered.by_article):
        digest.update(spelled)
    return digest.hexdigest()


def _sample(crew: Crew, gathered: Gathered, learned: Dataset, seed: int) -> list[str]:
    """Return the texts that `share_languages` would look at."""
    places = random.Random(seed).sample(range(len(learned)), min(SAMPLE, len(learned)))
    pieces = gathered.pieces(learned.take(np.sort(np.array(places, dtype=np.intp))))
    wanted = [piece for piece in pieces if piece.rows.any()]
    return [text for texts in crew.over(read_words, wanted) for text in texts]
