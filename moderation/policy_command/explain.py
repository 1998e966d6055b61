"""`explain`: says in plain words what a policy does, in general or with one comment."""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from moderation.arguments import COMPILING, read_share, say
from moderation.artifacts import load_model
from moderation.errors import PolicyError
from moderation.kernels import announce_compiling
from moderation.policy import (
    SEVERITY,
    Action,
    BaseRates,
    Circumstances,
    Place,
    Policy,
    Rule,
    ScoreScale,
    Verdict,
    decide,
    on_scale,
)
from moderation.policy.doubts import find_foreign
from moderation.policy.files import read_policy
from moderation.policy.sentences import (
    DONE,
    describe_order,
    describe_rule,
    explain_rule,
    name_place,
)

Scores = Mapping[str, float | None]


def add_parser(parts: Any) -> None:
    """Add the part's parser."""
    parser = parts.add_parser(
        "explain",
        help="say in words what happens to a comment, or to one with these scores, and why",
        description="Say in plain words what happens to a comment, from top to bottom, what each "
        "number means and what each promise stands on; with scores, or a model and a text, which "
        "rule decides and how far it is to the next.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="data/policy.toml")
    parser.add_argument("--section", metavar="NAME", help="the section a comment is in")
    parser.add_argument("--community", metavar="NAME", help="the community it is in")
    parser.add_argument(
        "--score",
        action="append",
        default=[],
        type=_score,
        metavar="ATTRIBUTE=S",
        help="its score, such as TOXICITY=0.8; may be repeated",
    )
    parser.add_argument("--characters", type=_count, metavar="N", help="the length of its text")
    parser.add_argument("--language", metavar="CODE", help="its language, such as en; und: unknown")
    parser.add_argument(
        "--base-rate",
        type=read_share,
        metavar="SHARE",
        help="the share of removals at which scores are probabilities; default: the model's own",
    )
    parser.add_argument("--model", type=Path, metavar="MODEL", help="score --text with this model")
    parser.add_argument("--text", metavar="TEXT", help="the comment's text; - reads it from stdin")
    parser.set_defaults(work=explain)


def explain(args: argparse.Namespace) -> None:
    """
    Print what a policy does.

    Raises:
        PolicyError: the file has mistakes, or what it asks about a comment was not given.

    """
    policy = read_policy(args.file)
    place = policy.at(section=args.section, community=args.community)
    where = name_place(args.section, args.community)
    title = f"{policy.name or args.file.name}, version {policy.version}"
    about = args.score or args.model or args.text is not None
    lines = _explain_verdict(policy, place, args) if about else _explain_place(policy, place)
    print("\n".join([f"{title}, in {where}" if where else title, *lines]))


def _explain_place(policy: Policy, place: Place) -> Iterator[str]:
    yield "\nWhat happens to a comment, from top to bottom:\n"
    for line in describe_order(policy, place):
        yield f"- {line}"
    for rule in sorted(place.rules, key=lambda rule: SEVERITY[rule.effect], reverse=True):
        yield f"- {describe_rule(rule)}"
        yield from (f"    {line}" for line in explain_rule(rule))
    yield f"- no rule matches: {DONE[place.otherwise]}"
    if place.otherwise is Action.APPROVE:
        yield "    Nobody sees these, and no guarantee says how many are to be removed."
    yield _ORDER


_ORDER = """
Of the rules that match, the strictest decides: removing before holding before approving,
and of two alike the one that acts without a person, then that with the stricter threshold.
Where one approves and another removes, the comment is held."""


def _explain_verdict(policy: Policy, place: Place, args: argparse.Namespace) -> Iterator[str]:
    given = _find_given(args)
    _check_given(policy, place, given)
    scores, base_rate = given.scores, given.base_rate
    verdict = decide(scores, policy, about=given.about, base_rate=base_rate, model=given.model)
    yield _describe_verdict(verdict)
    if verdict.rule is not None:
        yield from (f"    {line}" for line in explain_rule(verdict.rule))
    yield from (f"    {line}" for line in find_foreign(policy, given.model))
    if scores is None or not place.rules:
        return
    yield "\nThe rules, the nearest threshold first:"
    found = [(on_scale(rule, scores[rule.attribute], base_rate), rule) for rule in place.rules]
    for score, rule in sorted(found, key=lambda one: abs(one[0] - one[1].settled_threshold)):
        yield f"- {describe_rule(rule)}"
        yield f"    {_describe_distance(rule, score, decides=rule == verdict.rule)}"


@dataclass(frozen=True)
class _Given:
    """What is known of the comment that is asked about."""

    scores: Scores | None
    base_rate: BaseRates
    about: Circumstances
    model: str | None = None
    """The version of the model whose scores they are."""


def _find_given(args: argparse.Namespace) -> _Given:
    """Return what the options say of a comment, its text scored."""
    place = Circumstances(args.section, args.community, args.characters, args.language)
    if args.text is None:
        if args.model:
            raise PolicyError("--model without --text: add --text TEXT, or - to read it from stdin")
        return _Given(dict(args.score), args.base_rate, place)
    if args.score or not args.model:
        raise PolicyError("--text needs --model MODEL to score it, and no --score besides")
    announce_compiling(lambda: say(COMPILING))
    scorer = load_model(args.model)
    text = args.text
    if text == "-":
        text = sys.stdin.buffer.read().decode(errors="replace")
    scores = {name: float(found[0]) for name, found in scorer.score_attributes([text]).items()}
    about = replace(place, characters=len(text.strip()))
    base_rate = args.base_rate or scorer.base_rates
    return _Given(scores if text.strip() else None, base_rate, about, scorer.version)


def _check_given(policy: Policy, place: Place, given: _Given) -> None:
    """
    Refuse to explain what cannot be decided.

    Raises:
        PolicyError: the policy asks for what was not given; the message says what to add.

    """
    scores = given.scores
    missing = sorted(place.attributes - scores.keys()) if scores is not None else []
    if missing:
        there = ", ".join(scores or ())
        raise PolicyError(
            f"the policy compares {', '.join(missing)}, and there is a score only for {there}; add "
            f"--score {missing[0]}=0.5, or name a model that gives it"
        )
    if policy.too_short and given.about.characters is None:
        raise PolicyError("the policy asks how long a text is: add --characters 100")
    if policy.languages and given.about.language is None:
        raise PolicyError("the policy asks for a text's language: add --language en, or und")
    for rule in place.rules if scores else ():
        if rule.scale is ScoreScale.EVEN and not _is_known(rule.attribute, given.base_rate):
            raise PolicyError(
                "a rule is on the 50/50 scale: add --base-rate, as the model's card has it"
            )


def _is_known(attribute: str, base_rate: BaseRates) -> bool:
    return attribute in base_rate if isinstance(base_rate, Mapping) else base_rate is not None


def _describe_verdict(verdict: Verdict) -> str:
    done = {True: "without a person", False: "and a person decides"}[verdict.automatic]
    why = f"by {verdict.rule.name!r}" if verdict.rule else str(verdict.cause)
    if verdict.action is Action.HOLD:
        return f"hold: {why}"
    return f"{verdict.action}, {done}: {why}"


def _describe_distance(rule: Rule, score: float, *, decides: bool) -> str:
    away = abs(score - rule.settled_threshold)
    matches = "decides" if decides else "matches" if rule.matches(score) else "does not match"
    return f"{matches}: the score is {score:.6g}, {away:.6g} from the threshold"


def _score(given: str) -> tuple[str, float]:
    attribute, _, number = given.partition("=")
    with contextlib.suppress(ValueError):
        if attribute and 0 <= float(number) <= 1:
            return attribute, float(number)
    raise argparse.ArgumentTypeError(f"{given!r} is not ATTRIBUTE=SCORE, such as TOXICITY=0.8")


def _count(given: str) -> int:
    if given.isdecimal():
        return int(given)
    raise argparse.ArgumentTypeError(f"{given!r} is not a number of characters, such as 100")
