"""`python -m moderation.audit`: whether the history of decisions is the one that was written."""

import argparse
import re
import sys
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from moderation.arguments import progress, run
from moderation.database import open_store
from moderation.errors import ReviewError
from moderation.outages import explain
from moderation.review.audit import Account, follow
from moderation.settings import Settings, read_settings

_NOTED = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.audit",
        description="Follow the history of decisions from digest to digest, and say which rows "
        "were changed, put in or taken out. It changes nothing.",
    )
    parser.add_argument("--database", metavar="URL", help="default: MODERATION_DATABASE_URL")
    parser.add_argument(
        "--expect",
        metavar="ID:DIGEST",
        action="append",
        default=[],
        type=_read_noted,
        help="what an earlier audit has printed: it must still be in the history; may be repeated",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run("audit", lambda: _audit(args, read_settings()))


def _audit(args: argparse.Namespace, settings: Settings) -> None:
    url = args.database or settings.database_url
    account, wrong = Account(), 0
    try:
        store = open_store(url, create=False, change=False)
        with store.reading() as session:
            for finding in follow(session, account, noted=dict(args.expect), progress=progress):
                wrong += 1
                print(finding)
        store.engine.dispose()
    except SQLAlchemyError as error:
        raise explain(error, url) from error
    print(f"{account.decisions:,} decisions; {account.erased_notes:,} notes erased")
    print(f"{account.last_id}:{account.digest}")
    if wrong:
        raise ReviewError(f"{wrong:,} findings: the history is not the one that was written")


def _read_noted(given: str) -> tuple[int, str]:
    found = _NOTED.fullmatch(given)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not ID:DIGEST, as the last line of an audit has it"
        )
    return int(found[1]), found[2]


if __name__ == "__main__":
    sys.exit(main())
