"""`python -m moderation.score`: adds a model's scores to a table of comments."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    open_reading,
    read_share,
    run,
    say,
    track,
)
from moderation.artifacts import load_model, read_manifest
from moderation.frames import check_output, find_writer
from moderation.kernels import announce_compiling
from moderation.languages import check_installed
from moderation.parsers.sources import digest
from moderation.scoring import write_scored


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.score",
        description="Score comments: all columns of the input, and of each comment the model's "
        "P(removal) as 'score' and the model's version as 'model'. The output appears whole or "
        "not at all.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="models/moderation.joblib")
    parser.add_argument("input", metavar="INPUT", help="a page, an export, a table, or -")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="Parquet, CSV or JSON Lines by its ending; - for JSON Lines on stdout",
    )
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="give P(removal) where that share of comments is removed; 0.5 for the 50/50 scale; "
        "as in training without it",
    )
    parser.add_argument(
        "--attributes",
        action="store_true",
        help="add a column for each score that the model has, such as TOXICITY; --base-rate does "
        "not change them",
    )
    parser.add_argument(
        "--languages",
        action="store_true",
        help="add the language of each text as 'language': ISO 639, 'und' where it cannot be told",
    )
    add_reading_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("score", lambda: score(args))


def score(args: argparse.Namespace) -> None:
    """Read, score and write in batches."""
    if args.output != "-":
        find_writer(Path(args.output))  # a wrong ending is said before the work, not after it
    check_output(args.output, inputs=[args.input])
    if args.languages:
        check_installed()
    announce_compiling(lambda: say(COMPILING))
    scorer, known = load_model(args.model), read_manifest(args.model).training_files
    if args.input != "-" and digest(Path(args.input)) in known:
        say(f"{args.input}: the model has learnt from it; its scores there promise too much")
    reading = open_reading(args.input, args)
    comments = track(reading, None, "scored")
    scored = write_scored(
        scorer,
        comments,
        reading.notes,
        args.output,
        base_rate=args.base_rate,
        attributes=args.attributes,
        languages=args.languages,
    )
    say(reading.summary())
    if scored.replaced:
        say(f"replaced the input's columns {', '.join(scored.replaced)}")
    say(f"scored {scored.scored} comments with model {scorer.version}")
    if scored.without_words:
        say(f"not scored: {scored.without_words} without words")


if __name__ == "__main__":
    sys.exit(main())
