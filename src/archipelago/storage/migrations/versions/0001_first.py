"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of version 0.1."""
    op.create_table(
        "apps",
        sa.Column("app", sa.String, primary_key=True),
        sa.Column("package", sa.Text, nullable=False),
        sa.Column("desired", sa.String, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("choices", sa.Text, nullable=False),
        sa.Column("ports", sa.Text, nullable=False),
        sa.Column("installed_at", sa.Float, nullable=False),
    )
    op.create_table(
        "slots",
        sa.Column("app", sa.String, primary_key=True),
        sa.Column("slot", sa.Integer, nullable=False, unique=True),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("app", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("operations_by_time", "operations", ["created_at"])
    op.create_table(
        "events",
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("app", sa.String),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "facts",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
