"""`python -m moderation.retention`: erase words and names that are no longer to be kept."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from moderation.arguments import run, say
from moderation.database import Store, open_store, sweep
from moderation.errors import ReviewError
from moderation.outages import explain
from moderation.review import read_house
from moderation.review.retention import Erased, erase_old, forget_author
from moderation.settings import Settings, read_settings

READ_IT = "-"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.retention",
        description="Erase the words and authors of comments that were settled so many days ago, "
        "or all that one author has written. Decisions stay, without words. Without options, the "
        "days that a lead has set.",
    )
    parser.add_argument("--database", metavar="URL", help="default: MODERATION_DATABASE_URL")
    parser.add_argument("--texts", type=_read_days, metavar="DAYS", help="erase words after these")
    parser.add_argument("--authors", type=_read_days, metavar="DAYS", help="erase authors after")
    parser.add_argument(
        "--forget-author",
        type=_refuse_name,
        metavar=READ_IT,
        help="erase all of one author, whose name is read from standard input",
    )
    parser.add_argument("--article", metavar="ID", help="of that author only what is on this one")
    parser.add_argument("--dry-run", action="store_true", help="count only, and erase nothing")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.forget_author and (args.texts or args.authors):
        parser.error("--forget-author goes without --texts and --authors: say one after the other")
    if args.article and not args.forget_author:
        parser.error("--article goes with --forget-author")
    now = datetime.now(UTC)
    return run("retention", lambda: _retain(args, read_settings(), sys.stdin, now))


def _retain(args: argparse.Namespace, settings: Settings, names: TextIO, now: datetime) -> None:
    author = _ask_name(names) if args.forget_author else None
    url = args.database or settings.database_url
    store = open_store(url, create=False)
    try:
        erased = _erase(store, args, author, now)
        if erased is None:
            print("no days are set: nothing is erased; set them in the app, or say --texts DAYS")
            return
        for line in _tell(erased, dry_run=args.dry_run):
            print(line)
        if erased.comments and not args.dry_run:
            sweep(store.engine)
            _tell_of_copies(store.engine)
    except SQLAlchemyError as error:
        raise explain(error, url) from error
    finally:
        store.engine.dispose()


def _erase(
    store: Store, args: argparse.Namespace, author: str | None, now: datetime
) -> Erased | None:
    with store.reading() if args.dry_run else store.writing() as session:
        if author is not None:
            return forget_author(
                session, author, article=args.article, now=now, dry_run=args.dry_run
            )
        texts, authors = _choose_days(session, args)
        if texts is None and authors is None:
            return None
        return erase_old(
            session,
            texts_after_days=texts,
            authors_after_days=authors,
            now=now,
            dry_run=args.dry_run,
        )


def _choose_days(session: Session, args: argparse.Namespace) -> tuple[int | None, int | None]:
    if args.texts is not None or args.authors is not None:
        return args.texts, args.authors
    house = read_house(session)
    return house.retain_texts_days, house.retain_authors_days


def _tell(erased: Erased, *, dry_run: bool) -> list[str]:
    verb = "would be erased" if dry_run else "erased"
    lines = [
        f"{erased.comments:,} comments: {erased.texts:,} texts, {erased.authors:,} authors and "
        f"{erased.notes:,} notes {verb}"
    ]
    if erased.waiting:
        lines.append(f"{erased.waiting:,} of them waited and {'would ' * dry_run}leave the queue")
    if erased.too_early:
        lines.append(f"{erased.too_early:,} older ones wait for a decision and keep all until then")
    if erased.undated:
        lines.append(f"{erased.undated:,} have neither decision nor time and keep all")
    return lines


def _tell_of_copies(engine: Engine) -> None:
    """Remind of the copies that `migrate` has made: nothing is erased in them."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        file = Path(engine.url.database)
        if copies := sorted(file.parent.glob(f"{file.name}.[0-9]*")):
            say(f"{len(copies)} copies beside {file} still hold what was erased: delete {file}.*")


def _ask_name(names: TextIO) -> str:
    if names.isatty():
        print("The author's name, as it stands over the comments: ", end="", file=sys.stderr)
    name = names.readline().strip()
    if not name:
        raise ReviewError("no name was given; write it to standard input, on a line of its own")
    return name


def _refuse_name(given: str) -> str:
    if given != READ_IT:
        raise argparse.ArgumentTypeError(
            "expected -, and the name on standard input: arguments are seen by others and kept in "
            "the shell's history; remove it from there"
        )
    return given


def _read_days(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 36_500:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number of days, 1 to 36500")
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
