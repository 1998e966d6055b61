"""`python -m moderation.base`: learns the base model, which training on a site starts from."""

import argparse
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from moderation import foundation
from moderation.adaptation import measure_adaptation
from moderation.arguments import COMPILING, progress, run, say
from moderation.artifacts import check_model_path, save_model
from moderation.base_card import (
    MadeBase,
    Measured,
    adaptation_table,
    draw_base_plots,
    quality_table,
    write_base_card,
)
from moderation.calibration import Scale
from moderation.errors import DataError
from moderation.fairness import BiasReport, measure_bias
from moderation.foundation import CALIBRATED_ON, LICENCES, without
from moderation.kernels import announce_compiling
from moderation.metrics import measure
from moderation.parsers.sources import digest
from moderation.policy import LIKELY_TO_REJECT
from moderation.scorer import Scorer
from moderation.templates import Filled, fill, read_templates
from moderation.thresholds import OperatingPoint, choose_points
from moderation.training import languages_fact

LEFT_OUT = (CALIBRATED_ON, "wiki_context", "civil_spans", "davidson", "edos", "sbic")
"""Corpora of both classes that are learnt from: each measures a model that has not seen it."""
MEASURED_ONLY = ("insults", "olid", "c3_news", "ucc_news", "hatecheck")
"""Corpora that no shipped model may learn from, or is meant to be measured with."""
SITES = ("insults", "c3_news", "olid", "ucc_news")
"""Those that stand for sites with decisions of their own."""


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
    parser.add_argument(
        "--templates", type=Path, default=Path("data/identity_templates.csv"), metavar="FILE",
        help="sentences that bias is measured on; default: %(default)s",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("base", lambda: learn(args.corpora, args.out, args.templates))


def learn(folder: Path, out: Path, templates: Path) -> None:
    """Learn, measure, save and print what came of it."""
    check_model_path(out)
    announce_compiling(lambda: say(COMPILING))
    filled = fill(read_templates(templates))
    tables = {name: read_corpus(folder, name) for name in LICENCES}
    others = dict(_read_others(folder))
    logits = {name: _logits_apart(tables, name) for name in LEFT_OUT}
    say("learning from all of them")
    whole = foundation.learn_foundation(tables, progress)
    labels = _labels(tables[CALIBRATED_ON])
    scales = [Scale.learn(found, labels) for found in logits[CALIBRATED_ON].T]
    scores = scales[0].apply(logits[CALIBRATED_ON][:, 0])
    points = choose_points(labels, scores)
    pipeline = whole.pipeline(scales)
    seen = {name: (tables[name], found[:, 0]) for name, found in logits.items()}
    seen |= {name: (t, whole.logits(t["text"].tolist())[:, 0]) for name, t in others.items()}
    sites = {name: others[name] for name in SITES if name in others}
    made = MadeBase(
        tables=tables,
        files={name: digest(_path(folder, name)) for name in LICENCES},
        measured=[_measure(name, table, found) for name, (table, found) in seen.items()],
        templates=_measure_templates(filled, Scorer(pipeline), points),
        adapted=measure_adaptation(sites, Scorer(pipeline), progress=progress),
    )
    manifest = save_model(
        pipeline,
        out,
        facts=_facts(made, points, scales),
        card=write_base_card(made, name=out.stem),
        plots=draw_base_plots(made, labels, scores, points),
    )
    print("\n".join([*quality_table(made.measured), *adaptation_table(made.adapted)]))
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
    labels = _labels(table)
    return Measured(
        name,
        measure(labels, logits, thresholds={}),
        measure_bias(table["text"].tolist(), labels, logits),
    )


def _measure_templates(
    filled: Filled, scorer: Scorer, points: Sequence[OperatingPoint]
) -> BiasReport:
    return measure_bias(
        filled.texts,
        filled.labels,
        scorer.score(filled.texts),
        groups=filled.groups,
        threshold=min((point.threshold for point in points), default=None),
    )


def _read_others(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in MEASURED_ONLY:
        if _path(folder, name).exists():
            yield name, read_corpus(folder, name)
        else:
            say(f"{_path(folder, name)}: not there; nothing is measured on it")


def _facts(
    made: MadeBase, points: Sequence[OperatingPoint], scales: Sequence[Scale]
) -> dict[str, Any]:
    base_rate = float(made.tables[CALIBRATED_ON]["label"].mean())
    texts = [text for table in made.tables.values() for text in table["text"]]
    return {
        "attribute": LIKELY_TO_REJECT,
        "attributes": [LIKELY_TO_REJECT, foundation.TOXICITY, *foundation.KINDS],
        "base_rates": dict.fromkeys((LIKELY_TO_REJECT, foundation.TOXICITY), base_rate),
        **languages_fact(texts, seed=0),
        "training_data": {
            "comments": sum(map(len, made.tables.values())),
            "base_rate": base_rate,
            "files": [
                {"name": f"{name}.csv.gz", "sha256": sha256, "licence": LICENCES[name]}
                for name, sha256 in made.files.items()
            ],
        },
        "scales": [asdict(scale) for scale in scales],
        "operating_points": [asdict(point) for point in points],
        "metrics": {part.corpus: asdict(part.report) for part in made.measured},
        "bias": {
            "templates": asdict(made.templates),
            **{part.corpus: asdict(part.bias) for part in made.measured},
        },
        "adaptation": [asdict(part) for part in made.adapted],
    }


if __name__ == "__main__":
    sys.exit(main())
