"""Labelled comments with their scores: what a model is measured on, without their words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from moderation.datasets import Dataset
from moderation.fairness import Booleans, mentions
from moderation.metrics import Floats, Integers
from moderation.scorer import Scorer

CAPTURES = "captures of pages"
"""What the part is called that joins them, of whatever files they come."""


@dataclass(frozen=True)
class Sample:
    """Comments in the order they were read in, shape (n,) each."""

    labels: Integers
    scores: Floats
    groups: Integers
    """Numbers of the articles or threads, which the bootstrap draws whole."""
    mentioned: Mapping[str, Booleans] = field(repr=False)
    """For each group of people, which comments mention it."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Part:
    """Comments that are measured together."""

    name: str
    sample: Sample
    learnt_from: bool
    """Whether the model learnt from one of the files: the measurement then flatters it."""
    said: tuple[str, ...] = ()
    """What there is to tell of how they came together."""

    def lines(self) -> Iterator[str]:
        """Yield what to tell the user."""
        yield from (f"{self.name}: {line}" for line in self.said)


def take_sample(dataset: Dataset, scorer: Scorer) -> Sample:
    """Score labelled comments."""
    texts = dataset.texts
    return Sample(dataset.labels, scorer.score(texts), dataset.groups, mentions(texts))
