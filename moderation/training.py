"""From labelled comments to a measured scorer: split, choose, fit, measure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from scipy.special import logit

from moderation.calibration import Scale
from moderation.datasets import Dataset, check_trainable, split, usable_parts
from moderation.errors import MissingPackage
from moderation.fairness import BiasReport, measure_bias
from moderation.languages import share_languages
from moderation.memory import remember
from moderation.metrics import Floats, Report, measure
from moderation.model import Space, StrengthSearch, fit_scorer, search_strength
from moderation.progress import Progress, without_progress
from moderation.scorer import Scorer
from moderation.thresholds import OperatingPoint, choose_points

TINY = 1e-9
"""Out-of-fold scores nearer to 0 or 1 than this are taken for as near."""


@dataclass(frozen=True)
class SourceFile:
    """A file that was learnt from."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Training:
    """
    A fitted scorer and how it came about.

    C and the operating points were chosen by cross-validation within `learned`; `report`
    measures the very scorer that is saved, on `held_out`, which no choice has seen.
    """

    scorer: Scorer
    data: Dataset
    learned: Dataset
    held_out: Dataset
    held_out_scores: Floats
    search: StrengthSearch
    scale: Scale
    """What made probabilities of the logits, learnt on out-of-fold scores."""
    points: Sequence[OperatingPoint]
    report: Report
    bias: BiasReport
    """On `held_out`, with the false positives of the operating point that matches most."""
    seed: int
    base: Scorer | None
    base_report: Report | None
    """What the base model alone would do on `held_out`."""

    @property
    def base_rates(self) -> dict[str, float]:
        """
        The base rate at which the score of each calibrated attribute is a probability.

        The site's own for what it learnt; of what it took over from a base model, the base's.
        """
        known = {} if self.base is None else self.base.base_rates
        rates = {**known, self.scorer.attribute: self.data.base_rate}
        return {name: rates[name] for name in self.scorer.attributes if name in rates}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the labelled texts."""
        return self.data.fingerprint

    @property
    def memory(self) -> str:
        """What recognises the texts learnt from."""
        return remember(self.learned.texts)

    @property
    def languages(self) -> dict[str, Any]:
        """What the manifest says of the languages learnt from."""
        return languages_fact(self.learned.texts, seed=self.seed)

    def strongest_words(self, number: int) -> list[tuple[str, float]]:
        """Return the words with the largest weights either way, most negative first."""
        return self.scorer.strongest_features(number, self.learned.texts)

    def facts(
        self,
        files: Sequence[SourceFile],
        base_files: Sequence[SourceFile] = (),
        *,
        newest: datetime | None = None,
    ) -> dict[str, Any]:
        """
        Return what the manifest says of this training, and of the files behind it.

        `newest` is when the latest comment was written, where comments tell.
        """
        return {
            "attribute": self.scorer.attribute,
            "training_data": {
                "sha256": self.fingerprint,
                "comments": len(self.data),
                "removed": self.data.removed,
                "base_rate": self.data.base_rate,
                "learned": len(self.learned),
                "held_out": len(self.held_out),
                "kept_whole": self.data.grouped_by,
                "files": [asdict(file) for file in files],
                "base_files": [asdict(file) for file in base_files],
                "newest": newest and newest.isoformat(),
                "learnt_texts": self.memory,
            },
            "scale": asdict(self.scale),
            "base": self.base and self.base.version,
            "attributes": list(self.scorer.attributes),
            "base_rates": self.base_rates,
            **self.languages,
            "seed": self.seed,
            "strength": self.search.strength,
            "losses": {str(strength): loss for strength, loss in self.search.losses.items()},
            "operating_points": [asdict(point) for point in self.points],
            "metrics": asdict(self.report),
            "bias": asdict(self.bias),
        }


def languages_fact(texts: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Return what a manifest says of the languages learnt from: nothing without the detector."""
    try:
        return {"languages": share_languages(texts, seed=seed)}
    except MissingPackage:
        return {}


def train(
    dataset: Dataset,
    *,
    base: Scorer | None = None,
    seed: int = 0,
    progress: Progress = without_progress,
) -> Training:
    """
    Learn from a data set, beginning with a base model or with nothing, and measure on articles set
    aside.

    Raises:
        DataError: too few comments of one class, or in too few articles or threads.

    """
    check_trainable(dataset)
    parts = split(dataset, parts=usable_parts(dataset), seed=seed)
    learned, held_out = parts.train, parts.test
    space = Space.learn(learned.texts, base, progress=progress)
    search = search_strength(
        learned, space, parts=usable_parts(learned), seed=seed, progress=progress
    )
    unseen = logit(np.clip(search.scores, TINY, 1 - TINY))
    scale = Scale.learn(unseen, learned.labels).at(
        dataset.base_rate, learnt_at=float(learned.labels.mean())
    )
    points = choose_points(learned.labels, scale.apply(unseen))
    scorer = fit_scorer(learned, space, strength=search.strength, scale=scale)
    scores = scorer.score(held_out.texts)

    def report(scores: Floats, thresholds: Mapping[str, float]) -> Report:
        return measure(
            held_out.labels,
            scores,
            groups=held_out.groups,
            thresholds=thresholds,
            site_base_rate=dataset.base_rate,
            seed=seed,
        )

    return Training(
        scorer=scorer,
        data=dataset,
        learned=learned,
        held_out=held_out,
        held_out_scores=scores,
        search=search,
        scale=scale,
        points=points,
        report=report(scores, {point.name: point.threshold for point in points}),
        bias=measure_bias(
            held_out.texts,
            held_out.labels,
            scores,
            groups=held_out.groups,
            threshold=min((point.threshold for point in points), default=None),
            seed=seed,
        ),
        seed=seed,
        base=base,
        base_report=None if base is None else report(base.score(held_out.texts), {}),
    )
