"""What a site's own decisions add to a base model, measured on corpora that it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from moderation.datasets import Dataset, usable_parts
from moderation.model import Space, fit_scorer, search_strength
from moderation.progress import Progress, without_progress
from moderation.scorer import Scorer

SIZES = (100, 300, 1000, 3000)
DRAWS = 5
SCORED = 5000
"""Comments that each draw is measured on."""


@dataclass(frozen=True)
class Adapted:
    """ROC-AUC of each draw, on comments of one corpus of which so many were learnt from."""

    corpus: str
    size: int
    alone: tuple[float, ...]
    """By the base model, which learnt from none of them."""
    adapted: tuple[float, ...]
    """By a model that began with the base model."""
    scratch: tuple[float, ...]
    """By a model that began with nothing."""


def measure_adaptation(
    tables: Mapping[str, pd.DataFrame],
    base: Scorer,
    *,
    sizes: Sequence[int] = SIZES,
    draws: int = DRAWS,
    progress: Progress = without_progress,
) -> list[Adapted]:
    """
    Learn from some comments of each corpus and score others, as often as there are draws.

    C is chosen as in training, by cross-validation among the comments drawn. Sizes that leave
    nothing to score are left out.
    """
    cells = [(name, size) for name, table in tables.items() for size in sizes if size < len(table)]
    every = [(name, size, draw) for name, size in cells for draw in range(draws)]
    steps = (_draw(tables[name], size, draw, base) for name, size, draw in every)
    found = list(progress(steps, len(every), "adapting"))
    measured = []
    for number, (name, size) in enumerate(cells):
        aucs = zip(*found[number * draws : (number + 1) * draws], strict=True)
        measured.append(Adapted(name, size, *aucs))
    return measured


def _draw(table: pd.DataFrame, size: int, seed: int, base: Scorer) -> tuple[float, float, float]:
    mixed = table[["text", "label"]].sample(frac=1, random_state=seed, ignore_index=True)
    mixed = mixed.assign(group=np.arange(len(mixed)))
    learnt, scored = mixed[:size], mixed[size : size + SCORED]
    data = Dataset(learnt, float(learnt["label"].mean()), "comment")
    texts = scored["text"].tolist()
    alone, adapted, scratch = (
        float(roc_auc_score(scored["label"], scorer.score(texts)))
        for scorer in (base, _adapt(data, base, seed), _adapt(data, None, seed))
    )
    return alone, adapted, scratch


def _adapt(data: Dataset, base: Scorer | None, seed: int) -> Scorer:
    space = Space.learn(data.texts, base)
    search = search_strength(data, space, parts=usable_parts(data), seed=seed)
    return fit_scorer(data, space, strength=search.strength)
