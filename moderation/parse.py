"""`python -m moderation.parse`: reads pages, exports and tables into one table."""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence

from moderation.arguments import add_reading_options, open_reading, read_all, run, say, track
from moderation.captures import JoinReport, is_capture, join_captures
from moderation.comments import Comment
from moderation.frames import Row, check_output, to_rows, write_rows


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.parse",
        description="Read comments from saved pages, exports and tables. Says on stderr what "
        "each input is and what was found in it.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a file, or - for stdin")
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="Parquet, CSV or JSON Lines by its ending; JSON Lines on stdout without it",
    )
    parser.add_argument(
        "--join",
        action="store_true",
        help="join captures of the same page into labelled comments",
    )
    add_reading_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("parse", lambda: parse(args))


def parse(args: argparse.Namespace) -> None:
    """Read all inputs and write one table."""
    check_output(args.output, inputs=args.inputs)
    write_rows(_joined(args) if args.join else _rows(args), args.output)


def _joined(args: argparse.Namespace) -> Iterator[Row]:
    """Yield the labelled comments of all captures; tables are none."""
    report = JoinReport()
    comments = list(read_all(args.inputs, args))
    captured = [comment for comment in comments if is_capture(comment)]
    yield from to_rows(join_captures(captured, report))
    for line in report.lines():
        say(line)
    if others := len(comments) - len(captured):
        say(f"not joined: {others} rows of tables, which carry their outcome themselves")


def _rows(args: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of all inputs; the further columns are those of the first with comments."""
    extra: Sequence[str] | None = None
    for source in args.inputs:
        reading = open_reading(source, args)
        comments: Iterable[Comment] = track(reading, None, "comments")
        first = next(iter(comments), None)
        if first is not None:
            extra = reading.notes.columns if extra is None else extra
            lost = [name for name in reading.notes.columns if name not in extra]
            yield from to_rows(itertools.chain([first], comments), extra=extra)
            if lost:
                say(f"{reading.name}: the first table lacks, so not written: {', '.join(lost)}")
        say(reading.summary())


if __name__ == "__main__":
    sys.exit(main())
