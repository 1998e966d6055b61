"""
What training costs beside scoring: `python -m tests.benchmarks.adapting`.

10,000 comments are learnt from with the base model to begin with, as `moderation.train` does: C by
cross-validation, thresholds, measuring on what was set aside. Beside it, learning features and one
fit only, and one pass of scoring the same comments with the model that came of it. Medians of
alternating runs on all cores.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from moderation import load_model
from moderation.base import read_corpus
from moderation.datasets import Dataset
from moderation.model import Space, fit_scorer
from moderation.training import train
from tests.benchmarks.material import CORPORA

COMMENTS = 10_000
CORPUS = "c3_news"


def main() -> None:
    """Print seconds, and how many passes of scoring they are."""
    parser = argparse.ArgumentParser(description="Time training with the base model.")
    parser.add_argument("--base", type=Path, default=Path("models/base.joblib"))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    base = load_model(args.base)
    table = read_corpus(CORPORA, CORPUS)[["text", "label"]][:COMMENTS]
    rows = table.assign(group=np.arange(len(table)))
    data = Dataset(rows, float(rows["label"].mean()), "comment")
    scorer = train(data, base=base).scorer  # compiles what is not compiled yet
    times: dict[str, list[float]] = {"training": [], "features and one fit": [], "scoring": []}
    works = {
        "training": lambda: train(data, base=base),
        "features and one fit": lambda: fit_scorer(
            data, Space.learn(data.texts, base), strength=1.0
        ),
        "scoring": lambda: scorer.score(data.texts),
    }
    for _ in tqdm(range(args.rounds), file=sys.stderr):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begun)
    pass_ = statistics.median(times["scoring"])
    print(f"| {COMMENTS:,} comments of {CORPUS} | seconds | passes of scoring |\n|---|---:|---:|")
    for name, found in times.items():
        seconds = statistics.median(found)
        print(f"| {name} | {seconds:.2f} | {seconds / pass_:.1f} |")


if __name__ == "__main__":
    main()
