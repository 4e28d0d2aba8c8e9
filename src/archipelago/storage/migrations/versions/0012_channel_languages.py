"""The language of the messages of a channel."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add it: channels that are there go on in English."""
    op.add_column("notice_channels", sa.Column("language", sa.String, nullable=False, server_default="en"))
