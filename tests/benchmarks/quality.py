"""
How well the base model ranks comments it has not learnt from: `python -m tests.benchmarks.quality`.

A corpus that the base model learns from is measured with a model made without it and without copies
of its comments. Beside it, on the same comments: one regression over the same rows (scikit-learn's
numbers), alt-profanity-check as it ships, and the Perspective API's own scores where a corpus has
them. ROC-AUC and average precision with 95% bootstrap intervals.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from moderation.base import LEFT_OUT, MEASURED_ONLY, read_corpus
from moderation.features import make_features
from moderation.foundation import LICENCES, learn_foundation, without
from moderation.logistic import fit_logistic
from moderation.metrics import Report, measure
from tests.benchmarks.material import CORPORA

PERSPECTIVE = "perspective_toxicity"
CONTENDERS = ("base model", "one regression", "alt-profanity-check", "Perspective API")
ONE_CLASS = {"civil_toxic"}
"""Left out of the single regression, which would learn the source for its label."""


def main() -> None:
    """Print a table of ROC-AUC and one of average precision."""
    parser = argparse.ArgumentParser(description="Measure the base model beside others.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    reports = {}
    for name in tqdm(LEFT_OUT, desc="corpora", file=sys.stderr):
        found = contenders(without(tables, name), tables[name])
        reports[name] = measure_all(tables[name], found)
    others = {name: read_corpus(args.corpora, name) for name in MEASURED_ONLY}
    scores = contenders(tables, pd.concat(others.values()))
    begin = 0
    for name, table in others.items():
        part = slice(begin, begin + len(table))
        reports[name] = measure_all(table, {who: found[part] for who, found in scores.items()})
        begin += len(table)
    for title, value in (
        ("ROC-AUC", lambda report: report.roc_auc),
        ("average precision", lambda report: report.average_precision),
    ):
        print(f"| {title} | comments | abuse | {' | '.join(CONTENDERS)} |")
        print("|---|---:|---:|" + "---|" * len(CONTENDERS))
        for name, measured in reports.items():
            whole = measured[CONTENDERS[0]]
            cells = (str(value(measured[who])) if who in measured else "" for who in CONTENDERS)
            print(f"| {name} | {whole.comments:,} | {whole.base_rate:.1%} | {' | '.join(cells)} |")
        print()


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


def measure_all(table: pd.DataFrame, scores: dict[str, np.ndarray]) -> dict[str, Report]:
    if PERSPECTIVE in table:
        scores = {**scores, "Perspective API": table[PERSPECTIVE].to_numpy()}
    labels = table["label"].to_numpy(dtype=np.int64)
    return {who: measure(labels, found, thresholds={}) for who, found in scores.items()}


if __name__ == "__main__":
    main()
