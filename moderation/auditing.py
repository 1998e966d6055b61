"""Audits of what rules did without a person: whose they are, in which order, and what they tell."""

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from moderation.comments import Comment, Status
from moderation.errors import DataError, PolicyError
from moderation.parsers.columns import read_string, read_time
from moderation.policy import Action, ErrorLimit, MissLimit, Policy, Rule
from moderation.policy.files import RuleAt
from moderation.policy.goals import as_percent
from moderation.watching import Watch

RULE, WEIGHT, DECIDED_AT = "rule", "weight", "decided_at"
"""Columns of a table of audits beside those of comments."""

_OUTCOMES: Final = {Status.REMOVED: True, Status.PUBLISHED: False}


@dataclass(frozen=True)
class Watched:
    """A rule that acts without a person, in all places of a policy that have it by this name."""

    name: str
    action: Action
    promise: ErrorLimit
    audit: float
    places: tuple[RuleAt, ...]


@dataclass(frozen=True)
class Audit:
    """What a person found of one action, without knowing what the rule did."""

    wrong: bool
    weight: float | None = None
    """1 / the probability that it was chosen; None where the table does not say."""


def find_watched(policy: Policy) -> dict[str, Watched]:
    """
    Return by name the rules that act without a person and whose errors audits can tell.

    Raises:
        PolicyError: such a rule has no name, or one name means several promises.

    """
    found: dict[str, Watched] = {}
    for override, rule in policy.everywhere():
        if not rule.automatic or not isinstance(rule.goal, ErrorLimit):
            continue
        if not rule.name:
            raise PolicyError("a rule without a name acts without a person: give it a name")
        at = RuleAt(override, rule.name)
        before = found.get(rule.name)
        now = Watched(rule.name, rule.action, rule.goal, rule.audit, (at,))
        if before is None:
            found[rule.name] = now
        elif (before.action, before.promise, before.audit) == (now.action, now.promise, now.audit):
            found[rule.name] = Watched(*_traits(before), (*before.places, at))
        else:
            raise PolicyError(
                f"several rules are called {rule.name!r}, and their actions, guarantees or audits "
                "differ: an audit cannot tell which one acted; give that of the override another "
                f'name and write without = ["{rule.name}"] there'
            )
    return found


def _traits(rule: Watched) -> tuple[str, Action, ErrorLimit, float]:
    return rule.name, rule.action, rule.promise, rule.audit


def collect_audits(
    comments: Iterable[Comment], policy: Policy, left_out: Counter[str]
) -> dict[str, list[Audit]]:
    """
    Return the audits of each watched rule, in the order given; count by cause what is left out.

    Wrong is an approving rule where the person would have removed the comment, and a removing one
    where not: `label` counts, else `status`. Where some audits of a rule have a weight, those
    without one are left out.

    Raises:
        PolicyError: as `find_watched`.
        DataError: a weight is no number above 0.

    """
    watched = find_watched(policy)
    others = {rule.name: _why_unwatched(rule) for _, rule in policy.everywhere()}
    found: dict[str, list[Audit]] = {name: [] for name in watched}
    for comment in comments:
        name = _read_name(comment)
        removed = _read_outcome(comment)
        if name is None:
            left_out["without a rule"] += 1
        elif name not in watched:
            left_out[others.get(name, "of a rule that the policy does not have")] += 1
        elif removed is None:
            left_out["without a label, or a status that says removed or published"] += 1
        else:
            wrong = removed is (watched[name].action is Action.APPROVE)
            found[name].append(Audit(wrong, _read_weight(comment, name)))
    return {name: _weighed(audits, left_out) for name, audits in found.items()}


def _why_unwatched(rule: Rule) -> str:
    if rule.suspended:
        return "of a rule that is suspended"
    if isinstance(rule.goal, MissLimit):
        return "of a rule that promises what passes unseen, which its own actions do not tell"
    return "of a rule that does not act without a person"


def _read_name(comment: Comment) -> str | None:
    value = comment.extra.get(RULE)
    return None if value is None or value == "" else read_string(value)


def _read_outcome(comment: Comment) -> bool | None:
    if comment.label is not None:
        return comment.label == 1
    return None if comment.status is None else _OUTCOMES.get(comment.status)


def _read_weight(comment: Comment, rule: str) -> float | None:
    value = comment.extra.get(WEIGHT)
    if value is None or value == "":
        return None
    with contextlib.suppress(ValueError, TypeError):
        if not isinstance(value, bool) and 0 < (weight := float(str(value))) < math.inf:
            return weight
    raise DataError(
        f"an audit of rule {rule!r} has a 'weight' that is no number above 0; expected 1 / the "
        "probability that the action was chosen: what could not be chosen was not audited"
    )


def _weighed(audits: Sequence[Audit], left_out: Counter[str]) -> list[Audit]:
    kept = [audit for audit in audits if audit.weight is not None]
    if not kept:
        return list(audits)
    left_out["without a weight, which others of its rule have"] += len(audits) - len(kept)
    return kept


def order_audits(comments: Sequence[Comment]) -> tuple[list[Comment], str]:
    """
    Return audits in the order of time, and by which column: one that all of them have.

    `decided_at` comes before `created_at`; without either the order is the table's.
    """
    decided = [_read_moment(comment.extra.get(DECIDED_AT)) for comment in comments]
    created = [comment.created_at for comment in comments]
    for column, moments in ((DECIDED_AT, decided), ("created_at", created)):
        known = [moment for moment in moments if moment is not None]
        if comments and len(known) == len(comments):
            order = sorted(range(len(known)), key=known.__getitem__)
            return [comments[number] for number in order], column
    return list(comments), "the table"


def _read_moment(value: object) -> datetime | None:
    with contextlib.suppress(ValueError):
        return None if value is None or value == "" else read_time(value)
    return None


def watch_rule(rule: Watched, audits: Sequence[Audit], *, heaviest: float | None = None) -> Watch:
    """
    Return what a rule's audits say about its promise.

    `heaviest`, the largest weight that there can be, is 1 / the rule's `audit` unless it is given.

    Raises:
        DataError: there are weights and neither, or one is above it.

    """
    weights = [audit.weight for audit in audits if audit.weight is not None]
    if not weights:
        return Watch(rule.promise).after([audit.wrong for audit in audits])
    most = heaviest or (1 / rule.audit if rule.audit else None)
    if most is None:
        raise DataError(
            f"audits of rule {rule.name!r} have weights, and it does not say how many are audited: "
            "write audit = 0.05 into the policy, or name the largest weight that there can be with "
            "--heaviest"
        )
    try:
        return Watch(rule.promise, most).after([audit.wrong for audit in audits], weights)
    except ValueError as error:
        raise DataError(
            f"an audit of rule {rule.name!r} weighs {max(weights):g}, more than 1 / its audit "
            f"share, {most:g}; name the largest weight that there can be, which must not depend on "
            "what was found, with --heaviest"
        ) from error


def say_broken(rule: Watched, watch: Watch) -> str:
    """Return in words why a rule is to be suspended."""
    return (
        f"the promise of at most {as_percent(rule.promise.error)} errors is broken: a person "
        f"found {watch.wrong} of {watch.audited} audited actions wrong, noticed at audit "
        f"{watch.alarmed_at}"
    )


def suspend(rules: Mapping[str, Watch], policy: Policy) -> dict[RuleAt, dict[str, str]]:
    """Return what is to be changed in a policy: the rules of which a watch has alarmed."""
    watched = find_watched(policy)
    return {
        place: {"suspended": say_broken(watched[name], watch)}
        for name, watch in rules.items()
        if watch.alarmed_at is not None
        for place in watched[name].places
    }
