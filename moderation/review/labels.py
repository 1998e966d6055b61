"""Labels that other systems send: kept with their comments, and decisions where they are those."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation.comments import Comment, Status
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.review.checks import check_name, storable
from moderation.review.held import can_wait, let_go
from moderation.review.history import append, lock_history
from moderation.review.house import LONGEST_RULE, SITE
from moderation.review.stored import LOOKED_UP_AT_ONCE, add_comments, stored_key, to_comment
from moderation.tables import (
    ATTRIBUTE_CHARACTERS,
    Decision,
    Kind,
    Outcome,
    StoredComment,
    StoredLabel,
)

REPEATED: Final = "repeated"
"""How labels are counted that are stored already."""
REMOVES_FROM: Final = 0.5
"""The value at or above which a label on the site's own removal says that it removed."""
UNNAMED_RULE: Final = "other"
"""The house rule of a removal for which the site names none."""
_OF_SOURCE: Final = ("source", "status", "label", "removal_reason", "highlighted")
"""What of a stored comment no label changes: its source is to be asked for these."""


@dataclass(frozen=True, kw_only=True)
class SentLabel:
    """
    What another system says of a comment, by one attribute.

    Raises:
        ValueError: an id, a value, a name or a time that cannot be stored.

    """

    id: str
    """A UUID that the delivery got when it was taken in: what comes twice is stored once."""
    comment: Comment = field(repr=False)
    attribute: str
    value: float
    removes: bool
    """Whether the attribute is the site's own removal: the label is a decision then."""
    sent_by: str
    """The name of the API key."""
    received_at: datetime
    community: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    decided_by: str | None = None
    """Who decided at the site; None where only the key is known."""
    decided_at: datetime | None = None
    """None, or later than it was received, counts as when it was received."""
    house_rule: str | None = None
    """As the site names it; None is `UNNAMED_RULE`."""
    score: float | None = None
    """What a model gave the comment before it was decided, and the version of that model."""
    model_version: str | None = None

    def __post_init__(self) -> None:
        if str(UUID(self.id)) != self.id:
            raise ValueError("the id of a label is a UUID in lower case, with hyphens")
        for name, score in (("value", self.value), ("score", self.score)):
            if score is not None and not (math.isfinite(score) and 0 <= score <= 1):
                raise ValueError(f"{name} is {score}; expected 0 to 1")
        for name, text, most in (
            ("attribute", self.attribute, ATTRIBUTE_CHARACTERS),
            ("house_rule", self.house_rule, LONGEST_RULE),
            ("model_version", self.model_version, 64),
        ):
            if text is not None and not 1 <= len(text.strip()) <= len(text) <= most:
                raise ValueError(f"{name} has {len(text)} characters; expected 1 to {most}")
        for moment in (self.received_at, self.decided_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError("times of a label are aware: attach a time zone")
        for person in (self.sent_by, self.decided_by):
            if person is not None:
                _check_name(person)

    @property
    def key(self) -> str:
        """What names the comment in the store."""
        return stored_key(self.comment)

    @property
    def action(self) -> Action | None:
        """What the site decided; None where the label does not tell."""
        if not self.removes:
            return None
        return Action.REMOVE if self.value >= REMOVES_FROM else Action.APPROVE

    @property
    def signature(self) -> str:
        """Who the history says it was."""
        return SITE + check_name(self.decided_by or self.sent_by)

    @property
    def moment(self) -> datetime:
        """When it was decided: nothing is, after it was told."""
        return min(self.decided_at or self.received_at, self.received_at)

    def to_json(self) -> str:
        """Return all of it as one line, but columns of the comment that no store keeps."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        comment = {one.name: getattr(self.comment, one.name) for one in fields(self.comment)}
        del comment["extra"]
        return json.dumps(values | {"comment": comment}, default=datetime.isoformat)

    @classmethod
    def from_json(cls, line: str) -> "SentLabel":
        """
        Return what `to_json` has written.

        Raises:
            ReviewError: it is something else; the message quotes nothing of it.

        """
        try:
            values = json.loads(line)
            comment = _read_times(values["comment"], ("created_at", "captured_at"))
            status = comment["status"]
            comment["status"] = None if status is None else Status(status)
            received_at = datetime.fromisoformat(values["received_at"])
            known = {"comment": Comment(**comment), "received_at": received_at}
            return cls(**_read_times(values, ("decided_at",)) | known)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ReviewError(
                f"no label as to_json writes it ({type(error).__name__}); "
                "another version of this program may have written it"
            ) from None


def record_labels(
    session: Session, labels: Iterable[SentLabel], *, recorded_at: datetime
) -> Counter[str]:
    """
    Store labels with their comments and return how many had which `Outcome`; the caller commits.

    A label whose id is stored already is skipped, and counted as `REPEATED`. One that removes or
    approves becomes a decision, signed `site:NAME`: the site is authoritative, so it overrules
    what is in force where that differs, takes the comment out of the queue, and ends the wait for
    a second opinion on what it overrules. It changes nothing where a later decision is in force,
    where the source has told the outcome or the words were erased, and where the words have
    changed since. All other labels are kept, and their comments wait like any new ones.
    """
    lock_history(session)
    counts: Counter[str] = Counter()
    for some in _in_runs(labels):
        new = _find_new(session, some)
        counts[REPEATED] += len(some) - len(new)
        counts.update(_record(session, new, recorded_at))
    return +counts


def labels_of(session: Session, key: str) -> list[StoredLabel]:
    """Return all labels on a comment, earliest first."""
    rows = select(StoredLabel).where(StoredLabel.comment_key == key)
    return list(session.scalars(rows.order_by(StoredLabel.received_at, StoredLabel.id)))


def _check_name(name: str) -> None:
    try:
        check_name(name)
    except ReviewError as error:
        raise ValueError(str(error)) from None


def _read_times(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    times = {name: values[name] for name in names}
    return {**values} | {
        name: None if time is None else datetime.fromisoformat(time) for name, time in times.items()
    }


def _in_runs(labels: Iterable[SentLabel]) -> Iterator[list[SentLabel]]:
    """
    Yield labels in their order, in runs that can each be recorded at once.

    In a run a comment has one version of its words, and one decision.
    """
    run: list[SentLabel] = []
    comments: dict[str, Comment] = {}
    decided: set[str] = set()
    for label in labels:
        again = comments.get(label.key, label.comment) != label.comment
        if again or (label.removes and label.key in decided) or len(run) == LOOKED_UP_AT_ONCE:
            yield run
            run, comments, decided = [], {}, set()
        run.append(label)
        comments[label.key] = label.comment
        if label.removes:
            decided.add(label.key)
    if run:
        yield run


def _find_new(session: Session, labels: Sequence[SentLabel]) -> list[SentLabel]:
    """Return the labels whose id is not stored yet, each once."""
    by_id = {label.id: label for label in reversed(labels)}
    stored = set(session.scalars(select(StoredLabel.id).where(StoredLabel.id.in_(by_id))))
    return [label for label in labels if label is by_id[label.id] and label.id not in stored]


def _record(session: Session, labels: Sequence[SentLabel], now: datetime) -> Iterator[str]:
    """Record one run and yield the outcomes."""
    rows = _store_comments(session, labels, now)
    deciding = [label for label in labels if label.action is not None]
    open_keys = set(
        session.scalars(
            select(StoredComment.key).where(
                StoredComment.key.in_([label.key for label in deciding]), can_wait()
            )
        )
    )
    in_force = _find_in_force(session, rows.values())
    outcomes = {
        label.id: _judge(label, rows[label.key], label.key in open_keys, in_force.get(label.key))
        for label in labels
    }
    recorded = [label for label in deciding if outcomes[label.id] is Outcome.RECORDED]
    decisions = _decide(session, recorded, rows, in_force)
    session.add_all(
        _as_row(label, rows[label.key], outcomes[label.id], decisions.get(label.id))
        for label in labels
    )
    session.flush()
    return (str(outcome) for outcome in outcomes.values())


def _store_comments(
    session: Session, labels: Sequence[SentLabel], now: datetime
) -> dict[str, StoredComment]:
    """Store the comments that labels are on and return what is stored by now."""
    coming = {label.key: label for label in labels}
    stored = select(StoredComment).where(StoredComment.key.in_(coming))
    # As they are by now: what decides in bulk changes rows behind the session.
    anew = stored.execution_options(populate_existing=True)
    known = {row.key: row for row in session.scalars(anew)}
    comments = (_complete(label, known.get(key)) for key, label in coming.items())
    add_comments(session, comments, added_at=now)
    return {row.key: row for row in session.scalars(stored)}


def _complete(label: SentLabel, row: StoredComment | None) -> Comment:
    """
    Return a comment as it was when its label came, with what is stored of it.

    A label carries little of a comment; what it leaves out is not gone from there.
    """
    comment = label.comment
    if comment.captured_at is None:
        comment = replace(comment, captured_at=label.received_at)
    if row is None:
        return comment
    stored = to_comment(row)
    keep = {
        one.name: getattr(stored, one.name)
        for one in fields(comment)
        if one.name in _OF_SOURCE or getattr(comment, one.name) is None
    }
    return replace(comment, **keep)


def _find_in_force(session: Session, rows: Iterable[StoredComment]) -> dict[str, Decision]:
    numbers = [row.decision_id for row in rows if row.decision_id is not None]
    found = session.scalars(select(Decision).where(Decision.id.in_(numbers)))
    return {decision.comment_key: decision for decision in found}


def _judge(
    label: SentLabel, row: StoredComment, is_open: bool, in_force: Decision | None
) -> Outcome:
    """Return what becomes of a label."""
    if label.action is None:
        return Outcome.KEPT
    if not is_open:
        return Outcome.SETTLED
    if label.comment.text and storable(label.comment.text) != row.text:
        return Outcome.KEPT
    if in_force is not None and (
        in_force.action is label.action or in_force.decided_at > label.moment
    ):
        return Outcome.UNCHANGED
    return Outcome.RECORDED


def _decide(
    session: Session,
    labels: Sequence[SentLabel],
    rows: Mapping[str, StoredComment],
    in_force: Mapping[str, Decision],
) -> dict[str, int]:
    """Add the decisions to the history, let them count, and return their numbers by label."""
    decisions = [_as_decision(label, in_force.get(label.key)) for label in labels]
    if not decisions:
        return {}
    append(session, decisions)
    for decision in decisions:
        rows[decision.comment_key].decision_id = decision.id
    let_go(session, [one.comment_key for one in decisions])
    return {label.id: decision.id for label, decision in zip(labels, decisions, strict=True)}


def _as_decision(label: SentLabel, before: Decision | None) -> Decision:
    assert label.action is not None
    rule = storable(label.house_rule.strip()) if label.house_rule else UNNAMED_RULE
    return Decision(
        comment_key=label.key,
        kind=Kind.DECISION,
        action=label.action,
        house_rule=rule if label.action is Action.REMOVE else None,
        decided_by=label.signature,
        decided_at=label.moment,
        score=label.score,
        model_version=label.model_version,
        overrules_id=before.id if before else None,
    )


def _as_row(
    label: SentLabel, row: StoredComment, outcome: Outcome, decision_id: int | None
) -> StoredLabel:
    # With what is erased, or has nothing that ever will be, nothing comes that may name somebody.
    nameless = row.forgotten_at is not None or (row.text is None and row.author is None)
    community, token = (None, None) if nameless else (label.community, label.token)
    return StoredLabel(
        id=label.id,
        comment_key=label.key,
        attribute=storable(label.attribute),
        value=label.value,
        community=None if community is None else storable(community),
        token=None if token is None else storable(token),
        sent_by=label.sent_by.strip(),
        received_at=label.received_at,
        decision_id=decision_id,
        outcome=outcome,
    )
