"""Two models on decided comments that neither has learnt from: `compare(present, new, ...)`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.artifacts import Manifest
from moderation.captures import article_key
from moderation.comments import Comment
from moderation.datasets import MIN_ARTICLES, find_threads
from moderation.languages import detect_languages
from moderation.memory import recognise
from moderation.metrics import Rankings, compare_rankings
from moderation.past import Categories, PastComments
from moderation.policy import Policy
from moderation.promotion import Decision, Rows, Side, choose_to_read
from moderation.promotion import compare as compare_policies
from moderation.scorer import Floats, Scorer
from moderation.verdicts import decide_all

LAST: Final = 1000
"""Decisions that two models are compared on, at most."""
SET_ASIDE: Final = 5
"""One decision in so many is kept from a new model, at most `LAST`, so that there are some."""

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Contender:
    """A model, and what is done with its scores."""

    scorer: Scorer
    policy: Policy


@dataclass(frozen=True)
class Unlearnt:
    """The rows of the comments that neither model has learnt from, as far as can be known."""

    rows: Rows
    left_out: Mapping[str, int]
    """The others, counted by their cause."""


@dataclass(frozen=True)
class Effect:
    """What a model's policy does with the comments."""

    held: int
    """They wait for a person."""
    needless: int
    """Of those held, the ones that moderators approved."""
    missed: int
    """They pass unseen, and moderators removed them."""


@dataclass(frozen=True)
class Moved:
    """Comments on which two models' policies differ one way."""

    rows: Rows
    removed: int
    """Of them, those that moderators removed; they approved the others."""
    to_read: Rows
    """Some of the rows, chosen by chance."""

    @property
    def approved(self) -> int:
        return len(self.rows) - self.removed


@dataclass(frozen=True)
class ModelComparison:
    """What changes with a new model, on comments whose decisions are known."""

    comments: int
    removed: int
    present: Effect
    new: Effect
    newly_held: Moved
    newly_passed: Moved
    advice: Decision
    rankings: Rankings | None
    """None where all comments were removed, or all approved: there is nothing to rank."""
    scores: tuple[tuple[float, ...], tuple[float, ...]]
    """Of each comment by the present and by the new model."""


def count_set_aside(decisions: int) -> int:
    """
    Return how many of the last decisions to keep from a new model.

    >>> [count_set_aside(decisions) for decisions in (4, 500, 1_000_000)]
    [0, 100, 1000]
    """
    return min(decisions // SET_ASIDE, LAST)


def choose_unlearnt(comments: Sequence[Comment], *, present: Manifest, new: Manifest) -> Unlearnt:
    """
    Return which comments neither model has learnt from, nor copies of them.

    Models say which texts they learnt from. Of one that does not, trained by an earlier version,
    only what was written after its newest comment is certainly new. Near-copies are not
    recognised; what a base model learnt from is not asked: public corpora.
    """
    texts = [comment.text or "" for comment in comments]
    causes = {
        "without words": np.array([not text.strip() for text in texts], dtype=np.bool_),
        **_learnt("the model in use", present, comments, texts),
        **_learnt("the new model", new, comments, texts),
    }
    left_out: Counter[str] = Counter()
    remaining = np.ones(len(comments), dtype=np.bool_)
    for cause, found in causes.items():
        left_out[cause] = int((found & remaining).sum())
        remaining &= ~found
    return Unlearnt(np.flatnonzero(remaining), +left_out)


def compare(
    present: Contender, new: Contender, comments: Sequence[Comment], *, seed: int = 0
) -> ModelComparison:
    """
    Compare two models on comments, each with words and the label of the decision in force.

    A comment is held where its model's policy does not let it pass unseen. Intervals resample
    whole articles where there are at least ten, else threads, else comments.

    Raises:
        ValueError: no comments, or one without words or a label.

    """
    if not comments or any(one.text is None or one.label is None for one in comments):
        raise ValueError("expected comments with words and a label each, at least one")
    texts = [str(comment.text) for comment in comments]
    labels = np.array([comment.label for comment in comments], dtype=np.int64)
    sides = [_decide(contender, texts, labels) for contender in (present, new)]
    before, after = (next(iter(side.past.scores.values())) for side in sides)
    rng = np.random.default_rng(seed)
    found = compare_policies(*sides, rng=rng)
    rankings = None
    if len(set(labels.tolist())) == 2:
        rankings = compare_rankings(labels, before, after, groups=_group(comments), seed=seed)
    return ModelComparison(
        comments=len(comments),
        removed=int(labels.sum()),
        present=_count(sides[0]),
        new=_count(sides[1]),
        newly_held=_moved(found.to_wait, labels, rng),
        newly_passed=_moved(found.to_pass, labels, rng),
        advice=found.decision,
        rankings=rankings,
        scores=(tuple(before.tolist()), tuple(after.tolist())),
    )


def _learnt(
    who: str, manifest: Manifest, comments: Sequence[Comment], texts: Sequence[str]
) -> dict[str, Mask]:
    """Return which comments a model has learnt from, or may have, by what to say of them."""
    if manifest.learnt_texts is not None:
        return {f"{who} has learnt from": recognise(manifest.learnt_texts, texts)}
    newest = manifest.newest
    written = [comment.created_at for comment in comments]
    new = [newest is not None and moment is not None and moment > newest for moment in written]
    cause = f"{who} may have learnt from: it does not tell, and they are not newer than it"
    return {cause: ~np.array(new, dtype=np.bool_)}


def _decide(contender: Contender, texts: list[str], labels: Labels) -> Side:
    scorer, number = contender.scorer, len(texts)
    past = PastComments(
        scores=_score(scorer, texts, contender.policy),
        labels=labels.astype(np.int8),
        weights=np.ones(number),
        characters=np.array([len(text.strip()) for text in texts], dtype=np.int32),
        languages=_tell_languages(texts) if contender.policy.languages else None,
        model=scorer.version,
    )
    verdicts = decide_all(past, contender.policy, base_rate=scorer.base_rates)
    return Side(contender.policy, past, verdicts)


def _tell_languages(texts: list[str]) -> Categories:
    names, codes = np.unique(detect_languages(texts), return_inverse=True)
    return Categories(codes.astype(np.int32), tuple(names.tolist()))


def _score(scorer: Scorer, texts: list[str], policy: Policy) -> dict[str, Floats]:
    if policy.attributes <= {scorer.attribute}:
        return {scorer.attribute: scorer.score(texts)}
    return scorer.score_attributes(texts)


def _count(side: Side) -> Effect:
    held, removed = ~side.verdicts.automatic, side.past.labels == 1
    return Effect(
        held=int(held.sum()),
        needless=int((held & ~removed).sum()),
        missed=int((side.verdicts.approved_unseen & removed).sum()),
    )


def _moved(rows: Rows, labels: Labels, rng: np.random.Generator) -> Moved:
    return Moved(rows, int(labels[rows].sum()), choose_to_read(rows, rng))


def _group(comments: Sequence[Comment]) -> Labels | None:
    """Return the articles of the comments as numbers, else their threads; None for neither."""
    for names in ([article_key(comment) for comment in comments], find_threads(comments)):
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        if len(numbers) >= MIN_ARTICLES:
            return np.array([numbers[name] for name in names], dtype=np.int64)
    return None
