"""Reminders of notices, and the channels by which the node sends notices to its owner."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add both, empty: what was hidden stays hidden as it was."""
    op.add_column("hidden_notices", sa.Column("until", sa.Float))
    op.create_table(
        "notice_channels",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("least", sa.String, nullable=False),
        sa.Column("resolved", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
    )
    op.create_table(
        "announced_notices",
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("notice", sa.String, primary_key=True),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("app", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "notice_messages",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", sa.Float, nullable=False),
        sa.Column("next_at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
