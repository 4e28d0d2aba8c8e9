"""The owner's switches of endpoints: open to the local network, or not."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add them; of apps that are installed none was used yet, so their manifests decide as before."""
    op.add_column("apps", sa.Column("lan", sa.Text, nullable=False, server_default="{}"))
