"""The command with its parts, each a module with `add_parser`."""

import argparse
from collections.abc import Sequence
from typing import Any, Protocol

from moderation.arguments import run
from moderation.policy_command import check, drift, explain, promote, settle, simulate, watch


class Part(Protocol):
    """A module of a part of the command."""

    def add_parser(self, parts: Any) -> None:
        """Add the part's parser; its default `work` is a function of the arguments."""


PARTS: tuple[Part, ...] = (check, explain, settle, simulate, promote, watch, drift)
"""The modules that each do one part, in the order of the help."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.policy",
        description="What is done with a comment that has a score: policies as files.",
    )
    parts = parser.add_subparsers(required=True, metavar="PART", dest="part")
    for module in PARTS:
        module.add_parser(parts)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return run(f"policy {args.part}", lambda: args.work(args))
