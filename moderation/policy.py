"""`Rule`, `Policy`, `Verdict`, `decide(scores, policy)`; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to a comment, mildest first."""

    APPROVE = "approve"
    HOLD = "hold"
    REMOVE = "remove"


SEVERITY = {action: place for place, action in enumerate(Action)}

HOUSE_RULES = (
    "personal abuse",
    "threats",
    "hate",
    "spam",
    "off topic",
    "private data",
    "other",
)
"""What a moderator can name as the cause of a removal."""


NINE_IN_TEN, ONE_IN_TWO, TOP_TENTH = "nine in ten", "one in two", "top tenth"
"""Operating points that training chooses: see `thresholds.choose_points`."""


@dataclass(frozen=True)
class Rule:
    """A score of `attribute` at or above `threshold` proposes `action`."""

    attribute: str
    threshold: float
    action: Action
    name: str = ""
    """What the screen calls it."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}, expected a number from 0 to 1")

    def __str__(self) -> str:
        called = f"{self.name}: " if self.name else ""
        return f"{called}{self.attribute} at or above {self.threshold:.3f}, {self.action}"


@dataclass(frozen=True)
class Policy:
    """A list of rules, and what to do with a comment that could not be scored."""

    rules: tuple[Rule, ...]
    without_score: Action = Action.HOLD


@dataclass(frozen=True)
class Verdict:
    """What the policy proposes; `rule` is the one that fired."""

    action: Action
    rule: Rule | None = None


def decide(scores: Mapping[str, float] | None, policy: Policy) -> Verdict:
    """
    Return the strictest matching rule's action, approval where none matches.

    Of two rules with the same action the higher threshold counts. Scores are None where none
    could be had; a rule about an attribute that nobody scored raises KeyError, and what is no
    score ValueError: neither must ever read as a low one.
    """
    if scores is None:
        return Verdict(policy.without_score)
    for attribute, score in scores.items():
        if not 0 <= score <= 1:
            raise ValueError(f"the score of {attribute} is {score}, expected a number from 0 to 1")
    matching = [rule for rule in policy.rules if scores[rule.attribute] >= rule.threshold]
    if not matching:
        return Verdict(Action.APPROVE)
    strictest = max(matching, key=lambda rule: (SEVERITY[rule.action], rule.threshold))
    return Verdict(strictest.action, strictest)


def propose_policy(thresholds: Mapping[str, float], *, attribute: str) -> Policy:
    """
    Return the rules that a model's operating points suggest.

    A moderator decides on both actions; `remove` says that the model is nearly sure.
    """
    actions = {
        NINE_IN_TEN: Action.REMOVE,
        ONE_IN_TWO: Action.HOLD,
        TOP_TENTH: Action.HOLD,
    }
    return Policy(
        tuple(
            Rule(attribute, thresholds[name], action, name)
            for name, action in actions.items()
            if name in thresholds
        )
    )
