"""
Train on workers of a cluster, and print how near that comes to scikit-learn and to local training.

    python tests/benchmarks/distributed_training.py COMMENTS.parquet [--workers 1 2] [--memory 1GB]

Prints for each number of workers the time, the largest memory that a worker's process had, the
ROC-AUC, and by how much the weights differ from those of the first run; then the same of
scikit-learn's `LogisticRegression` on the same features, with `--compare`. With `--strength C`
nothing is searched: the weights are fitted to four comments of five at that C, and measured on the
fifth.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from moderation.arguments import progress
from moderation.datasets import Dataset, GatherReport, gather, merge_copies, split, usable_parts
from moderation.distributed.cluster import open_cluster
from moderation.distributed.crew import Crew
from moderation.distributed.gathering import gather_rows
from moderation.distributed.learner import Learner, make_space
from moderation.distributed.matrices import PLAIN, Store
from moderation.distributed.rows import cut_files, find_tables_of
from moderation.distributed.telling import read_rows
from moderation.distributed.training import DistributedTraining, train_on_cluster
from moderation.distributed.trees import cut_leaves
from moderation.distributed.vocabulary_search import learn_features
from moderation.parsers import read_comments
from moderation.scorer import CLASSIFIER


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="COMMENTS.parquet")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", default="1GB", help="of each worker")
    parser.add_argument("--strength", type=float, metavar="C", help="fit at this C alone")
    parser.add_argument("--compare", action="store_true", help="with scikit-learn, too")
    args = parser.parse_args(argv)
    if args.strength is not None:
        fits = [fit(args.data, workers, args.memory, args.strength) for workers in args.workers]
        for workers, one in zip(args.workers, fits, strict=True):
            differ = np.abs(one.weights - fits[0].weights).max()
            print(f"  {workers} workers: weights differ from the first run's by {differ:.2g}")
        if args.compare:
            compare_fit(fits[-1], args.data, args.strength)
        return
    first: DistributedTraining | None = None
    for workers in args.workers:
        training = run(args.data, workers, args.memory)
        first = first or training
        print(f"  weights differ from the first run's by {difference(training, first):.2g}")
    if args.compare and first is not None:
        compare(first, args.data)


def run(data: Path, workers: int, memory: str) -> DistributedTraining:
    """Train, and print what it took."""
    begun = time.perf_counter()
    with open_cluster(workers=workers, memory=memory) as client:
        parts = cut_files(find_tables_of([str(data)]), given={})
        training = train_on_cluster(client, parts, progress=progress)
        taken = time.perf_counter() - begun
        largest = max(client.run(_most_memory).values())
    print(
        f"{workers} workers of {memory}: {len(training.learned)} comments learnt from, "
        f"{len(weights(training)) - 1} features, {taken:.0f} s, up to {largest:.0f} MB, "
        f"C = {training.search.strength:g}, ROC-AUC {training.report.roc_auc.value:.5f}, "
        f"counts too small by at most {training.count_error}",
        flush=True,
    )
    return training


@dataclass(frozen=True)
class Fit:
    """Weights and intercept (d + 1,) that workers found, and the features they are of."""

    weights: Any
    features: Any


def fit(data: Path, workers: int, memory: str, strength: float) -> Fit:
    """Fit to the larger part of the data at one C, and print what it took."""
    with open_cluster(workers=workers, memory=memory) as client:
        crew = Crew(client)
        begun = time.perf_counter()
        parts = cut_files(find_tables_of([str(data)]), given={})
        known = list(crew.over(read_rows, cut_leaves(parts)))
        gathered = gather_rows(parts, [rows for leaf in known for rows in leaf])
        learned = split(gathered.dataset, parts=5, seed=0).train
        leaves = cut_leaves(gathered.pieces(learned))
        found = learn_features(crew, leaves, number=len(learned))
        space = make_space(found.features, None)
        learner = Learner(crew, leaves, space, crew.share(space.features))
        read = time.perf_counter() - begun
        [classifier] = learner.fit([strength], leaves, PLAIN)
        taken = time.perf_counter() - begun
        largest = max(client.run(_most_memory).values())
        weight = sum(client.run(_weigh, crew.store).values())
    print(
        f"{workers} workers of {memory}: {len(learned)} comments, {len(found.features.idf_)} "
        f"features, of all comments {weight:.0f} MB; read and words learnt in {read:.0f} s, "
        f"{crew.rounds} rounds in {taken - read:.0f} s, up to {largest:.0f} MB",
        flush=True,
    )
    return Fit(np.append(classifier.coef_, classifier.intercept_), found.features)


def compare_fit(fit: Fit, data: Path, strength: float) -> None:
    """Fit scikit-learn's classifier to the same comments, and print how near the other is."""
    report = GatherReport()
    dataset: Dataset = merge_copies(gather(read_comments(data), report), report)
    both = split(dataset, parts=5, seed=0)
    learnt, unseen = (fit.features.transform(part.texts) for part in (both.train, both.test))
    begun = time.perf_counter()
    expected = LogisticRegression(C=strength, tol=1e-7, max_iter=10_000)
    expected.fit(learnt, both.train.labels)
    other = np.append(expected.coef_, expected.intercept_)
    logits = unseen @ fit.weights[:-1] + fit.weights[-1]
    aucs = [
        roc_auc_score(both.test.labels, scores)
        for scores in (logits, expected.decision_function(unseen))
    ]
    relative = np.linalg.norm(fit.weights - other) / np.linalg.norm(other)
    print(
        f"scikit-learn in {time.perf_counter() - begun:.0f} s: weights differ by {relative:.2g} of "
        f"their length, ROC-AUC {aucs[1]:.6f}, here {aucs[0]:.6f}"
    )


def weights(training: DistributedTraining) -> Any:
    """Return the weights of the fit, before its logits were brought to a scale, and intercept."""
    classifier = training.scorer.pipeline[CLASSIFIER]
    intercept = (classifier.intercept_ - training.scale.intercept) / training.scale.slope
    return np.append(classifier.coef_ / training.scale.slope, intercept)


def difference(one: DistributedTraining, other: DistributedTraining) -> float:
    """Return the largest difference of any weight."""
    return float(np.abs(weights(one) - weights(other)).max())


def compare(training: DistributedTraining, data: Path) -> None:
    """Fit scikit-learn's classifier to the same features, and print how far the weights are."""
    report = GatherReport()
    dataset: Dataset = merge_copies(gather(read_comments(data), report), report)
    parts = split(dataset, parts=usable_parts(dataset), seed=0)
    features = training.scorer.pipeline[:-1]
    learnt, unseen = (features.transform(part.texts) for part in (parts.train, parts.test))
    expected = LogisticRegression(C=training.search.strength, tol=1e-7, max_iter=10_000)
    expected.fit(learnt, parts.train.labels)
    own, other = weights(training), np.append(expected.coef_, expected.intercept_)
    aucs = [
        roc_auc_score(parts.test.labels, scores)
        for scores in (training.held_out_scores, expected.decision_function(unseen))
    ]
    print(
        f"scikit-learn: weights differ by {np.linalg.norm(own - other) / np.linalg.norm(other):.2g}"
        f" of their length, ROC-AUC {aucs[1]:.5f}, here {aucs[0]:.5f}"
    )


def _weigh(store: Store, dask_worker: Any) -> float:
    """Return what the features that this worker made weigh, in MB."""
    return sum(path.stat().st_size for path in store.folder_of(dask_worker).glob("*.matrix")) / 1e6


def _most_memory(dask_worker: object) -> float:
    """Return the most memory this process had, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float(psutil.Process().memory_info().rss) / 1e6
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) / 1e3


if __name__ == "__main__":
    main()
