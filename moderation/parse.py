"""`python -m moderation.parse`: reads pages, exports, tables and archives into one table."""

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.arguments import (
    add_reading_options,
    open_reading,
    read_number,
    read_options,
    run,
    say,
    track,
)
from moderation.captures import JoinReport, is_capture, join_captures
from moderation.comments import Comment
from moderation.errors import ModerationError, SourceError
from moderation.frames import Row, check_output, to_rows, write_rows
from moderation.harvest import Haul, Part, Task, harvest
from moderation.parsers import DATABASE_ENDINGS, FILE_ENDINGS, Reading
from moderation.parsers.files import Found, look_through
from moderation.parsers.sources import open_source, show_path, spell_name
from moderation.proposing import propose
from moderation.tally import tabulate


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.parse",
        description="Read comments from saved pages, exports, tables, archives (zip, tar, WARC) "
        "and folders of all these. Says on stderr what each input is and what was found in it; "
        "of folders and archives in a table.",
        epilog="Of several files one that cannot be read to its end is left out whole and said; "
        "the others are written, and the exit status is 1. A single file that cannot be read "
        "leaves nothing. What in a folder or an archive is no comments is counted.",
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="a file, an archive, a folder, or - for stdin"
    )
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
    parser.add_argument(
        "--jobs",
        type=read_number,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that read several files; default %(default)s",
    )
    parser.add_argument(
        "--guess",
        action="store_true",
        help="print a mapping (TOML) that fits the first INPUT of which one can be proposed, to be "
        "given to --mapping; samples of the data are masked",
    )
    add_reading_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("parse", lambda: parse(args))


def parse(args: argparse.Namespace) -> None:
    """Read all inputs and write one table."""
    if args.guess:
        _propose(_find_inputs(args), args.encoding)
        return
    check_output(args.output, inputs=args.inputs)
    if len(args.inputs) == 1 and _is_plain(args.inputs[0]):
        _parse_one(args)
        return
    with tempfile.TemporaryDirectory(prefix="moderation-") as folder:
        _parse_many(args, Path(folder))


def _propose(files: Sequence[str | Path], encoding: str | None) -> None:
    proposal = propose(files, encoding=encoding)
    print("\n".join(proposal.lines))
    if len(files) > 1:
        place = f"file {proposal.number} of {len(files)}"
        say(f"proposed from {spell_name(proposal.file)}, {place}; others may differ")


def _parse_one(args: argparse.Namespace) -> None:
    reading = open_reading(args.inputs[0], args)
    if args.join:
        write_rows(_joined(_told(reading)), args.output)
    else:
        write_rows(_rows(reading), args.output)


def _rows(reading: Reading) -> Iterator[Row]:
    comments = _told(reading)
    first = list(itertools.islice(comments, 1))  # what columns there are is known from then on
    yield from to_rows(itertools.chain(first, comments), extra=reading.notes.columns)


def _told(reading: Reading) -> Iterator[Comment]:
    """Pass comments on, and say in the end what was read."""
    yield from track(reading, None, "comments")
    say(reading.summary())


def _parse_many(args: argparse.Namespace, folder: Path) -> None:
    """Read all files first, so that what cannot be read is known before anything is written."""
    plan = _plan(args, folder)
    tasks = plan.tasks
    hauls = list(track(harvest(tasks, jobs=args.jobs), len(tasks), "files"))
    parts = [part for haul in hauls for part in haul.parts]
    failures = [part for part in parts if part.is_failure]
    for failure in failures:
        say(f"not read: {failure.why}")
    if failures and len(failures) == len(parts):
        raise SourceError(f"none of {len(tasks)} files could be read")
    is_table = any(map(_holds_several, args.inputs))
    if args.join:
        for line in () if is_table else (part.summary for part in parts if part.summary):
            say(line)
        write_rows(_joined(c for haul in hauls for c in haul.comments()), args.output)
    elif is_table:
        write_rows(_rows_with_all_columns(hauls), args.output)
    else:
        write_rows(_rows_with_columns_of_first(hauls), args.output)
    if is_table:
        for line in tabulate([*parts, *plan.left_out]):
            say(line)
    if failures:
        raise SourceError(
            f"{len(failures)} of the files could not be read whole and were left out; the others "
            "were written"
        )


@dataclass(frozen=True)
class _Plan:
    """What there is to read, and what of folders is not looked at."""

    tasks: list[Task]
    left_out: list[Part]


def _plan(args: argparse.Namespace, folder: Path) -> _Plan:
    """
    Return what there is to read.

    Raises:
        SourceError: a file that is named is not there, or a folder has nothing to read in it.

    """
    options, given = read_options(args), set(args.inputs)
    found: list[str | Path] = []
    left_out: list[Part] = []
    for name, inside in _look_through(args.inputs):
        found.extend(inside.files)
        left_out += [
            Part(file=f"{spell_name(name).rstrip('/')}/", why=why, number=number)
            for why, number in sorted(inside.left_out.items())
        ]
    check_output(args.output, inputs=found)
    tasks = [
        Task(file, folder / str(number), options, is_named=str(file) in given)
        for number, file in enumerate(found)
    ]
    return _Plan(tasks, left_out)


def _find_inputs(args: argparse.Namespace) -> list[str | Path]:
    return [file for _, inside in _look_through(args.inputs) for file in inside.files]


def _look_through(inputs: Sequence[str]) -> list[tuple[str, Found]]:
    """Return what is to be read of each input, once all of them are known to be there."""
    for name in inputs:
        if name != "-" and not os.path.lexists(name):
            raise SourceError(f"{show_path(name)}: no such file")
    endings = FILE_ENDINGS | DATABASE_ENDINGS
    return [
        (name, Found(["-"]) if name == "-" else look_through(Path(name), endings=endings))
        for name in inputs
    ]


def _is_plain(given: str) -> bool:
    """Tell what is read as it comes: one file, which fails or not as a whole."""
    return given == "-" or not _holds_several(given)


def _holds_several(given: str) -> bool:
    if not os.path.isfile(given):  # standard input and pipes can be opened once
        return os.path.isdir(given)
    try:
        with open_source(given) as source:
            return source.is_archive
    except ModerationError:  # said when it is read
        return False


def _rows_with_columns_of_first(hauls: Iterable[Haul]) -> Iterator[Row]:
    """Yield the rows of files that are named; the further columns are those of the first one."""
    extra: Sequence[str] | None = None
    for haul in hauls:
        for part in haul.parts:
            if extra is None and part.comments:
                extra = part.columns
            yield from haul.rows(extra or ())
            if lost := [name for name in part.columns if name not in (extra or ())]:
                say(f"{part.file}: the first table lacks, so not written: {', '.join(lost)}")
            if part.summary:
                say(part.summary)


def _rows_with_all_columns(hauls: Sequence[Haul]) -> Iterator[Row]:
    extra = dict.fromkeys(
        column for haul in hauls for part in haul.parts for column in part.columns
    )
    for haul in hauls:
        yield from haul.rows(list(extra))


def _joined(comments: Iterable[Comment]) -> Iterator[Row]:
    """Yield the labelled comments of all captures; tables are none."""
    report = JoinReport()
    captured: list[Comment] = []
    others = 0
    for comment in comments:
        if is_capture(comment):
            captured.append(comment)
        else:
            others += 1
    yield from to_rows(join_captures(captured, report))
    for line in report.lines():
        say(line)
    if others:
        say(f"not joined: {others} rows of tables, which carry their outcome themselves")


if __name__ == "__main__":
    sys.exit(main())
