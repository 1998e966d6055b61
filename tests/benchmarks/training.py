"""
Training beside a plain scikit-learn script: `python -m tests.benchmarks.training`.

Ours is the command, `python -m moderation.train`. The script reads the same table, sets the same
comments aside, and chooses C by the same folds; what it does with them is scikit-learn alone: two
`TfidfVectorizer`s and `LogisticRegression`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from tests.benchmarks.material import read_comments

PLAIN = """
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import FeatureUnion

from moderation.datasets import GatherReport, folds, gather, merge_copies, split, usable_parts
from moderation.parsers import read_comments


def features():
    settings = {"min_df": 2, "sublinear_tf": True}
    words = TfidfVectorizer(ngram_range=(1, 2), **settings)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **settings)
    return FeatureUnion([("word", words), ("char", characters)])


def classifier(strength):
    return LogisticRegression(C=strength, tol=1e-4, max_iter=1000)


report = GatherReport()
dataset = merge_copies(gather(read_comments(sys.argv[1]), report), report)
parts = split(dataset, parts=usable_parts(dataset), seed=0)
learn, texts, labels = parts.train, np.array(parts.train.texts, dtype=object), parts.train.labels
strengths = (0.3, 1.0, 3.0, 10.0, 30.0)
scores = {strength: np.zeros(len(learn)) for strength in strengths}
for seen, unseen in folds(learn, parts=usable_parts(learn), seed=0):
    union = features()
    matrix, other = union.fit_transform(texts[seen]), union.transform(texts[unseen])
    for strength in strengths:
        fitted = classifier(strength).fit(matrix, labels[seen])
        scores[strength][unseen] = fitted.predict_proba(other)[:, 1]
best = min(strengths, key=lambda strength: log_loss(labels, scores[strength]))
union = features()
fitted = classifier(best).fit(union.fit_transform(texts), labels)
held_out = fitted.predict_proba(union.transform(parts.test.texts))[:, 1]
print(roc_auc_score(parts.test.labels, held_out))
"""


def main() -> None:
    """Print both times and ROC-AUCs."""
    parser = argparse.ArgumentParser(description="Train beside a plain scikit-learn script.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    texts, labels, source = read_comments(args.rows)
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        table, model = Path(folder) / "rows.csv", Path(folder) / "model.joblib"
        pd.DataFrame({"text": texts, "label": labels}).to_csv(table, index=False)
        for _ in range(args.rounds):
            ours.append(run("-m", "moderation.train", table, "--base", "none", "--out", model)[0])
            taken, output = run("-c", PLAIN, table)
            plain.append(taken)
        metrics = json.loads(model.with_suffix(".json").read_text())["metrics"]
    first, second = sorted(ours)[len(ours) // 2], sorted(plain)[len(plain) // 2]
    print(f"{source}, {args.rows} rows; medians of {args.rounds} rounds")
    print("| | seconds | times | ROC-AUC |")
    print("|---|---:|---:|---:|")
    area = metrics["roc_auc"]["value"]
    print(f"| moderation.train | {first:.0f} | {second / first:.1f} | {area:.4f} |")
    print(f"| plain scikit-learn | {second:.0f} | 1.0 | {float(output):.4f} |")


def run(*command: object) -> tuple[float, str]:
    """Return the seconds that a command takes, and what it prints."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *map(str, command)], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - begin, done.stdout


if __name__ == "__main__":
    main()
