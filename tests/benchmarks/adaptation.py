"""
What a site's own decisions add to the base model: `python -m tests.benchmarks.adaptation`.

Of each corpus that the base model has not learnt from, so many comments are drawn to learn from and
the others are scored: by the base model alone, by a model that began with it, and by one that began
with nothing. C is chosen as in training, by cross-validation among the comments drawn.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from moderation import load_model
from moderation.datasets import Dataset, usable_parts
from moderation.model import fit_scorer, search_strength
from moderation.scorer import Scorer
from tests.benchmarks.material import CORPORA

SOURCES = ("insults", "c3_news", "olid", "ucc_news")
SIZES = (100, 300, 1000, 3000)
SCORED = 5000
"""Comments that each draw is measured on."""


def main() -> None:
    """Print a table: mean ROC-AUC over draws."""
    parser = argparse.ArgumentParser(description="Measure what adaptation brings.")
    parser.add_argument("--base", type=Path, default=Path("models/base.joblib"))
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    base = load_model(args.base)
    print(f"base model {base.version}; mean of {args.draws} draws; ROC-AUC on {SCORED} others")
    print("| | base alone | " + " | ".join(f"n = {size:,}" for size in SIZES) + " |")
    print("|---|" + "---|" * (1 + len(SIZES)))
    for name in SOURCES:
        table = pd.read_csv(CORPORA / f"{name}.csv.gz").dropna(subset="text")
        table = table.assign(group=np.arange(len(table)))[["text", "label", "group"]]
        cells = [compare(table, size, base, args.draws) for size in SIZES]
        alone = np.mean([cell[0] for cell in cells])
        shown = " | ".join(f"{adapted:.3f} ({scratch:.3f})" for _, adapted, scratch in cells)
        print(f"| {name} | {alone:.3f} | {shown} |", flush=True)


def compare(table: pd.DataFrame, size: int, base: Scorer, draws: int) -> tuple[float, ...]:
    """Return the mean AUC of the base model, of one that began with it, and of one without."""
    found = []
    for draw in tqdm(range(draws), desc=f"{size} rows", leave=False, file=sys.stderr):
        mixed = table.sample(frac=1, random_state=draw)
        learnt, scored = mixed[:size], mixed[size : size + SCORED]
        data = Dataset(learnt.reset_index(drop=True), float(learnt["label"].mean()), "comment")
        scores = [base.score(scored["text"].tolist())]
        for beginning in (base, None):
            search = search_strength(data, parts=usable_parts(data), seed=draw, base=beginning)
            fitted = fit_scorer(data, strength=search.strength, base=beginning)
            scores.append(fitted.score(scored["text"].tolist()))
        found.append([roc_auc_score(scored["label"], score) for score in scores])
    return tuple(np.mean(found, axis=0).tolist())


if __name__ == "__main__":
    main()
