"""What was read of a table so far, and `PastComments` made of it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from moderation.errors import DataError
from moderation.frames import ARTICLE_ID, LABEL, MODEL, SCORE
from moderation.parsers.columns import show_names
from moderation.past.comments import Bytes, Categories, Codes, Floats, Moments, PastComments
from moderation.past.values import (
    CHARACTERS,
    COMMUNITY,
    CREATED_AT,
    DECIDED_AT,
    DECIDED_BY,
    FURTHER,
    LANGUAGE,
    NUMBER,
    SECTION,
    WEIGHT,
    Place,
)

MOST_VERSIONS_NAMED = 3
MOST_WEIGHT = 1e9
"""More comments than anybody has: a larger weight is a mistake."""
_SCORE_IT = "score the comments first: python -m moderation.score MODEL TABLE -o SCORED"


class Gathered:
    """What was read so far, in the types of Arrow, by column."""

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        """By column."""
        self.kinds = {**dict.fromkeys(attributes, NUMBER), **FURTHER}
        self.rows = 0
        self.left_out: Counter[str] = Counter()
        self._chunks: dict[str, list[pa.Array]] = {}

    def add(self, column: str, values: pa.Array) -> None:
        self._chunks.setdefault(column, []).append(values)

    def place(self, column: str) -> Place:
        """Return where the next values of a column stand."""
        return Place(self.name, column, self.rows, self.left_out)

    def check_columns(self, names: Sequence[str]) -> None:
        for column, attribute in self.attributes.items():
            if column not in names:
                raise DataError(
                    f"{self.name}: no column {column!r}, the score of {attribute}; "
                    + (_SCORE_IT if column == SCORE else "add it to the table")
                )

    def finish(self) -> PastComments:
        if not self.rows:
            raise DataError(f"{self.name}: a table without rows; expected scored comments")
        self._check_model(model := self._categories(MODEL))
        labels = self._of(LABEL).to_numpy().astype(np.int8)
        return PastComments(
            scores=self._scores(),
            labels=labels,
            weights=self._weights(labels),
            characters=self._characters(),
            created_at=self._moments(CREATED_AT),
            decided_at=self._moments(DECIDED_AT),
            decided_by=self._categories(DECIDED_BY),
            sections=self._categories(SECTION),
            communities=self._categories(COMMUNITY),
            languages=self._categories(LANGUAGE),
            articles=self._categories(ARTICLE_ID),
            model=model.names[0] if model else None,
            left_out=dict(self.left_out),
        )

    def _of(self, column: str) -> pa.ChunkedArray:
        return pa.chunked_array(self._chunks[column])

    def _scores(self) -> dict[str, Floats]:
        scores = {
            attribute: self._numbers(column, least=0, most=1)
            for column, attribute in self.attributes.items()
        }
        if scores and all(np.isnan(found).all() for found in scores.values()):
            raise DataError(f"{self.name}: none of {self.rows} comments has a score; {_SCORE_IT}")
        return scores

    def _weights(self, labels: Bytes) -> Floats:
        if WEIGHT not in self._chunks:
            return np.ones(self.rows)
        weights = self._numbers(WEIGHT, least=0, most=MOST_WEIGHT)
        if without := int((np.isnan(weights) & (labels >= 0)).sum()):
            raise DataError(
                f"{self.name}: {without} labelled comments have no weight; write into 'weight' "
                "how many comments each stands for, or leave the column out"
            )
        return weights

    def _characters(self) -> Codes:
        if CHARACTERS not in self._chunks:
            return np.full(self.rows, -1, dtype=np.int32)
        counts = self._numbers(CHARACTERS, least=0, most=np.iinfo(np.int32).max)
        return np.where(counts > 0, counts, -1).astype(np.int32)

    def _numbers(self, column: str, *, least: float, most: float) -> Floats:
        found = self._of(column)
        numbers: Floats = np.array(found.to_numpy(), dtype=np.float64)
        outside = (numbers < least) | (numbers > most)
        if outside.any():
            row = int(np.argmax(outside))
            raise DataError(
                f"{self.name}: row {row + 1}: {column!r} is {numbers[row]:g}, expected a number "
                + (
                    "from 0 to 1; divide percentages by 100"
                    if most == 1
                    else f"from {least} to {most:g}"
                )
            )
        return numbers

    def _moments(self, column: str) -> Moments | None:
        found = self._chunks.get(column)
        if found is None or all(chunk.null_count == len(chunk) for chunk in found):
            return None
        moments: Moments = self._of(column).cast(pa.timestamp("us")).to_numpy()
        return moments

    def _categories(self, column: str) -> Categories | None:
        if column not in self._chunks:
            return None
        encoded = self._of(column).dictionary_encode().unify_dictionaries()
        names = encoded.chunk(0).dictionary.to_pylist()
        codes = np.concatenate([pc.fill_null(c.indices, -1).to_numpy() for c in encoded.chunks])
        if "" in names:  # which is what CSV has for none
            empty = names.index("")
            codes = np.where(codes == empty, -1, codes - (codes > empty))
            del names[empty]
        return Categories(codes.astype(np.int32), tuple(names)) if names else None

    def _check_model(self, model: Categories | None) -> None:
        if model is not None and len(model.names) > 1:
            raise DataError(
                f"{self.name}: scores of {len(model.names)} versions of the model "
                f"({show_names(model.names[:MOST_VERSIONS_NAMED])}), which do not compare; "
                "score all comments with one of them: python -m moderation.score"
            )
