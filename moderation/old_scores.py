"""Comments with the scores they once had: which column holds them, and which of them count."""

import contextlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.captures import article_key
from moderation.comments import Comment
from moderation.datasets import MIN_ARTICLES, find_threads
from moderation.errors import DataError
from moderation.parsers.columns import show_names

# What the Perspective API scored (developers.perspectiveapi.com, "Attributes and Languages"), and
# how exports and samples call it: "TOXICITY", "perspective_toxicity_v6", "insultScore".
ATTRIBUTES = (
    "TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT",
    "SEXUALLY_EXPLICIT", "FLIRTATION", "ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "INCOHERENT",
    "INFLAMMATORY", "LIKELY_TO_REJECT", "OBSCENE", "SPAM", "UNSUBSTANTIAL",
)  # fmt: skip
_SPELLINGS = {name.replace("_", ""): name for name in ATTRIBUTES}
_DECORATION = re.compile(r"^perspective(?:api)?|(?:experimental)?(?:v\d+)?(?:score)?$")


@dataclass(frozen=True)
class OldScore:
    """A comment's words with the score they once had."""

    text: str
    score: float
    article: str | None
    thread: str


def find_column(columns: Sequence[str], given: str | None = None) -> str:
    """
    Return the column of old scores: the one given, or the one called like an attribute.

    A given name may lead into a column of JSON: `metadata.perspective.score`.

    Raises:
        DataError: it is not there, or none or several are called like an attribute.

    """
    if not columns:
        raise DataError(
            "no column beside the comments' own; expected a table (CSV, JSON Lines or Parquet) "
            "with a column of old scores"
        )
    if given is not None:
        if given in columns or given.partition(".")[0] in columns:
            return given
        raise DataError(
            f"no column {given!r} beside the comments' own; there are {show_names(columns)}: "
            "name the one that holds the old scores: --old-scores COLUMN"
        )
    likely = [name for name in columns if attribute_named(name)]
    if len(likely) == 1:
        return likely[0]
    found = (
        f"several columns are called like scores: {show_names(likely)}"
        if likely
        else f"no column is called like scores of the Perspective API among {show_names(columns)}"
    )
    raise DataError(f"{found}; name the one that holds the old scores: --old-scores COLUMN")


def attribute_named(column: str) -> str | None:
    """
    Return the attribute of the Perspective API that a column is called like.

    >>> [attribute_named(name) for name in ("perspective_toxicity_v6", "Severe Toxicity", "id")]
    ['TOXICITY', 'SEVERE_TOXICITY', None]
    """
    plain = re.sub(r"[\W_]+", "", column).casefold()
    return _SPELLINGS.get(_DECORATION.sub("", plain).upper())


def collect(comments: Sequence[Comment], column: str, left_out: Counter[str]) -> list[OldScore]:
    """
    Return each text once, with the first old score it had; count what is left out by its cause.

    Raises:
        DataError: nothing is left.

    """
    found: dict[str, OldScore] = {}
    for comment, thread in zip(comments, find_threads(comments), strict=True):
        value = _look_up(comment.extra, column)
        text, score = comment.text or "", as_share(value)
        if not text.strip():
            left_out["without words"] += 1
        elif value is None or value == "":
            left_out["without an old score"] += 1
        elif score is None:
            left_out["whose old score is no number from 0 to 1"] += 1
        elif (same := " ".join(text.split()).casefold()) in found:
            left_out["copies of a text, which counts once"] += 1
        else:
            has_article = comment.article_id or comment.article_title
            article = article_key(comment) if has_article else None
            found[same] = OldScore(text, score, article, thread)
    if not found:
        raise DataError(
            f"none of {len(comments)} comments has words and an old score in {column!r}; expected "
            "numbers from 0 to 1: divide percentages by 100, or name another column: --old-scores"
        )
    return list(found.values())


def find_groups(old_scores: Sequence[OldScore]) -> NDArray[np.int64] | None:
    """Return what is kept whole, as in training: articles or threads; None where both are few."""
    articles = {old.article for old in old_scores} - {None}
    by_article = len(articles) >= MIN_ARTICLES
    names = [(by_article and old.article) or old.thread for old in old_scores]
    if len(set(names)) < MIN_ARTICLES:
        return None
    return np.unique(names, return_inverse=True)[1]


def as_share(value: Any) -> float | None:
    """
    Return a value as a number from 0 to 1, or None where it is none; yes and no are none.

    >>> [as_share(value) for value in ("0.8", 1, 80, "high", True)]
    [0.8, 1.0, None, None, None]
    """
    if isinstance(value, bool):
        return None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        if 0 <= float(value) <= 1:
            return float(value)
    return None


def _look_up(row: Mapping[str, Any], name: str) -> Any:
    """Return a column, or what `outer.inner` leads to within one of JSON."""
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    within = row.get(outer)
    return _look_up(within, inner) if inner and isinstance(within, Mapping) else None
