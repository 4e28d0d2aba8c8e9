"""Looks at the notices, and queues messages about what is new and what is gone."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from archipelago.api.system import Notice
from archipelago.errors import NodeError
from archipelago.notifications.message import announcement, compose
from archipelago.notifications.news import NoticePace, SeenNotice, news
from archipelago.notifications.stored_channels import least_of
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.storage.records.notice_channels import Announced, ChannelRecord
from archipelago.storage.stores.notice_channels import NoticeChannels

Source = Callable[[], Awaitable[tuple[Notice, ...]]]
"""Returns what needs the owner now."""
_MOST_WAITING = 20
"""Messages of a channel; what is new then is in a later one."""


@dataclass(slots=True)
class Watcher:
    """Queues one message for all that is new at a time."""

    store: NoticeChannels
    page: Callable[[], str]
    """Returns the address of the node's page in the local network; empty where it has none."""
    clocks: Clocks
    queued: Callable[[], None]
    """Called after a message was queued."""
    pace: NoticePace = field(default_factory=NoticePace)
    _since: dict[str, float] = field(default_factory=dict)
    """Notice -> since when it is there, by the steady clock."""
    _gone: dict[str, float] = field(default_factory=dict)
    """Notice that was announced -> since when it is not there."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look now: channels have changed."""
        self._wake.set()

    async def run(self, notices: Source) -> None:
        """Look for ever; without channels, sleep until there is one."""
        while True:
            self._wake.clear()
            has_channels = await self._look_safely(notices)
            try:
                async with asyncio.timeout(self.pace.look if has_channels else None):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def look(self, notices: Source) -> bool:
        """Queue what is new; return whether there is any channel. Raises `NodeError`."""
        channels = await self.store.all()
        if not channels:
            return False
        found = await notices()
        now = self.clocks.steady()
        self._since = {each.id: self._since.get(each.id, now) for each in found}
        sights = [SeenNotice(each, now - self._since[each.id]) for each in found]
        waiting = await self.store.waiting()
        known: set[str] = set()
        for each in channels:
            announced = await self.store.announced(each.id)
            known |= announced.keys()
            if waiting.get(each.id, 0) < _MOST_WAITING:
                await self._queue(each, announced, sights, now)
        self._gone = {key: self._gone.get(key, now) for key in known - self._since.keys()}
        return True

    async def _queue(
        self, channel: ChannelRecord, announced: Mapping[str, Announced], sights: list[SeenNotice], now: float
    ) -> None:
        gone = {key: now - self._gone.get(key, now) for key in announced}
        found = news(channel.id, least_of(channel).severity, announced, sights, gone, self.pace)
        if not found:
            return
        resolved = found.resolved if channel.resolved else ()
        message = compose(secrets.token_hex(16), self.clocks.now(), found.raised, resolved, self.page())
        content = message.model_dump_json() if message.items else None
        raised = {each.id: announcement(each) for each in found.raised}
        await self.store.queue(channel.id, content, raised, found.forgotten, self.clocks.now())
        if content is not None:
            self.queued()

    async def _look_safely(self, notices: Source) -> bool:
        try:
            return await self.look(notices)
        except NodeError as error:
            structlog.get_logger("notices").warning("notices are not looked at", error=str(error))
        except Exception:  # a bug of this program must not silence the node for ever
            structlog.get_logger("notices").exception("notices are not looked at")
        return True
