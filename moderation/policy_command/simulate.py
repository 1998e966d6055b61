"""`simulate`: replays past comments through a policy, or through two side by side."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from moderation.arguments import progress, read_share, say
from moderation.desk import ASSUMED, Desk, Pace, measure_pace
from moderation.errors import OutputError, PolicyError
from moderation.frames import check_output, replacing
from moderation.past import PastComments, read_past
from moderation.policy import Policy, ScoreScale
from moderation.policy.doubts import find_foreign
from moderation.policy.files import read_policy
from moderation.policy_command.simulated import report
from moderation.simulation import Simulation, simulate
from moderation.trade_offs import STEPS, Trade, trade_off
from moderation.verdicts import decide_all, find_absent

Figures = Mapping[str, bytes | None]
"""PNG by name; None where there is nothing to draw."""


def add_parser(parts: Any) -> None:
    """Add the part's parser."""
    parser = parts.add_parser(
        "simulate",
        help="replay past comments: what gets through, is held and removed, and what it costs",
        description="Replay past comments, with scores and, where known, labels, through a policy.",
    )
    parser.add_argument("policy", type=Path, metavar="POLICY", help="a policy file")
    parser.add_argument(
        "table", type=Path, metavar="TABLE", help="scored comments: Parquet, CSV or JSON Lines"
    )
    parser.add_argument(
        "--against", type=Path, metavar="OTHER", help="another policy file, to stand beside"
    )
    parser.add_argument(
        "--pace",
        type=_pace,
        metavar="SECONDS",
        help="that a decision takes; without it measured from 'decided_by' and 'decided_at', "
        f"or {ASSUMED.seconds:g}",
    )
    parser.add_argument(
        "--moderators", type=_number, default=1, metavar="N", help="who decide at once"
    )
    parser.add_argument(
        "--hours",
        type=_hours,
        default=(0, 24),
        metavar="FROM-TO",
        help="in which they do (UTC), such as 08-18 or 22-06; without it all day and night",
    )
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="at which the scores are probabilities; rules on the 50/50 scale need it",
    )
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="draw four figures there")
    parser.add_argument("--json", metavar="FILE", help="write the result there, too")
    parser.set_defaults(work=run_simulation)


def run_simulation(args: argparse.Namespace) -> None:
    """Read policies and comments, replay, and print what came of it."""
    if args.json:
        check_output(args.json, inputs=[args.policy, args.table])
    policies = _read_policies(args)
    past = read_past(
        args.table,
        attributes=frozenset().union(*(policy.attributes for policy in policies.values())),
        needs_characters=any(policy.too_short is not None for policy in policies.values()),
    )
    for cause, number in sorted(past.left_out.items()):
        say(f"{args.table.name}: not read: {number} {cause}")
    for name, policy in policies.items():
        for doubt in (*find_foreign(policy, past.model), *find_absent(policy, past)):
            say(f"{name}: {doubt}")
    if past.model is None:
        say(f"{args.table.name}: no column 'model': taken for scores of the policy's own model")
    desk = Desk(args.pace or measure_pace(past) or ASSUMED, args.moderators, *args.hours)
    found = {
        name: simulate(past, decide_all(past, policy, base_rate=args.base_rate), desk=desk)
        for name, policy in policies.items()
    }
    pictures: Figures = {}
    if args.figures:
        curves = {
            name: _trade(past, policy, desk, args.base_rate) for name, policy in policies.items()
        }
        pictures = _draw(curves, found)
    print("\n".join(report(past, found, desk)))
    if args.json:
        _write_json(Path(args.json), past, found)
    if args.figures:
        _write_figures(args.figures, pictures)


def _trade(past: PastComments, policy: Policy, desk: Desk, base_rate: float | None) -> list[Trade]:
    trades = trade_off(past, policy, desk=desk, base_rate=base_rate)
    return list(progress(trades, STEPS, "thresholds"))


def _read_policies(args: argparse.Namespace) -> dict[str, Policy]:
    """Return the policies by the names that tell them apart."""
    paths = [path for path in (args.policy, args.against) if path is not None]
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise PolicyError(f"{args.against}: is the policy itself; name another one to compare with")
    policies = {name: read_policy(path) for name, path in zip(names, paths, strict=True)}
    if args.base_rate is None:
        for name, policy in policies.items():
            _check_scales(name, policy)
    return policies


def _check_scales(name: str, policy: Policy) -> None:
    for _, rule in policy.everywhere():
        if rule.scale is ScoreScale.EVEN:
            raise PolicyError(
                f"{name}: rule {rule.name!r} is on the 50/50 scale; say where the scores are "
                "probabilities: --base-rate SHARE, as in the model's card"
            )


def _write_json(path: Path, past: PastComments, found: Mapping[str, Simulation]) -> None:
    told = {
        "comments": len(past),
        "model": past.model,
        "left_out": past.left_out,
        "policies": {name: asdict(simulation) for name, simulation in found.items()},
    }
    with replacing(path) as stream:
        stream.write((json.dumps(told, indent=2) + "\n").encode())


def _write_figures(folder: Path, pictures: Figures) -> None:
    """Write each figure that there is something to draw for, and say which there is not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: no folder can be made there ({error.strerror})") from error
    for name, picture in pictures.items():
        if picture is None:
            (folder / f"{name}.png").unlink(missing_ok=True)  # of another policy
            say(f"not drawn: {name}.png, the comments do not tell what it shows")
            continue
        with replacing(folder / f"{name}.png") as stream:
            stream.write(picture)


def _draw(curves: Mapping[str, Sequence[Trade]], found: Mapping[str, Simulation]) -> Figures:
    from moderation.policy_plots import draw_delays, draw_hours, draw_sections, draw_trade_off

    first = next(iter(found.values()))
    return {
        "trade_off": draw_trade_off(curves, found) if first.missed else None,
        "hours": draw_hours(found) if first.hours else None,
        "sections": draw_sections(found) if first.sections else None,
        "delays": draw_delays(found) if any(s.delays for s in found.values()) else None,
    }


def _pace(given: str) -> Pace:
    try:
        return Pace(float(given))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not a number of seconds above 0, such as 20"
        ) from error


def _number(given: str) -> int:
    if given.isascii() and given.isdecimal() and int(given):
        return int(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a number of people, such as 2")


def _hours(given: str) -> tuple[int, int]:
    begins, _, ends = given.partition("-")
    if begins.isdecimal() and ends.isdecimal() and int(begins) < 24 and 0 < int(ends) <= 24:
        return int(begins), int(ends)
    raise argparse.ArgumentTypeError(f"{given!r} are not hours from 00 to 24, such as 08-18")
