"""Events: what changed."""

from datetime import datetime

from pydantic import Field

from archipelago.api.view import View


class Event(View):
    """Something that changed."""

    revision: int
    at: datetime
    kind: str
    """`app`, `operation`, `health`, `catalog` or `system`."""
    app: str | None = None
    message: str = ""
    data: dict[str, object] = Field(default={})
