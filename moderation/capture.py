"""`python -m moderation.capture`: keeps the Perspective API's scores while it answers."""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from random import Random
from typing import Final

from moderation.answers import Answer, Kept, open_kept
from moderation.arguments import (
    add_reading_options,
    open_reading,
    progress,
    read_count,
    read_seed,
    read_weight,
    run,
    say,
    track,
)
from moderation.comments import Comment
from moderation.errors import DataError, ModerationError, OutputError
from moderation.frames import SCHEMA, Row, check_output, find_writer, to_rows, write_rows
from moderation.old_api import (
    GOOGLE,
    Asker,
    Pace,
    Question,
    check_endpoint,
    count_at_once,
    open_sender,
)
from moderation.settings import Settings, read_settings

PREFIX: Final = "perspective_"
"""Columns of scores are called so, behind it the attribute: `moderation.passport` knows them."""
PER_MINUTE: Final = 60
"""The quota that the API gives without asking."""
ENDS: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""The API is there until 31 December 2026 (developers.perspectiveapi.com)."""
_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.capture",
        description="Ask the Perspective API for the scores of comments, at its quota, and write "
        "them as a table for moderation.passport. The key is that of MODERATION_PERSPECTIVE_KEY. "
        "Stopped, however that was, it goes on where it stood when it is run again.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a file, or - for stdin")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="Parquet, CSV or JSON Lines by its ending; until all is asked, answers are kept in "
        "FILE.progress",
    )
    parser.add_argument(
        "--attributes",
        type=_read_attributes,
        default=("TOXICITY",),
        metavar="NAMES",
        help="what to ask for, with commas between; default: TOXICITY",
    )
    parser.add_argument(
        "--languages",
        type=_read_names,
        default=(),
        metavar="CODES",
        help="the comments' languages, with commas between; without it, the API finds them out",
    )
    parser.add_argument(
        "--per-minute",
        type=read_weight,
        default=PER_MINUTE,
        metavar="N",
        help=f"requests, at most; default: {PER_MINUTE}, the API's usual quota",
    )
    parser.add_argument(
        "--endpoint",
        default=GOOGLE,
        metavar="URL",
        help=f"of another server that answers alike; default: {GOOGLE}",
    )
    some = parser.add_mutually_exclusive_group()
    some.add_argument(
        "--limit", type=read_count, metavar="N", help="the first N comments with words only"
    )
    some.add_argument(
        "--sample", type=read_count, metavar="N", help="N comments with words only, by chance"
    )
    parser.add_argument(
        "--seed",
        type=read_seed,
        default=0,
        metavar="N",
        help="of the sample and the order of asking",
    )
    parser.add_argument(
        "--finish",
        action="store_true",
        help="ask nothing more: write the table with the answers kept so far",
    )
    add_reading_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run(
        "capture",
        lambda: capture(args, read_settings()),
        interrupted="run the same command again to go on",
    )


@dataclass(frozen=True)
class Chosen:
    """The comments of a table, and what else is in it."""

    comments: list[Comment]
    columns: list[str]
    """Columns of the inputs beside those that every comment has."""


def capture(args: argparse.Namespace, settings: Settings) -> None:
    """Read comments, ask for the scores of their texts, and write the table."""
    path = _check(args, settings)
    chosen = _choose(_read(args), args)
    question = {
        "attributes": list(args.attributes),
        "languages": list(args.languages),
        "endpoint": check_endpoint(args.endpoint),
    }
    with open_kept(path, question=question) as kept:
        if not args.finish:
            _ask_missing(_shuffle_texts(chosen.comments, args.seed), kept, args, settings)
        _write(chosen, kept, args)
        kept.remove()


def _check(args: argparse.Namespace, settings: Settings) -> Path:
    """Refuse what would fail after the work, and return where answers are kept."""
    find_writer(Path(args.output))
    path = Path(f"{args.output}.progress")
    for written in (args.output, path):
        check_output(written, inputs=args.inputs)
    if Path(args.output).exists() and not path.exists():
        raise OutputError(
            f"{args.output}: is there already, and its scores cannot be had again for ever; "
            "name another output"
        )
    check_endpoint(args.endpoint)
    if args.finish and not path.exists():
        raise DataError(f"{path}: there is none, so no answer is kept; run without --finish")
    if not args.finish and settings.perspective_key is None:
        raise DataError(
            "no key of the Perspective API; set the environment's MODERATION_PERSPECTIVE_KEY"
        )
    return path


def _read(args: argparse.Namespace) -> Chosen:
    comments: list[Comment] = []
    columns: dict[str, None] = {}
    for source in args.inputs:
        reading = open_reading(source, args)
        comments.extend(track(reading, None, "comments"))
        columns.update(dict.fromkeys(reading.notes.columns))
        say(reading.summary())
    return Chosen(comments, list(columns))


def _choose(read: Chosen, args: argparse.Namespace) -> Chosen:
    """Return the comments that are asked about: all, the first ones, or some by chance."""
    worded = list(filter(_has_words, read.comments))
    if not worded:
        raise DataError(
            f"none of {len(read.comments)} comments has words; expected texts to ask about"
        )
    if args.limit is None and args.sample is None:
        return read
    if args.limit is not None:
        chosen = worded[: args.limit]
    else:
        size = min(args.sample, len(worded))
        places = sorted(Random(args.seed).sample(range(len(worded)), size))
        chosen = [worded[place] for place in places]
    if not chosen:
        raise DataError("0 comments are chosen; expected --limit or --sample with 1 or more")
    say(f"chosen: {len(chosen):,} of {len(worded):,} comments with words")
    if without := len(read.comments) - len(worded):
        say(f"left out: {without:,} without words")
    return Chosen(chosen, read.columns)


def _shuffle_texts(comments: Iterable[Comment], seed: int) -> list[str]:
    """Return each text once, in an order of chance: what was asked when it ends is a sample."""
    texts = list(dict.fromkeys(comment.text or "" for comment in comments if _has_words(comment)))
    Random(seed).shuffle(texts)
    return texts


def _ask_missing(
    texts: Sequence[str], kept: Kept, args: argparse.Namespace, settings: Settings
) -> None:
    """Ask about the texts without an answer, and keep each answer as it comes."""
    waiting = [text for text in texts if text not in kept]
    if len(kept):
        say(f"{kept.path}: answers on {len(texts) - len(waiting):,} of {len(texts):,} texts")
    endpoint, key = check_endpoint(args.endpoint), settings.perspective_key or ""
    say(
        f"{len(waiting):,} texts to ask about, at {args.per_minute:g} a minute: "
        f"{show_minutes(len(waiting) / args.per_minute)}"
    )
    if endpoint == GOOGLE:
        _warn_of_end(len(waiting), args.per_minute, now=datetime.now(UTC))
    pace = Pace(args.per_minute, clock=time.monotonic, sleep=time.sleep)
    questions = (Question(text, args.attributes, args.languages) for text in waiting)
    with open_sender(endpoint, key, now=lambda: datetime.now(UTC)) as send:
        asker = Asker(send, pace, say, at_once=count_at_once(args.per_minute))
        answers = asker.ask_all(questions, trusted=kept.has_score)
        try:
            for question, answer in progress(answers, len(waiting), "texts"):
                kept.add(question.text, answer)
        except (ModerationError, KeyboardInterrupt):
            say(f"{kept.path}: {len(kept):,} answers are kept")
            raise


def _warn_of_end(texts: int, per_minute: float, *, now: datetime) -> None:
    """Say what to do where the API ends before all texts are asked about."""
    possible = max(int((ENDS - now) / timedelta(minutes=1) * per_minute), 0)
    if possible < texts:
        say(
            f"the Perspective API ends before that; time is left for {possible:,}: choose so many "
            "by chance with --sample N"
        )


def show_minutes(minutes: float) -> str:
    """
    Return a time in words, in the two largest units.

    >>> [show_minutes(minutes) for minutes in (0.2, 61, 1_000_000 / 60)]
    ['a minute at most', '1 h 1 min', '11 d 13 h']
    """
    if minutes <= 1:
        return "a minute at most"
    hours, rest = divmod(ceil(minutes), 60)
    if not hours:
        return f"{rest} min"
    days, hours_left = divmod(hours, 24)
    return f"{days} d {hours_left} h" if days else f"{hours} h {rest} min"


def _write(chosen: Chosen, kept: Kept, args: argparse.Namespace) -> None:
    """Write the table, and say which comments have no score, and why."""
    added = [f"{PREFIX}{name}" for name in args.attributes]
    columns = [name for name in chosen.columns if name not in added]
    if replaced := sorted(set(chosen.columns) - set(columns)):
        say(f"replaced the input's columns {', '.join(replaced)}")
    missing: Counter[str] = Counter()
    rows = _score_rows(chosen.comments, columns, added, kept, missing)
    written = write_rows(
        rows, args.output, columns=[*SCHEMA.names, *columns, *added], attributes=added
    )
    say(f"{args.output}: {written:,} comments, {written - missing.total():,} with all scores")
    for cause, number in missing.most_common():
        say(f"not scored: {number:,} {cause}")


def _score_rows(
    comments: Sequence[Comment],
    columns: Sequence[str],
    added: Sequence[str],
    kept: Kept,
    missing: Counter[str],
) -> Iterator[Row]:
    """Yield comments with their scores; count those that lack any by its cause."""
    for comment, row in zip(comments, to_rows(comments, extra=columns), strict=True):
        answer = kept.get(comment.text) if comment.text and _has_words(comment) else None
        if cause := _why_missing(comment, answer, added):
            missing[cause] += 1
        scores = answer.scores if answer else (None,) * len(added)
        yield row | dict(zip(added, scores, strict=True))


def _why_missing(comment: Comment, answer: Answer | None, added: Sequence[str]) -> str | None:
    if answer is None:
        return "not asked about" if _has_words(comment) else "without words"
    if answer.error is None:
        return None
    lacking = [
        name.removeprefix(PREFIX)
        for name, score in zip(added, answer.scores, strict=True)
        if score is None
    ]
    of_some = f", without {', '.join(lacking)}" if answer.has_score else ""
    return f"{answer.error}{of_some}"


def _has_words(comment: Comment) -> bool:
    return bool(comment.text and comment.text.strip())


def _read_names(given: str) -> tuple[str, ...]:
    """Return the names in an option's value, each once."""
    names = tuple(dict.fromkeys(name for part in given.split(",") if (name := part.strip())))
    if names and all(_NAME.fullmatch(name) for name in names):
        return names
    raise argparse.ArgumentTypeError(f"{given!r} is no list of names such as TOXICITY,INSULT")


def _read_attributes(given: str) -> tuple[str, ...]:
    return _read_names(given.upper())


if __name__ == "__main__":
    sys.exit(main())
