"""The service's own API in JSON: comments to score, decisions to learn from, and their answers."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypedDict

from msgspec import Meta, Struct

from moderation.explanations import Explanation
from moderation.policy import Verdict

Name = Annotated[str, Meta(min_length=1, max_length=2048)]
Identity = Name | int
"""An id; whoever counts comments may send the number."""
MOST_EXPLAINED: Final = 100_000
"""Characters of a request whose words are explained: the answer is thirty times as long."""
Words = Annotated[str, Meta(min_length=1, max_length=100_000)]


class CommentToScore(Struct, forbid_unknown_fields=True):
    """One comment."""

    text: Words
    id: Identity | None = None
    """Given back with its scores."""
    section: Name | None = None
    """Where it stands, for policies that differ by section."""
    community: Name | None = None


class ScoreRequest(Struct, forbid_unknown_fields=True):
    """Comments to score, up to 1,000."""

    comments: Annotated[list[CommentToScore], Meta(min_length=1, max_length=1000)]
    explain: bool = False
    """Whether to say what each word adds; for at most 100,000 characters together."""
    languages: bool = False
    """Whether to tell the language of each text, and whether the model has learnt it."""

    def __post_init__(self) -> None:
        if self.explain:
            characters = sum(len(comment.text) for comment in self.comments)
            if characters > MOST_EXPLAINED:
                raise ValueError(
                    f"Expected at most {MOST_EXPLAINED} characters to explain, got {characters}"
                )


class Word(Struct, omit_defaults=True):
    """What the characters `[begin, end)` add to the logit; Unicode code points are counted."""

    begin: int
    end: int
    value: float
    plain: str = ""
    """What was read behind a mask."""


class WordsExplained(Struct):
    """The contributions of the words; with the intercept they add up to the logit."""

    intercept: float
    words: list[Word]


class PolicyVerdict(Struct):
    """What the policy proposes, and whether it needs nobody to do it."""

    action: Literal["approve", "hold", "remove"]
    automatic: bool
    cause: str
    rule: str | None
    house_rule: str | None


class Scored(Struct, omit_defaults=True):
    """The answer for one comment."""

    scores: dict[str, float]
    """On the 50/50 scale, as Perspective's were; of heads that are not calibrated as they are."""
    probabilities: dict[str, float]
    """At the base rate of the training data, for the heads that are calibrated."""
    verdict: PolicyVerdict
    id: Identity | None = None
    explanation: WordsExplained | None = None
    language: str | None = None
    """ISO 639, `und` where it cannot be told."""
    is_learnt: bool | None = None
    """Whether the model has learnt from texts in it; left out where nobody knows."""


class ScoreAnswer(Struct):
    """The answers, in the order of the comments."""

    model: str
    policy: str
    results: list[Scored]


class DecisionToLearn(Struct, forbid_unknown_fields=True):
    """What a site did with a comment."""

    id: Identity
    text: Words
    action: Literal["approve", "remove"]
    rule: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """The house rule it broke."""
    article: Identity | None = None
    article_title: Name | None = None
    parent_id: Identity | None = None
    author: Name | None = None
    created_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: Name | None = None
    community: Name | None = None


class DecisionsRequest(Struct, forbid_unknown_fields=True):
    """Decisions, up to 1,000."""

    decisions: Annotated[list[DecisionToLearn], Meta(min_length=1, max_length=1000)]


class DecisionsAnswer(Struct):
    """They are kept, and reach the review store in a moment."""

    accepted: int
    model: str


class ModelAnswer(Struct):
    """What the model in use is."""

    version: str
    attributes: list[str]
    calibrated: list[str]
    """Attributes whose scores are on the 50/50 scale; the others' only order comments."""
    languages: list[str] | None
    """That it learnt from; null where that is not known."""
    base_rates: dict[str, float]
    operating_points: dict[str, float]
    """Of the model's own attribute, to compare with `probabilities`."""
    even_operating_points: dict[str, float]
    """The same on the 50/50 scale, to compare with `scores`."""
    names: dict[str, str]
    """What clients may ask for, and the attribute that answers."""
    policy: str
    openai_categories: dict[str, str]


class Alive(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class Ready(TypedDict):
    """The service scores; labels may wait for the database."""

    status: Literal["ready"]
    model: str
    model_refused: str | None
    """Why the model that was put in place is not the one in use."""
    labels_waiting: int | None
    """Null where the spool itself cannot be read."""
    labels_waiting_since: str | None
    labels_refused_because: str | None
    """Why the spool takes no more, where it does not."""
    labels_wait_because: str | None
    """What the database or the spool said when it last failed."""


def explain(explanation: Explanation) -> WordsExplained:
    """Return an explanation as it is sent."""
    return WordsExplained(
        explanation.intercept,
        [Word(part.begin, part.end, part.value, part.plain) for part in explanation.contributions],
    )


def describe(verdict: Verdict) -> PolicyVerdict:
    """Return a verdict as it is sent."""
    rule = verdict.rule
    return PolicyVerdict(
        verdict.action.value,
        verdict.automatic,
        verdict.cause.value,
        (rule.name or str(rule)) if rule else None,
        rule.house_rule if rule else None,
    )
