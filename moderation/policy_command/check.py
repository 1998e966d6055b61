"""`check`: tells whether policy files can be used, what they say, and what was hardly meant."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moderation.artifacts import Manifest, read_manifest
from moderation.errors import PolicyError
from moderation.policy import Policy
from moderation.policy.doubts import find_doubts, find_unsettled
from moderation.policy.files import read_policy
from moderation.policy.sentences import (
    DONE,
    UNSETTLED,
    describe_order,
    describe_override,
    describe_rule,
)


def add_parser(parts: Any) -> None:
    """Add the part's parser."""
    parser = parts.add_parser(
        "check",
        help="read policy files and say what they say, or every mistake by its line",
        description="Read policy files. Prints the name and version of each, its rules in words, "
        "what is not settled yet and what was hardly meant; or every mistake with its line and "
        "what to write instead, and then the exit status is 1.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="data/policy.toml")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help="warn of promises that were settled on another model's scores, and of scores that "
        "it does not give",
    )
    parser.set_defaults(work=check)


def check(args: argparse.Namespace) -> None:
    """
    Print what each file says.

    Raises:
        PolicyError: the mistakes of all files, one a line.

    """
    manifest = read_manifest(args.model) if args.model else None
    mistakes: list[PolicyError] = []
    for path in args.files:
        try:
            print("\n".join(_lines(path, read_policy(path), manifest)))
        except PolicyError as error:
            mistakes.append(error)
    if mistakes:
        raise PolicyError("\n".join(map(str, mistakes)))


def _lines(path: Path, policy: Policy, manifest: Manifest | None) -> Iterator[str]:
    name = f"{policy.name}, " if policy.name else ""
    yield f"{path}: {name}version {policy.version}"
    yield from (f"  {line}" for line in describe_order(policy, policy.at()))
    yield from (f"  {describe_rule(rule)}" for rule in policy.rules)
    yield f"  no rule matches: {DONE[policy.otherwise]}"
    for override in policy.overrides:
        yield f"  {describe_override(override)}"
        yield from (f"    {describe_rule(rule)}" for rule in override.rules)
    unsettled = find_unsettled(policy)
    yield from (f"not settled: {rule}" for rule in unsettled)
    if unsettled:
        yield f"not settled: {UNSETTLED}"
    model = manifest.version if manifest else None
    yield from (f"warning: {warning}" for warning in find_doubts(policy, model=model))
    if manifest and (missing := sorted(policy.attributes - set(manifest.attributes))):
        yield (
            f"warning: the model has no score {', '.join(missing)}: nothing can be decided with "
            f"it; it has {', '.join(manifest.attributes)}"
        )
