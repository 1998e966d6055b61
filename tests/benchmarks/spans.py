"""
Whether explanations point where people do: `python -m tests.benchmarks.spans`.

On `civil_spans`, half of the annotators or more marked the characters in `toxic_offsets`. The model
is made without that corpus; a character counts as marked by it where the word it is in stands out:
it adds at least a share of what the strongest word adds, and at least so much to the logit. F1 of
characters for each comment, averaged, as SemEval-2021 task 5 defines it (Pavlopoulos et al. 2021):
where nobody marked anything, 1 if nothing is found, else 0. Share and least are chosen on one half
of the comments, and measured on the other.
"""

import argparse
import ast
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from moderation.base import read_corpus
from moderation.calibration import Scale
from moderation.explanations import STANDING_OUT, WORTH_MARKING
from moderation.foundation import LICENCES, learn_foundation, without
from moderation.scorer import Scorer
from moderation.text import words
from tests.benchmarks.material import CORPORA

CORPUS = "civil_spans"
RULES = [
    (float(share), float(least))
    for share in np.round(np.arange(0.0, 0.91, 0.1), 1)
    for least in np.round(np.arange(0.0, 3.01, 0.3), 1)
]


def main() -> None:
    """Print F1 over the comments that people marked something in, and over all."""
    parser = argparse.ArgumentParser(description="Compare explanations with people's marks.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    tables = {name: read_corpus(args.corpora, name) for name in LICENCES}
    table = tables[CORPUS]
    learnt = learn_foundation(without(tables, CORPUS))
    scorer = Scorer(learnt.pipeline([Scale(5.0, 0.0)] * 2))
    texts = table["text"].tolist()
    marked = [set(ast.literal_eval(offsets)) for offsets in table["toxic_offsets"]]
    found = np.array([f1_by_rule(scorer, *row) for row in zip(texts, marked, strict=True)])
    some = np.array([bool(characters) for characters in marked])
    choosing = np.random.default_rng(0).random(len(texts)) < 0.5
    known = words_marked_elsewhere(texts, marked, choosing)
    listed = np.array([f1(in_list(text, known), m) for text, m in zip(texts, marked, strict=True)])
    print("| comments | | share | least | explanations | by default | words of the other half |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    default = RULES.index((STANDING_OUT, WORTH_MARKING))
    for name, rows in (("with marks", some), ("all", np.ones(len(texts), dtype=bool))):
        best = int(found[rows & choosing].mean(axis=0).argmax())
        measured = rows & ~choosing
        print(
            f"| {name} | {measured.sum():,} | {RULES[best][0]} | {RULES[best][1]} "
            f"| {found[measured, best].mean():.3f} | {found[measured, default].mean():.3f} "
            f"| {listed[measured].mean():.3f} |"
        )


def f1_by_rule(scorer: Scorer, text: str, marked: set[int]) -> list[float]:
    explanation = scorer.explain(text)
    found = (explanation.standing_out(share=share, least=least) for share, least in RULES)
    return [f1(characters((part.begin, part.end) for part in parts), marked) for parts in found]


def characters(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {at for begin, end in spans for at in range(begin, end)}


def f1(found: set[int], marked: set[int]) -> float:
    if not marked:
        return float(not found)
    return 2 * len(found & marked) / (len(found) + len(marked))


def words_marked_elsewhere(
    texts: list[str], marked: list[set[int]], choosing: np.ndarray
) -> set[str]:
    """Return the words that people mark more often than not: what a word list can know at best."""
    times: dict[str, list[int]] = {}
    for text, characters_, chosen in zip(texts, marked, choosing, strict=True):
        for span in words(text) if chosen else ():
            count = times.setdefault(text[span.begin : span.end].casefold(), [0, 0])
            count[span.begin in characters_] += 1
    return {word for word, (left, taken) in times.items() if taken > left}


def in_list(text: str, known: set[str]) -> set[int]:
    spans = words(text)
    return characters(
        (span.begin, span.end) for span in spans if text[span.begin : span.end].casefold() in known
    )


if __name__ == "__main__":
    main()
