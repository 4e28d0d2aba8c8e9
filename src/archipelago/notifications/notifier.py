"""Runs what sends notices to the owner, beside everything else that the node does."""

import asyncio
from dataclasses import dataclass, field

from archipelago.notifications.channels import ChannelDesk
from archipelago.notifications.courier import Courier
from archipelago.notifications.watcher import Source, Watcher


@dataclass(slots=True)
class Notifier:
    """Starts and stops the watcher and the courier."""

    desk: ChannelDesk
    watcher: Watcher
    courier: Courier
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, notices: Source) -> None:
        """Start both."""
        self._tasks = [asyncio.create_task(work) for work in (self.watcher.run(notices), self.courier.run())]

    async def close(self) -> None:
        """Stop both; what has not arrived waits for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.courier.close()
