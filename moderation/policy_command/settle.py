"""`settle`: finds the thresholds that a policy asks for in words, and writes them into it."""

import argparse
import hashlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    open_reading,
    read_seed,
    read_share,
    read_weight,
    say,
    track,
)
from moderation.artifacts import Manifest, load_model, read_manifest
from moderation.comments import Comment
from moderation.errors import DataError, OutputError, PolicyError
from moderation.frames import LANGUAGE, check_output, replacing
from moderation.kernels import announce_compiling
from moderation.parsers.sources import digest
from moderation.past import PastComments, read_past
from moderation.policy import LIKELY_TO_REJECT, Policy
from moderation.policy.files import change_rules, parse_policy, read_policy_text
from moderation.scorer import Scorer
from moderation.scoring import write_scored
from moderation.settling import Settled, Unsettled, check_plain, settle
from moderation.verdicts import find_absent


def add_parser(parts: Any) -> None:
    parser = parts.add_parser(
        "settle",
        help="find the thresholds that a policy asks for in words",
        description="Find the thresholds that a policy asks for in words, operating points and "
        "guarantees, and write them into a new file. DATA are labelled comments that the model "
        "has not seen; they are scored with it. Where a rule cannot be settled nothing is "
        "written, and the exit status is 1.",
    )
    parser.add_argument("policy", type=Path, metavar="POLICY", help="a policy file")
    parser.add_argument("model", type=Path, metavar="MODEL", help="models/moderation.joblib")
    parser.add_argument("data", type=Path, metavar="DATA", help="a table of labelled comments")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="NEW", help="the policy to write"
    )
    parser.add_argument(
        "--plain-sample",
        action="store_true",
        help="say that every comment had the same chance to get its label, whatever its score; "
        "else DATA need a column 'weight' (1 / that chance)",
    )
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="reach operating points where that share of comments is removed; as in DATA without",
    )
    parser.add_argument(
        "--heaviest",
        type=read_weight,
        metavar="W",
        help="the largest weight that there can be; without it the largest of any comment in DATA",
    )
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE.png",
        help="draw how errors grow with what is acted on, for each promise about errors",
    )
    parser.add_argument(
        "--seed", type=read_seed, default=0, metavar="N", help="of drawing by weights; default 0"
    )
    add_reading_options(parser)
    parser.set_defaults(work=settle_file)


def settle_file(args: argparse.Namespace) -> None:
    """
    Print what was found for each rule, and write the policy with it.

    Raises:
        PolicyError: there is nothing to settle, or a rule cannot be.
        DataError: the labels cannot settle anything: the model knows them, or they are no sample.

    """
    text = read_policy_text(args.policy)
    policy = parse_policy(text, name=str(args.policy))
    _check_new(args, policy)
    announce_compiling(lambda: say(COMPILING))
    scorer, manifest = load_model(args.model), read_manifest(args.model)
    _check_model(args, policy, scorer, manifest)
    past = _read_labels(args, policy, scorer)
    past = _leave_out_older(past, manifest)
    for doubt in find_absent(policy, past):
        say(doubt)
    _check_sample(args, past)
    found = settle(
        policy,
        past,
        base_rate=scorer.base_rates,
        site_base_rate=args.base_rate,
        heaviest=args.heaviest,
        seed=args.seed,
    )
    print("\n".join(_lines(found, int((past.labels >= 0).sum()))))
    if args.figure:
        _draw(args.figure, found)
    unsettled = [one for one in found if isinstance(one, Unsettled)]
    if unsettled:
        names = ", ".join(map(_name, unsettled))
        raise PolicyError(f"nothing was written: no threshold was found for {names}")
    changed = change_rules(text, {one.at: one.changes for one in found if isinstance(one, Settled)})
    with replacing(args.output) as stream:
        stream.write(changed.encode())
    say(f"{args.output}: policy {parse_policy(changed).version}")


def _check_new(args: argparse.Namespace, policy: Policy) -> None:
    inputs = [args.policy, args.data, args.model]
    check_output(args.output, inputs=inputs)
    if args.figure:
        check_output(args.figure, inputs=[*inputs, args.output])
    if args.output.exists():
        raise OutputError(f"{args.output}: exists already; name a new file, to keep what was there")
    if not any(rule.goal for _, rule in policy.everywhere()):
        raise PolicyError(
            f"{args.policy}: no rule asks for a threshold in words, with point or guarantee; "
            "there is nothing to settle"
        )


def _check_model(
    args: argparse.Namespace, policy: Policy, scorer: Scorer, manifest: Manifest
) -> None:
    if missing := sorted(policy.attributes - set(scorer.attributes)):
        raise PolicyError(
            f"{args.policy}: the model has no score {', '.join(missing)}; it has "
            f"{', '.join(scorer.attributes)}"
        )
    if digest(args.data) in manifest.training_files:
        raise DataError(
            f"{args.data}: the model has learnt from it, and a threshold found on it would promise "
            "too much; take labels that are newer than the model"
        )


def _read_labels(args: argparse.Namespace, policy: Policy, scorer: Scorer) -> PastComments:
    """Score the labelled comments, and read them as columns."""
    reading = open_reading(args.data, args)
    comments = track(reading, None, "scored")
    others = bool(policy.attributes - {LIKELY_TO_REJECT})
    copies = Copies()
    with tempfile.TemporaryDirectory() as folder:
        scored = Path(folder) / "scored.parquet"
        first = next(comments, None)
        languages = policy.languages is not None and LANGUAGE not in reading.notes.columns
        write_scored(
            scorer,
            copies.leave_out(itertools.chain([] if first is None else [first], comments)),
            reading.notes,
            scored,
            attributes=others,
            languages=languages,
        )
        say(reading.summary())
        past = read_past(scored, attributes=policy.attributes, name=args.data.name)
    for cause, number in past.left_out.items():
        say(f"left out: {number} {cause}")
    if copies.seen:
        say(f"left out: {copies.seen} copies of a text that was there before: one comment is one")
    if not (past.labels >= 0).any():
        raise DataError(
            f"{args.data}: no comment with a label; expected a column 'label' or 'status' (or name "
            "it: --column status=NAME)"
        )
    return past


@dataclass
class Copies:
    """Texts that were seen before: ten copies of a comment are no ten comments."""

    seen: int = 0

    def leave_out(self, comments: Iterable[Comment]) -> Iterator[Comment]:
        """Pass on the first comment with each text, and those without one."""
        known: set[bytes] = set()
        for comment in comments:
            text = (comment.text or "").strip()
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
            if text and digest in known:
                self.seen += 1
                continue
            known.add(digest)
            yield comment


def _leave_out_older(past: PastComments, manifest: Manifest) -> PastComments:
    """Return the comments that were written after the last one that the model learnt from."""
    if manifest.newest is None or past.created_at is None:
        say("whether the labels are newer than what the model learnt from is not known: see to it")
        return past
    newest = np.datetime64(manifest.newest.replace(tzinfo=None), "us")
    later = past.created_at > newest  # a time that is not known is not later
    if older := int((~later).sum()):
        say(f"left out: {older} comments not known to be newer than what the model learnt from")
    if not later.any():
        raise DataError(
            f"none of {len(past)} comments was written after {manifest.newest:%Y-%m-%d %H:%M} UTC, "
            "the last that the model learnt from; take newer labels"
        )
    return past.take(later)


def _check_sample(args: argparse.Namespace, past: PastComments) -> None:
    """Refuse labels of which nobody says how they came about, or that are not what is said."""
    most = float(np.nanmax(past.weights, initial=0.0))
    if args.heaviest is not None and args.heaviest < most:
        raise DataError(
            f"{args.data}: a weight is {most:g}, and --heaviest {args.heaviest:g}; name the "
            "largest weight that there can be"
        )
    weights = past.weights[past.labels >= 0]
    if (weights != weights[:1]).any():
        return
    check_plain(past)
    if not args.plain_sample:
        raise DataError(
            f"{args.data}: how did these labels come about? If every comment had the same chance "
            "to get one, whatever its score, say so with --plain-sample. If a policy chose who saw "
            "what, its approvals have none: audit some at random, and give each label its weight "
            "(1 / its chance) in a column 'weight'"
        )


def _draw(path: Path, found: Sequence[Settled | Unsettled]) -> None:
    from moderation.policy_plots import draw_promises

    picture = draw_promises(found)
    if picture is None:
        say(f"not drawn: {path.name}, no rule promises a share of errors, or there are no labels")
        return
    with replacing(path) as stream:
        stream.write(picture)


def _name(one: Settled | Unsettled) -> str:
    place = "" if one.at.override is None else f" (override {one.at.override + 1})"
    return f"{one.at.name}{place}"


def _lines(found: Sequence[Settled | Unsettled], labels: int) -> Iterator[str]:
    for one in found:
        yield f"{_name(one)}: {one.rule.action}, {one.rule.goal}"
        yield f"  asked about {one.asked:,} of {labels:,} labels"
        if isinstance(one, Unsettled):
            yield f"  not settled: {one.reason}"
        else:
            yield from (f"  {line}" for line in one.found.lines())
