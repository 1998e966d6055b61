"""SQLAlchemy tables of the review desk: comments, what waits, decisions, labels and people."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    String,
    Text,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from moderation.comments import Status
from moderation.errors import ReviewError
from moderation.policy import Action, Cause

KEY_CHARACTERS = 32
DIGEST_CHARACTERS = 64
CHOSEN_CHARACTERS = 64
ATTRIBUTE_CHARACTERS = 64
LABEL_ID_CHARACTERS = 36
BAND_COLUMNS = tuple(f"band_{place}" for place in range(8))


class Kind(StrEnum):
    """What a row of the history is."""

    DECISION = "decision"
    UNDO = "undo"
    """Takes another one back; its action is what was in force before that."""
    ESCALATION = "escalation"
    """Hands a comment to a second moderator, with a note."""
    OPINION = "opinion"
    """A second moderator's decision, made blind; it is compared and never in force."""
    REOPENING = "reopening"
    """Puts a decided comment up for review again."""


class Outcome(StrEnum):
    """What became of a label that another system sent."""

    RECORDED = "recorded"
    """It is a decision now."""
    UNCHANGED = "unchanged"
    """The decision in force says the same, or was made later."""
    SETTLED = "settled"
    """Nothing is to be decided: the source has told the outcome, or there are no words."""
    KEPT = "kept"
    """It tells no outcome, or is about words that the comment no longer has."""


class Role(StrEnum):
    """What somebody may do at the desk, least first."""

    READER = "read-only"
    MODERATOR = "moderator"
    LEAD = "lead"
    """Bulk actions, settings and models as well."""


class Moment(TypeDecorator[datetime]):
    """An aware time, stored as UTC where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("times are stored aware: attach a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(states: type[StrEnum], *, length: int = 16) -> Enum:
    """A column of an enum's values, as words that a person can read in the database."""
    return Enum(
        states,
        native_enum=False,
        length=length,
        values_callable=lambda known: [state.value for state in known],
    )


def _index_band(band: str) -> Index:
    """Find comments by a band in the order of their decisions; those without it cost nothing."""
    has_it = text(f"{band} IS NOT NULL")
    return Index(
        f"ix_comment_{band}", band, "decision_id", sqlite_where=has_it, postgresql_where=has_it
    )


class Base(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class StoredComment(Base):
    """A comment as its source last showed it."""

    __tablename__ = "comment"
    __table_args__ = (
        Index("ix_comment_place", "article_key", "source_id"),
        Index("ix_comment_parent", "article_key", "source_parent_id"),
        Index("ix_comment_author", "author"),
        Index("ix_comment_signed_with", "signed_with"),
        *map(_index_band, BAND_COLUMNS),
        Index("ix_comment_article", "article_id"),
    )

    key: Mapped[str] = mapped_column(String(KEY_CHARACTERS), primary_key=True)
    """Made of the article and the source's id, which alone may repeat between articles."""
    article_key: Mapped[str] = mapped_column(Text)
    source_id: Mapped[str] = mapped_column(Text)
    source_parent_id: Mapped[str | None] = mapped_column(Text)
    number: Mapped[int | None]
    article_id: Mapped[str | None] = mapped_column(Text)
    article_title: Mapped[str | None] = mapped_column(Text)
    author: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(Moment)
    captured_at: Mapped[datetime | None] = mapped_column(Moment)
    positive_votes: Mapped[int | None]
    negative_votes: Mapped[int | None]
    rating: Mapped[int | None]
    status: Mapped[Status | None] = mapped_column(_words(Status))
    removal_reason: Mapped[str | None] = mapped_column(Text)
    highlighted: Mapped[bool]
    label: Mapped[int | None]
    """Known outcome, from captures or the source: such a comment does not wait."""
    source: Mapped[str] = mapped_column(Text)
    decision_id: Mapped[int | None]
    """The decision in force on these words; the history decides, this finds it at once."""
    words_after_id: Mapped[int | None]
    """The end of the history when these words came: what is before is about other words."""
    forgotten_at: Mapped[datetime | None] = mapped_column(Moment)
    """When its words or its author were erased; a source that still shows them brings neither."""
    signed_with: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """The version of `similar` that made the bands; 0 where they are still to be made."""
    band_0: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    """A band of the MinHash signature of these words, by which near-duplicates are found."""
    band_1: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_2: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_3: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_4: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_5: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_6: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    band_7: Mapped[int | None] = mapped_column(BigInteger, deferred=True)


class Held(Base):
    """A comment that waits for a person: the queue, with whoever has it on screen."""

    __tablename__ = "held"
    __table_args__ = (Index("ix_held_claim", "claimed_by", "claimed_until"),)

    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), primary_key=True)
    held_at: Mapped[datetime] = mapped_column(Moment, index=True)
    proposed: Mapped[Action | None] = mapped_column(_words(Action))
    """What the policy proposes; with the next two, of the version in `policy`."""
    cause: Mapped[Cause | None] = mapped_column(_words(Cause, length=64))
    rule: Mapped[str | None] = mapped_column(Text)
    policy: Mapped[str | None] = mapped_column(String(64))
    claimed_by: Mapped[str | None] = mapped_column(Text)
    claimed_until: Mapped[datetime | None] = mapped_column(Moment)
    not_for: Mapped[str | None] = mapped_column(Text)
    """Whoever escalated it, or decided first: it waits for somebody else."""
    escalation_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    opinion_on_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """The decision on which a blind second opinion is wanted."""


class StoredScore(Base):
    """What one version of a model gave a comment for one attribute."""

    __tablename__ = "score"
    __table_args__ = (Index("ix_score_order", "model_version", "attribute", "value"),)

    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), primary_key=True)
    attribute: Mapped[str] = mapped_column(String(ATTRIBUTE_CHARACTERS), primary_key=True)
    model_version: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float]


class Decision(Base):
    """One action on one comment. Rows are only added: the latest of a comment is in force."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_decided_by", "decided_by", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Its place in the history, from 1; only what PostgreSQL has numbered in 0.4 may have gaps."""
    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), index=True)
    kind: Mapped[Kind] = mapped_column(_words(Kind))
    action: Mapped[Action] = mapped_column(_words(Action))
    house_rule: Mapped[str | None] = mapped_column(String(64))
    """Why it was removed."""
    decided_by: Mapped[str] = mapped_column(Text)
    """A moderator's name, "policy:VERSION" where no person was asked, or "site:NAME" elsewhere."""
    decided_at: Mapped[datetime] = mapped_column(Moment)
    score: Mapped[float | None]
    model_version: Mapped[str | None] = mapped_column(String(64))
    policy_rule: Mapped[str | None] = mapped_column(Text)
    """The rule that would have fired."""
    overrules_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """The decision that was in force on the same words before this one."""
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    """The decision this one takes back."""
    opinion_on_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """The decision that this is a second opinion on."""
    bulk_id: Mapped[int | None] = mapped_column(ForeignKey("bulk.id"), index=True)
    weight: Mapped[float] = mapped_column(default=1.0)
    """How many comments it stands for, where it was drawn into a sample; else 1."""
    note: Mapped[str | None] = mapped_column(Text)
    """The moderator's words; may be erased, the digest counts their digest only."""
    note_digest: Mapped[str | None] = mapped_column(String(DIGEST_CHARACTERS))
    digest: Mapped[str] = mapped_column(String(DIGEST_CHARACTERS))
    """SHA-256 of this row and of the digest of the one before it (`chain.seal`)."""


class StoredLabel(Base):
    """What another system said of a comment. It holds no words, and rows are only added."""

    __tablename__ = "site_label"

    id: Mapped[str] = mapped_column(String(LABEL_ID_CHARACTERS), primary_key=True)
    """The delivery's: what comes twice is stored once."""
    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), index=True)
    attribute: Mapped[str] = mapped_column(String(ATTRIBUTE_CHARACTERS))
    value: Mapped[float]
    """From 0 to 1, as it was sent."""
    community: Mapped[str | None] = mapped_column(Text)
    """With the token erased when the comment's words or author are: either may name somebody."""
    token: Mapped[str | None] = mapped_column(Text)
    sent_by: Mapped[str] = mapped_column(Text)
    """The name of the API key."""
    received_at: Mapped[datetime] = mapped_column(Moment)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """The decision it led to."""
    outcome: Mapped[Outcome] = mapped_column(_words(Outcome))


class Chain(Base):
    """The end of the history, one row: whoever adds to it locks this first."""

    __tablename__ = "chain"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_id: Mapped[int]
    digest: Mapped[str] = mapped_column(String(DIGEST_CHARACTERS))


class Bulk(Base):
    """Many decisions made at once, and taken back at once."""

    __tablename__ = "bulk"

    id: Mapped[int] = mapped_column(primary_key=True)
    chosen_by: Mapped[str] = mapped_column(String(CHOSEN_CHARACTERS))
    """How the comments were chosen: by near-duplicates, a score range, an author, a search."""
    comments: Mapped[int]
    done_by: Mapped[str] = mapped_column(Text)
    done_at: Mapped[datetime] = mapped_column(Moment)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("bulk.id"))
    """Which action it takes back what was in force of; more may come to be in force again."""


class Person(Base):
    """Somebody at the desk: the role and the settings that are theirs."""

    __tablename__ = "person"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[Role] = mapped_column(_words(Role))
    care: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What they chose of `review.Care`."""
    seen_at: Mapped[datetime] = mapped_column(Moment)


class Setting(Base):
    """What a lead has set for everybody."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Moment)


@event.listens_for(Decision, "before_update")
@event.listens_for(Decision, "before_delete")
def _refuse_change(_mapper: object, _connection: object, decision: Decision) -> None:
    raise ReviewError(f"decision {decision.id} is history: add another one instead")


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_change(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and state.bind_mapper is Decision.__mapper__:
        raise ReviewError("decisions are history: add another one instead")
