"""`python -m moderation.export`: writes the review desk's decisions as a table."""

import argparse
import sys
from collections.abc import Sequence

from moderation.arguments import run, say
from moderation.errors import MissingPackage
from moderation.frames import check_output
from moderation.settings import Settings, read_settings


def build_parser(settings: Settings) -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.export",
        description="Write the decisions of the review desk as a table, one row for each decision "
        "in force, that train and policy read.",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="Parquet, CSV or JSON Lines by its ending; JSON Lines on stdout for -",
    )
    parser.add_argument(
        "--database",
        default=settings.database_url,
        metavar="URL",
        help="default: that of the review desk",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="the whole history: also what was undone or overruled, escalations and second "
        "opinions",
    )
    parser.add_argument(
        "--without-texts",
        action="store_true",
        help="leave out the words of comments, titles and notes",
    )
    parser.add_argument(
        "--without-authors", action="store_true", help="leave out who wrote the comments"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser(read_settings()).parse_args(argv)
    return run("export", lambda: export(args))


def export(args: argparse.Namespace) -> None:
    """Write the decisions and say how many they are."""
    try:
        from moderation import database, exporting
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"export needs {error.name}; install it with: pip install 'moderation[app]'"
        ) from error
    check_output(args.output)
    chosen = exporting.Chosen(
        history=args.all, texts=not args.without_texts, authors=not args.without_authors
    )
    with database.open_store(args.database, create=False).reading() as session:
        written = exporting.write_export(session, args.output, chosen)
    what = "rows of the history" if args.all else "decisions in force"
    say(f"{database.mask_password(args.database)}: {written} {what}")


if __name__ == "__main__":
    sys.exit(main())
