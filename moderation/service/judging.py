"""`judge(texts)`: scores on both scales and verdicts, from one reading of each text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from moderation.policy import BaseRates, Circumstances, Rule, Verdict, decide, on_scale
from moderation.serving import Scored, Served

Floats: TypeAlias = NDArray[np.float64]
Detect: TypeAlias = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment stands, for policies that differ there."""

    section: str | None = None
    community: str | None = None


NOWHERE = Place()


@dataclass(frozen=True)
class Judged:
    """Scores of texts, and the verdict on each as its place among those that there are."""

    scored: Scored
    distinct: list[Verdict]
    places: list[int]

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts in the order of the texts."""
        return [self.distinct[place] for place in self.places]


def judge(
    texts: Sequence[str],
    *,
    served: Served,
    detect: Detect,
    places: Sequence[Place] | None = None,
) -> Judged:
    """
    Return what a model and its policy say of texts.

    A verdict depends on the place, on which rules match, and on what forbids to decide by score:
    comments that have all this in common are decided once.
    """
    scored = served.score_texts(texts)
    languages: Sequence[str | None] = [None] * len(texts)
    if served.policy.languages is not None:
        languages = detect(texts)
    own = scored.own()
    patterns = _match(served, own)
    known: dict[object, int] = {}
    distinct: list[Verdict] = []
    found = []
    for row, text in enumerate(texts):
        place = places[row] if places else NOWHERE
        about = Circumstances(place.section, place.community, len(text.strip()), languages[row])
        alike = (patterns[row], place, _forbids(served, about))
        number = known.get(alike)
        if number is None:
            number = known[alike] = len(distinct)
            distinct.append(_decide(served, own[row].tolist(), about))
        found.append(number)
    return Judged(scored, distinct, found)


def _match(served: Served, scores: Floats) -> list[bytes]:
    """Return for each text which of the policy's rules match it, wherever those apply."""
    columns = dict(zip(served.attributes, scores.T, strict=True))
    matches = [
        _find_matches(rule, columns[rule.attribute], served.scorer.base_rates)
        for _, rule in served.policy.everywhere()
    ]
    if not matches:
        return [b""] * len(scores)
    rows = np.stack(matches, axis=1)
    width, packed = rows.shape[1], rows.tobytes()
    return [packed[begin : begin + width] for begin in range(0, len(packed), width)]


def _find_matches(rule: Rule, scores: Floats, base_rate: BaseRates) -> NDArray[np.bool_]:
    """Return `decide`'s own comparison, of a column (n,) at once."""
    on_its_scale: Any = on_scale(rule, cast(float, scores), base_rate)
    return np.asarray(rule.matches(on_its_scale))


def _forbids(served: Served, about: Circumstances) -> tuple[bool, bool]:
    short, known = served.policy.too_short, served.policy.languages
    return (
        short is not None and (about.characters or 0) < short.characters,
        known is not None and about.language not in known.known,
    )


def _decide(served: Served, scores: list[float], about: Circumstances) -> Verdict:
    return decide(
        dict(zip(served.attributes, scores, strict=True)),
        served.policy,
        about=about,
        base_rate=served.scorer.base_rates,
        model=served.version,
    )
