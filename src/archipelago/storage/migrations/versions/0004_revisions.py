"""Table of the configurations that an app has had."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "revisions",
        sa.Column("app", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("version", sa.String),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("choices", sa.Text, nullable=False),
    )
