"""SQLAlchemy tables of the review desk and `create_session_factory(url)`."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import (
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    sessionmaker,
)
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

from moderation.comments import Status
from moderation.errors import ReviewError
from moderation.policy import Action

KEY_CHARACTERS = 32


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


def _words(states: type[StrEnum]) -> Enum:
    """A column of an enum's values, as words that a person can read in the database."""
    return Enum(
        states, native_enum=False, length=16, values_callable=lambda known: [s.value for s in known]
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


class StoredScore(Base):
    """What one version of a model gave a comment for one attribute."""

    __tablename__ = "score"
    __table_args__ = (Index("ix_score_order", "model_version", "attribute", "value"),)

    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), primary_key=True)
    attribute: Mapped[str] = mapped_column(String(64), primary_key=True)
    model_version: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float]


class Decision(Base):
    """One action on one comment. Rows are only added: the latest of a comment is in force."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_key: Mapped[str] = mapped_column(ForeignKey("comment.key"), index=True)
    action: Mapped[Action] = mapped_column(_words(Action))
    house_rule: Mapped[str | None] = mapped_column(String(64))
    """Why it was removed."""
    decided_by: Mapped[str] = mapped_column(Text, index=True)
    decided_at: Mapped[datetime] = mapped_column(Moment)
    score: Mapped[float | None]
    model_version: Mapped[str | None] = mapped_column(String(64))
    policy_rule: Mapped[str | None] = mapped_column(Text)
    """The rule that would have fired."""
    overrules_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """The decision that was in force on the same words before this one."""
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    """The decision this one takes back; its action is what was in force before that."""


def create_session_factory(url: str, *, create: bool = True) -> sessionmaker[Session]:
    """
    Return what opens sessions on a database, its tables made where they are missing.

    Raises:
        ReviewError: the address is malformed, the database cannot be reached, or, where it is
            not to be created, does not exist.

    """
    try:
        address = make_url(url)
        engine = create_engine(address)
        if address.get_backend_name() == "sqlite" and _prepare_folder(address, create=create):
            # A kept connection would go on writing to a file that somebody has deleted.
            engine = create_engine(address, poolclass=NullPool)
        Base.metadata.create_all(engine)
    except (ArgumentError, ValueError) as error:
        raise ReviewError(
            f"{mask_password(url)}: not a database address; expected e.g. sqlite:///data/review.db"
        ) from error
    except ImportError as error:
        raise ReviewError(
            f"{mask_password(url)}: needs the Python package {error.name}, which is not here; "
            f"install it with: pip install {error.name}"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise ReviewError(
            f"{mask_password(url)}: the database cannot be reached ({type(error).__name__}); "
            "check MODERATION_DATABASE_URL and that it runs"
        ) from error
    return sessionmaker(engine, expire_on_commit=False)


def mask_password(url: str) -> str:
    """Return a database address fit to be shown: drivers take passwords as parameters, too."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "the database address"


def _prepare_folder(address: URL, *, create: bool) -> bool:
    """Make the folder of a SQLite file and tell whether there is to be a file at all."""
    if not address.database or address.database == ":memory:":
        return False
    path = Path(address.database)
    if not create and not path.exists():
        raise ReviewError(f"{path}: no such database; review comments in the app first")
    path.parent.mkdir(parents=True, exist_ok=True)
    return True


@event.listens_for(Decision, "before_update")
@event.listens_for(Decision, "before_delete")
def _refuse_change(_mapper: object, _connection: object, decision: Decision) -> None:
    raise ReviewError(f"decision {decision.id} is history: add another one instead")


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_change(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and state.bind_mapper is Decision.__mapper__:
        raise ReviewError("decisions are history: add another one instead")
