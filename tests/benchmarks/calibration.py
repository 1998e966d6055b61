"""
Whether a score is the share of removals: `python -m tests.benchmarks.calibration`.

Expected calibration error in 15 bins of equal mass; beside it what chance alone gives there: the
error if each label were drawn with its score as the probability. For `jigsaw_natural` the logits
are those of a base model made without it; its scale is learnt on one half and measured on the
other, and the other way round. For an adapted site, 4,000 comments are learnt from as
`moderation.train` does and the others are measured; the corpora are ones that the base model has
not learnt from.

Then whether the 50/50 scale means the same from one training to the next: two models learn from two
halves of a site's comments, less 2,000 of them. Which score of the second model matches as many of
those as 0.5 and 0.8 of the first do? Once more with a second half that has lost two in three of its
removals.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from moderation import load_model
from moderation.base import read_corpus
from moderation.calibration import Scale, change_base_rate
from moderation.datasets import Dataset
from moderation.foundation import CALIBRATED_ON, LICENCES, learn_foundation, without
from moderation.metrics import calibration_error
from moderation.scorer import Scorer
from moderation.training import train
from tests.benchmarks.material import CORPORA

SITES = ("insults", "c3_news", "olid", "ucc_news")
LEARNT = 4000
MATCHED = 2000
THRESHOLDS = (0.5, 0.8)


def main() -> None:
    """Print calibration errors, and how two models' 50/50 scales agree."""
    parser = argparse.ArgumentParser(description="Measure calibration.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    parser.add_argument("--base", type=Path, default=Path("models/base.joblib"))
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    base = load_model(args.base)
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    print("| calibration error | of the probability | by chance alone | on the 50/50 scale |")
    print("|---|---:|---:|---:|")
    print(row(f"{CALIBRATED_ON}, the base model made without it", *base_errors(tables)))
    for name in tqdm(SITES, desc="sites", file=sys.stderr):
        found = [site_errors(args.corpora, name, draw, base) for draw in range(args.draws)]
        print(row(f"{name}, adapted to {LEARNT:,} comments", *np.mean(found, axis=0)), flush=True)
    print("\n| the same match rate as | 0.5 | 0.8 | 0.5, fewer removals | 0.8 |")
    print("|---|---:|---:|---:|---:|")
    for name in tqdm(SITES, desc="halves", file=sys.stderr):
        found = [equivalents(args.corpora, name, draw, base) for draw in range(args.draws)]
        cells = (f"{np.mean(x):.3f} ± {np.std(x):.3f}" for x in zip(*found, strict=True))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def row(name: str, *errors: float) -> str:
    return f"| {name} | {' | '.join(f'{error:.3f}' for error in errors)} |"


def errors(labels: np.ndarray, scores: np.ndarray, base_rate: float) -> tuple[float, ...]:
    """Return the error of probabilities, that of chance, and that on an even split."""
    rng = np.random.default_rng(0)
    drawn = [calibration_error(rng.random(len(scores)) < scores, scores) for _ in range(20)]
    even = change_base_rate(scores, before=base_rate, after=0.5)
    weights = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    return (
        calibration_error(labels, scores),
        float(np.mean(drawn)),
        calibration_error(labels, even, weights=weights),
    )


def base_errors(tables: dict[str, pd.DataFrame]) -> np.ndarray:
    table = tables[CALIBRATED_ON]
    logits = learn_foundation(without(tables, CALIBRATED_ON)).logits(table["text"].tolist())[:, 0]
    labels = table["label"].to_numpy(dtype=np.int64)
    first = np.random.default_rng(0).random(len(labels)) < 0.5
    found = []
    for learn, measure in ((first, ~first), (~first, first)):
        scores = Scale.learn(logits[learn], labels[learn]).apply(logits[measure])
        found.append(errors(labels[measure], scores, labels[learn].mean()))
    return np.mean(found, axis=0)


def read_site(corpora: Path, name: str, draw: int) -> pd.DataFrame:
    table = read_corpus(corpora, name)[["text", "label"]]
    return table.sample(frac=1, random_state=draw, ignore_index=True)


def adapt(rows: pd.DataFrame, base: Scorer, seed: int) -> tuple[Scorer, float]:
    """Return a model that has learnt from rows, and the base rate it is calibrated at."""
    rate = float(rows["label"].mean())
    rows = rows.assign(group=np.arange(len(rows))).reset_index(drop=True)
    return train(Dataset(rows, rate, "comment"), base=base, seed=seed).scorer, rate


def site_errors(corpora: Path, name: str, draw: int, base: Scorer) -> tuple[float, ...]:
    table = read_site(corpora, name, draw)
    scorer, rate = adapt(table[:LEARNT], base, draw)
    rest = table[LEARNT:]
    return errors(rest["label"].to_numpy(), scorer.score(rest["text"].tolist()), rate)


def equivalents(corpora: Path, name: str, draw: int, base: Scorer) -> list[float]:
    """Return the scores of each second model that match as many as each threshold of the first."""
    table = read_site(corpora, name, draw)
    middle = (MATCHED + len(table)) // 2
    matched, first, second = table[:MATCHED], table[MATCHED:middle], table[middle:]
    rarer = second[(second["label"] == 0) | (second.index % 3 == 0)]
    texts = matched["text"].tolist()
    scores, *others = (even_scores(rows, texts, base, draw) for rows in (first, second, rarer))
    shares = [(scores < threshold).mean() for threshold in THRESHOLDS]
    return [float(np.quantile(other, share)) for other in others for share in shares]


def even_scores(rows: pd.DataFrame, texts: list[str], base: Scorer, seed: int) -> np.ndarray:
    scorer, rate = adapt(rows, base, seed)
    return change_base_rate(scorer.score(texts), before=rate, after=0.5)


if __name__ == "__main__":
    main()
