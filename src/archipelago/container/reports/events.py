"""What has changed, as it changes."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from archipelago.api.events import Event, event_view, event_views
from archipelago.storage.event_bus import EventBus
from archipelago.storage.stores.state import State


@dataclass(frozen=True, slots=True)
class EventReporter:
    """Reads events; the newest has the revision of the node."""

    state: State
    bus: EventBus

    @property
    def revision(self) -> int:
        """Revision of the newest event."""
        return self.state.revision

    async def since(self, revision: int, limit: int, *, newest: bool) -> tuple[Event, ...]:
        """Return the events that come next after a revision, or the newest ones; the oldest of them first."""
        return tuple(map(event_view, await self.state.events_since(revision, limit, newest=newest)))

    def follow(self, since: int) -> AsyncGenerator[Event, None]:
        """Yield all events after revision `since` for ever, without gaps."""
        return event_views(self.bus.follow(since, self.state.events_since))
