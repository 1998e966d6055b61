"""
How well the base model ranks comments it has not learnt from: `python -m tests.benchmarks.quality`.

A corpus that the base model learns from is measured with a model made without it and without copies
of its comments. Beside it, on the same comments: one regression over the same rows (scikit-learn's
numbers), alt-profanity-check as it ships, and the Perspective API's own scores where a corpus has
them. ROC-AUC and average precision with 95% bootstrap intervals. Of `hatecheck` also accuracy and
macro-F1 of the base model, on the 50/50 scale at 0.5, beside what its authors found of Perspective.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from tqdm import tqdm

from moderation.base import LEFT_OUT, MEASURED_ONLY, read_corpus
from moderation.calibration import Scale
from moderation.features import make_features
from moderation.foundation import CALIBRATED_ON, LICENCES, learn_foundation, without
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
    logits = scores[CONTENDERS[0]]
    print_hatecheck(tables, others, logits[-len(others["hatecheck"]) :])


def print_hatecheck(
    tables: Mapping[str, pd.DataFrame], others: Mapping[str, pd.DataFrame], logits: np.ndarray
) -> None:
    natural = tables[CALIBRATED_ON]
    labels = natural["label"].to_numpy(dtype=np.int64)
    apart = learn_foundation(without(tables, CALIBRATED_ON)).logits(natural["text"].tolist())[:, 0]
    scale = Scale.learn(apart, labels).at(0.5, learnt_at=float(labels.mean()))
    told = scale.apply(logits) >= 0.5
    truth = others["hatecheck"]["label"].to_numpy() == 1
    print("| hatecheck | accuracy | macro-F1 |\n|---|---:|---:|")
    macro = f1_score(truth, told, average="macro")
    print(f"| base model | {(told == truth).mean():.3f} | {macro:.3f} |")
    print("| Perspective API, published (Röttger et al. 2021) | 0.766 | 0.702 |")


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
