"""What waits for a person: comments are held and let go, scored, and given the policy's verdict."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from moderation.comments import Status
from moderation.policy import Circumstances, Policy, Verdict, decide
from moderation.review.history import lock_history, stands
from moderation.tables import Decision, Held, Kind, StoredComment, StoredScore

JUDGED_AT_ONCE = 2048

Detect = Callable[[Sequence[str]], Sequence[str]]
"""Tells the languages of texts, for policies that ask for them."""


class Scorer(Protocol):
    """What the queue needs of a model."""

    @property
    def attribute(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def base_rates(self) -> Mapping[str, float]:
        """Of each attribute whose score is a probability, the share of removals at which it is."""
        ...

    def score(self, texts: Sequence[str]) -> Iterable[float]: ...

    def score_attributes(self, texts: Sequence[str]) -> Mapping[str, Iterable[float]]: ...


def hold(session: Session, keys: Sequence[str], *, held_at: datetime) -> None:
    """
    Let those of some comments wait anew that still are to be judged, the others no longer.

    What was handed to a second moderator last waits for that one.
    """
    let_go(session, keys)
    waiting = session.scalars(select(StoredComment.key).where(StoredComment.key.in_(keys), waits()))
    escalated = _find_escalated(session, keys)
    rows = [
        {
            "comment_key": key,
            "held_at": held_at,
            "not_for": escalated[key].decided_by if key in escalated else None,
            "escalation_id": escalated[key].id if key in escalated else None,
        }
        for key in sorted(waiting)
    ]
    if rows:
        session.execute(insert(Held), rows)


def let_go(session: Session, keys: Sequence[str]) -> None:
    """Take comments out of the queue."""
    session.execute(delete(Held).where(Held.comment_key.in_(keys)))


def hold_what_waits(session: Session, keys: Collection[str], *, held_at: datetime) -> None:
    """Bring the queue up to comments that were added or changed: some wait now, some no longer."""
    present = select(Held.comment_key).where(Held.comment_key.in_(keys))
    waiting = select(StoredComment.key).where(StoredComment.key.in_(keys), waits())
    ended = present.where(Held.opinion_on_id.is_(None), Held.comment_key.not_in(waiting))
    let_go(session, list(session.scalars(ended)))
    hold(session, list(session.scalars(waiting.where(StoredComment.key.not_in(present)))),
         held_at=held_at)  # fmt: skip


def waits() -> ColumnElement[bool]:
    """Return the condition that a comment is to be judged and no decision on it in force."""
    return can_wait() & StoredComment.decision_id.is_(None)


def can_wait() -> ColumnElement[bool]:
    """Return the condition that a comment has words, and its source tells no outcome."""
    return and_(
        StoredComment.text != "",
        StoredComment.label.is_(None),
        or_(
            StoredComment.status.is_(None),
            StoredComment.status.in_([Status.PUBLISHED, Status.PENDING]),
        ),
    )


def judge_waiting(
    session: Session,
    scorer: Scorer,
    policy: Policy,
    *,
    detect: Detect | None = None,
    limit: int = JUDGED_AT_ONCE,
) -> int:
    """
    Score comments that wait and note what the policy proposes; return how many were due.

    At most `limit` of them, so that others can write in between: call it until it returns 0. The
    caller commits.

    Raises:
        ValueError: the policy asks for languages and nothing tells them.

    """
    judged_by = name_judge(scorer, policy)
    lock_history(session)
    due = session.execute(
        select(Held.comment_key, StoredComment.text, StoredScore.value)
        .join(StoredComment, StoredComment.key == Held.comment_key)
        .outerjoin(StoredScore, has_score(Held.comment_key, scorer))
        .where(or_(Held.policy.is_(None), Held.policy != judged_by))
        .limit(limit)
    ).all()
    if due:
        scores = _score(session, scorer, due)
        texts = [str(row.text) for row in due]
        verdicts = propose(texts, scores, scorer=scorer, policy=policy, detect=detect)
        rows = [
            _row(row.comment_key, verdict, judged_by)
            for row, verdict in zip(due, verdicts, strict=True)
        ]
        session.execute(update(Held), rows)
    return len(due)


def propose(
    texts: Sequence[str],
    scores: Sequence[float],
    *,
    scorer: Scorer,
    policy: Policy,
    detect: Detect | None = None,
) -> list[Verdict]:
    """
    Return what a policy proposes for comments, whose scores for the model's attribute are known.

    Raises:
        ValueError: the policy asks for languages and nothing tells them.

    """
    languages: Sequence[str | None] = [None] * len(texts)
    by_attribute: dict[str, list[float]] = {scorer.attribute: list(scores)}
    if not policy.attributes <= by_attribute.keys():
        others = scorer.score_attributes(texts)
        by_attribute |= {name: list(values) for name, values in others.items()}
    if policy.languages is not None and detect is not None:
        languages = detect(texts)
    return [
        decide(
            {name: values[place] for name, values in by_attribute.items()},
            policy,
            about=Circumstances(characters=len(text.strip()), language=language),
            base_rate=scorer.base_rates,
            model=scorer.version,
        )
        for place, (text, language) in enumerate(zip(texts, languages, strict=True))
    ]


def name_judge(scorer: Scorer, policy: Policy) -> str:
    """Return what tells verdicts of one model and policy from those of others."""
    return f"{policy.version}@{scorer.version}"


def has_score(key: object, scorer: Scorer | None):  # type: ignore[no-untyped-def]
    """Return the condition that joins a comment's score by this model."""
    version, attribute = (scorer.version, scorer.attribute) if scorer else (None, None)
    return (
        (StoredScore.comment_key == key)
        & (StoredScore.model_version == version)
        & (StoredScore.attribute == attribute)
    )


def _score(
    session: Session, scorer: Scorer, due: Sequence[Row[str, str | None, float | None]]
) -> list[float]:
    known = {row.comment_key: row.value for row in due if row.value is not None}
    unknown = [row for row in due if row.value is None]
    values = scorer.score([str(row.text) for row in unknown]) if unknown else []
    rows = [
        {
            "comment_key": row.comment_key,
            "attribute": scorer.attribute,
            "model_version": scorer.version,
            "value": float(value),
        }
        for row, value in zip(unknown, values, strict=True)
    ]
    if rows:
        session.execute(insert(StoredScore), rows)
    known.update((str(row["comment_key"]), float(str(row["value"]))) for row in rows)
    return [known[row.comment_key] for row in due]


def _row(key: str, verdict: Verdict, judged_by: str) -> dict[str, object]:
    return {
        "comment_key": key,
        "proposed": verdict.action,
        "cause": verdict.cause,
        "rule": verdict.rule.name if verdict.rule else None,
        "policy": judged_by,
    }


def _find_escalated(session: Session, keys: Sequence[str]) -> dict[str, Decision]:
    """Return the escalations after which nothing else was done with those words of a comment."""
    standing = (
        select(Decision)
        .join(StoredComment, StoredComment.key == Decision.comment_key)
        .where(
            Decision.comment_key.in_(keys),
            Decision.kind != Kind.OPINION,
            Decision.id > func.coalesce(StoredComment.words_after_id, 0),
            stands(),
        )
        .order_by(Decision.id)
    )
    last = {decision.comment_key: decision for decision in session.scalars(standing)}
    return {key: one for key, one in last.items() if one.kind is Kind.ESCALATION}
