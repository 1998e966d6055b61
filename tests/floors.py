"""
Floors under the shipped base model's quality: `python -m tests.floors` raises those in
`baseline.json` to what is measured now; one that would fall is refused without `--lower`.

Corpora that the base model has not learnt from are scored here, as they are and with the words that
matter masked. Of those that it has learnt from, the manifest tells what models made without them
reached. The data's digests are pinned as well: a floor says nothing of other comments.
"""

import argparse
import hashlib
import json
import math
import random
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation import load_model
from moderation.artifacts import read_manifest
from moderation.base import LEFT_OUT, MEASURED_ONLY, read_corpus
from moderation.scorer import Scorer
from tests.attacks import ATTACKS, mask
from tests.benchmarks.material import CORPORA

BASE = Path(__file__).parents[1] / "models/base.joblib"
BASELINE = Path(__file__).with_name("baseline.json")
MASKED_WORDS = 3

Floors = dict[str, dict[str, float]]


def main() -> int:
    """Write the floors, or say which of them would fall."""
    parser = argparse.ArgumentParser(description="Raise the floors under the base model's quality.")
    parser.add_argument("--lower", action="store_true", help="let floors fall, too: on purpose")
    args = parser.parse_args()
    measured = {**measure_left_out(), **{name: measure(name) for name in MEASURED_ONLY}}
    known = read_floors() if BASELINE.exists() else {}
    falling = list(compare(measured, known))
    if falling and not args.lower:
        print("floors would fall; if that is meant, --lower:", *falling, sep="\n", file=sys.stderr)
        return 1
    digests = {name: digest(name) for name in measured}
    floors = {
        name: {
            kind: round_down(value if args.lower else max(value, known.get(name, {}).get(kind, 0)))
            for kind, value in values.items()
        }
        for name, values in measured.items()
    }
    body = {"data": digests, "floors": floors}
    BASELINE.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    return 0


def read_floors() -> Floors:
    return json.loads(BASELINE.read_text(encoding="utf-8"))["floors"]


def compare(measured: Floors, floors: Floors):
    """Yield a line for each floor that is not reached."""
    for name, kinds in floors.items():
        for kind, floor in kinds.items():
            found = measured.get(name, {}).get(kind, 0.0)
            if found < floor:
                yield f"{name}: {kind} {found:.4f}, floor {floor:.3f}"


def measure_left_out() -> Floors:
    metrics = read_manifest(BASE).facts["metrics"]
    kinds = ("roc_auc", "average_precision")
    return {name: {kind: metrics[name][kind]["value"] for kind in kinds} for name in LEFT_OUT}


def measure(name: str) -> dict[str, float]:
    """Return how the base model ranks a corpus, and how it does where words are masked."""
    table, scorer = read_corpus(CORPORA, name), load_model(BASE)
    texts, labels = table["text"].tolist(), table["label"].to_numpy()
    masked = mask_abusive(scorer, texts, labels)
    return {
        "roc_auc": float(roc_auc_score(labels, scorer.score(texts))),
        "average_precision": float(average_precision_score(labels, scorer.score(texts))),
        "masked_roc_auc": float(roc_auc_score(labels, scorer.score(masked))),
    }


def mask_abusive(scorer: Scorer, texts: list[str], labels: np.ndarray) -> list[str]:
    """Return texts in which the strongest words of the abusive ones are masked, each some way."""
    random_ = random.Random(0)
    attacks = list(ATTACKS.values())
    masked = list(texts)
    for row in np.flatnonzero(labels == 1):
        text, attack = texts[row], random_.choice(attacks)
        strongest = scorer.explain(text).strongest(MASKED_WORDS)
        for word in sorted(strongest, key=lambda word: -word.begin):
            written = mask(text[word.begin : word.end], attack, random_)
            text = text[: word.begin] + written + text[word.end :]
        masked[row] = text
    return masked


def digest(name: str) -> str:
    return hashlib.sha256((CORPORA / f"{name}.csv.gz").read_bytes()).hexdigest()


def round_down(value: float) -> float:
    return math.floor(value * 1000) / 1000


if __name__ == "__main__":
    sys.exit(main())
