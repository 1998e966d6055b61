"""`watch`: whether automatic rules keep their promises, from audits of what they did."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moderation.arguments import add_reading_options, read_all, read_weight, say
from moderation.auditing import (
    Watched,
    collect_audits,
    find_watched,
    order_audits,
    suspend,
    watch_rule,
)
from moderation.errors import DataError, OutputError, PolicyError
from moderation.frames import check_output, replacing
from moderation.policy import Policy
from moderation.policy.files import change_rules, parse_policy, read_policy_text
from moderation.policy.goals import as_percent
from moderation.watching import Watch


def add_parser(parts: Any) -> None:
    parser = parts.add_parser(
        "watch",
        help="tell from audits whether automatic rules keep their promises",
        description="Tell from audits whether automatic rules keep their promises, however often "
        "it is asked; exit status 1 where one is broken. Audits are a random share of what the "
        "rules of this policy did without a person, judged by one who does not know what they "
        "did: tables with the columns rule (its name), label or status (what the person found) "
        "and, where not all were equally likely to be audited, weight (1 / the probability).",
    )
    parser.add_argument("policy", type=Path, metavar="POLICY", help="a policy file")
    parser.add_argument("audits", nargs="+", metavar="AUDITS", help="tables of audited actions")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="NEW",
        help="where a promise is broken, write the policy there with the rule suspended: it holds "
        "what it would have done, and says why",
    )
    parser.add_argument(
        "--heaviest",
        type=read_weight,
        metavar="W",
        help="the largest weight that there can be; without it, 1 / the rule's audit share",
    )
    add_reading_options(parser)
    parser.set_defaults(work=watch)


def watch(args: argparse.Namespace) -> None:
    """
    Print what audits say about each automatic rule, and write the policy without the broken ones.

    Raises:
        PolicyError: a promise is broken, which is the exit status 1.

    """
    text = read_policy_text(args.policy)
    policy = parse_policy(text, name=str(args.policy))
    _check_new(args)
    rules = find_watched(policy)
    watches = _watch_each(rules, policy, args)
    if not rules:
        print("No rule acts without a person and promises few errors: there is nothing to watch.")
        return
    print("\n".join(_lines(rules, watches)))
    if not any(found.audited for found in watches.values()):
        raise DataError(
            "no audit of any of these rules was found, so nothing is watched; expected the columns "
            "'rule' (its name) and 'label' (1: the person would have removed it)"
        )
    changes = suspend(watches, policy)
    if not changes:
        if args.output:
            say(f"{args.output} is not written: no promise is broken")
        return
    if args.output:
        with replacing(args.output) as stream:
            stream.write(change_rules(text, changes).encode())
    names = ", ".join(dict.fromkeys(repr(place.name) for place in changes))
    raise PolicyError(f"broken: the promise of {names}; {_what_to_do(args.output)}")


def _check_new(args: argparse.Namespace) -> None:
    if args.output is None:
        return
    check_output(args.output, inputs=[args.policy, *args.audits])
    if args.output.exists():
        raise OutputError(f"{args.output}: exists already; name a new file, to keep what was there")


def _watch_each(
    rules: Mapping[str, Watched], policy: Policy, args: argparse.Namespace
) -> dict[str, Watch]:
    """Return the watch of each rule, and say what was left out."""
    comments, column = order_audits(list(read_all(args.audits, args)))
    left_out = Counter[str]()
    audits = collect_audits(comments, policy, left_out)
    for cause, number in left_out.most_common():
        if number:
            say(f"left out: {number} {cause}")
    say(f"audits are in the order of {column}")
    return {
        name: watch_rule(rule, audits[name], heaviest=args.heaviest) for name, rule in rules.items()
    }


def _lines(rules: Mapping[str, Watched], watches: Mapping[str, Watch]) -> Iterator[str]:
    """Yield the result as Markdown."""
    yield "| rule | does | audited | wrong | share of errors | promised | found |"
    yield "|---|---|---:|---:|---|---|---|"
    for name, rule in rules.items():
        found = watches[name]
        promised = f"at most {as_percent(rule.promise.error)}"
        sure = as_percent(rule.promise.confidence)
        yield (
            f"| {name} | {rule.action} | {found.audited} | {found.wrong} | {_share(found)} | "
            f"{promised} with {sure} confidence | {_found(found)} |"
        )
    yield ""
    yield (
        "Shares count each audit by its weight; their intervals hold at every look together, with "
        "the confidence promised."
    )


def _share(found: Watch) -> str:
    if not found.audited:
        return "not known"
    share = found.interval
    return f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"


def _found(found: Watch) -> str:
    if found.alarmed_at is not None:
        return f"broken, noticed at audit {found.alarmed_at}"
    return "no sign that it is broken" if found.audited else "nothing was audited"


def _what_to_do(written: Path | None) -> str:
    if written:
        return f"{written} has it suspended: use that file, and settle the rule on newer labels"
    return (
        'name a new file with -o to suspend it there, or write suspended = "why" into the rule, '
        "and settle it on newer labels"
    )
