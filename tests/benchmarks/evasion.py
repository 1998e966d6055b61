"""
What masking words brings their writers: `python -m tests.benchmarks.evasion`.

The model is made without `jigsaw_natural`, and measured on it. The threshold lets 5% of the clean
comments through as false alarms. In each abusive comment that is caught, the words that matter are
masked: the strongest, until the comment without them would pass. Recall is counted again; beside
it that of the same weights which read no masks, at the threshold of their own, words chosen by
them. Then the traps, honest text that looks masked: how many lines are marked either way. Last,
what reading masks costs: time of scoring over that of the same weights without, medians of
alternating runs.
"""

import argparse
import random
import re
import statistics
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logit

from moderation.base import read_corpus
from moderation.calibration import Scale
from moderation.explanations import Contribution
from moderation.foundation import LICENCES, learn_foundation, without
from moderation.scorer import FEATURES, Scorer
from tests.attacks import ATTACKS, LETTERS, Attack, mask
from tests.benchmarks.material import CORPORA

CORPUS = "jigsaw_natural"
FALSE_ALARMS = 0.05
MOST_WORDS = 12
TRAPS = Path(__file__).parents[1] / "traps.txt"
ROUNDS = 9


@dataclass(frozen=True)
class Caught:
    """A comment that is caught, and the words without which it would not be."""

    text: str
    words: list[Contribution]

    def masked(self, attack: Attack, random_: random.Random) -> str:
        text = self.text
        for word in sorted(self.words, key=lambda word: -word.begin):
            written = mask(text[word.begin : word.end], attack, random_)
            text = text[: word.begin] + written + text[word.end :]
        return text


class Measured:
    """A scorer with the threshold that gives it its false alarms, and what it catches."""

    def __init__(self, scorer: Scorer, texts: list[str], labels: np.ndarray) -> None:
        logits = logit(scorer.score(texts))
        self.scorer = scorer
        self.threshold = float(np.quantile(logits[labels == 0], 1 - FALSE_ALARMS))
        self.abusive = int(labels.sum())
        self.caught = [
            Caught(text, list(self._words_that_matter(text)))
            for text, found, label in zip(texts, logits, labels, strict=True)
            if label and found >= self.threshold
        ]

    def marks(self, texts: list[str]) -> np.ndarray:
        return logit(self.scorer.score(texts)) >= self.threshold

    def recall_lost(self, attack: Attack) -> float:
        random_ = random.Random(0)
        masked = [caught.masked(attack, random_) for caught in self.caught]
        return float(len(masked) - self.marks(masked).sum()) / self.abusive

    def _words_that_matter(self, text: str):
        explanation = self.scorer.explain(text)
        left = explanation.logit
        for word in explanation.strongest(MOST_WORDS):
            if LETTERS.search(text[word.begin : word.end]):
                yield word
                left -= word.value
            if left < self.threshold:
                return


def main() -> None:
    """Print what each attack costs in recall, what the traps do, and what reading masks costs."""
    parser = argparse.ArgumentParser(description="Attack the base model with masked words.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    texts, labels = tables[CORPUS]["text"].tolist(), tables[CORPUS]["label"].to_numpy()
    learnt = learn_foundation(without(tables, CORPUS))
    scorer = Scorer(learnt.pipeline([Scale(1.0, 0.0)] * 2))
    reading = Measured(scorer, texts, labels)
    blind = Measured(without_masks(scorer), texts, labels)
    print_attacks(reading, blind)
    print_traps(reading, blind)
    print_cost(scorer, blind.scorer, texts)


def print_attacks(reading: Measured, blind: Measured) -> None:
    share = len(reading.caught) / reading.abusive
    words = statistics.mean(len(caught.words) for caught in reading.caught)
    print(
        f"{CORPUS}: {share:.1%} of {reading.abusive} abusive comments are caught where "
        f"{FALSE_ALARMS:.0%} of the clean ones are; {words:.1f} words masked in each.\n"
    )
    print("| attack | recall lost, in points | without reading masks |\n|---|---:|---:|")
    lost = {name: (reading.recall_lost(a), blind.recall_lost(a)) for name, a in ATTACKS.items()}
    for name, (seen, unseen) in lost.items():
        print(f"| {name} | {100 * seen:.1f} | {100 * unseen:.1f} |")
    for name, of in (("**mean**", np.mean), ("**worst**", np.max)):
        seen, unseen = 100 * of(list(lost.values()), axis=0)
        print(f"| {name} | {seen:.1f} | {unseen:.1f} |")


def print_traps(reading: Measured, blind: Measured) -> None:
    lines = [
        re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), line)
        for line in TRAPS.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("# ")
    ]
    seen, unseen = reading.marks(lines), blind.marks(lines)
    print(
        f"\nTraps: {seen.sum()} of {len(lines)} lines are marked, {unseen.sum()} without reading "
        f"masks; {(seen & ~unseen).sum()} only where masks are read."
    )


def print_cost(reading: Scorer, blind: Scorer, texts: list[str]) -> None:
    print("\n| scoring | time over that without masks |\n|---|---:|")
    for name, threads in (("one thread", 1), ("all cores", None)):
        times: dict[str, list[float]] = {"reading": [], "blind": []}
        for _ in range(ROUNDS):
            for kind, scorer in (("reading", reading), ("blind", blind)):
                begun = time.perf_counter()
                scorer.score(texts, threads=threads)
                times[kind].append(time.perf_counter() - begun)
        ratio = statistics.median(times["reading"]) / statistics.median(times["blind"])
        print(f"| {len(texts):,} comments, {name} | {ratio:.2f} |")


def without_masks(scorer: Scorer) -> Scorer:
    """Return a scorer with the same weights that reads no masks."""
    pipeline = deepcopy(scorer.pipeline)
    for _, half in pipeline[FEATURES].transformer_list:
        half.preprocessor = None
    return Scorer(pipeline)


if __name__ == "__main__":
    main()
