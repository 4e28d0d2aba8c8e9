"""Who reaches endpoints of apps through Tor, as their owner said."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add it; nothing was reached through Tor before."""
    op.add_column("apps", sa.Column("tor", sa.Text, nullable=False, server_default="{}"))
