"""`python -m moderation.base`: learns the base model, which training on a site starts from."""

import argparse
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from moderation import foundation, plots
from moderation.arguments import COMPILING, progress, run, say
from moderation.artifacts import check_model_path, save_model
from moderation.calibration import Scale
from moderation.errors import DataError
from moderation.foundation import CALIBRATED_ON, LICENCES, ORIGINS, Foundation, without
from moderation.kernels import announce_compiling
from moderation.metrics import Report, measure
from moderation.parsers.sources import digest
from moderation.scorer import LIKELY_TO_REJECT
from moderation.thresholds import OperatingPoint, choose_points

LEFT_OUT = (CALIBRATED_ON, "wiki_context", "civil_spans", "davidson", "edos", "sbic")
"""Corpora of both classes that are learnt from: each measures a model that has not seen it."""
MEASURED_ONLY = ("insults", "olid", "c3_news", "ucc_news", "hatecheck")
"""Corpora that no shipped model may learn from, or is meant to be measured with."""

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
    """How a model ranks a corpus; it has not learnt from it."""

    corpus: str
    report: Report


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.base",
        description="Learn the base model from public corpora, and measure it on each with a model "
        "that has not seen it.",
    )
    parser.add_argument(
        "corpora", type=Path, metavar="FOLDER", help=f"holds NAME.csv.gz of {', '.join(LICENCES)}"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("models/base.joblib"), metavar="FILE",
        help="default: %(default)s",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("base", lambda: learn(args.corpora, args.out))


def learn(folder: Path, out: Path) -> None:
    """Learn, measure, save and print what came of it."""
    check_model_path(out)
    announce_compiling(lambda: say(COMPILING))
    tables = {name: read_corpus(folder, name) for name in LICENCES}
    logits = {name: _logits_apart(tables, name) for name in LEFT_OUT}
    say("learning from all of them")
    whole = foundation.learn_foundation(tables, progress)
    measured = [_measure(name, tables[name], found[:, 0]) for name, found in logits.items()]
    measured += _measure_others(folder, whole)
    labels = _labels(tables[CALIBRATED_ON])
    scales = [Scale.learn(found, labels) for found in logits[CALIBRATED_ON].T]
    scores = scales[0].apply(logits[CALIBRATED_ON][:, 0])
    points = choose_points(labels, scores)
    files = {name: digest(_path(folder, name)) for name in LICENCES}
    manifest = save_model(
        whole.pipeline(scales),
        out,
        facts=_facts(tables, files, measured, points, scales),
        card="\n\n".join(_card(out.stem, tables, files, measured)) + "\n",
        plots={
            "precision_recall.png": plots.precision_recall(labels, scores, points),
            "calibration.png": plots.calibration(labels, scores),
            "scores.png": plots.score_distribution(labels, scores, points),
        },
    )
    print("\n".join(_table(measured)))
    print(f"model {manifest.version}: {out}, {out.stat().st_size / 1e6:.1f} MB")


def read_corpus(folder: Path, name: str) -> pd.DataFrame:
    """
    Return a corpus, rows without words left out.

    Raises:
        DataError: it is missing, or no table of ours.

    """
    path = _path(folder, name)
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: cannot be read ({type(error).__name__}); expected a folder with the corpora "
            f"{', '.join(LICENCES)}, as NAME.csv.gz with the columns text and label"
        ) from error
    learnt = foundation.columns_of(name)
    if name in (*LEFT_OUT, *MEASURED_ONLY):
        learnt |= {"label"}
    if missing := {"text", *learnt} - set(table.columns):
        raise DataError(
            f"{path}: no column {', '.join(sorted(missing))} among {', '.join(table.columns)}"
        )
    table = table[table["text"].notna()].reset_index(drop=True)
    for column in sorted(learnt):
        values = pd.to_numeric(table[column], errors="coerce")
        if not values.between(0, 1).all() or (column == "label" and (values % 1).any()):
            expected = "0 or 1" if column == "label" else "a share from 0 to 1"
            raise DataError(f"{path}: not every {column} is {expected}")
    return table


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv.gz"


def _labels(table: pd.DataFrame) -> NDArray[np.int64]:
    return table["label"].to_numpy(dtype=np.int64)


def _logits_apart(tables: Mapping[str, pd.DataFrame], name: str) -> NDArray[np.float64]:
    """Return the logits of a corpus, (n, 2), by a foundation that has not seen it."""
    say(f"measuring on {name}, with a model that has not seen it")
    apart = foundation.learn_foundation(without(tables, name), progress)
    return apart.logits(tables[name]["text"].tolist())


def _measure(name: str, table: pd.DataFrame, logits: NDArray[np.float64]) -> Measured:
    return Measured(name, measure(_labels(table), logits, thresholds={}))


def _measure_others(folder: Path, whole: Foundation) -> Iterator[Measured]:
    for name in MEASURED_ONLY:
        if not _path(folder, name).exists():
            say(f"{_path(folder, name)}: not there; nothing is measured on it")
            continue
        table = read_corpus(folder, name)
        yield _measure(name, table, whole.logits(table["text"].tolist())[:, 0])


def _facts(
    tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, str],
    measured: Sequence[Measured],
    points: Sequence[OperatingPoint],
    scales: Sequence[Scale],
) -> dict[str, Any]:
    return {
        "attribute": LIKELY_TO_REJECT,
        "attributes": [LIKELY_TO_REJECT, foundation.TOXICITY, *foundation.KINDS],
        "training_data": {
            "comments": sum(map(len, tables.values())),
            "base_rate": float(tables[CALIBRATED_ON]["label"].mean()),
            "files": [
                {"name": f"{name}.csv.gz", "sha256": sha256, "licence": LICENCES[name]}
                for name, sha256 in files.items()
            ],
        },
        "scales": [asdict(scale) for scale in scales],
        "operating_points": [asdict(point) for point in points],
        "metrics": {part.corpus: asdict(part.report) for part in measured},
    }


def _card(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, str],
    measured: Sequence[Measured],
) -> Iterator[str]:
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
    yield "\n".join(_table(measured))
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
    yield "## Training data"
    yield "\n".join(
        ["| corpus | made by | comments | licence | SHA-256 |", "|---|---|---:|---|---|"]
        + [
            f"| {corpus} | {ORIGINS[corpus]} | {len(table):,} | {LICENCES[corpus]} "
            f"| `{files[corpus][:16]}…` |"
            for corpus, table in tables.items()
        ]
    )


def _table(measured: Sequence[Measured]) -> Iterator[str]:
    yield "| corpus | comments | abuse | ROC-AUC | average precision |"
    yield "|---|---:|---:|---|---|"
    for part in measured:
        report = part.report
        yield (
            f"| {part.corpus} | {report.comments:,} | {report.base_rate:.1%} "
            f"| {report.roc_auc} | {report.average_precision} |"
        )


if __name__ == "__main__":
    sys.exit(main())
