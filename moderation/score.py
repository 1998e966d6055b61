"""`python -m moderation.score`: adds a model's scores to a table of comments."""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    open_reading,
    read_share,
    run,
    say,
    track,
)
from moderation.artifacts import load_model
from moderation.comments import Comment
from moderation.frames import (
    LANGUAGE,
    MODEL,
    SCHEMA,
    SCORE,
    Row,
    batched,
    check_output,
    find_writer,
    to_rows,
    write_rows,
)
from moderation.kernels import announce_compiling
from moderation.languages import check_installed, detect_languages
from moderation.scorer import Scorer

BATCH = 8192
"""Comments scored at a time: their features are in memory together."""


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
    scorer = load_model(args.model)
    reading = open_reading(args.input, args)
    comments = track(reading, None, "scored")
    first = next(comments, None)
    attributes = scorer.attributes if args.attributes else ()
    added = [SCORE, MODEL, *attributes, *([LANGUAGE] if args.languages else [])]
    columns = [name for name in reading.notes.columns if name not in added]
    read = itertools.chain([first] if first else [], comments)
    counts = ScoreCounts()
    rows = score_rows(
        scorer,
        read,
        counts,
        extra=columns,
        base_rate=args.base_rate,
        attributes=args.attributes,
        languages=args.languages,
    )
    names = [*SCHEMA.names, *columns, *added]
    write_rows(rows, args.output, columns=names, attributes=attributes)
    say(reading.summary())
    if replaced := set(reading.notes.columns) - set(columns):
        say(f"replaced the input's columns {', '.join(sorted(replaced))}")
    say(f"scored {counts.scored} comments with model {scorer.version}")
    if counts.without_words:
        say(f"not scored: {counts.without_words} without words")


@dataclass
class ScoreCounts:
    """How many comments were scored, and how many could not be."""

    scored: int = 0
    without_words: int = 0


def score_rows(
    scorer: Scorer,
    comments: Iterable[Comment],
    counts: ScoreCounts,
    *,
    extra: Sequence[str] = (),
    base_rate: float | None = None,
    attributes: bool = False,
    languages: bool = False,
) -> Iterator[Row]:
    """
    Yield comments as rows with their score; None where there are no words to score.

    With `attributes` a column for each score that the model has follows, then with `languages` the
    text's.
    """
    for batch in batched(comments, BATCH):
        worded = [comment.text for comment in batch if comment.text and comment.text.strip()]
        found: dict[str, list[Any]] = {SCORE: scorer.score(worded, base_rate=base_rate).tolist()}
        found[MODEL] = [scorer.version] * len(worded)
        if attributes:
            each = scorer.score_attributes(worded)
            found.update((name, scores.tolist()) for name, scores in each.items())
        if languages:
            found[LANGUAGE] = detect_languages(worded)
        added = (dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True))
        unscored = {**dict.fromkeys(found), MODEL: scorer.version}
        counts.scored += len(worded)
        counts.without_words += len(batch) - len(worded)
        for comment, row in zip(batch, to_rows(batch, extra=extra), strict=True):
            has_words = comment.text is not None and comment.text.strip()
            yield row | (next(added) if has_words else unscored)


if __name__ == "__main__":
    sys.exit(main())
