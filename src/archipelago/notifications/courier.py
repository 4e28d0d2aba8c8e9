"""Delivers the messages that wait, in order for each channel, again and again until they arrive."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from archipelago.errors import NodeError
from archipelago.notifications.carrier import Carrier
from archipelago.notifications.message import OwnerMessage
from archipelago.notifications.retries import pause
from archipelago.notifications.senders.sender import SendError
from archipelago.notifications.stored_texts import text_to_store
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.storage.records.notice_channels import ChannelRecord, QueuedMessage
from archipelago.storage.stores.notice_channels import NoticeChannels
from archipelago.support.wall_spans import StoredSpans

_GRACE = 5.0
"""Seconds that attempts get at the end: one that is cut off might have arrived, and is made again at the next start."""
_LONGEST_SLEEP = 300.0
"""Seconds after which the time is looked at again: the machine may have slept."""


@dataclass(slots=True)
class Courier:
    """Sends the oldest message of each channel at its time. Each attempt is written down before the next one."""

    store: NoticeChannels
    carrier: Carrier
    clocks: Clocks
    changed: Callable[[str], Awaitable[object]]
    """Writes an event; takes what happened."""
    _waits: StoredSpans[int] = field(default_factory=StoredSpans)
    """By the number of the message, until its next attempt."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _attempts: set[asyncio.Task[None]] = field(default_factory=set)
    _busy: set[str] = field(default_factory=set)
    """Channels with an attempt that runs: one that answers late delays no other."""
    _arrived: set[int] = field(default_factory=set)
    """Numbers of messages that have arrived while the database could not be written: they are not sent again."""

    def wake(self) -> None:
        """Look for messages now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            self._wake.clear()
            pause_for = await self._deliver()
            try:
                async with asyncio.timeout(pause_for):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """Let attempts that run end, for a short time."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=_GRACE)
        for task in self._attempts:
            task.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _deliver(self) -> float | None:
        """Start the attempts that are due; return the seconds until the next one, None where nothing waits."""
        busy = frozenset(self._busy)  # before it reads: a message may be among the heads whose attempt ends meanwhile
        try:
            heads = await self.store.heads()
            channels = {each.id: each for each in await self.store.all()} if heads else {}
        except NodeError as error:
            structlog.get_logger("notices").warning("messages cannot be read", error=str(error))
            return _LONGEST_SLEEP
        spans = {each.number: (each.tried_at, each.next_at) for each in heads}
        left = self._waits.left(spans, self.clocks.now(), self.clocks.steady())
        waits = []
        for each in heads:
            if each.channel in busy or each.channel not in channels:
                continue  # its end wakes this
            if left[each.number]:
                waits.append(left[each.number])
                continue
            self._busy.add(each.channel)
            task = asyncio.create_task(self._attempt(channels[each.channel], each))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)
        return min(*waits, _LONGEST_SLEEP) if waits else None

    async def _attempt(self, channel: ChannelRecord, queued: QueuedMessage) -> None:
        try:
            why = None if queued.number in self._arrived else await self._try(channel, queued)
            if why is None:
                self._arrived.add(queued.number)
                await self.store.sent(channel.id, queued.number, self.clocks.now())
                self._arrived.discard(queued.number)
            else:
                wait, now = pause(queued.attempts + 1), self.clocks.now()
                next_at = None if wait is None else now + wait
                await self.store.failed(queued, text_to_store(why), now, next_at)
            if why is not None or channel.failures:
                await self.changed("a message to the owner was sent" if why is None else "a message did not arrive")
        except NodeError as error:
            structlog.get_logger("notices").warning("an attempt is not written down", error=str(error))
            await asyncio.sleep(_GRACE)
        finally:
            self._busy.discard(channel.id)
            self.wake()

    async def _try(self, channel: ChannelRecord, queued: QueuedMessage) -> str | None:
        """Return why a message has not arrived; None where it has."""
        try:
            await self.carrier.carry(channel, OwnerMessage.model_validate_json(queued.content))
        except (SendError, NodeError) as error:
            return str(error)
        except ValidationError:
            return None  # another version wrote it, and this one cannot read it: there is nothing to send
        except Exception as error:  # a bug of this program must not end all other messages
            structlog.get_logger("notices").exception("a message is not sent")
            return type(error).__name__
        return None
