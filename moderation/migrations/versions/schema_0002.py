"""The queue, people, settings, bulk actions, near-duplicates and the sealed history."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from moderation.chain import BEGINNING, SEALED, seal

revision = "0002"
down_revision = "0001"

SEALED_AT_ONCE = 20_000
BANDS = tuple(f"band_{place}" for place in range(8))
MOMENT = sa.DateTime(timezone=True)
KIND = sa.Enum(
    "decision", "undo", "escalation", "opinion", "reopening",
    name="kind", native_enum=False, length=16,
)  # fmt: skip
DECISION = sa.table(
    "decision",
    sa.column("decided_at", MOMENT),
    *map(sa.column, (*(name for name in SEALED if name != "decided_at"), "digest")),
)

LOSSES = (
    ("SELECT count(*) FROM decision", "digests of decisions: digests noted elsewhere hold no more"),
    ("SELECT count(*) FROM decision WHERE note IS NOT NULL", "notes on decisions"),
    ("SELECT count(*) FROM decision WHERE kind = 'opinion'", "second opinions, which are deleted"),
    (
        "SELECT count(*) FROM decision WHERE kind IN ('escalation', 'reopening')",
        "escalations and reopenings, of which only that the comment waited stays",
    ),
    ("SELECT count(*) FROM bulk", "bulk actions, whose decisions stay as single ones"),
    ("SELECT count(*) FROM decision WHERE weight <> 1", "weights of decisions drawn by lot"),
    ("SELECT count(*) FROM person", "roles and personal settings"),
    ("SELECT count(*) FROM setting", "settings of the desk"),
    (
        "SELECT count(*) FROM comment WHERE forgotten_at IS NOT NULL",
        "marks of erased words: a saved page that still shows them would bring them back",
    ),
)


def upgrade() -> None:
    op.create_table(
        "bulk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chosen_by", sa.String(length=64), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.Column("undoes_id", sa.Integer()),
        sa.ForeignKeyConstraint(["undoes_id"], ["bulk.id"], name="fk_bulk_undoes_id_bulk"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk"),
    )
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chain"),
    )
    op.create_table(
        "person",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("read-only", "moderator", "lead", name="role", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("care", sa.JSON(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_person"),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "held",
        sa.Column("comment_key", sa.String(length=32), nullable=False),
        sa.Column("held_at", MOMENT, nullable=False),
        sa.Column(
            "proposed",
            sa.Enum("approve", "hold", "remove", name="action", native_enum=False, length=16),
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "a rule matches",
                "no rule matches",
                "rules disagree",
                "there is no score",
                "the text is too short",
                "the model does not know the language",
                name="cause",
                native_enum=False,
                length=64,
            ),
        ),
        sa.Column("rule", sa.Text()),
        sa.Column("policy", sa.String(length=64)),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_until", MOMENT),
        sa.Column("not_for", sa.Text()),
        sa.Column("escalation_id", sa.Integer()),
        sa.Column("opinion_on_id", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["comment_key"], ["comment.key"], name="fk_held_comment_key_comment"
        ),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["decision.id"], name="fk_held_escalation_id_decision"
        ),
        sa.ForeignKeyConstraint(
            ["opinion_on_id"], ["decision.id"], name="fk_held_opinion_on_id_decision"
        ),
        sa.PrimaryKeyConstraint("comment_key", name="pk_held"),
    )
    with op.batch_alter_table("held") as table:
        table.create_index("ix_held_claim", ["claimed_by", "claimed_until"])
        table.create_index("ix_held_held_at", ["held_at"])

    with op.batch_alter_table("comment") as table:
        table.add_column(sa.Column("words_after_id", sa.Integer()))
        table.add_column(sa.Column("forgotten_at", MOMENT))
        table.add_column(
            sa.Column("signed_with", sa.SmallInteger(), server_default="0", nullable=False)
        )
        for band in BANDS:
            table.add_column(sa.Column(band, sa.BigInteger()))
        table.create_index("ix_comment_author", ["author"])
        table.create_index("ix_comment_signed_with", ["signed_with"])
        for band in BANDS:
            has_it = sa.text(f"{band} IS NOT NULL")
            table.create_index(
                f"ix_comment_{band}",
                [band, "decision_id"],
                sqlite_where=has_it,
                postgresql_where=has_it,
            )
        table.create_index("ix_comment_article", ["article_id"])

    with op.batch_alter_table("decision") as table:
        table.add_column(sa.Column("kind", KIND))
        table.add_column(sa.Column("opinion_on_id", sa.Integer()))
        table.add_column(sa.Column("bulk_id", sa.Integer()))
        table.add_column(sa.Column("weight", sa.Double()))
        table.add_column(sa.Column("note", sa.Text()))
        table.add_column(sa.Column("note_digest", sa.String(length=64)))
        table.add_column(sa.Column("digest", sa.String(length=64)))
        table.drop_index("ix_decision_decided_by")
        table.create_index("ix_decision_decided_by", ["decided_by", "id"])
        table.create_index("ix_decision_bulk_id", ["bulk_id"])
        table.create_foreign_key(
            "fk_decision_opinion_on_id_decision", "decision", ["opinion_on_id"], ["id"]
        )
        table.create_foreign_key("fk_decision_bulk_id_bulk", "bulk", ["bulk_id"], ["id"])
    _number_in_history()
    _seal_history()
    with op.batch_alter_table("decision") as table:
        table.alter_column("kind", existing_type=KIND, nullable=False)
        table.alter_column("weight", existing_type=sa.Double(), nullable=False)
        table.alter_column("digest", existing_type=sa.String(length=64), nullable=False)
    _mark_edited_words()
    _hold_what_waits()


def downgrade() -> None:
    _drop_opinions()
    with op.batch_alter_table("decision") as table:
        table.drop_constraint("fk_decision_bulk_id_bulk", type_="foreignkey")
        table.drop_constraint("fk_decision_opinion_on_id_decision", type_="foreignkey")
        table.drop_index("ix_decision_bulk_id")
        table.drop_index("ix_decision_decided_by")
        table.create_index("ix_decision_decided_by", ["decided_by"])
        table.drop_column("digest")
        table.drop_column("note_digest")
        table.drop_column("note")
        table.drop_column("weight")
        table.drop_column("bulk_id")
        table.drop_column("opinion_on_id")
        table.drop_column("kind")
    _number_in_database()
    with op.batch_alter_table("comment") as table:
        for band in BANDS:
            table.drop_index(f"ix_comment_{band}")
            table.drop_column(band)
        table.drop_index("ix_comment_signed_with")
        table.drop_column("signed_with")
        table.drop_index("ix_comment_article")
        table.drop_index("ix_comment_author")
        table.drop_column("forgotten_at")
        table.drop_column("words_after_id")
    for name in ("held", "setting", "person", "chain", "bulk"):
        op.drop_table(name)


def find_losses(connection: sa.Connection) -> list[str]:
    """Return what the schema before cannot hold, with how often it is there."""
    counts = ((connection.scalar(sa.text(query)) or 0, what) for query, what in LOSSES)
    return [f"{count:,} {what}" for count, what in counts if count]


def _seal_history() -> None:
    """Give what was decided before the digests that it would have had from the beginning."""
    connection = op.get_bind()
    kind = sa.case(
        (DECISION.c.undoes_id.is_not(None), "undo"),
        # Only a database that has been at this schema before has others that hold.
        (DECISION.c.action == "hold", "reopening"),
        else_="decision",
    )
    connection.execute(sa.update(DECISION).values(kind=kind, weight=1.0))
    rows = connection.scalar(sa.select(sa.func.count()).select_from(DECISION))
    before, last, done = BEGINNING, 0, 0
    while sealed := list(_seal_some(before, last)):
        which = DECISION.c.id == sa.bindparam("which")
        connection.execute(
            sa.update(DECISION).where(which).values(digest=sa.bindparam("sealed")), sealed
        )
        before, last = sealed[-1]["sealed"], sealed[-1]["which"]
        done += len(sealed)
        _tell(f"sealed {done:,} of {rows:,} decisions")
    chain = sa.table("chain", sa.column("id"), sa.column("last_id"), sa.column("digest"))
    connection.execute(sa.insert(chain).values(id=1, last_id=last, digest=before))


def _seal_some(before: str, last: int) -> Iterator[dict[str, Any]]:
    rows = sa.select(DECISION).where(DECISION.c.id > last).order_by(DECISION.c.id)
    for row in op.get_bind().execute(rows.limit(SEALED_AT_ONCE)).mappings().all():
        # SQLite keeps no zone: its times are UTC.
        moment = row["decided_at"]
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        before = seal({**row, "decided_at": aware}, before=before)
        yield {"which": row["id"], "sealed": before}


def _mark_edited_words() -> None:
    """
    Note where the words are other ones than those that were decided on.

    The schema before told so only by there being no decision in force although there was one.
    """
    comment = sa.table("comment", *map(sa.column, ("key", "decision_id", "words_after_id")))
    own = sa.select(DECISION).where(DECISION.c.comment_key == comment.c.key)
    latest = own.order_by(DECISION.c.id.desc()).limit(1)
    op.get_bind().execute(
        sa.update(comment)
        .values(words_after_id=latest.with_only_columns(DECISION.c.id).scalar_subquery())
        .where(
            comment.c.decision_id.is_(None),
            latest.with_only_columns(DECISION.c.action).scalar_subquery() != "hold",
        )
    )


def _hold_what_waits() -> None:
    comment = sa.table(
        "comment", *map(sa.column, ("key", "text", "label", "status", "decision_id"))
    )
    held = sa.table("held", sa.column("comment_key"), sa.column("held_at", MOMENT))
    waits = sa.select(comment.c.key, sa.literal(datetime.now(UTC), MOMENT)).where(
        comment.c.text != "",
        comment.c.label.is_(None),
        sa.or_(comment.c.status.is_(None), comment.c.status.in_(["published", "pending"])),
        comment.c.decision_id.is_(None),
    )
    op.get_bind().execute(sa.insert(held).from_select(["comment_key", "held_at"], waits))


def _drop_opinions() -> None:
    """Delete what the schema before would take for decisions that count."""
    opinions = sa.select(DECISION.c.id).where(DECISION.c.kind == "opinion").scalar_subquery()
    op.get_bind().execute(
        sa.delete(DECISION).where(
            sa.or_(DECISION.c.kind == "opinion", DECISION.c.undoes_id.in_(opinions))
        )
    )


def _number_in_history() -> None:
    """Let the end of the history number the next decision; PostgreSQL's sequence did before."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE decision ALTER COLUMN id DROP DEFAULT")
        op.execute("DROP SEQUENCE decision_id_seq")


def _number_in_database() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE decision_id_seq AS integer OWNED BY decision.id")
        op.execute("ALTER TABLE decision ALTER COLUMN id SET DEFAULT nextval('decision_id_seq')")
        op.execute(
            "SELECT setval('decision_id_seq', coalesce(max(id), 0) + 1, false) FROM decision"
        )


def _tell(line: str) -> None:
    config = op.get_context().config
    assert config is not None
    config.attributes["tell"](line)
