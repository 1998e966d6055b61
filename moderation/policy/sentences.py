"""What a policy says in plain sentences, for those who answer for it."""

from collections.abc import Iterator
from itertools import product

from moderation.policy.goals import ErrorLimit, as_percent
from moderation.policy.rules import (
    LIKELY_TO_REJECT,
    Action,
    Evidence,
    Override,
    Place,
    Policy,
    Rule,
    ScoreScale,
)

DONE = {Action.APPROVE: "approved", Action.HOLD: "held", Action.REMOVE: "removed"}
UNSETTLED = "nothing can be decided before: run python -m moderation.policy settle"


def describe_rule(rule: Rule) -> str:
    """Return what a rule matches, and what becomes of that."""
    side = "below" if rule.action is Action.APPROVE else "at or above"
    at = f"{rule.threshold:.6g}" if rule.threshold is not None else "a threshold not found yet"
    on = " on the 50/50 scale" if rule.scale is ScoreScale.EVEN else ""
    because = f" (house rule: {rule.house_rule})" if rule.house_rule else ""
    return f"{rule.name}: {rule.attribute} {side} {at}{on} is {_fate(rule)}{because}"


def _fate(rule: Rule) -> str:
    if rule.suspended:
        return f"held (suspended: {rule.suspended})"
    if rule.action is Action.HOLD:
        return "held for a person"
    if rule.automatic:
        return f"{DONE[rule.action]} without a person"
    if rule.is_promise and rule.threshold is None:
        return f"to be {DONE[rule.action]} without a person"
    proposed = "approval" if rule.action is Action.APPROVE else "removal"
    return f"shown to a person, {proposed} proposed"


def explain_rule(rule: Rule) -> Iterator[str]:
    """Yield what a rule's number means, what the rule is to achieve and what it stands on."""
    if rule.threshold is None:
        yield f"Its threshold is not found yet, and {UNSETTLED}."
    else:
        yield _explain_threshold(rule.threshold, rule)
    if rule.is_promise:
        yield f"It promises: {describe_promise(rule)}."
    elif rule.goal is not None:
        yield f"Its threshold is to give: {rule.goal}."
    if rule.evidence is not None and rule.is_proven:
        yield _describe_evidence(rule, rule.evidence)
    elif rule.is_promise and rule.threshold is not None:
        yield "Nothing shows yet that it keeps the promise, so it acts through a person only."
    if rule.audit:
        share = as_percent(rule.audit)
        yield f"A person sees {share} of what it does all the same, chosen by chance, blind."


def _explain_threshold(threshold: float, rule: Rule) -> str:
    if rule.attribute != LIKELY_TO_REJECT:
        return f"A score of {rule.attribute}, which is not that of a removal on your site."
    where = (
        "where half of all comments are removed"
        if rule.scale is ScoreScale.EVEN
        else "at the share of removals that the model learnt from"
    )
    removed = _as_odds(threshold)
    return f"Of comments with a score of {threshold:.6g}, moderators remove {removed}, {where}."


def _as_odds(share: float) -> str:
    """
    Return a share as the one in so many that it is.

    >>> print(*map(_as_odds, (0, 0.0123, 0.5, 0.996, 1)), sep="; ")
    none; about 1 in 81; about 1 in 2; about 99.6 in 100; all
    """
    if share in (0, 1):
        return "all" if share else "none"
    return f"about {100 * share:.4g} in 100" if share > 0.5 else f"about 1 in {1 / share:,.0f}"


def describe_promise(rule: Rule) -> str:
    """Return a rule's promise, in words about its own action."""
    if isinstance(rule.goal, ErrorLimit):
        wrong = "removed" if rule.action is Action.APPROVE else "kept"
        ahead = rule.goal.ahead
        stretch = "" if ahead is None else f" among the next {ahead:,} comments"
        return (
            f"of what is {DONE[rule.action]} without a person{stretch}, at most "
            f"{as_percent(rule.goal.error)} is what a person would have {wrong}, with "
            f"{as_percent(rule.goal.confidence)} confidence"
        )
    return str(rule.goal)


def _describe_evidence(rule: Rule, found: Evidence) -> str:
    share = (
        "of what it acts on" if isinstance(rule.goal, ErrorLimit) else "of what is to be removed"
    )
    return (
        f"That stands on {found.labels:,} labelled comments, {found.removed:,} of them removed, "
        f"with scores of model {found.model}: {found.acted:,} on its side of the threshold, "
        f"{found.errors:,} of those wrong; so it errs on {found.bound:.3%} {share} at most."
    )


def describe_order(policy: Policy, place: Place) -> Iterator[str]:
    """Yield what is done where no score decides, in the order in which it is asked."""
    attributes = ", ".join(sorted(place.attributes)) or "anything"
    yield f"without a score for {attributes}: {DONE[policy.without_score]}"
    if policy.too_short:
        fewer = f"text of fewer than {policy.too_short.characters} characters"
        yield f"{fewer}: {DONE[policy.too_short.action]}"
    if policy.languages:
        known = ", ".join(policy.languages.known)
        yield f"language other than {known}: {DONE[policy.languages.action]}"


def describe_override(override: Override) -> str:
    """Return where an override holds and what it changes, without its rules."""
    places = {"section": override.sections, "community": override.communities}
    where = " and ".join(f"{kind} {' or '.join(names)}" for kind, names in places.items() if names)
    changes = [f"without {name!r}" for name in override.without]
    if override.otherwise:
        changes.append(f"no rule matches: {DONE[override.otherwise]}")
    return f"in {where}: {', '.join(changes) or 'other rules'}"


def find_places(policy: Policy) -> Iterator[tuple[str, Place]]:
    """Yield every place that overrides tell apart by its name, the one outside of them first."""
    sections = dict.fromkeys(name for one in policy.overrides for name in one.sections)
    communities = dict.fromkeys(name for one in policy.overrides for name in one.communities)
    for section, community in product([None, *sections], [None, *communities]):
        yield name_place(section, community), policy.at(section=section, community=community)


def name_place(section: str | None, community: str | None) -> str:
    """Return the words for a place; none for the place outside of all."""
    named = {"section": section, "community": community}
    return " and ".join(f"{kind} {name}" for kind, name in named.items() if name is not None)
