"""`drift`: what has changed between comments before and now."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from moderation.arguments import read_share, say
from moderation.drift import Change, Sample, compare
from moderation.errors import DataError
from moderation.past import Categories, PastComments, read_past
from moderation.policy import LIKELY_TO_REJECT


def add_parser(parts: Any) -> None:
    parser = parts.add_parser(
        "drift",
        help="compare scores, lengths, languages and base rate of two tables",
        description="Tell what has moved between comments before and now: scores, lengths, "
        "languages and the base rate; exit status 1 where something has.",
    )
    parser.add_argument("before", type=Path, metavar="BEFORE", help="a table of scored comments")
    parser.add_argument("now", type=Path, metavar="NOW", help="a later one, by the same model")
    parser.add_argument(
        "--attribute",
        action="append",
        type=str.upper,
        metavar="NAME",
        help="compare these scores; may be repeated; default: the column score",
    )
    parser.add_argument(
        "--confidence",
        type=read_share,
        default=0.95,
        metavar="SHARE",
        help="that nothing is called moved where nothing has, all lines together; default: 0.95",
    )
    parser.set_defaults(work=drift)


def drift(args: argparse.Namespace) -> None:
    """
    Print a line for each quantity that both tables have.

    Raises:
        DataError: one has moved, which is the exit status 1, or scores of two models.

    """
    attributes = args.attribute or [LIKELY_TO_REJECT]
    before, now = (read_past(path, attributes=attributes) for path in (args.before, args.now))
    if before.model and now.model and before.model != now.model:
        raise DataError(
            f"{args.before} has scores of model {before.model}, {args.now} of {now.model}, which "
            "do not compare; score both with one model: python -m moderation.score"
        )
    for path, past in ((args.before, before), (args.now, now)):
        say(f"{path}: {len(past)} comments")
        for cause, number in past.left_out.items():
            say(f"{path}: left out: {number} {cause}")
    samples = [_sample(past, path) for path, past in ((args.before, before), (args.now, now))]
    found = compare(*samples, confidence=args.confidence)
    print("\n".join(map(str, found)))
    if moved := [one.quantity for one in found if one.change is Change.MOVED]:
        raise DataError(
            f"moved: {', '.join(moved)}; thresholds were found on other comments: settle the "
            "policy anew on labels of now"
        )


def _sample(past: PastComments, path: Path) -> Sample:
    """Return what is compared; labels that stand for different numbers of others give no rate."""
    weights = past.weights[past.labels >= 0]
    alike = not len(weights) or bool(np.ptp(weights) == 0)
    if not alike:
        say(f"{path}: the base rate is not compared: its labels have weights")
    has_words = bool((past.characters >= 0).any())
    return Sample(
        past.scores,
        past.labels if alike else None,
        past.characters.astype(np.int64) if has_words else None,
        _names(past.languages) if past.languages else None,
    )


def _names(languages: Categories) -> list[str | None]:
    names = np.array([*languages.names, None], dtype=object)  # the code of none, -1, is the last
    return list(names[languages.codes])
