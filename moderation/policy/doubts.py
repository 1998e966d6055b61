"""What a policy may say, and is seldom meant to."""

import math
from collections.abc import Iterator
from dataclasses import replace

from moderation.policy.deciding import decide
from moderation.policy.goals import MissLimit
from moderation.policy.rules import Action, Place, Policy, Rule, ScoreScale
from moderation.policy.sentences import describe_promise, find_places


def find_unsettled(policy: Policy) -> list[str]:
    """Return the names of rules without a threshold, each with what it asks for."""
    rules = (rule for _, place in find_places(policy) for rule in place.rules)
    return [
        f"{rule.name!r}: {describe_promise(rule) if rule.is_promise else rule.goal}"
        for rule in dict.fromkeys(rules)
        if rule.threshold is None
    ]


def find_doubts(policy: Policy, *, model: str | None = None) -> list[str]:
    """
    Return what is allowed and yet seldom meant, one sentence each.

    Where the version of a model is given, promises that stand on another's scores are among it.
    """
    found: dict[str, str] = {}
    for where, place in find_places(policy):
        for warning in (*_warn_unseen(policy, place), *_warn_rules(place, model)):
            found.setdefault(warning, where)
    return [f"in {where}: {warning}" if where else warning for warning, where in found.items()]


def find_foreign(policy: Policy, model: str | None) -> list[str]:
    """Return of each rule that was settled on another model's scores that it only proposes here."""
    rules = dict.fromkeys(rule for _, rule in policy.everywhere() if rule.automatic)
    return [_say_foreign(rule, model) for rule in rules if not rule.acts_on(model)]


def _say_foreign(rule: Rule, model: str | None) -> str:
    assert rule.evidence is not None
    return (
        f"{rule.name!r} was settled on scores of model {rule.evidence.model}, not of {model}: "
        "its promise says nothing of these, and a person decides; run python -m "
        "moderation.policy settle"
    )


def _warn_unseen(policy: Policy, place: Place) -> Iterator[str]:
    actions = {
        "that no rule matches": place.otherwise,
        "without a score": policy.without_score,
        "that are too short": policy.too_short and policy.too_short.action,
        "in other languages": policy.languages and policy.languages.action,
    }
    for which, action in actions.items():
        if action is Action.APPROVE:
            yield f"comments {which} are approved unseen, without any guarantee"


def _warn_rules(place: Place, model: str | None) -> Iterator[str]:
    for rule in place.rules:
        yield from _warn_promise(rule, model)
        yield from _warn_missed(rule, place)
        if rule.suspended:
            yield f"{rule.name!r} is suspended, and holds what it matches: {rule.suspended}"
        if rule.threshold is not None:
            yield from _warn_covered(rule, place)


def _warn_promise(rule: Rule, model: str | None) -> Iterator[str]:
    if not rule.is_promise:
        return
    if not rule.audit:
        yield f"{rule.name!r} has no audit: nobody would notice that its promise is broken"
    if rule.threshold is not None and not rule.is_proven:
        why = "was changed since it was settled, and nothing shows that it keeps its promise"
        if rule.evidence is None:
            why = "has a threshold that nothing shows to keep the promise"
        yield f"{rule.name!r} {why}: a person decides; run python -m moderation.policy settle"
    if rule.is_proven and rule.evidence and not rule.evidence.settled_for:
        yield (
            f"{rule.name!r} has evidence that does not say what it is for: nobody would notice "
            "that the rule was changed since; run python -m moderation.policy settle"
        )
    if rule.automatic and not rule.acts_on(model):
        yield _say_foreign(rule, model)


def _warn_missed(rule: Rule, place: Place) -> Iterator[str]:
    """Warn where a promise about what passes unseen is not about all that does."""
    others = [
        other.name
        for other in place.rules
        if other is not rule and other.is_promise and other.action is Action.APPROVE
    ]
    if isinstance(rule.goal, MissLimit) and (others or place.otherwise is Action.APPROVE):
        by = f"{', '.join(map(repr, others))} approves" if others else "what no rule matches passes"
        yield f"{rule.name!r} promises what it lets pass unseen, and {by} unseen besides"


def _warn_covered(rule: Rule, place: Place) -> Iterator[str]:
    """Warn where no score lets a rule decide; tried at each one that tells the rules apart."""
    rivals = [
        replace(one, scale=ScoreScale.PROBABILITY)
        for one in place.rules
        if (one.attribute, one.scale) == (rule.attribute, rule.scale) and one.threshold is not None
    ]
    only = Policy(tuple(rivals))
    ends = {one.settled_threshold for one in rivals}
    scores = {0.0, 1.0, *ends, *(math.nextafter(end, 0) for end in ends)}
    matched = [score for score in sorted(scores) if rule.matches(score)]
    if not matched:
        yield f"{rule.name!r} can never decide: no score is below {rule.threshold}"
        return
    verdicts = [decide({rule.attribute: score}, only) for score in matched]
    deciding = dict.fromkeys(verdict.rule for verdict in verdicts)
    if not any(one and one.name == rule.name for one in deciding):
        others = " or ".join(f"{one.name!r} does" if one else "rules disagree" for one in deciding)
        yield f"{rule.name!r} can never decide: where it matches, {others}"
