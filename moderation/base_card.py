"""The base model's card: what it is for, what it learnt from, how good and how fair it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from moderation import foundation, plots
from moderation.adaptation import Adapted
from moderation.cards import HOW_TO_READ_BIAS, bias_table
from moderation.fairness import BiasReport
from moderation.foundation import CALIBRATED_ON, LICENCES, ORIGINS
from moderation.metrics import Floats, Integers, Report
from moderation.thresholds import OperatingPoint

_LIMITS = """
## Use

To begin with where a site has no decisions of its own, and as the prior of `moderation.train` where
it has some. To order what people read; not to judge authors, and not to remove comments unread.

## Limits

- It knows English, and there Wikipedia's talk pages best; on other languages it says nothing.
- Its labels are those of paid annotators, who are quicker to call dialects and words that people
  use of themselves abusive than those who use them. It has learnt that from them. On `wiki_context`
  and `perspective_2k` it learns the Perspective API's scores instead, and with them its habits; the
  labels of `civil_spans`, `sbic` and `davidson` count half or less in one of the regressions, and
  those of `edos` not at all: there it learns what a first model says of their comments.
- Abuse without rude words mostly escapes it (see `hatecheck`), and rude words without abuse do not.
- The general score is calibrated on `jigsaw_natural`, where 9% are abuse; elsewhere its order holds
  better than its number. The heads other than TOXICITY are not calibrated.
""".strip()


@dataclass(frozen=True)
class Measured:
    """How a model ranks a corpus that it has not learnt from."""

    corpus: str
    report: Report
    bias: BiasReport


@dataclass(frozen=True)
class MadeBase:
    """What a base model came of, and how good it is."""

    tables: Mapping[str, pd.DataFrame]
    files: Mapping[str, str]
    """The SHA-256 of each corpus learnt from."""
    measured: Sequence[Measured]
    templates: BiasReport
    """On sentences in which only the group changes."""
    adapted: Sequence[Adapted]


def write_base_card(made: MadeBase, *, name: str) -> str:
    """Return the card as Markdown; the plots lie in the folder `name` beside it."""
    return "\n\n".join(_sections(made, name)) + "\n"


def draw_base_plots(
    made: MadeBase, labels: Integers, scores: Floats, points: Sequence[OperatingPoint]
) -> dict[str, bytes]:
    """Return the card's figures by file name; scores are those of `CALIBRATED_ON`."""
    rate = float(labels.mean())
    pictures = {
        "precision_recall.png": plots.precision_recall(labels, scores, points),
        "calibration.png": plots.calibration(labels, scores, base_rate=rate),
        "scores.png": plots.score_distribution(labels, scores, points),
    }
    if made.adapted:
        pictures["adaptation.png"] = plots.adaptation(made.adapted)
    return pictures


def quality_table(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield ROC-AUC and average precision on each corpus as the lines of a table."""
    yield "| corpus | comments | abuse | ROC-AUC | average precision |"
    yield "|---|---:|---:|---|---|"
    for part in measured:
        report = part.report
        yield (
            f"| {part.corpus} | {report.comments:,} | {report.base_rate:.1%} "
            f"| {report.roc_auc} | {report.average_precision} |"
        )


def adaptation_table(adapted: Sequence[Adapted]) -> Iterator[str]:
    """Yield mean ROC-AUC over draws as the lines of a table, from nothing in brackets."""
    if not adapted:
        return
    sizes = sorted({part.size for part in adapted})
    yield "| | base alone | " + " | ".join(f"n = {size:,}" for size in sizes) + " |"
    yield "|---|" + "---|" * (1 + len(sizes))
    for corpus in dict.fromkeys(part.corpus for part in adapted):
        parts = {part.size: part for part in adapted if part.corpus == corpus}
        alone = np.mean([part.alone for part in parts.values()])
        cells = [
            f"{np.mean(parts[size].adapted):.3f} ({np.mean(parts[size].scratch):.3f})"
            if size in parts
            else ""
            for size in sizes
        ]
        yield f"| {corpus} | {alone:.3f} | {' | '.join(cells)} |"


def _sections(made: MadeBase, name: str) -> Iterator[str]:
    yield f"# {name}: what public corpora say of a comment"
    yield (
        "TF-IDF over words and characters with logistic regression, a head for each of "
        f"{', '.join((foundation.TOXICITY, *foundation.KINDS))}. TOXICITY is the sum of "
        f"{len(foundation.MEMBERS)} regressions over different corpora, each brought to the same "
        "spread. The general score, a site's P(removal) until it has a model of its own, adds "
        f"{foundation.OFFENCE.share / len(foundation.MEMBERS):g} of a regression on offence "
        "without rude words."
    )
    yield _LIMITS
    yield "## Quality"
    yield (
        "Of the general score. A corpus that is learnt from is measured with a model made without "
        "it and without copies of its comments. 95% bootstrap intervals. Which regressions are "
        "added was settled among some twenty ways with these numbers in view: expect a little less "
        "elsewhere."
    )
    yield "\n".join(quality_table(made.measured))
    yield (
        f"The plots are of `{CALIBRATED_ON}`, scored by the model made without it; slope and "
        "intercept of the score were learnt there."
    )
    for title, picture in (
        ("Precision over recall, operating points marked", "precision_recall.png"),
        ("Share of abuse over score", "calibration.png"),
        ("Scores of clean and abusive comments", "scores.png"),
    ):
        yield f"![{title}]({name}/{picture})"
    yield from _adaptation(made.adapted, name)
    yield from _fairness(made)
    yield "## Training data"
    yield "\n".join(
        ["| corpus | made by | comments | licence | SHA-256 |", "|---|---|---:|---|---|"]
        + [
            f"| {corpus} | {ORIGINS[corpus]} | {len(table):,} | {LICENCES[corpus]} "
            f"| `{made.files[corpus][:16]}…` |"
            for corpus, table in made.tables.items()
        ]
    )


def _adaptation(adapted: Sequence[Adapted], name: str) -> Iterator[str]:
    if not adapted:
        return
    yield "## Adaptation"
    yield (
        "So many comments of a corpus that the base model has not seen are learnt from, with it "
        "and (in brackets) with nothing to begin with; others are scored. Mean ROC-AUC of "
        f"{len(adapted[0].alone)} draws; the bands of the plot hold all of them."
    )
    yield "\n".join(adaptation_table(adapted))
    yield f"![ROC-AUC over the comments learnt from]({name}/adaptation.png)"


def _fairness(made: MadeBase) -> Iterator[str]:
    yield "## Fairness"
    yield HOW_TO_READ_BIAS
    yield "Sentences in which nothing but the group changes (`data/identity_templates.csv`):"
    yield "\n".join(bias_table(made.templates))
    for part in made.measured:
        if part.bias.groups:
            yield f"Comments of `{part.corpus}`:"
            yield "\n".join(bias_table(part.bias))
    yield (
        "Among what is learnt are the names of the groups themselves, as comments of which "
        f"{foundation.NEUTRAL:.0%} are abuse, so that a name says nothing; the README shows what "
        "that brings and what it costs."
    )
