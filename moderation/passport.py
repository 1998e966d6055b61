"""`python -m moderation.passport`: carries thresholds on old scores over to a model's scores."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    open_reading,
    read_seed,
    run,
    say,
    track,
)
from moderation.artifacts import load_model, read_manifest
from moderation.calibration import change_base_rate
from moderation.comments import Comment
from moderation.datasets import MIN_ARTICLES
from moderation.equating import Carried, Refused, carry_over
from moderation.errors import DataError
from moderation.frames import check_output, replacing
from moderation.kernels import announce_compiling
from moderation.old_scores import (
    OldScore,
    as_share,
    attribute_named,
    collect,
    find_column,
    find_groups,
)
from moderation.parsers import find_files
from moderation.parsers.sources import digest, printable
from moderation.scorer import Scorer

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)

_MEANING = """
At or above the threshold here stand as many comments as stood at or above the old one, but not all
of them the same. 'Same decisions' counts all comments, most of which match by neither score; 'still
matched' counts those only that matched before. Both are measured on comments on which the threshold
was not chosen. Intervals are 95%.
""".strip().replace("\n", " ")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.passport",
        description="Find for each threshold on old scores, such as the Perspective API's, the "
        "equivalent one on a model's scores, from comments that have the old ones.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="models/moderation.joblib")
    parser.add_argument(
        "scores", nargs="+", metavar="SCORES", help="tables of comments with their old scores"
    )
    parser.add_argument(
        "--old-scores",
        metavar="COLUMN",
        help="the column that holds them; without it, the one called like an attribute of the "
        "Perspective API",
    )
    parser.add_argument(
        "--attribute",
        type=str.upper,
        metavar="NAME",
        help="the model's score to carry over to; without it, the one called like the old "
        "column, else the model's own",
    )
    parser.add_argument(
        "--threshold",
        action="append",
        type=_threshold,
        metavar="T",
        help="an old threshold; may be repeated; default: "
        + ", ".join(f"{threshold:g}" for threshold in THRESHOLDS),
    )
    parser.add_argument("--json", metavar="FILE", help="write the result there, too")
    parser.add_argument(
        "--seed", type=read_seed, default=0, metavar="N", help="of halves and bootstrap"
    )
    add_reading_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("passport", lambda: passport(args))


@dataclass(frozen=True)
class Passport:
    """Old thresholds as they are carried over, and from what to what."""

    model: str
    """The model's version: another one needs thresholds of its own."""
    attribute: str
    old_scores: str
    comments: int
    seed: int
    learnt_from: tuple[str, ...]
    """Files that the model has learnt from: it agrees with them more than with others."""
    thresholds: tuple[Carried | Refused, ...]
    base_rate: float | None = None
    """At which the scores are probabilities; None for an attribute that is not calibrated."""

    @property
    def refused(self) -> list[Refused]:
        return [found for found in self.thresholds if isinstance(found, Refused)]


def passport(args: argparse.Namespace) -> None:
    """Read old scores, score the same comments, and print which threshold equals which."""
    if args.json:
        check_output(args.json, inputs=args.scores)
    announce_compiling(lambda: say(COMPILING))
    scorer, known = load_model(args.model), read_manifest(args.model).training_files
    _check_attribute(args.attribute, scorer)
    files = find_files(Path(name) for name in args.scores if name != "-")
    learnt_from = tuple(printable(path.name) for path in files if digest(path) in known)
    comments, columns = _read([*files, *(name for name in args.scores if name == "-")], args)
    column = find_column(columns, args.old_scores)
    attribute = args.attribute or _find_attribute(column, scorer)
    old_scores = _collect(comments, column)
    thresholds = sorted(set(args.threshold or THRESHOLDS))
    found = Passport(
        model=scorer.version,
        attribute=attribute,
        old_scores=column,
        comments=len(old_scores),
        seed=args.seed,
        learnt_from=learnt_from,
        thresholds=tuple(_carry_over(old_scores, thresholds, scorer, attribute, args.seed)),
        base_rate=scorer.base_rates.get(attribute),
    )
    _check_any(found)
    print("\n".join(_lines(found)))
    if args.json:
        with replacing(Path(args.json)) as stream:
            stream.write((json.dumps(asdict(found), indent=2) + "\n").encode())


def _read(
    sources: Sequence[str | Path], args: argparse.Namespace
) -> tuple[list[Comment], list[str]]:
    """Return the comments of all inputs, and the further columns that any of them has."""
    comments: list[Comment] = []
    columns: dict[str, None] = {}
    for source in sources:
        reading = open_reading(source, args)
        comments.extend(track(reading, None, "comments"))
        columns.update(dict.fromkeys(reading.notes.columns))
        say(reading.summary())
    return comments, list(columns)


def _check_attribute(given: str | None, scorer: Scorer) -> None:
    if given is not None and given not in scorer.attributes:
        raise DataError(
            f"--attribute {given}: the model has no such score; it has "
            f"{', '.join(scorer.attributes)}"
        )


def _find_attribute(column: str, scorer: Scorer) -> str:
    named = attribute_named(column)
    return named if named in scorer.attributes else scorer.attribute


def _collect(comments: Sequence[Comment], column: str) -> list[OldScore]:
    """Return the old scores that count, and say how many were left out."""
    left_out: Counter[str] = Counter()
    try:
        return collect(comments, column, left_out)
    finally:
        for cause, number in left_out.most_common():
            say(f"left out: {number} {cause}")


def _carry_over(
    old_scores: Sequence[OldScore],
    thresholds: Sequence[float],
    scorer: Scorer,
    attribute: str,
    seed: int,
) -> list[Carried | Refused]:
    texts = [old.text for old in old_scores]
    new = scorer.score_attributes(texts)[attribute]
    old = np.array([old.score for old in old_scores], dtype=np.float64)
    groups = find_groups(old_scores)
    if groups is None:
        say(
            f"fewer than {MIN_ARTICLES} articles or threads: comments are taken as independent, "
            "and intervals are narrower than they should be"
        )
    return carry_over(old, new, thresholds, groups=groups, seed=seed)


def _check_any(found: Passport) -> None:
    """
    Refuse what carries nothing over.

    Raises:
        DataError: it tells what the threshold with most comments on its rarer side lacks.

    """
    if len(found.refused) == len(found.thresholds):
        nearest = max(found.refused, key=lambda one: min(one.matches, one.comments - one.matches))
        raise DataError(
            f"no threshold can be carried over from {found.comments} comments; the nearest to it "
            f"is {nearest.old_threshold:g}: {nearest.reason}; "
            "add comments with old scores, or name another --threshold"
        )


def _lines(found: Passport) -> Iterator[str]:
    """Yield the result as Markdown."""
    yield (
        f"{found.comments} comments with an old score in {found.old_scores!r}, carried over to "
        f"{found.attribute} of model {found.model}."
    )
    if found.learnt_from:
        yield (
            f"The model learnt from {', '.join(found.learnt_from)}: expect less agreement "
            "elsewhere, and other thresholds."
        )
    yield ""
    yield "| old threshold | matches | threshold here | same decisions | still matched |"
    yield "|---|---|---|---|---|"
    yield from map(_row, found.thresholds)
    yield ""
    yield _MEANING
    yield from _for_the_service(found)
    if found.refused:
        yield (
            f"{len(found.refused)} of {len(found.thresholds)} thresholds could not be carried "
            "over: add comments with old scores."
        )


def _for_the_service(found: Passport) -> Iterator[str]:
    """Yield the thresholds on the scale on which the service answers."""
    carried = [one for one in found.thresholds if isinstance(one, Carried)]
    if found.base_rate is not None:
        here = np.array([one.threshold.value for one in carried])
        even = change_base_rate(here, before=found.base_rate, after=0.5)
        pairs = zip(carried, even, strict=True)
        said = ", ".join(f"{one.old_threshold:g} is {value:.4f}" for one, value in pairs)
        yield f"The service (moderation.serve) answers on the 50/50 scale; there {said}."


def _row(one: Carried | Refused) -> str:
    matches = f"{one.matches} ({one.matches / one.comments:.1%})"
    if isinstance(one, Refused):
        return f"| {one.old_threshold:g} | {matches} | {one.reason} | | |"
    here = one.threshold
    threshold = f"{here.value:.4f} [{here.low:.4f}, {here.high:.4f}]"  # rare removals: low scores
    shares = f"{one.same.as_share()} | {one.still_matched.as_share()}"
    return f"| {one.old_threshold:g} | {matches} | {threshold} | {shares} |"


def _threshold(given: str) -> float:
    if found := as_share(given):
        return found
    raise argparse.ArgumentTypeError(
        f"{given!r} is not a threshold above 0 and at most 1, such as 0.8"
    )


if __name__ == "__main__":
    sys.exit(main())
