"""Comments, scores and decisions: the schema of 0.1 to 0.4."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "comment",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("article_key", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_parent_id", sa.Text()),
        sa.Column("number", sa.Integer()),
        sa.Column("article_id", sa.Text()),
        sa.Column("article_title", sa.Text()),
        sa.Column("author", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("created_at", MOMENT),
        sa.Column("captured_at", MOMENT),
        sa.Column("positive_votes", sa.Integer()),
        sa.Column("negative_votes", sa.Integer()),
        sa.Column("rating", sa.Integer()),
        sa.Column(
            "status",
            sa.Enum(
                "published",
                "removed",
                "pending",
                "withdrawn",
                name="status",
                native_enum=False,
                length=16,
            ),
        ),
        sa.Column("removal_reason", sa.Text()),
        sa.Column("highlighted", sa.Boolean(), nullable=False),
        sa.Column("label", sa.Integer()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Integer()),
        sa.PrimaryKeyConstraint("key", name="pk_comment"),
    )
    with op.batch_alter_table("comment") as table:
        table.create_index("ix_comment_parent", ["article_key", "source_parent_id"])
        table.create_index("ix_comment_place", ["article_key", "source_id"])

    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_key", sa.String(length=32), nullable=False),
        sa.Column(
            "action",
            sa.Enum("approve", "hold", "remove", name="action", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("house_rule", sa.String(length=64)),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("model_version", sa.String(length=64)),
        sa.Column("policy_rule", sa.Text()),
        sa.Column("overrules_id", sa.Integer()),
        sa.Column("undoes_id", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["comment_key"], ["comment.key"], name="fk_decision_comment_key_comment"
        ),
        sa.ForeignKeyConstraint(
            ["overrules_id"], ["decision.id"], name="fk_decision_overrules_id_decision"
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["decision.id"], name="fk_decision_undoes_id_decision"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sa.UniqueConstraint("undoes_id", name="uq_decision_undoes_id"),
    )
    with op.batch_alter_table("decision") as table:
        table.create_index("ix_decision_comment_key", ["comment_key"])
        table.create_index("ix_decision_decided_by", ["decided_by"])

    op.create_table(
        "score",
        sa.Column("comment_key", sa.String(length=32), nullable=False),
        sa.Column("attribute", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_key"], ["comment.key"], name="fk_score_comment_key_comment"
        ),
        sa.PrimaryKeyConstraint("comment_key", "attribute", "model_version", name="pk_score"),
    )
    with op.batch_alter_table("score") as table:
        table.create_index("ix_score_order", ["model_version", "attribute", "value"])
