"""How runs were when they were looked at last, and the notices that the owner has hidden."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add both, empty: runs that go on are looked at as new ones once."""
    op.create_table(
        "runs",
        sa.Column("app", sa.String, primary_key=True),
        sa.Column("container", sa.String, primary_key=True),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "hidden_notices",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("muted", sa.Boolean, nullable=False),
        sa.Column("said", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
