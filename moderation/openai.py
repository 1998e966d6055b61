"""OpenAI's moderation endpoint: categories that the model knows, and zero for all others.

After `/v1/moderations` in OpenAI's published OpenAPI document.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType

from moderation.errors import ServiceError

CATEGORIES: Final = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip

HEADS: Final = {
    "harassment": "INSULT",
    "harassment/threatening": "THREAT",
    "hate": "IDENTITY_ATTACK",
}
"""The heads of the model that comes along which are near enough to a category."""

FLAGGED_FROM: Final = 0.5
"""The score, on the 50/50 scale, from which on a category is said to apply."""


class TextPart(Struct, tag_field="type", tag="text"):
    """A text."""

    text: str


class ImagePart(Struct, tag_field="type", tag="image_url"):
    """A picture, which is refused: nothing here looks at pictures."""

    image_url: dict[str, Any]


class ModerationRequest(Struct):
    """One text, several up to 1,000, or one text in parts."""

    input: str | Annotated[list[str | TextPart | ImagePart], Meta(min_length=1, max_length=1000)]
    model: str | UnsetType | None = UNSET
    """Any name: there is one model, and the answer names it."""

    @property
    def texts(self) -> list[str] | None:
        """What is to be scored, one result each; None where there is a picture among it."""
        if isinstance(self.input, str):
            return [self.input]
        if any(isinstance(part, ImagePart) for part in self.input):
            return None
        if all(isinstance(part, str) for part in self.input):
            return [str(part) for part in self.input]
        return ["\n".join(part if isinstance(part, str) else part.text for part in self.input)]  # type: ignore[union-attr]


class Result(Struct):
    """What one text scored."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text"]]]


class ModerationAnswer(Struct):
    """The results, in the order of the inputs."""

    id: str
    model: str
    results: list[Result]


class Model(TypedDict):
    """The model in use."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    scored_categories: dict[str, str]
    """The categories that the model scores, each with the attribute behind it."""
    not_scored_categories: list[str]
    """Those that are always 0."""


class Models(TypedDict):
    """All models: the one in use."""

    object: Literal["list"]
    data: list[Model]


def choose_heads(heads: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """
    Return the head behind each category that has one: the site's choice, else what is near enough.

    Raises:
        ServiceError: the site names a category or a head that there is not.

    """
    for category, head in given.items():
        if category not in CATEGORIES or (head and head not in heads):
            raise ServiceError(
                f"category {category!r} = {head!r}: expected one of {', '.join(CATEGORIES)} and a "
                f"head of the model: {', '.join(heads)}, or '' for none"
            )
    return {
        category: head for category, head in {**HEADS, **given}.items() if head and head in heads
    }


def make_result(
    scores: Mapping[str, float], *, by_category: Mapping[str, str], held: bool
) -> Result:
    """
    Return the result for one text from the scores of the heads, on the 50/50 scale.

    It is flagged where a category applies, or where the site's policy would hold or remove it.
    Categories without a head are 0 and never apply.
    """
    values = {
        category: float(scores[by_category[category]]) if category in by_category else 0.0
        for category in CATEGORIES
    }
    applies = {category: value >= FLAGGED_FROM for category, value in values.items()}
    return Result(
        flagged=held or any(applies.values()),
        categories=applies,
        category_scores=values,
        category_applied_input_types={
            category: ["text"] if category in by_category else [] for category in CATEGORIES
        },
    )


def describe_model(version: str, *, by_category: Mapping[str, str]) -> Model:
    """Return what `/v1/models/NAME` says, with the categories that are scored and those not."""
    return {
        "id": model_name(version),
        "object": "model",
        "created": 0,
        "owned_by": "moderation",
        "scored_categories": dict(by_category),
        "not_scored_categories": [name for name in CATEGORIES if name not in by_category],
    }


def model_name(version: str) -> str:
    """
    Return what the model is called here.

    >>> model_name("a7fd7fc78958")
    'moderation-a7fd7fc78958'
    """
    return f"moderation-{version}"


def make_error(message: str, *, kind: str, param: str | None = None) -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}
