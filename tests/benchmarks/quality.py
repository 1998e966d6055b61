"""
How well the base model ranks comments it has not learnt from: `python -m tests.benchmarks.quality`.

A corpus that the base model learns from is measured with a model made without it and without copies
of its comments. Beside it, on the same comments: one regression over the same rows (scikit-learn's
numbers), alt-profanity-check as it ships, and the Perspective API's own scores where a corpus has
them. ROC-AUC and average precision with 95% bootstrap intervals.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from moderation.base import LEFT_OUT, MEASURED_ONLY, read_corpus
from moderation.features import make_features
from moderation.foundation import LICENCES, learn_foundation, without
from moderation.logistic import fit_logistic
from moderation.metrics import measure
from tests.benchmarks.material import CORPORA

PERSPECTIVE = "perspective_toxicity"
ONE_CLASS = {"civil_toxic"}
"""Left out of the single regression, which would learn the source for its label."""


def main() -> None:
    """Print one line for each corpus."""
    parser = argparse.ArgumentParser(description="Measure the base model beside others.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    print("| corpus | comments | abuse | | ROC-AUC | average precision |")
    print("|---|---:|---:|---|---|---|")
    for name in LEFT_OUT:
        report(name, tables[name], contenders(without(tables, name), tables[name]))
    others = {name: read_corpus(args.corpora, name) for name in MEASURED_ONLY}
    together = pd.concat(others.values())
    scores = contenders(tables, together)
    begin = 0
    for name, table in others.items():
        part = slice(begin, begin + len(table))
        report(name, table, {who: found[part] for who, found in scores.items()})
        begin += len(table)


def contenders(learnt: Mapping[str, pd.DataFrame], table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the scores that each contender gives the comments of a table."""
    import profanity_check

    texts = table["text"].tolist()
    rows = pd.concat(
        part[["text", "label"]]
        for name, part in learnt.items()
        if "label" in part and name not in ONE_CLASS
    )
    features = make_features()
    classifier = fit_logistic(
        features.fit_transform(rows["text"].tolist()), rows["label"].to_numpy(), strength=1.0
    )
    return {
        "base model": learn_foundation(learnt).logits(texts)[:, 0],
        "one regression": features.transform(texts) @ classifier.coef_[0],
        "alt-profanity-check": profanity_check.predict_prob(texts),
    }


def report(name: str, table: pd.DataFrame, scores: dict[str, np.ndarray]) -> None:
    if PERSPECTIVE in table:
        scores = {**scores, "Perspective API": table[PERSPECTIVE].to_numpy()}
    labels = table["label"].to_numpy(dtype=np.int64)
    for who, found in scores.items():
        measured = measure(labels, found, thresholds={})
        print(
            f"| {name} | {measured.comments:,} | {measured.base_rate:.1%} | {who} "
            f"| {measured.roc_auc} | {measured.average_precision} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
