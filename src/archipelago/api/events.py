"""Events: what changed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from pydantic import Field

from archipelago.storage.records.events import EventRecord
from archipelago.support.view import View


class Event(View):
    """Something that changed."""

    revision: int
    at: datetime
    kind: str
    """`app`, `operation`, `health`, `catalog` or `system`."""
    app: str | None = None
    message: str = ""
    data: dict[str, object] = Field(default={})


def event_view(record: EventRecord) -> Event:
    """Return what leaves the node of an event."""
    return Event(
        revision=record.revision,
        at=record.at,
        kind=record.kind,
        app=record.app,
        message=record.message,
        data=dict(record.data),
    )


async def event_views(records: AsyncGenerator[EventRecord, None]) -> AsyncGenerator[Event, None]:
    """Yield what leaves the node of a stream of events; closes the stream at the end."""
    async with aclosing(records):
        async for record in records:
            yield event_view(record)
