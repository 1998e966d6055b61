"""
What of the Perspective API's decisions stays: `python -m tests.benchmarks.equating`.

The base model has learnt from both corpora that carry the API's scores, so each is scored by a
model made without it and without copies of its comments. Thresholds do not depend on the scale of
a score, so the numbers are logits brought to [0, 1]; the shares are what counts.
"""

import argparse
from pathlib import Path

from scipy.special import expit

from moderation.base import read_corpus
from moderation.equating import Carried, carry_over
from moderation.foundation import LICENCES, learn_foundation, without
from tests.benchmarks.material import CORPORA

SCORES = {"wiki_context": "perspective_toxicity", "perspective_2k": "perspective_toxicity_v6"}
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def main() -> None:
    """Print for each corpus and old threshold the decisions that stay."""
    parser = argparse.ArgumentParser(description="Carry the Perspective API's thresholds over.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    print("| corpus | old threshold | same decisions | still matched | kappa |")
    print("|---|---:|---|---|---:|")
    for name, column in SCORES.items():
        table = tables[name]
        learnt = learn_foundation(without(tables, name))
        new = expit(learnt.logits(table["text"].tolist())[:, 1])
        for found in carry_over(table[column].to_numpy(dtype=float), new, THRESHOLDS):
            told = (
                f"{found.same.as_share()} | {found.still_matched.as_share()} | {found.kappa:.2f}"
                if isinstance(found, Carried)
                else f"{found.reason} | |"
            )
            print(f"| {name} | {found.old_threshold:g} | {told} |")


if __name__ == "__main__":
    main()
