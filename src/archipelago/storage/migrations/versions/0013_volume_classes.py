"""The strictest that versions of apps have said of their volumes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table: `State.open` writes what the installed apps say."""
    op.create_table(
        "volume_classes",
        sa.Column("app", sa.String, primary_key=True),
        sa.Column("volume", sa.String, primary_key=True),
        sa.Column("data", sa.String, nullable=False),
        sa.Column("funds", sa.Boolean, nullable=False),
    )
