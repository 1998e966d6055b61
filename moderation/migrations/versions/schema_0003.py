"""Labels that other systems send."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

LOSS = "labels that other systems sent; the decisions that they led to stay"


def upgrade() -> None:
    op.create_table(
        "site_label",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("comment_key", sa.String(length=32), nullable=False),
        sa.Column("attribute", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("community", sa.Text()),
        sa.Column("token", sa.Text()),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.Integer()),
        sa.Column(
            "outcome",
            sa.Enum(
                "recorded", "unchanged", "settled", "kept",
                name="outcome", native_enum=False, length=16,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["comment_key"], ["comment.key"], name="fk_site_label_comment_key_comment"
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name="fk_site_label_decision_id_decision"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_site_label"),
    )  # fmt: skip
    with op.batch_alter_table("site_label") as table:
        table.create_index("ix_site_label_comment_key", ["comment_key"])


def downgrade() -> None:
    op.drop_table("site_label")


def find_losses(connection: sa.Connection) -> list[str]:
    """Return what the schema before cannot hold, with how often it is there."""
    count = connection.scalar(sa.text("SELECT count(*) FROM site_label")) or 0
    return [f"{count:,} {LOSS}"] if count else []
