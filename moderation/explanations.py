"""What each word of a text adds to the logit of its score, in the reader's own characters."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.compiled import CompiledScorer, Reading
from moderation.text import words

STANDING_OUT = 0.6
"""The share of the strongest contribution that agreed best with people on `civil_spans`, where they
marked something."""
WORTH_MARKING = 0.3
"""A contribution to the logit that is worth pointing at."""
MOST_TAKEN_OUT = 4
"""Words without which a comment would pass: more of them explain nothing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """What the characters `[begin, end)` of a text add to the logit; negative lowers the score."""

    begin: int
    end: int
    value: float
    plain: str = ""
    """What was read behind the mask that they are, if they are one."""


@dataclass(frozen=True)
class Explanation:
    """The contributions of a text's words; with the intercept they add up to the logit."""

    intercept: float
    contributions: tuple[Contribution, ...]

    @property
    def logit(self) -> float:
        return self.intercept + sum(part.value for part in self.contributions)

    def strongest(self, number: int) -> list[Contribution]:
        """Return the words that raised the score most, the strongest first."""
        raising = [part for part in self.contributions if part.value > 0]
        return sorted(raising, key=lambda part: -part.value)[:number]

    def standing_out(
        self, *, share: float = STANDING_OUT, least: float = WORTH_MARKING
    ) -> list[Contribution]:
        """
        Return the words that add at least a share of what the strongest adds, in their order.

        Where people mark something, it is mostly these words (`tests/benchmarks/spans.py`). Where
        no word adds at least `least` to the logit, there are none.
        """
        strongest = max((part.value for part in self.contributions), default=0.0)
        limit = max(share * strongest, least)
        return [part for part in self.contributions if part.value >= limit]


def explain(scorer: CompiledScorer, text: str) -> Explanation:
    """
    Return what each word adds.

    A linear model's logit is the sum of weight times value over features. A feature's part goes in
    equal shares to its occurrences, an occurrence's to its characters (without the spaces that
    pad words), and those of one word are added up. Letters apart that were read as words are one
    contribution.
    """
    by_character, readings = scorer.explain(text)
    contributions = tuple(
        Contribution(begin, end, float(by_character[begin:end].sum()), plain)
        for begin, end, plain in _words(text, readings)
    )
    return Explanation(scorer.intercept, contributions)


def _words(text: str, readings: Sequence[Reading]) -> Iterator[Reading]:
    """Yield the words of a text in order; those that were read together are one."""
    waiting, done = deque(readings), 0
    for span in words(text):
        if waiting and span.begin == waiting[0].begin:
            done = waiting[0].end
            yield waiting.popleft()
        elif span.begin >= done:
            yield Reading(span.begin, span.end, "")


def find_enough(
    text: str, explanation: Explanation, passes: Callable[[Sequence[str]], Sequence[bool]]
) -> list[Contribution] | None:
    """
    Return the fewest of the words that raised the score most without which a text would pass.

    The words are taken out one after the other, the strongest first, and the rest is asked about:
    what a word adds in its place is not all that changes without it. `passes` tells for several
    texts at once. None where `MOST_TAKEN_OUT` words are not enough, or nothing would be left.
    """
    strongest = explanation.strongest(MOST_TAKEN_OUT)
    rests = [_without(text, strongest[: number + 1]) for number in range(len(strongest))]
    for number, passed in enumerate(passes(rests) if rests else ()):
        if passed and rests[number].strip():
            return sorted(strongest[: number + 1], key=lambda part: part.begin)
    return None


def _without(text: str, parts: Sequence[Contribution]) -> str:
    pieces, at = [], 0
    for part in sorted(parts, key=lambda part: part.begin):
        pieces.append(text[at : part.begin])
        at = part.end
    return "".join([*pieces, text[at:]])


def strongest_words(names: Sequence[str], weights: Floats, number: int) -> list[tuple[str, float]]:
    """Return the words with the largest weights (words,) either way, most negative first."""
    order = np.argsort(weights, kind="stable")
    ends = [*order[:number], *order[max(number, len(order) - number) :]]
    return [(str(names[i]), float(weights[i])) for i in ends]
