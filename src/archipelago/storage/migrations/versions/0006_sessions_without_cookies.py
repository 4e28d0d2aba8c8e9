"""End all sessions: their secrets were cookies, which apps on other ports of the same host have been sent too."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forget them; everybody logs in again."""
    op.execute("DELETE FROM sessions")
