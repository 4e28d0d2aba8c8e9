"""How each account likes the page."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add them, empty: everybody finds the page as it is made."""
    op.create_table(
        "preferences",
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
