"""What a threshold is to achieve, in words: an operating point asked for, or a promise to keep."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from moderation.errors import PolicyError

MEASURES: Final[Mapping[str, str]] = {
    "threshold": "the score itself",
    "precision": "of what matches, the share that was removed",
    "recall": "of what was removed, the share that matches",
    "f1": "the harmonic mean of precision and recall",
    "fpr": "of what was kept, the share that matches",
    "match_rate": "the share of comments that matches: the workload",
    "filter_rate": "the share of comments that does not match",
    "accuracy": "the share of comments that a match tells rightly",
    "!precision": "of what does not match, the share that was kept",
    "!recall": "of what was kept, the share that does not match",
    "!f1": "the harmonic mean of !precision and !recall",
}
"""What can be asked for and demanded, by the names that ORES gives it."""

_WORDS = re.compile(
    r"\s*(?P<sense>maximum|minimum)\s+(?P<measure>\S+)\s*@\s*"
    r"(?P<bounded>\S+?)\s*(?P<relation>>=|<=)\s*(?P<bound>\S+)\s*"
)
EXAMPLE: Final = "maximum recall @ precision >= 0.9"


@dataclass(frozen=True)
class Goal:
    """
    An operating point in words: the best of one measure among thresholds that hold another.

    The words are those of Wikimedia's ORES (revscoring's threshold optimizations).

    >>> str(Goal.parse("minimum  threshold @ fpr<=0.010"))
    'minimum threshold @ fpr <= 0.01'
    """

    sense: Literal["maximum", "minimum"]
    measure: str
    bounded: str
    relation: Literal[">=", "<="]
    bound: float

    def __post_init__(self) -> None:
        for name in (self.measure, self.bounded):
            if name not in MEASURES:
                raise PolicyError(f"{name!r} is no measure; write one of {', '.join(MEASURES)}")
        if not 0 <= self.bound <= 1:
            raise PolicyError(f"the bound is {self.bound}; write a number from 0 to 1")

    @classmethod
    def parse(cls, words: str) -> Self:
        """
        Return the goal that words ask for.

        Raises:
            PolicyError: they are not of that form; the message says what is.

        """
        found = _WORDS.fullmatch(words)
        if found is None:
            raise PolicyError(f"{words!r} is no operating point; write it like '{EXAMPLE}'")
        try:
            bound = float(found["bound"])
        except ValueError:
            raise PolicyError(
                f"{found['bound']!r} is no number; write it like '{EXAMPLE}'"
            ) from None
        return cls(
            "maximum" if found["sense"] == "maximum" else "minimum",
            found["measure"],
            found["bounded"],
            ">=" if found["relation"] == ">=" else "<=",
            bound,
        )

    def __str__(self) -> str:
        bound = repr(float(self.bound)).removesuffix(".0")
        return f"{self.sense} {self.measure} @ {self.bounded} {self.relation} {bound}"


@dataclass(frozen=True)
class ErrorLimit:
    """
    A promise: of what is acted on, at most the share `error` is wrong, with this confidence.

    Wrong is an approved comment that would have been removed, or the other way round. It is about
    the share in the long run; with `ahead`, about the next so many comments themselves, which
    may err a little more than in the long run by chance.
    """

    error: float
    confidence: float = 0.95
    ahead: int | None = None

    def __post_init__(self) -> None:
        _check_share("error", self.error)
        _check_share("confidence", self.confidence)
        if self.ahead is not None and self.ahead < 1:
            raise PolicyError(f"ahead is {self.ahead}; write how many comments, such as 10000")

    def __str__(self) -> str:
        stretch = "" if self.ahead is None else f" in the next {self.ahead:,} comments"
        return (
            f"at most {as_percent(self.error)} of what it acts on wrong{stretch}, "
            f"with {as_percent(self.confidence)} confidence"
        )


@dataclass(frozen=True)
class MissLimit:
    """
    A promise: of all comments to be removed, the rule lets at most the share `missed` pass unseen.

    Without a confidence it holds on average over what the threshold was learnt from (split
    conformal); with one, in that share of cases.
    """

    missed: float
    confidence: float | None = None

    def __post_init__(self) -> None:
        _check_share("missed", self.missed)
        if self.confidence is not None:
            _check_share("confidence", self.confidence)

    def __str__(self) -> str:
        missed, sure = as_percent(self.missed), "on average"
        if self.confidence:
            sure = f"with {as_percent(self.confidence)} confidence"
        return f"at most {missed} of what is to be removed passes unseen by it, {sure}"


Promise = ErrorLimit | MissLimit


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise PolicyError(f"{name} is {value}; write a share above 0 and below 1, such as 0.01")


def as_percent(share: float) -> str:
    """
    Return a share in percent, with no more digits than it needs.

    >>> as_percent(0.01), as_percent(0.0035), as_percent(0.00001)
    ('1%', '0.35%', '0.001%')
    """
    return f"{100 * share:.6g}%"
