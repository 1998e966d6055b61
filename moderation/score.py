"""`python -m moderation.score`: adds a model's scores to a table of comments."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    open_reading,
    read_count,
    read_share,
    run,
    say,
    step,
    track,
)
from moderation.artifacts import load_model, read_manifest
from moderation.engines import (
    DASK,
    add_engine_options,
    find_engine_misuse,
    open_engine,
    require_packages,
)
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
    group = add_engine_options(
        parser,
        "with --engine dask INPUT is a Parquet file, a folder of them or an address such as "
        "s3://bucket/folder, and OUTPUT a folder or an address, written part by part; the same "
        "command goes on where it was cut off",
    )
    group.add_argument("--part-rows", type=read_count, metavar="N", help="rows of a part, at most")
    return parser


def find_misuse(args: argparse.Namespace) -> str | None:
    """Return what is wrong with options that do not go together; None if nothing is."""
    return find_engine_misuse(args, only_dask=["part_rows"], streams=[args.input, args.output])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if misuse := find_misuse(args):
        parser.error(misuse)
    if args.engine == DASK:
        kept = "the parts done are kept: the same command goes on"
        return run("score", lambda: score_on_cluster(args), interrupted=kept)
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


def score_on_cluster(args: argparse.Namespace) -> None:
    """Score on a cluster, and say what came of it."""
    if args.languages:
        check_installed()
    announce_compiling(lambda: say(COMPILING))
    load_model(args.model)  # refused before workers are begun; what it compiles, they find
    require_packages()
    from moderation.distributed.running import score_dataset
    from moderation.distributed.scoring import Options
    from moderation.distributed.tasks import Watch

    rows = {"part_rows": args.part_rows} if args.part_rows else {}
    with tqdm(desc="parts", leave=False, file=sys.stderr) as bar:
        options = Options(args.base_rate, args.attributes, args.languages)
        watch = Watch(say, begin=bar.reset, advance=lambda: step(bar))
        scored = score_dataset(
            open_engine(args),
            args.model,
            args.input,
            args.output,
            options=options,
            watch=watch,
            **rows,
        )
    if scored.kept_parts:
        say(f"{scored.kept_parts} parts were there from before")
    if scored.replaced:
        say(f"replaced the input's columns {', '.join(scored.replaced)}")
    for name in scored.learnt_from:
        say(f"{name}: the model has learnt from it; its scores there promise too much")
    for cause, number in sorted(scored.left_out.items()):
        say(f"not read: {number} {cause}")
    say(f"scored {scored.rows - scored.without_words} comments with model {scored.version}")
    if scored.without_words:
        say(f"not scored: {scored.without_words} without words")


if __name__ == "__main__":
    sys.exit(main())
