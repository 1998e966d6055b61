"""
What comments cost on a cluster, and a model of it: `python -m tests.benchmarks.costs`.

Scoring is run as the whole command, training in this process with workers of its own, at several
numbers of rows and of workers. Two models are fitted to the seconds measured, by least squares
without negative terms:

    scoring:  start + rows / workers * A
    training: rows / workers * B                          reading, counting and collecting words
              + rounds * (C + rows / workers * D + features * workers * E)

`rounds` is how often the losses of all comments were summed; they grow with a power of the rows,
which is fitted, too. The largest point is held back and predicted, rounds and all; what is printed
for a million and more comments is the model's word, not measured.
Real comments where `../shared/corpora` is, repeated up to the number of rows; generated elsewhere.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.optimize import nnls

from moderation.distributed.cluster import open_cluster
from moderation.distributed.rows import cut_files, find_tables_of
from moderation.distributed.training import train_on_cluster
from moderation.scorer import CLASSIFIER
from tests.benchmarks.material import read_comments
from tests.benchmarks.scale import on_cluster, write_archive

SCORED = (250_000, 500_000, 1_000_000, 2_000_000)
LEARNT = (2_500, 5_000, 10_000, 20_000)
WORKERS = (1, 2)
SEARCHING = "choosing C"


@dataclass(frozen=True)
class Scoring:
    """One run of the command."""

    rows: int
    workers: int
    seconds: float

    @property
    def terms(self) -> list[float]:
        return [1.0, self.rows / self.workers]


@dataclass(frozen=True)
class Training:
    """One training: what reading and learning the words took, and all rounds together."""

    rows: int
    workers: int
    features: int
    rounds: int
    reading: float
    fitting: float

    @property
    def terms(self) -> list[float]:
        return [self.rows / self.workers]

    @property
    def terms_of_rounds(self) -> list[float]:
        each = [1.0, self.rows / self.workers, self.features * self.workers]
        return [self.rounds * term for term in each]


def score(folder: Path, rows: int, workers: int) -> Scoring:
    """Run the command on so many rows."""
    archive, out = folder / f"archive-{rows}", folder / "out"
    if not archive.exists():
        write_archive(archive, rows)
    shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    subprocess.run(on_cluster(archive, out, workers), check=True, stderr=subprocess.DEVNULL)
    return Scoring(rows, workers, time.perf_counter() - begun)


def learn(folder: Path, rows: int, workers: int) -> Training:
    """Train on so many rows, without a base model."""
    table = folder / f"labelled-{rows}.parquet"
    if not table.exists():
        texts, labels, _ = read_comments(rows)
        pq.write_table(pa.table({"text": texts, "label": [int(label) for label in labels]}), table)
    seconds: dict[str, float] = defaultdict(float)

    def clock(items: Iterable[Any], number: int, what: str, /) -> Iterator[Any]:
        begun = time.perf_counter()
        yield from items
        seconds[what] += time.perf_counter() - begun

    with open_cluster(workers=workers) as client:
        parts = cut_files(find_tables_of([str(table)]), given={}, rows=max(rows // 16, 1))
        begun = time.perf_counter()
        training = train_on_cluster(client, parts, progress=clock)
        whole = time.perf_counter() - begun
    reading = sum(time for what, time in seconds.items() if what != SEARCHING)
    features = training.scorer.pipeline[CLASSIFIER].coef_.shape[1]
    return Training(rows, workers, features, training.rounds, reading, whole - reading)


def fit(terms: list[list[float]], seconds: list[float]) -> np.ndarray:
    """Return the coefficients whose shares of the seconds are nearest, none below 0."""
    shares = np.array(terms) / np.array(seconds)[:, np.newaxis]
    return nnls(shares, np.ones(len(seconds)))[0]


def told(name: str, predicted: float, seconds: float) -> None:
    print(
        f"held back: {name}: predicted {predicted:.0f} s, measured {seconds:.0f} s "
        f"({predicted / seconds - 1:+.0%})"
    )


def cost_of_scoring(folder: Path) -> None:
    """Measure scoring, and print its model."""
    runs = [score(folder, rows, workers) for rows in SCORED for workers in WORKERS]
    for run in runs:
        print(f"  scoring {run.rows} rows, {run.workers} workers: {run.seconds:.1f} s", flush=True)
    *known, held = runs
    start, row = fit([run.terms for run in known], [run.seconds for run in known])
    print(f"scoring: {start:.1f} s + rows / workers * {row * 1e6:.1f} us")
    predicted = float(np.dot([start, row], held.terms))
    told(f"{held.rows} rows, {held.workers} workers", predicted, held.seconds)
    for rows, workers in ((10**6, 2), (10**9, 2), (10**9, 64)):
        hours = (start + row * rows / workers) / 3600
        print(f"  {rows:,} comments, {workers} workers: {hours:.3g} hours")


def cost_of_training(folder: Path) -> None:
    """Measure training, and print its model."""
    runs: list[Training] = []
    for rows in LEARNT:
        for workers in WORKERS:
            run = learn(folder, rows, workers)
            runs.append(run)
            print(
                f"  training on {rows} rows, {workers} workers: {run.reading + run.fitting:.1f} s, "
                f"{run.reading:.1f} s of reading and "
                f"learning words, {run.rounds} rounds in {run.fitting:.1f} s, "
                f"{run.features} features",
                flush=True,
            )
    print_model(runs)


def print_model(runs: Sequence[Training]) -> None:
    """Fit the model of training to all runs but the last, and print what it says."""
    *known, held = runs
    counted = [run for run in known if run.rows < held.rows]  # rounds do not depend on workers
    power, factor = np.polyfit(
        np.log([run.rows for run in counted]), np.log([run.rounds for run in counted]), 1
    )
    [words] = fit([run.terms for run in known], [run.reading for run in known])
    each, row, feature = fit([run.terms_of_rounds for run in known], [run.fitting for run in known])
    print(
        f"training: rows / workers * {words * 1e6:.0f} us + rounds * ({each * 1e3:.0f} ms + rows / "
        f"workers * {row * 1e6:.2f} us + features * workers * {feature * 1e6:.3f} us); "
        f"rounds = {np.exp(factor):.1f} * rows ** {power:.2f}"
    )

    def predict(rows: int, workers: int, features: float) -> float:
        rounds = np.exp(factor) * rows**power
        a_round = each + row * rows / workers + feature * features * workers
        return float(words * rows / workers + rounds * a_round)

    predicted = predict(held.rows, held.workers, held.features)
    told(f"{held.rows} rows, {held.workers} workers", predicted, held.reading + held.fitting)
    for rows, workers, features in ((10**6, 2, 2e6), (10**8, 64, 2e7)):
        hours = predict(rows, workers, features) / 3600
        print(
            f"  {rows:,} comments of {features:.0e} features, {workers} workers: {hours:.3g} hours"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", choices=("scoring", "training"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if args.only != "training":
            cost_of_scoring(Path(name))
        if args.only != "scoring":
            cost_of_training(Path(name))


if __name__ == "__main__":
    main()
