"""`promote`: tells whether a new policy, or a new model, is to take the present one's place."""

import argparse
import contextlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from moderation.arguments import read_seed, read_share, say
from moderation.desk import ASSUMED, Desk, measure_pace
from moderation.errors import DataError, PolicyError
from moderation.frames import check_output, replacing
from moderation.past import PastComments, Words, read_ids, read_past, read_texts
from moderation.policy import Action, Policy, ScoreScale
from moderation.policy.files import read_policy
from moderation.promotion import (
    Comparison,
    Paired,
    Rows,
    Side,
    choose_last,
    choose_to_read,
    compare,
    join_rows,
)
from moderation.settling import check_plain
from moderation.simulation import Simulation, simulate
from moderation.verdicts import decide_all

_ABOUT: Final = """\
Compare a new policy with the present one on past decisions, or the same policy with a new model
(the same comments, scored by it, in --new-table). Prints what moves, what each policy promises and
lets through, and whether to promote the new one; the exit status is 0 to promote and 1 not to.
To promote is to use the new file from now on; to go back is to use the earlier file again: keep
every file, each decision names the version of the one that made it.
"""


def add_parser(parts: Any) -> None:
    """Add the part's parser."""
    parser = parts.add_parser(
        "promote",
        help="compare a new policy or model with the present one, and say whether to change",
        description=_ABOUT,
    )
    parser.add_argument("present", type=Path, metavar="PRESENT", help="the policy in use")
    parser.add_argument("new", type=Path, metavar="NEW", help="the one to take its place")
    parser.add_argument(
        "table", type=Path, metavar="TABLE", help="past comments with scores, labels and times"
    )
    parser.add_argument(
        "--new-table",
        type=Path,
        metavar="TABLE",
        help="the same comments, joined by id, scored by the model that NEW is for",
    )
    parser.add_argument(
        "--last", type=_count, metavar="N", help="only the last N decisions; default: all"
    )
    parser.add_argument(
        "--tolerate",
        type=_tolerated,
        default=0.0,
        metavar="SHARE",
        help="how much more of all comments may get through, or be removed wrongly, than now; "
        "default: 0",
    )
    parser.add_argument(
        "--plain-sample",
        action="store_true",
        help="say that every comment had the same chance to get its label, though no weights do",
    )
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="the share of removals at which scores are probabilities, for rules on the 50/50 "
        "scale",
    )
    parser.add_argument(
        "--new-base-rate",
        type=read_share,
        metavar="SHARE",
        help="that of the scores in --new-table; default: the same",
    )
    parser.add_argument(
        "--show", type=Path, metavar="FILE.md", help="write comments that move there, to be read"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    parser.add_argument(
        "--seed", type=read_seed, default=0, metavar="N", help="of what is shown and drawn"
    )
    parser.set_defaults(work=promote)


def promote(args: argparse.Namespace) -> None:
    """
    Print the comparison and whether to promote.

    Raises:
        PolicyError: a policy has mistakes or is not settled, or the new one is not to be promoted.

    """
    inputs = [args.present, args.new, args.table, *([args.new_table] if args.new_table else [])]
    for output in filter(None, (args.show, args.json)):
        check_output(output, inputs=inputs)
    pair = _read(args)
    if args.plain_sample:
        check_plain(pair.present.past)
    found = compare(
        pair.present,
        pair.new,
        tolerated=args.tolerate,
        plain_sample=args.plain_sample,
        rng=np.random.default_rng(args.seed),
    )
    desk = Desk(measure_pace(pair.present.past) or ASSUMED)
    worth = [simulate(one.past, one.verdicts, desk=desk) for one in (pair.present, pair.new)]
    print("\n".join(_lines(pair, found, *worth)))
    if args.show:
        _show(args, pair, found)
    if args.json:
        with replacing(args.json) as stream:
            stream.write((json.dumps(_as_json(pair, found, *worth), indent=2) + "\n").encode())
    if not found.decision.promote:
        raise PolicyError(f"do not promote {args.new}: {'; '.join(found.decision.reasons)}")


@dataclass(frozen=True)
class _Pair:
    """Two policies on the same comments; `rows` are those of the table that they are."""

    present: Side
    new: Side
    rows: Rows


def _read(args: argparse.Namespace) -> _Pair:
    """Return both policies with the decisions that they are compared on."""
    present, new = read_policy(args.present), read_policy(args.new)
    base_rate, new_base_rate = args.base_rate, args.new_base_rate or args.base_rate
    _check_base_rate(args.present, present, base_rate)
    _check_base_rate(args.new, new, new_base_rate)
    needs_characters = any(policy.too_short for policy in (present, new))
    attributes = present.attributes | (frozenset() if args.new_table else new.attributes)
    past = read_past(args.table, attributes=attributes, needs_characters=needs_characters)
    for cause, number in past.left_out.items():
        say(f"left out: {number} {cause}")
    rows, scored = np.arange(len(past)), past
    if args.new_table:
        other = read_past(args.new_table, attributes=new.attributes, needs_characters=False)
        rows, new_rows = _join(past, other, args)
        past = past.take(rows)
        scored = replace(past, scores=other.take(new_rows).scores, model=other.model)
    decided, chosen = len(choose_last(past, None)), choose_last(past, args.last)
    if undecided := len(past) - decided:
        say(f"left out: {undecided} without a time of the decision")
    past, scored = past.take(chosen), scored.take(chosen)
    return _Pair(
        Side(present, past, decide_all(past, present, base_rate=base_rate)),
        Side(new, scored, decide_all(scored, new, base_rate=new_base_rate)),
        rows[chosen],
    )


def _check_base_rate(path: Path, policy: Policy, base_rate: float | None) -> None:
    scales = {rule.scale for _, rule in policy.everywhere()}
    if base_rate is None and ScoreScale.EVEN in scales:
        raise PolicyError(
            f"{path}: a rule is on the 50/50 scale: add --base-rate, as the model's card has it"
        )


def _join(past: PastComments, other: PastComments, args: argparse.Namespace) -> tuple[Rows, Rows]:
    """
    Return the rows of the comments that are in both tables; says how many are not.

    Raises:
        DataError: there are none.

    """
    keys, new_keys = read_ids(args.table), read_ids(args.new_table)
    here, there = past.articles, other.articles
    joined = join_rows(keys, new_keys)
    if here and there:  # an id may be one of an article's own
        joined = join_rows(
            [(here.name(row), key) for row, key in enumerate(keys)],
            [(there.name(row), key) for row, key in enumerate(new_keys)],
        )
    for path, found, rows in zip((args.table, args.new_table), (past, other), joined, strict=True):
        if without := len(found) - len(rows):
            say(f"left out: {without} of {path.name} that are not in the other table, or twice")
    if not len(joined[0]):
        raise DataError(
            f"{args.table.name} and {args.new_table.name} have no comment in common: expected the "
            "same ids; score one table with both models"
        )
    return joined


def _lines(pair: _Pair, found: Comparison, now: Simulation, then: Simulation) -> Iterator[str]:
    """Yield the result as Markdown."""
    for what, side in (("Present", pair.present), ("New", pair.new)):
        name = f"{side.policy.name}, " if side.policy.name else ""
        model = f", scores of model {side.past.model}" if side.past.model else ""
        yield f"{what}: {name}version {side.policy.version}{model}"
    yield f"Decisions: {found.comments:,}, of which {found.labelled:,} have a label"
    if found.counted < found.labelled:
        yield (
            f"Their weights are uneven: errors are counted on {found.counted:,} of them, each "
            "chosen in proportion to its weight"
        )
    yield "\n| now, then | " + " | ".join(Action) + " |"
    yield "|---" * (len(Action) + 1) + "|"
    for action, row in zip(Action, found.moves, strict=True):
        yield f"| {action} | " + " | ".join(f"{number:,}" for number in row) + " |"
    yield f"\nPass unseen now, and would wait for a person: {len(found.to_wait):,}"
    yield f"Wait for a person now, and would pass unseen: {len(found.to_pass):,}"
    yield from _worth(now, then)
    yield ""
    yield _paired("Get through", found.through)
    yield _paired("Are removed wrongly", found.wrongly_removed)
    yield from _promises(found)
    yield "\nPromote." if found.decision.promote else "\nDo not promote."
    yield from (f"- {reason}" for reason in found.decision.reasons)


def _worth(now: Simulation, then: Simulation) -> Iterator[str]:
    known = "assumed" if now.desk.pace == ASSUMED else "as measured"
    pace = f"{now.desk.pace.seconds:.3g} s each, {known}"
    yield "\n| | now | then |"
    yield "|---|---|---|"
    for what, one, other in (
        ("pass unseen", now.total.approved, then.total.approved),
        ("wait for a person", now.total.held, then.total.held),
        ("are removed unseen", now.total.removed, then.total.removed),
        ("acted on unseen, and yet seen by a person", round(now.audited), round(then.audited)),
    ):
        of = now.total.comments
        yield f"| {what} | {one:,} ({one / of:.1%}) | {other:,} ({other / of:.1%}) |"
    yield f"| hours of moderators' time ({pace}) | {now.work:,.1f} | {then.work:,.1f} |"
    for what, share, another in (
        ("of what passes unseen, was to be removed", now.total.got_through, then.total.got_through),
        ("of what was to be removed, passes unseen", now.missed, then.missed),
        ("of what is removed unseen, was to be kept",
         now.total.wrongly_removed, then.total.wrongly_removed),
    ):  # fmt: skip
        yield f"| {what} | {share or 'not known'} | {another or 'not known'} |"


def _paired(what: str, paired: Paired) -> str:
    likely = min(1.0, 2 * min(paired.more, paired.fewer))
    return (
        f"{what}, of the same {paired.comments:,} labelled comments: {paired.present:,} now, "
        f"{paired.new:,} then; {paired.only_present:,} only now, {paired.only_new:,} only then "
        f"(McNemar's exact test: p = {likely:.3g})"
    )


def _promises(found: Comparison) -> Iterator[str]:
    if not found.rechecks and not found.present_rechecks:
        return
    yield "\n| promise | acts on | errs on | which is at least, at most | on these decisions |"
    yield "|---|---|---|---|---|"
    for when, rechecks in (("now", found.present_rechecks), ("then", found.rechecks)):
        for one in rechecks:
            share = f"{one.errors:,} of {one.labelled:,}"
            if one.share is not None:
                share += f" ({one.share:.3%})"
            ends = f"{one.low:.3%}, {one.high:.3%}"
            yield (
                f"| {when}: {one.rule}: {one.promise} | {one.acted:,} | {share} | {ends} "
                f"| {one.outcome} |"
            )


def _as_json(pair: _Pair, found: Comparison, now: Simulation, then: Simulation) -> dict[str, Any]:
    """Return the result without rows, and without a word of a comment."""
    told = asdict(found) | {"to_wait": len(found.to_wait), "to_pass": len(found.to_pass)}
    return {
        "present": {"policy": now.policy, "model": pair.present.past.model},
        "new": {"policy": then.policy, "model": pair.new.past.model},
        **told,
        "workload": [{"total": asdict(one.total), "hours": one.work} for one in (now, then)],
    }


# Comments to be read


_HIDDEN: Final = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
"""Marks that change the direction in which a text is shown."""


def _show(args: argparse.Namespace, pair: _Pair, found: Comparison) -> None:
    """Write some of the comments that move, chosen by chance."""
    rng = np.random.default_rng(args.seed)
    lines = ["# Comments that move", ""]
    for title, places in (
        ("Pass unseen now, and would wait for a person", found.to_wait),
        ("Wait for a person now, and would pass unseen", found.to_pass),
    ):
        chosen = choose_to_read(places, rng)
        texts = read_texts(args.table, pair.rows[chosen].tolist())
        lines += [f"## {title}: {len(chosen)} of {len(places):,}", ""]
        for place, words in zip(chosen.tolist(), texts, strict=True):
            lines += _comment(pair, place, words)
    with replacing(args.show) as stream:
        stream.write("\n".join(lines).encode("utf-8", "backslashreplace"))


def _comment(pair: _Pair, place: int, words: Words) -> Iterator[str]:
    label = {1: "removed", 0: "kept"}.get(int(pair.present.past.labels[place]), "no label")
    yield f"- {label}"
    for when, side in (("now", pair.present), ("then", pair.new)):
        verdict = side.verdicts.verdict(place)
        scores = side.past.scores.items()
        told = ", ".join(f"{name} {found[place]:.4f}" for name, found in scores)
        by = f"by {verdict.rule.name!r}" if verdict.rule else verdict.cause
        yield f"- {when}: {verdict.action} ({told}), {by}"
    text = "(no words)" if words.text is None else words.text
    yield from _fence(f"{words.id}\n\n{text}")


def _fence(text: str) -> list[str]:
    """
    Return a text as a block of Markdown in which nothing means anything.

    The fence is longer than any run of its own characters inside; what a terminal or a page would
    act on is written as its escape.
    """
    plain = "".join(
        repr(one)[1:-1]
        if (unicodedata.category(one) in ("Cc", "Zl", "Zp") and one not in "\n\t")
        or _HIDDEN.match(one)
        else one
        for one in text
    )
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["", f"{fence}text", plain, fence, ""]


def _count(given: str) -> int:
    if given.isdecimal() and int(given) > 0:
        return int(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a number of decisions, such as 1000")


def _tolerated(given: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(given) < 1:
            return float(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a share from 0 to below 1, such as 0.002")
