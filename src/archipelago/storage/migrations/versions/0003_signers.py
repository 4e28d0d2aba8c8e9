"""Tables of signers of images."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "signers",
        sa.Column("publisher", sa.String, primary_key=True),
        sa.Column("signer", sa.String, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "verified",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("signer", sa.String, primary_key=True),
    )
