"""The queue: what waits, listed in an order that was chosen, and claimed one by one."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from moderation.comments import Comment
from moderation.errors import ReviewError
from moderation.policy import Action, Cause
from moderation.review.checks import storable
from moderation.review.held import Scorer, has_score
from moderation.review.stored import to_comment
from moderation.tables import Decision, Held, StoredComment, StoredScore

LISTED: Final = 1000
"""Comments of a list: more than a moderator's day, and little to remember."""
CLAIMED_FOR: Final = timedelta(minutes=10)
"""How long a comment is one moderator's, who may have left the desk."""
CHOSEN_AMONG: Final = 5000
"""Waiting comments whose articles can be chosen: of all it would take seconds to find them."""
LONGEST_SEARCH: Final = 1000
"""Characters that are searched for; databases take no pattern of any length."""
_CLAIMS_AT_ONCE: Final = 25


class Order(StrEnum):
    """What comes first in the queue."""

    LIKELIEST = "likeliest to break the rules"
    MOST_SEEN = "most seen"
    """Most votes and replies: what stays up longest does most there."""
    MOST_UNCERTAIN = "most uncertain"
    """Scores nearest to one half: what a model learns most from (Lewis and Gale 1994)."""
    OLDEST = "oldest"


ESCALATED: Final = "handed on by another moderator"
"""The one cause to wait that no verdict has."""


@dataclass(frozen=True)
class Filters:
    """What a list is limited to; None and empty limit nothing."""

    article: str | None = None
    """As the source names it."""
    author: str | None = None
    rule: str | None = None
    """The policy's rule that fired."""
    reason: str | None = None
    """Why it waits: a `Cause`, or `ESCALATED`."""
    least: float | None = None
    most: float | None = None
    """The range of scores, both ends in it."""
    since: datetime | None = None
    until: datetime | None = None
    """When it was written: from the one on, before the other."""
    words: str = ""
    """What the text contains, in whatever case."""

    def __post_init__(self) -> None:
        if self.reason is not None and self.reason not in (ESCALATED, *Cause):
            raise ValueError(f"reason is {self.reason!r}, expected a cause to wait")
        for name in ("least", "most"):
            score = getattr(self, name)
            if score is not None and not 0 <= score <= 1:
                raise ValueError(f"{name} is {score}, expected a score from 0 to 1")
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} is without a time zone, expected an aware time")
        if len(self.words) > LONGEST_SEARCH:
            raise ReviewError(
                f"a search of {len(self.words):,} characters; expected at most "
                f"{LONGEST_SEARCH:,}: search for fewer"
            )

    def __bool__(self) -> bool:
        return self != Filters()

    @property
    def about_comments(self) -> bool:
        asked = (self.article, self.author, self.since, self.until)
        return any(one is not None for one in asked) or bool(self.words.strip())

    @property
    def about_scores(self) -> bool:
        return self.least is not None or self.most is not None


@dataclass(frozen=True)
class WorkList:
    """What waited when the list was made; it stays as it is while somebody works in it."""

    keys: tuple[str, ...]
    """The first of what waits, in order."""
    waiting: int
    """All that match the filters."""
    made_at: datetime


@dataclass(frozen=True)
class Waiting:
    """A comment in the queue, with what a moderator is to know of its being there."""

    key: str
    comment: Comment
    score: float | None
    proposed: Action | None = None
    cause: Cause | None = None
    rule: str | None = None
    escalation: Decision | None = None
    """Who handed it on, with which note."""
    is_opinion: bool = False
    """Whether another moderator has decided it: the screen must not tell."""


def list_waiting(
    session: Session,
    scorer: Scorer | None,
    *,
    moderator: str,
    now: datetime,
    order: Order = Order.LIKELIEST,
    filters: Filters | None = None,
    limit: int = LISTED,
) -> WorkList:
    """
    Return what waits for a moderator now, in an order.

    First what another moderator has handed on. Then, in each order, what has no score yet where
    the order is by score: a missing score is not a low one. Of equals the oldest is first.
    """
    filters = filters or Filters()
    by_score = scorer is not None and order in (Order.LIKELIEST, Order.MOST_UNCERTAIN)
    if not by_score and order is not Order.MOST_SEEN:
        order = Order.OLDEST
    keys = _matching(
        Held.comment_key, scorer, moderator, filters, comments=True, scores=by_score
    ).order_by(Held.escalation_id.is_(None), *_by(order), *_by(Order.OLDEST))
    found = tuple(session.scalars(keys.limit(limit)))
    total = len(found)
    if total == limit:
        total = session.scalar(_matching(func.count(), scorer, moderator, filters)) or 0
    return WorkList(found, total, now)


def list_keys(
    session: Session, scorer: Scorer | None, *, moderator: str, filters: Filters, limit: int
) -> list[str]:
    """Return the keys of what a bulk action would be about: not what somebody handed on."""
    query = _matching(Held.comment_key, scorer, moderator, filters)
    plain = query.where(Held.not_for.is_(None), Held.opinion_on_id.is_(None))
    return list(session.scalars(plain.order_by(Held.comment_key).limit(limit)))


def count_arrived(
    session: Session,
    scorer: Scorer | None,
    *,
    moderator: str,
    since: datetime,
    filters: Filters | None = None,
    but: Collection[str] = (),
) -> int:
    """
    Return how many comments wait that did not when a list was made.

    What an undo has brought back waits since then: `but`, the keys of the list, are not counted.
    """
    query = _matching(func.count(), scorer, moderator, filters or Filters()).where(
        Held.held_at > since, Held.comment_key.not_in(but)
    )
    return session.scalar(query) or 0


def claim_next(
    session: Session,
    keys: Sequence[str],
    *,
    moderator: str,
    now: datetime,
    claimed_for: timedelta = CLAIMED_FOR,
) -> str | None:
    """
    Make the first of the comments that is free the moderator's and return its key.

    Free is what waits and nobody else has on screen. What the moderator had before is let go. None
    where nothing is free; the caller commits. Nobody ever waits for another here.
    """
    for at in range(0, len(keys), _CLAIMS_AT_ONCE):
        some = keys[at : at + _CLAIMS_AT_ONCE]
        free = set(
            session.scalars(
                select(Held.comment_key)
                .where(Held.comment_key.in_(some), _is_free(moderator, now))
                .with_for_update(skip_locked=True, of=Held)
            )
        )
        first = next((key for key in some if key in free), None)
        if first is not None:
            release(session, moderator=moderator, but=first)
            session.execute(
                update(Held)
                .where(Held.comment_key == first)
                .values(claimed_by=moderator, claimed_until=now + claimed_for)
            )
            return first
    release(session, moderator=moderator)
    return None


def release(session: Session, *, moderator: str, but: str | None = None) -> None:
    """Let go what a moderator has claimed; the caller commits."""
    claimed = (
        select(Held.comment_key)
        .where(Held.claimed_by == moderator, Held.comment_key != (but or ""))
        .with_for_update(skip_locked=True)
    )
    if own := list(session.scalars(claimed)):
        let = update(Held).where(Held.comment_key.in_(own), Held.claimed_by == moderator)
        session.execute(let.values(claimed_by=None, claimed_until=None))


def get_waiting(session: Session, scorer: Scorer | None, key: str) -> Waiting | None:
    """Return one comment of the queue, or None where it does not wait."""
    found = session.execute(_queue(scorer).where(Held.comment_key == key)).first()
    return None if found is None else _to_waiting(*found)


def get_many(session: Session, scorer: Scorer | None, keys: Sequence[str]) -> list[Waiting]:
    """Return those of the comments that wait, in the order of the keys."""
    rows = session.execute(_queue(scorer).where(Held.comment_key.in_(keys)))
    found = {row[0].comment_key: _to_waiting(*row) for row in rows}
    return [found[key] for key in keys if key in found]


def find_severe(
    session: Session, scorer: Scorer | None, keys: Sequence[str], *, least: float
) -> set[str]:
    """Return those of the comments whose score is at least so high."""
    if scorer is None:
        return set()
    severe: set[str] = set()
    for at in range(0, len(keys), 500):
        query = select(StoredScore.comment_key, StoredScore.value).where(
            StoredScore.comment_key.in_(keys[at : at + 500]),
            StoredScore.model_version == scorer.version,
            StoredScore.attribute == scorer.attribute,
        )
        # A database would rather look through all high scores than for these comments.
        severe.update(key for key, value in session.execute(query) if value >= least)
    return severe


def count_waiting(session: Session) -> int:
    """Return how many comments wait for a person, whoever that is."""
    return session.scalar(select(func.count()).select_from(Held)) or 0


def find_choices(session: Session, *, limit: int = 200) -> dict[str, list[str]]:
    """
    Return what there is to filter by, most frequent first: the rules of what waits, and articles.

    The articles are those of the comments that came last, `CHOSEN_AMONG` of them.
    """
    latest = select(Held.comment_key).order_by(Held.held_at.desc()).limit(CHOSEN_AMONG).subquery()
    articles = select(StoredComment.article_id).join(
        latest, latest.c.comment_key == StoredComment.key
    )
    return {
        "article": _most_frequent(session, articles, StoredComment.article_id, limit),
        "rule": _most_frequent(session, select(Held.rule), Held.rule, limit),
    }


def _most_frequent(session: Session, query: Select[Any], column: Any, limit: int) -> list[str]:
    query = query.where(column.is_not(None)).group_by(column)
    return list(session.scalars(query.order_by(func.count().desc(), column).limit(limit)))


def _matching(
    what: Any,
    scorer: Scorer | None,
    moderator: str,
    filters: Filters,
    *,
    comments: bool = False,
    scores: bool = False,
) -> Select[Any]:
    """Select from what waits; its comments and scores are looked up where something asks."""
    query = select(what).select_from(Held).where(_is_for(moderator), *_conditions(filters))
    if comments or filters.about_comments:
        query = query.join(StoredComment, StoredComment.key == Held.comment_key)
    if scores or filters.about_scores:
        query = query.outerjoin(StoredScore, has_score(Held.comment_key, scorer))
    return query


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.article is not None:
        yield StoredComment.article_id == storable(filters.article)
    if filters.author is not None:
        yield StoredComment.author == storable(filters.author)
    if filters.rule is not None:
        yield Held.rule == storable(filters.rule)
    if filters.reason is not None:
        escalated = Held.escalation_id.is_not(None)
        yield escalated if filters.reason == ESCALATED else Held.cause == Cause(filters.reason)
    if filters.least is not None:
        yield StoredScore.value >= filters.least
    if filters.most is not None:
        yield StoredScore.value <= filters.most
    if filters.since is not None:
        yield StoredComment.created_at >= filters.since
    if filters.until is not None:
        yield StoredComment.created_at < filters.until
    if filters.words.strip():
        yield StoredComment.text.icontains(storable(filters.words.strip()), autoescape=True)


def _by(order: Order) -> tuple[Any, ...]:
    if order is Order.LIKELIEST:
        return (StoredScore.value.desc().nulls_first(),)
    if order is Order.MOST_UNCERTAIN:
        return (func.abs(StoredScore.value - 0.5).nulls_first(),)
    if order is Order.MOST_SEEN:
        return ((_votes() + _replies()).desc(),)
    return (StoredComment.created_at.nulls_last(), StoredComment.key)


def _votes() -> ColumnElement[int]:
    """How many votes are known of: both kinds, or at least those that the rating is of."""
    both = func.coalesce(StoredComment.positive_votes, 0) + func.coalesce(
        StoredComment.negative_votes, 0
    )
    rated = func.abs(func.coalesce(StoredComment.rating, 0))
    return case((both > rated, both), else_=rated)


def _replies() -> ColumnElement[int]:
    reply = aliased(StoredComment)
    return (
        select(func.count())
        .where(
            reply.article_key == StoredComment.article_key,
            reply.source_parent_id == StoredComment.source_id,
        )
        .correlate(StoredComment)
        .scalar_subquery()
    )


def _is_for(moderator: str) -> ColumnElement[bool]:
    return or_(Held.not_for.is_(None), Held.not_for != moderator)


def _is_free(moderator: str, now: datetime) -> ColumnElement[bool]:
    claimed = and_(
        Held.claimed_by.is_not(None), Held.claimed_by != moderator, Held.claimed_until > now
    )
    return and_(_is_for(moderator), ~claimed)


def _queue(
    scorer: Scorer | None,
) -> Select[Held, StoredComment, float, Decision]:
    return (
        select(Held, StoredComment, StoredScore.value, Decision)
        .join(StoredComment, StoredComment.key == Held.comment_key)
        .outerjoin(StoredScore, has_score(Held.comment_key, scorer))
        .outerjoin(Decision, Decision.id == Held.escalation_id)
    )


def _to_waiting(
    held: Held, row: StoredComment, score: float | None, escalation: Decision | None
) -> Waiting:
    return Waiting(
        key=held.comment_key,
        comment=to_comment(row),
        score=score,
        proposed=held.proposed,
        cause=held.cause,
        rule=held.rule,
        escalation=escalation,
        is_opinion=held.opinion_on_id is not None,
    )
