"""`python -m moderation.labels`: labels on their way to the review store, and those kept aside."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from moderation.arguments import run, say
from moderation.database import open_store
from moderation.delivery import deliver
from moderation.errors import ModerationError, SpoolError
from moderation.review import SentLabel
from moderation.settings import Settings, read_settings
from moderation.spool import Refused, Spool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.labels",
        description="Look after the labels that other systems sent to the moderation service: what "
        "waits for the database, and what could not be recorded and is kept aside. The service "
        "delivers what waits by itself, and may run meanwhile.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="say what waits, and print what is kept aside")
    commands.add_parser("deliver", help="bring what waits to the review store now")
    commands.add_parser("retry", help="let all that is kept aside wait again, and deliver it")
    drop = commands.add_parser("drop", help="erase what is kept aside")
    drop.add_argument("number", nargs="+", type=int, metavar="NUMBER", help="as `list` prints it")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    settings = read_settings()
    return run("labels", lambda: look_after(args, settings))


def look_after(args: argparse.Namespace, settings: Settings) -> None:
    """
    Do what a command asks with the labels of the spool.

    Raises:
        SpoolError: it cannot be used, or keeps no label of a number aside.
        ModerationError: the database fails.

    """
    if not settings.spool.exists():
        say(f"{settings.spool}: no spool yet, so nothing waits; the service makes it")
        return
    with contextlib.closing(Spool(settings.spool, most=1)) as spool:
        if args.command == "list":
            _list(spool)
        elif args.command == "drop":
            _drop(spool, set(args.number))
        else:
            if args.command == "retry":
                say(f"{spool.retry_refused():,} wait again")
            _carry(spool, settings)


def _list(spool: Spool) -> None:
    since, aside = spool.oldest(), _kept_aside(spool)
    say(f"{spool.count():,} wait{f' since {since:%Y-%m-%d %H:%M} UTC' if since else ''}")
    say(f"{len(aside):,} kept aside")
    for refused in aside:
        print(_describe(refused))


def _drop(spool: Spool, numbers: set[int]) -> None:
    there = {refused.id for refused in _kept_aside(spool)}
    if unknown := sorted(numbers - there):
        raise SpoolError(
            f"{spool.path}: {', '.join(map(str, unknown))}: no such number; "
            "see: python -m moderation.labels list"
        )
    spool.drop_refused(numbers)
    say(f"{len(numbers):,} erased, {len(there - numbers):,} kept aside")


def _kept_aside(spool: Spool) -> list[Refused]:
    return spool.list_refused(limit=max(1, spool.count_refused()))


def _carry(spool: Spool, settings: Settings) -> None:
    """
    Deliver until nothing waits.

    Raises:
        ModerationError: the database or the spool fails; says so.

    """
    outcomes: Counter[str] = Counter()
    aside = 0
    reach = lru_cache(maxsize=1)(lambda: open_store(settings.database_url, tell=say))
    while spool.count():
        done = deliver(spool, reach, url=settings.database_url, now=datetime.now(UTC))
        if done.error:
            raise ModerationError(f"{done.error}; {spool.count():,} go on waiting")
        if done.busy:
            say("the service is delivering them")
            return
        outcomes += done.outcomes
        aside += done.refused
    for outcome, number in sorted(outcomes.items()):
        say(f"{number:,} {outcome}")
    say(f"{outcomes.total():,} delivered, {aside:,} kept aside")


def _describe(refused: Refused) -> str:
    """Return a line about what is kept aside; nothing in it was written by a reader."""
    try:
        label = SentLabel.from_json(refused.body)
    except ModerationError:
        return f"{refused.id}\t{refused.reason}\tcannot be read"
    came = f"{label.received_at:%Y-%m-%d %H:%M}"
    said = f"{label.attribute}={label.value:g}"
    return f"{refused.id}\t{refused.reason}\t{came}\t{label.sent_by}\t{label.comment.id}\t{said}"


if __name__ == "__main__":
    sys.exit(main())
