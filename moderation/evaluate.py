"""`python -m moderation.evaluate`: measures a model on labelled comments, file by file."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    read_all,
    read_seed,
    read_share,
    run,
    say,
    step,
)
from moderation.artifacts import Manifest, load_model, read_manifest
from moderation.captures import is_capture
from moderation.cards import summarise, summarise_bias
from moderation.comments import Comment
from moderation.datasets import NOTHING_LABELLED, GatherReport, gather
from moderation.engines import (
    DASK,
    READING,
    add_engine_options,
    find_engine_misuse,
    open_engine,
    require_packages,
)
from moderation.errors import DataError, PolicyError
from moderation.fairness import BiasReport, measure_mentioned, mentions
from moderation.frames import check_output, replacing
from moderation.kernels import announce_compiling
from moderation.metrics import Report, measure
from moderation.parsers import find_files
from moderation.parsers.sources import digest, printable
from moderation.policy import Goal
from moderation.samples import CAPTURES, Part, Sample, take_sample
from moderation.scorer import Scorer
from moderation.templates import Filled, fill, read_templates
from moderation.thresholds import Answer, find_point


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.evaluate",
        description="Measure a model on labelled comments, each file or folder on its own; "
        "captures of pages are joined across all of them.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="models/moderation.joblib")
    parser.add_argument("data", nargs="+", metavar="DATA", help="labelled comments, as for train")
    parser.add_argument("--json", metavar="FILE", help="write the measurements there, too")
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="share of comments that deserve removal on the site; as in training without it",
    )
    parser.add_argument(
        "--point",
        action="append",
        default=[],
        type=_goal,
        metavar="WORDS",
        help="look for an operating point, such as 'maximum recall @ precision >= 0.9'; may be "
        "repeated",
    )
    parser.add_argument(
        "--templates",
        type=Path,
        metavar="FILE",
        help="measure bias on these, too: data/identity_templates.csv, or your own",
    )
    parser.add_argument("--seed", type=read_seed, default=0, metavar="N", help="of the bootstrap")
    add_reading_options(parser)
    add_engine_options(
        parser,
        "with --engine dask DATA are Parquet files, folders of them or addresses such as "
        "s3://bucket/folder; the numbers are those of the local engine",
    )
    return parser


def find_misuse(args: argparse.Namespace) -> str | None:
    """Return what is wrong with options that do not go together; None if nothing is."""
    only_local = [name for name in READING if name != "column"]
    return find_engine_misuse(args, only_local=only_local, streams=args.data)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if misuse := find_misuse(args):
        parser.error(misuse)
    return run("evaluate", lambda: evaluate(args))


@dataclass(frozen=True)
class Measured:
    """A part and how the model does on it."""

    part: Part
    report: Report
    bias: BiasReport
    points: tuple[Answer, ...]
    """What was found for the operating points asked for in words."""


def evaluate(args: argparse.Namespace) -> None:
    """Measure every part and print the reports, then one table of all."""
    filled = fill(read_templates(args.templates)) if args.templates else None
    if args.json:
        check_output(args.json)
    announce_compiling(lambda: say(COMPILING))
    scorer, manifest = load_model(args.model), read_manifest(args.model)
    take = take_parts_on_cluster if args.engine == DASK else take_parts
    measured = [_measure(part, scorer, manifest, args) for part in take(args, scorer, manifest)]
    found = {one.part.name: _as_json(one) for one in measured}
    for one in measured:
        print(f"{one.part.name}{' (the model learnt from it)' if one.part.learnt_from else ''}")
        asked = (line for answer in one.points for line in answer.lines())
        _print_indented(summarise(one.report), summarise_bias(one.bias), asked)
    if filled is not None:
        bias = _measure_bias(_sample_templates(filled, scorer), scorer, args.seed)
        found[str(args.templates)] = {"bias": asdict(bias)}
        print(f"{printable(str(args.templates))}: {len(filled)} sentences made of templates")
        _print_indented(summarise_bias(bias))
    print("\n".join(_table(measured)))
    if args.json:
        with replacing(Path(args.json)) as stream:
            stream.write((json.dumps(found, indent=2) + "\n").encode())


def _goal(words: str) -> Goal:
    try:
        return Goal.parse(words)
    except PolicyError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _as_json(one: Measured) -> dict[str, Any]:
    asked = {
        str(answer.goal): {**asdict(answer), "goal": str(answer.goal)} for answer in one.points
    }
    return {**asdict(one.report), "bias": asdict(one.bias), "asked": asked}


def take_parts(args: argparse.Namespace, scorer: Scorer, manifest: Manifest) -> Iterator[Part]:
    """Yield what is measured together: the rows of each file or folder, and all captures."""
    captured: list[Comment] = []
    captured_known = False
    for name in args.data:
        files = [] if name == "-" else find_files([Path(name)])
        known = any(digest(file) in manifest.training_files for file in files)
        comments = list(read_all(files or [name], args))
        pages = [comment for comment in comments if is_capture(comment)]
        captured.extend(pages)
        captured_known |= known and bool(pages)
        if len(pages) < len(comments) or not comments:
            rows = [comment for comment in comments if not is_capture(comment)]
            yield _take_part(printable(str(name)), rows, known, scorer)
    if captured:
        yield _take_part(CAPTURES, captured, captured_known, scorer)


def _take_part(name: str, comments: list[Comment], known: bool, scorer: Scorer) -> Part:
    report = GatherReport()
    dataset = gather(comments, report)
    return Part(name, take_sample(dataset, scorer), known, tuple(report.lines()))


def take_parts_on_cluster(args: argparse.Namespace, *_: object) -> Iterator[Part]:
    """Yield the same, read and scored by the workers of a cluster."""
    require_packages()
    from moderation.distributed.evaluating import take_parts as take
    from moderation.distributed.tasks import Watch

    with tqdm(desc="parts", leave=False, file=sys.stderr) as bar:
        watch = Watch(say, begin=bar.reset, advance=lambda: step(bar))
        parts = take(open_engine(args), args.model, args.data, watch=watch, given=dict(args.column))
    yield from parts


def _print_indented(*parts: Iterable[str]) -> None:
    print("\n".join(f"  {line}" for lines in parts for line in lines), end="\n\n")


def _measure(part: Part, scorer: Scorer, manifest: Manifest, args: argparse.Namespace) -> Measured:
    for line in part.lines():
        say(line)
    sample = part.sample
    if not len(sample):
        raise DataError(f"{part.name}: {NOTHING_LABELLED}")
    site = manifest.base_rate if args.base_rate is None else args.base_rate
    try:
        report = measure(
            sample.labels,
            sample.scores,
            groups=sample.groups,
            thresholds=scorer.thresholds,
            site_base_rate=site,
            seed=args.seed,
        )
        points = tuple(
            find_point(goal, sample.labels, sample.scores, base_rate=site) for goal in args.point
        )
    except DataError as error:
        raise DataError(f"{part.name}: {error}") from error
    return Measured(part, report, _measure_bias(sample, scorer, args.seed), points)


def _sample_templates(filled: Filled, scorer: Scorer) -> Sample:
    texts = filled.texts
    return Sample(filled.labels, scorer.score(texts), filled.groups, mentions(texts))


def _measure_bias(sample: Sample, scorer: Scorer, seed: int) -> BiasReport:
    """Measure bias, false positives at the operating point that matches most."""
    return measure_mentioned(
        sample.mentioned,
        sample.labels,
        sample.scores,
        groups=sample.groups,
        threshold=min(scorer.thresholds.values(), default=None),
        seed=seed,
    )


def _table(measured: Sequence[Measured]) -> Iterator[str]:
    yield "| data | comments | removed | base rate | ROC-AUC | average precision |"
    yield "|---|---|---|---|---|---|"
    for one in measured:
        report = one.report
        yield (
            f"| {Path(one.part.name).name} | {report.comments} | {report.removed} | "
            f"{report.base_rate:.1%} | {report.roc_auc} | {report.average_precision} |"
        )


if __name__ == "__main__":
    sys.exit(main())
