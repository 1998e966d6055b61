"""`decide(scores, policy)`: what a policy proposes for a comment, and why; pure."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from moderation.policy.rules import SEVERITY, Action, Place, Policy, Rule, ScoreScale

BaseRates: TypeAlias = float | Mapping[str, float] | None
"""
At which shares of removals scores are probabilities: one for all attributes, or each one's own;
None where nobody knows.
"""


class Cause(StrEnum):
    """Why a verdict is what it is."""

    RULE = "a rule matches"
    NO_RULE = "no rule matches"
    DISAGREEMENT = "rules disagree"
    NO_SCORE = "there is no score"
    TOO_SHORT = "the text is too short"
    LANGUAGE = "the model does not know the language"


@dataclass(frozen=True)
class Circumstances:
    """What a policy may ask about a comment besides its scores; None where nobody knows."""

    section: str | None = None
    community: str | None = None
    characters: int | None = None
    """Of the text, without white space around it."""
    language: str | None = None
    """ISO 639; "und" where it could not be told."""


@dataclass(frozen=True)
class Verdict:
    """What the policy proposes; `rule` is the one that fired."""

    action: Action
    rule: Rule | None = None
    cause: Cause = Cause.NO_RULE
    automatic: bool = False
    """Whether it is done without a person."""
    policy: str = ""
    """The version of the policy that says so."""

    def __str__(self) -> str:
        if self.rule is None:
            return f"{self.action}: {self.cause}"
        suspended = f" ({self.rule.suspended})" if self.rule.suspended else ""
        return f"{self.action}: {self.rule}{suspended}"


def decide(
    scores: Mapping[str, float | None] | None,
    policy: Policy,
    *,
    about: Circumstances | None = None,
    base_rate: BaseRates = None,
    model: str | None = None,
) -> Verdict:
    """
    Return what a policy proposes for a comment.

    First what forbids to decide by score: none to be had, a text too short, a language the model
    does not know. Then the strictest matching rule's action; of two rules with the same action the
    one that acts is named, of several the first of the policy, else that with the stricter
    threshold. Where one approves and another removes, the comment is held. What no rule matches is
    done `otherwise`; approved so, it is approved unseen. Rules on the 50/50 scale need the
    `base_rate` of the scores. Where the version of the `model` is given,
    a rule that was settled on another one's scores does not act, and only proposes.

    Raises:
        KeyError: a rule is about an attribute that nobody scored.
        ValueError: what is no score, or nothing known of what the policy asks about; neither must
            ever read as harmless.
        PolicyError: a threshold was not found yet.

    """
    about = about or Circumstances()
    place = policy.at(section=about.section, community=about.community)
    first = [_without_score(scores, place, policy)]
    for forbids in itertools.chain(first, _by_text(policy, about)):
        if forbids is not None:
            action, cause = forbids
            return Verdict(action, None, cause, action is Action.APPROVE, policy.version)
    assert scores is not None
    matching = [
        rule
        for rule in place.rules
        if rule.matches(on_scale(rule, scores[rule.attribute], base_rate))
    ]
    effects = {rule.effect for rule in matching}
    if not matching:
        unseen = place.otherwise is Action.APPROVE
        return Verdict(place.otherwise, None, Cause.NO_RULE, unseen, policy.version)
    if effects >= {Action.APPROVE, Action.REMOVE}:
        return Verdict(Action.HOLD, None, Cause.DISAGREEMENT, False, policy.version)
    rule = max(matching, key=strictness)
    return Verdict(rule.effect, rule, Cause.RULE, rule.acts_on(model), policy.version)


def strictness(rule: Rule) -> tuple[int, bool, float]:
    """
    Return what orders matching rules: the strictest decides, of equals the one that acts.

    Of several that act it is the first of the policy, as they were settled; of others the one with
    the stricter threshold.
    """
    threshold = rule.settled_threshold
    away = -threshold if rule.action is Action.APPROVE else threshold
    return SEVERITY[rule.effect], rule.automatic, 0.0 if rule.automatic else away


def on_scale(rule: Rule, score: float | None, base_rate: BaseRates) -> float:
    """Return a probability at the base rate as a score on a rule's scale."""
    assert score is not None
    if rule.scale is ScoreScale.PROBABILITY:
        return score
    return even_score(score, find_base_rate(base_rate, rule.attribute))


def even_score(score: float, base_rate: float) -> float:
    """
    Return a probability at a base rate on the 50/50 scale.

    >>> even_score(0.1, 0.1)
    0.5
    """
    odds_for, odds_against = score * (1 - base_rate), (1 - score) * base_rate
    return odds_for / (odds_for + odds_against)


def find_base_rate(base_rate: BaseRates, attribute: str) -> float:
    """
    Return the base rate of an attribute's scores, which rules on the 50/50 scale need.

    Raises:
        ValueError: nobody knows it, or it is no share.

    """
    rate = base_rate.get(attribute) if isinstance(base_rate, Mapping) else base_rate
    if rate is None or not 0 < rate < 1:
        raise ValueError(
            f"a rule is on the 50/50 scale: expected the base rate of {attribute}, found {rate}"
        )
    return rate


def _without_score(
    scores: Mapping[str, float | None] | None, place: Place, policy: Policy
) -> tuple[Action, Cause] | None:
    if scores is None:
        return policy.without_score, Cause.NO_SCORE
    for attribute, score in scores.items():
        if score is not None and not 0 <= score <= 1:
            raise ValueError(f"the score of {attribute} is {score}, expected a number from 0 to 1")
    if any(scores[attribute] is None for attribute in sorted(place.attributes)):
        return policy.without_score, Cause.NO_SCORE
    return None


def _by_text(policy: Policy, about: Circumstances) -> Iterator[tuple[Action, Cause] | None]:
    if policy.too_short is not None:
        if about.characters is None:
            raise ValueError("the policy asks how long a text is: expected its characters")
        if about.characters < policy.too_short.characters:
            yield policy.too_short.action, Cause.TOO_SHORT
    if policy.languages is not None:
        if about.language is None:
            raise ValueError("the policy asks for a text's language: expected one, or 'und'")
        if about.language not in policy.languages.known:
            yield policy.languages.action, Cause.LANGUAGE
