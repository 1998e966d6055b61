"""What the commands have in common: how to read inputs, and errors as one line."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from moderation.comments import Comment
from moderation.errors import ModerationError
from moderation.parsers import FAMILIES, FORMATS, Options, Reading, open_input
from moderation.parsers.limits import DEFAULT_LIMITS, RATIO_FROM, Limits
from moderation.parsers.mapping import read_mapping
from moderation.parsers.sources import Openable

Item = TypeVar("Item")

COMPILING = "compiling for this machine; it is done once, and takes some 20 seconds"

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

INTERRUPTED = 130
"""What a shell expects of a command that was interrupted."""

_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""What ends a command as tidily as Ctrl-C does; the last comes of a terminal that was closed."""


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how inputs are to be read."""
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--format",
        choices=(*FAMILIES, *FORMATS),
        metavar="NAME",
        help=f"force a format instead of looking: {', '.join((*FAMILIES, *FORMATS))}",
    )
    group.add_argument("--encoding", metavar="NAME", help="of text, e.g. utf-8 or cp1252")
    group.add_argument(
        "--column",
        action="append",
        default=[],
        type=_assignment,
        metavar="FIELD=NAME",
        help="which column of a table is the text, the label, ...; may be repeated",
    )
    group.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="a file (TOML) that tells what is what in a table or JSON of another kind; "
        "moderation.parse --guess proposes one",
    )
    group.add_argument("--article", metavar="ID", help="article of pages that do not say it")
    group.add_argument(
        "--captured-at",
        type=_moment,
        metavar="TIME",
        help="when the pages were taken, ISO 8601 (UTC where it has no zone)",
    )
    add_limit_options(parser)


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how much of an input is taken before it is refused."""
    group = parser.add_argument_group("limits, each of one input; what is beyond is refused")
    usual = DEFAULT_LIMITS
    group.add_argument(
        "--max-size", type=_size, default=usual.size, metavar="BYTES", help="unpacked; default 1T"
    )
    group.add_argument(
        "--max-ratio",
        type=read_number,
        default=usual.ratio,
        metavar="N",
        help=f"bytes unpacked for each packed one, beyond {RATIO_FROM >> 20} MB; "
        "default %(default)s",
    )
    group.add_argument(
        "--max-depth",
        type=read_number,
        default=usual.depth,
        metavar="N",
        help="levels of nesting in JSON and XML; default %(default)s",
    )
    group.add_argument(
        "--max-entities",
        type=read_count,
        default=usual.entities,
        metavar="N",
        help="entities that XML may declare; default %(default)s",
    )
    group.add_argument(
        "--max-seconds",
        type=read_weight,
        default=usual.seconds,
        metavar="N",
        help="time spent on reading; default %(default)g",
    )
    group.add_argument(
        "--max-members",
        type=read_number,
        default=usual.members,
        metavar="N",
        help="files or records in an archive; default %(default)s",
    )


def read_options(args: argparse.Namespace) -> Options:
    """Return how the options of the command line say that inputs are to be read."""
    return Options(
        format=args.format,
        encoding=args.encoding,
        columns=dict(args.column),
        article=args.article,
        captured_at=args.captured_at,
        mapping=read_mapping(args.mapping) if args.mapping else None,
        limits=Limits(
            size=args.max_size,
            ratio=args.max_ratio,
            depth=args.max_depth,
            entities=args.max_entities,
            seconds=args.max_seconds,
            members=args.max_members,
        ),
    )


def open_reading(source: Openable, args: argparse.Namespace) -> Reading:
    """Begin to read one input as the options say."""
    return open_input(source, read_options(args))


def read_all(sources: Sequence[Openable], args: argparse.Namespace) -> Iterator[Comment]:
    """Yield the comments of several inputs, saying of each on stderr what was read."""
    for source in sources:
        reading = open_reading(source, args)
        yield from track(reading, None, "comments")
        say(reading.summary())


def track(items: Iterable[Item], total: int | None, what: str) -> Iterator[Item]:
    """Pass items on and show on stderr how many went by; quick work stays silent."""
    yield from tqdm(items, desc=what, total=total, unit="", delay=1, leave=False, file=sys.stderr)


def progress(items: Iterable[Item], total: int, what: str, /) -> Iterable[Item]:
    """Pass steps on and show on stderr how far they are."""
    return tqdm(items, desc=what, total=total, leave=False, file=sys.stderr)


def say(line: str) -> None:
    """Tell the user something that is not the result."""
    tqdm.write(line, file=sys.stderr)


def step(bar: "tqdm[Any]") -> None:
    """Show that one more part is done."""
    bar.update()


def run(command: str, work: Callable[[], None], *, interrupted: str = "nothing was written") -> int:
    """
    Do the work of a command and return its exit status: 0, or 1 and one line why not.

    `interrupted` is what there is to know of work that Ctrl-C ends.
    """
    before = {one: signal.getsignal(one) for one in _ENDINGS}
    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN:  # nohup
                signal.signal(one, signal.default_int_handler)
        work()
        sys.stdout.flush()
    except ModerationError as error:
        say(f"{command}: {error}")
        return 1
    except BrokenPipeError:  # the reader of our output left: `parse ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        say(f"{command}: interrupted; {interrupted}")
        return INTERRUPTED
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    return 0


def _assignment(given: str) -> tuple[str, str]:
    field, equals, name = given.partition("=")
    if not (field and equals and name):
        raise argparse.ArgumentTypeError(f"{given!r} is not FIELD=NAME, e.g. text=body")
    return field, name


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not a time such as 2026-01-14T12:30Z"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _size(given: str) -> int:
    """Return a number of bytes, which may end in K, M, G or T."""
    number, unit = (given[:-1], given[-1].upper()) if given[-1:].isalpha() else (given, "")
    if unit in _UNITS and number.isdecimal() and int(number):
        return int(number) * _UNITS[unit]
    raise argparse.ArgumentTypeError(f"{given!r} is not a number of bytes, such as 4000000 or 20G")


def read_share(given: str) -> float:
    """Return an option's value that is a share above 0 and below 1."""
    with contextlib.suppress(ValueError):
        if 0 < float(given) < 1:
            return float(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a share between 0 and 1, such as 0.02")


def read_count(given: str) -> int:
    """Return an option's value that is a whole number, 0 or more."""
    if given.isdecimal():
        return int(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a whole number from 0 on, such as 200")


def read_number(given: str) -> int:
    """Return an option's value that is a whole number, 1 or more."""
    if given.isdecimal() and int(given):
        return int(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a whole number from 1 on, such as 200")


def read_seed(given: str) -> int:
    """Return an option's value that is the seed of a generator, as NumPy takes it."""
    seed = read_count(given)
    if seed < 2**32:
        return seed
    raise argparse.ArgumentTypeError(f"{given} is no seed; expected 0 to {2**32 - 1}")


def read_weight(given: str) -> float:
    """Return an option's value that is a number above 0."""
    try:
        weight = float(given)
    except ValueError:
        weight = 0
    if 0 < weight < float("inf"):
        return weight
    raise argparse.ArgumentTypeError(f"{given!r} is not a number above 0, such as 50")
