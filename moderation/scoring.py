"""Writes comments with their scores, batch by batch."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.comments import Comment
from moderation.frames import (
    LANGUAGE,
    MODEL,
    SCHEMA,
    SCORE,
    Row,
    batched,
    to_rows,
    write_rows,
)
from moderation.languages import detect_languages
from moderation.parsers.notes import Notes
from moderation.scorer import Scorer

BATCH = 8192
"""Comments scored at a time: their features are in memory together."""


@dataclass
class ScoreCounts:
    """How many comments were scored, and how many could not be."""

    scored: int = 0
    without_words: int = 0
    replaced: tuple[str, ...] = ()
    """Columns of the input that scores took the place of."""


def write_scored(
    scorer: Scorer,
    comments: Iterator[Comment],
    notes: Notes,
    output: Path | str,
    *,
    base_rate: float | None = None,
    attributes: bool = False,
    languages: bool = False,
) -> ScoreCounts:
    """
    Write comments with their scores as Parquet, CSV or JSON Lines by the output's ending.

    `notes` of the reading tell the input's further columns, once a comment was read. Scores are
    P(removal) at the `base_rate`, without one at the model's own. With `attributes` a column for
    each score that the model has follows, then with `languages` the text's.
    """
    first = next(comments, None)
    known = scorer.attributes if attributes else ()
    added = name_added(known, languages=languages)
    kept = [name for name in notes.columns if name not in added]
    counts = ScoreCounts(replaced=tuple(sorted(set(notes.columns) - set(kept))))
    rows = _score_rows(
        scorer,
        itertools.chain([first] if first else [], comments),
        counts,
        extra=kept,
        base_rate=base_rate,
        attributes=attributes,
        languages=languages,
    )
    write_rows(rows, output, columns=[*SCHEMA.names, *kept, *added], attributes=known)
    return counts


def name_added(attributes: Sequence[str], *, languages: bool) -> list[str]:
    """Return the columns that scoring adds, in order."""
    return [SCORE, MODEL, *attributes, *([LANGUAGE] if languages else [])]


def name_version(scorer: Scorer, base_rate: float | None) -> str:
    """
    Return what the column of the model says.

    Scores at another base rate are on another scale: they are not to be mixed with those.
    """
    return scorer.version if base_rate is None else f"{scorer.version}@{base_rate:g}"


def _score_rows(
    scorer: Scorer,
    comments: Iterable[Comment],
    counts: ScoreCounts,
    *,
    extra: Sequence[str],
    base_rate: float | None,
    attributes: bool,
    languages: bool,
) -> Iterator[Row]:
    """Yield comments as rows with their score; None where there are no words to score."""
    version = name_version(scorer, base_rate)
    for batch in batched(comments, BATCH):
        worded = [comment.text for comment in batch if comment.text and comment.text.strip()]
        found: dict[str, list[Any]] = {SCORE: scorer.score(worded, base_rate=base_rate).tolist()}
        found[MODEL] = [version] * len(worded)
        if attributes:
            each = scorer.score_attributes(worded)
            found.update((name, scores.tolist()) for name, scores in each.items())
        if languages:
            found[LANGUAGE] = detect_languages(worded)
        added = (dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True))
        unscored = {**dict.fromkeys(found), MODEL: version}
        counts.scored += len(worded)
        counts.without_words += len(batch) - len(worded)
        for comment, row in zip(batch, to_rows(batch, extra=extra), strict=True):
            has_words = comment.text is not None and comment.text.strip()
            yield row | (next(added) if has_words else unscored)
