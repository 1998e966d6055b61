"""
What learning identity terms brings, and its price: `python -m tests.benchmarks.fairness`.

The base model is learnt without `jigsaw_natural` twice: with the identity terms among what it
learns, and without them. Bias of the general score on sentences in which only the group changes
(`data/identity_templates.csv`) and on comments that neither has learnt from; ROC-AUC is the price.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from moderation.base import CALIBRATED_ON, MEASURED_ONLY, read_corpus
from moderation.fairness import TERMS, BiasReport, measure_bias
from moderation.foundation import LICENCES, Foundation, learn_foundation, without
from moderation.metrics import measure
from moderation.templates import fill, read_templates
from tests.benchmarks.material import CORPORA

TEMPLATES = Path("data/identity_templates.csv")


def main() -> None:
    """Print bias and ROC-AUC, without and with identity terms among what is learnt."""
    parser = argparse.ArgumentParser(description="Measure what learning identity terms brings.")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    args = parser.parse_args()
    corpora = {name: read_corpus(args.corpora, name) for name in (*LICENCES, *MEASURED_ONLY)}
    learnt = without({name: corpora[name] for name in LICENCES}, CALIBRATED_ON)
    models = [learn_foundation(learnt, identity_terms=terms) for terms in ((), TERMS)]
    print("| power mean over groups (worst) | | without | with |\n|---|---|---|---|")
    filled = fill(read_templates(TEMPLATES))
    for row in rows("templates", filled.texts, filled.labels, filled.groups, models):
        print(row)
    names = (CALIBRATED_ON, *MEASURED_ONLY)
    found = {}
    for name in names:
        texts, labels = corpora[name]["text"].tolist(), corpora[name]["label"].to_numpy(np.int64)
        for row in rows(name, texts, labels, None, models):
            print(row)
        found[name] = [measure(labels, general(model, texts), thresholds={}) for model in models]
    print("\n| ROC-AUC | without | with |\n|---|---|---|")
    for name, reports in found.items():
        print(f"| {name} | {' | '.join(str(report.roc_auc) for report in reports)} |")


def rows(
    name: str,
    texts: list[str],
    labels: np.ndarray,
    groups: np.ndarray | None,
    models: list[Foundation],
) -> Iterator[str]:
    reports = [
        measure_bias(texts, labels, general(model, texts), groups=groups, resamples=1)
        for model in models
    ]
    if not reports[0].groups:
        return
    measured = f"{name}, {len(reports[0].groups)} groups"
    for number, kind in enumerate(("subgroup AUC", "BPSN AUC", "BNSP AUC")):
        yield f"| {measured} | {kind} | {' | '.join(cell(report, number) for report in reports)} |"


def cell(report: BiasReport, number: int) -> str:
    summary = report.summaries[number]
    return f"{summary.power_mean:.3f} ({summary.worst:.3f}, {summary.worst_group})"


def general(model: Foundation, texts: list[str]) -> np.ndarray:
    return model.logits(texts)[:, 0]


if __name__ == "__main__":
    main()
