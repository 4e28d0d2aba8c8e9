"""Versions of accounts, which their sessions carry, and notices about changes of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add them; each account gets a number of its own, and its sessions go on."""
    op.add_column("users", sa.Column("version", sa.Integer, nullable=False, server_default="0"))
    op.add_column("users", sa.Column("marks_from", sa.Integer, nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("version", sa.Integer, nullable=False, server_default="0"))
    op.create_table("account_changes", sa.Column("latest", sa.Integer, primary_key=True))
    op.execute("UPDATE users SET version = rowid")
    # A session whose account is gone gets no version, and is good for nothing.
    op.execute(
        "UPDATE sessions SET version = (SELECT version FROM users WHERE users.name = sessions.user) "
        "WHERE user IN (SELECT name FROM users)"
    )
    op.execute("INSERT INTO account_changes SELECT COALESCE(MAX(version), 0) FROM users")
    op.create_table(
        "account_notices",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
