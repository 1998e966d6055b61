"""Comments as one array for each thing known about them, and the words of a few."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.int8]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Moments = NDArray[np.datetime64]
Rows = NDArray[np.intp] | NDArray[np.bool_]
"""Which comments: by number, or by a mask."""


@dataclass(frozen=True)
class Categories:
    """One name for each comment: `names[codes[row]]`, or none where the code is -1."""

    codes: Codes
    names: tuple[str, ...]
    """In the order in which they appear."""

    def take(self, rows: Rows) -> "Categories":
        """Return those of some rows; the names stay."""
        return replace(self, codes=self.codes[rows])

    def name(self, row: int) -> str | None:
        """Return the name of a row."""
        code = int(self.codes[row])
        return None if code < 0 else self.names[code]


@dataclass(frozen=True)
class PastComments:
    """
    Scored comments in the order of their table, one array for each thing known about them.

    Categories and times of which no comment has one are None.
    """

    scores: Mapping[str, Floats]
    """By attribute; NaN where there is none."""
    labels: Bytes
    """1 removed, 0 kept, -1 not known."""
    weights: Floats
    """How many comments each stands for; NaN where an unlabelled one does not say."""
    characters: Codes
    """Of the text without white space around it; -1 where there are no words, or none were read."""
    created_at: Moments | None = None
    decided_at: Moments | None = None
    """In microseconds, UTC; NaT where it is not known."""
    decided_by: Categories | None = None
    sections: Categories | None = None
    communities: Categories | None = None
    languages: Categories | None = None
    articles: Categories | None = None
    model: str | None = None
    """The version of the model whose scores they are."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What was not read or not understood, counted by its cause."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows) -> "PastComments":
        """Return some of the comments, named by number or by a mask."""
        return replace(
            self,
            scores={attribute: scores[rows] for attribute, scores in self.scores.items()},
            labels=self.labels[rows],
            weights=self.weights[rows],
            characters=self.characters[rows],
            created_at=None if self.created_at is None else self.created_at[rows],
            decided_at=None if self.decided_at is None else self.decided_at[rows],
            decided_by=self.decided_by and self.decided_by.take(rows),
            sections=self.sections and self.sections.take(rows),
            communities=self.communities and self.communities.take(rows),
            languages=self.languages and self.languages.take(rows),
            articles=self.articles and self.articles.take(rows),
        )


@dataclass(frozen=True)
class Words:
    """A comment to be read."""

    id: str
    text: str | None
