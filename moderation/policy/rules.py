"""Rules and policies: what is compared with which threshold, and what differs in places."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property

from moderation.errors import PolicyError
from moderation.policy.goals import ErrorLimit, Goal, MissLimit, Promise

VERSION_DIGITS = 12

LIKELY_TO_REJECT = "LIKELY_TO_REJECT"
"""The attribute a site's own removals teach: how likely its moderators take a comment down."""


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


class ScoreScale(StrEnum):
    """What a threshold is compared with."""

    PROBABILITY = "probability"
    """P(removal) at the base rate of the model's training data."""
    EVEN = "50/50"
    """P(removal) where half of the comments are removed: keeps its meaning over trainings."""


@dataclass(frozen=True)
class Evidence:
    """What a settled threshold stands on: the labels it was found on, and what they gave."""

    model: str
    """Version of the model whose scores they are."""
    labels: int
    """Labelled comments, the removed ones among them, and those acted on with the wrong ones."""
    removed: int
    acted: int
    errors: int
    bound: float
    """The share of errors that the promise is about, at most, with its confidence."""
    learnt_from: str = ""
    """The beginning of the SHA-256 over scores and labels."""
    settled_for: str = ""
    """The fingerprint of the rule that it is for; of a rule changed since it says nothing."""


@dataclass(frozen=True)
class Rule:
    """
    Scores of `attribute` on one side of `threshold` propose `action`.

    Approving matches below the threshold, holding and removing at or above it. The threshold is
    None until it is settled, where the rule says in words what it is to achieve (`goal`). A rule
    with a promise acts without a person once its threshold was found to keep it (`evidence`), and
    not any longer when it is `suspended`: then it holds what it matches.
    """

    attribute: str
    threshold: float | None
    action: Action
    name: str = ""
    """What the screen calls it."""
    scale: ScoreScale = ScoreScale.PROBABILITY
    house_rule: str | None = None
    goal: Goal | Promise | None = None
    audit: float = 0.0
    """The share of what it does without a person that a person sees all the same, blind."""
    evidence: Evidence | None = None
    suspended: str = ""
    """Why it holds instead of acting; empty where it acts."""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}, expected a number from 0 to 1")
        if self.threshold is None and self.goal is None:
            raise PolicyError(f"rule {self.name!r} has neither a threshold nor a goal: write one")
        if self.house_rule is not None and self.action is Action.APPROVE:
            raise PolicyError(f"rule {self.name!r} approves: leave house_rule out")
        if self.is_promise and self.action is Action.HOLD:
            raise PolicyError(f"rule {self.name!r} holds, which needs no guarantee: leave it out")
        if isinstance(self.goal, MissLimit) and self.action is not Action.APPROVE:
            raise PolicyError(f"rule {self.name!r}: 'missed' is a promise of an approving rule")
        if not 0 <= self.audit <= 1:
            raise PolicyError(f"audit is {self.audit}; write a share from 0 to 1, such as 0.02")

    @property
    def is_promise(self) -> bool:
        return isinstance(self.goal, ErrorLimit | MissLimit)

    @property
    def automatic(self) -> bool:
        """Whether it acts without a person."""
        return self.is_proven and not self.suspended

    @property
    def is_proven(self) -> bool:
        """Whether it has a promise, and evidence for the very threshold and promise it has now."""
        if not self.is_promise or self.evidence is None:
            return False
        return self.evidence.settled_for in ("", self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """The beginning of the SHA-256 over what evidence for it depends on."""
        goal = asdict(self.goal) if self.goal else None
        said = json.dumps([self.attribute, self.threshold, self.action, self.scale, goal])
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:VERSION_DIGITS]

    def acts_on(self, model: str | None) -> bool:
        """Tell whether it acts on scores of a model: its promise says nothing of another one's."""
        return self.automatic and (
            model is None or self.evidence is None or self.evidence.model == model
        )

    @property
    def effect(self) -> Action:
        """What it proposes now: its action, or to hold while it is suspended."""
        return Action.HOLD if self.suspended else self.action

    def matches(self, score: float) -> bool:
        """Tell whether a score, on the rule's own scale, is on its side of the threshold."""
        threshold = self.settled_threshold
        return score < threshold if self.action is Action.APPROVE else score >= threshold

    @property
    def settled_threshold(self) -> float:
        if self.threshold is None:
            raise PolicyError(
                f"rule {self.name!r} asks for {self.goal}, and no threshold was found for it yet: "
                "run python -m moderation.policy settle"
            )
        return self.threshold

    def __str__(self) -> str:
        called = f"{self.name}: " if self.name else ""
        side = "below" if self.action is Action.APPROVE else "at or above"
        at = f"{self.threshold:.3f}" if self.threshold is not None else "a threshold to be found"
        on = " on the 50/50 scale" if self.scale is ScoreScale.EVEN else ""
        return f"{called}{self.attribute} {side} {at}{on}, {self.effect}"


@dataclass(frozen=True)
class TooShort:
    """Texts of fewer than `characters` are not decided by their score."""

    characters: int
    action: Action = Action.HOLD


@dataclass(frozen=True)
class Languages:
    """
    Texts in a language that is not among `known` (ISO 639) are not decided by their score.

    "und" among them stands for a language that could not be told.
    """

    known: tuple[str, ...]
    action: Action = Action.HOLD


@dataclass(frozen=True)
class Override:
    """
    What is different in some sections or communities; where both are named, both must fit.

    A rule replaces the one of the same name, or is added.
    """

    sections: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    without: tuple[str, ...] = ()
    """Names of rules that do not apply here."""
    otherwise: Action | None = None

    def __post_init__(self) -> None:
        if not self.sections and not self.communities:
            raise PolicyError("an override names the sections or communities it is for")

    def fits(self, section: str | None, community: str | None) -> bool:
        return (not self.sections or section in self.sections) and (
            not self.communities or community in self.communities
        )


@dataclass(frozen=True)
class Policy:
    """A list of rules, what to do where none decides, and what differs in places."""

    rules: tuple[Rule, ...]
    without_score: Action = Action.HOLD
    otherwise: Action = Action.APPROVE
    """Where no rule matches."""
    too_short: TooShort | None = None
    languages: Languages | None = None
    overrides: tuple[Override, ...] = ()
    name: str = ""

    @cached_property
    def version(self) -> str:
        """The beginning of the SHA-256 over everything it says."""
        said = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:VERSION_DIGITS]

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes that its rules compare, in whatever place."""
        return frozenset(rule.attribute for _, rule in self.everywhere())

    def everywhere(self) -> Iterator[tuple[int | None, Rule]]:
        """Yield each rule with the number of its override, None for those of all places."""
        yield from ((None, rule) for rule in self.rules)
        for number, override in enumerate(self.overrides):
            yield from ((number, rule) for rule in override.rules)

    def at(self, *, section: str | None = None, community: str | None = None) -> "Place":
        """Return what holds in a place: the overrides that fit, applied from top to bottom."""
        rules, otherwise = self.rules, self.otherwise
        for override in self.overrides:
            if override.fits(section, community):
                replaced = {rule.name for rule in override.rules} | set(override.without)
                rules = (
                    *(r for r in rules if not r.name or r.name not in replaced),
                    *override.rules,
                )
                otherwise = override.otherwise or otherwise
        return Place(rules, otherwise)


@dataclass(frozen=True)
class Place:
    """The rules of a section and community, and what to do where none of them matches."""

    rules: tuple[Rule, ...]
    otherwise: Action

    @property
    def attributes(self) -> frozenset[str]:
        return frozenset(rule.attribute for rule in self.rules)


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
