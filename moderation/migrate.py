"""`python -m moderation.migrate`: bring the desk's database to another schema, or look at it."""

import argparse
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from moderation.arguments import run, say
from moderation.database import connect
from moderation.errors import OutputError, ReviewError
from moderation.outages import explain, mask_password
from moderation.schema import (
    differences,
    find_losses,
    find_revision,
    known_revisions,
    migrate,
    name,
    newest_revision,
)
from moderation.settings import read_settings


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m moderation.migrate",
        description="Bring the desk's database to the schema of this version, or to another one. "
        "The desk does the former by itself when it opens; here a SQLite file is copied first.",
        allow_abbrev=False,  # `--d` is not to discard anything
    )
    parser.add_argument("--database", metavar="URL", help="default: MODERATION_DATABASE_URL")
    parser.add_argument(
        "--to",
        metavar="REVISION",
        choices=known_revisions(),
        help=f"the schema to go to: {', '.join(known_revisions())}; without it the newest",
    )
    parser.add_argument(
        "--check", action="store_true", help="only say which schema it has; 1 where not this one"
    )
    parser.add_argument(
        "--discard",
        action="store_true",
        help="go down although something is lost that the earlier schema cannot hold",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    return run("migrate", lambda: _migrate(args, datetime.now(UTC)))


def copy_aside(file: Path, *, revision: str, now: datetime) -> Path:
    """
    Copy a SQLite file, with whatever is written to it meanwhile, and return the copy.

    Raises:
        OutputError: it cannot be copied, or there is such a copy already.

    """
    copy = file.with_name(f"{file.name}.{revision}-{now:%Y%m%dT%H%M%SZ}")
    if copy.exists():
        raise OutputError(f"{copy}: is there already; move it away first")
    try:
        copy.touch()
        shutil.copymode(file, copy)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        copy.unlink(missing_ok=True)
        raise OutputError(
            f"{copy}: the copy cannot be made ({type(error).__name__}); the database is as it was"
        ) from error
    return copy


def _migrate(args: argparse.Namespace, now: datetime) -> None:
    url = args.database or read_settings().database_url
    engine = connect(url, create=args.to is None and not args.check)
    try:
        if args.check:
            _check(engine, mask_password(url))
        else:
            _move(engine, args, now)
    except SQLAlchemyError as error:
        raise explain(error, url) from error
    finally:
        engine.dispose()


def _check(engine: Engine, shown: str) -> None:
    present, newest = find_revision(engine), newest_revision()
    if present != newest:
        raise ReviewError(
            f"{shown}: has {name(present)}, expected {newest}; "
            "bring it there with: python -m moderation.migrate"
        )
    if found := differences(engine):
        raise ReviewError(
            f"{shown}: has schema {newest} with {len(found)} changes that no version made "
            f"(the first: {found[0][0]}); put a copy back"
        )
    print(f"{shown}: has schema {newest}, that of this version")


def _move(engine: Engine, args: argparse.Namespace, now: datetime) -> None:
    present, wanted = find_revision(engine), args.to or newest_revision()
    if present == wanted:
        print(f"the database has schema {wanted} already; nothing to do")
        return
    losses = find_losses(engine, to=wanted)
    for loss in losses:
        say(f"lost: {loss}")
    if losses and not args.discard:
        raise ReviewError(
            f"schema {wanted} cannot hold that; nothing was changed; "
            "where it is to be lost, say --discard"
        )
    if present is not None:
        _copy(engine, present, now)
    migrate(engine, to=wanted, tell=say)
    print(f"the database has schema {wanted} now; it had {name(present)}")


def _copy(engine: Engine, present: str, now: datetime) -> None:
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file:
        copy = copy_aside(Path(file), revision=present, now=now)
        say(f"copied to {copy}; delete it when all is well, for nothing is erased in it")


if __name__ == "__main__":
    sys.exit(main())
