"""A node that has nothing but notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.api.notice_channels import Channel, ChannelSettings, WebhookTarget
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.notifications.carrier import Carrier
from archipelago.notifications.channels import ChannelDesk
from archipelago.notifications.courier import Courier
from archipelago.notifications.news import NoticePace
from archipelago.notifications.notifier import Notifier
from archipelago.notifications.watcher import Watcher
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.database import Database
from archipelago.storage.stores.notice_channels import NoticeChannels
from support.tiny_receivers import HttpReceiver, http_receiver, make_certificate


def notice(key: str = "app:knots", level: Severity = Severity.WARNING) -> Notice:
    return Notice(
        id=key, said="0" * 16, level=level, kind=NoticeKind.APP, cause=key, name="Knots", text=f"{key} is down"
    )


@dataclass
class NoticeScene:
    """A node that has nothing but notices, and its owner's server."""

    database: Database
    secrets: SecretsManager
    server: HttpReceiver
    trust: object
    wall: float = 1_800_000_000.0
    steady: float = 1000.0
    notices: list[Notice] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    looks: int = 0
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self.new_life()

    @property
    def store(self) -> NoticeChannels:
        return NoticeChannels(self.database)

    @property
    def desk(self) -> ChannelDesk:
        return self.notifier.desk

    def new_life(self) -> None:
        """Build what sends, as a start of the node does."""
        carrier = Carrier(self.secrets, self.secrets.redactor, self.trust)  # type: ignore[arg-type]

        async def changed(what: str) -> None:
            self.events.append(what)

        clocks = Clocks(lambda: self.wall, lambda: self.steady)
        courier = Courier(self.store, carrier, clocks, changed)
        watcher = Watcher(self.store, str, clocks, courier.wake, NoticePace(settle=60, calm=600, look=3600))

        def wake() -> None:
            watcher.wake()
            courier.wake()

        self.notifier = Notifier(ChannelDesk(self.store, carrier, str, lambda: self.wall, wake), watcher, courier)

    async def found(self) -> tuple[Notice, ...]:
        self.looks += 1
        return tuple(self.notices)

    async def look(self, *, after: float = 0.0) -> None:
        """Look at the notices, some time after the last look."""
        self.spend(after)
        await self.notifier.watcher.look(self.found)

    def spend(self, seconds: float) -> None:
        """Let time pass."""
        self.steady += seconds
        self.wall += seconds

    @contextlib.asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Deliver meanwhile, and stop as an orderly end of the node does."""
        run = asyncio.create_task(self.notifier.courier.run())
        try:
            yield
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await self.notifier.courier.close()

    async def until_sent(self) -> None:
        """Return once nothing waits."""
        while await self.store.heads():
            await asyncio.sleep(0.01)

    async def attempts(self, count: int) -> None:
        """Return once the message that waits was tried so often."""
        while True:
            heads = await self.store.heads()
            if heads and heads[0].attempts >= count:
                return
            await asyncio.sleep(0.01)

    async def add(self, secret: str | None = None, **more: object) -> Channel:
        """Add a webhook."""
        target = WebhookTarget(kind="webhook", url=self.server.url)
        settings = ChannelSettings.model_validate({"name": "phone", "target": target, **more})
        return await self.desk.save(None, settings, secret)

    async def queue_one(self) -> Channel:
        """Add a webhook, for which one message about one notice waits."""
        added = await self.add()
        self.notices = [notice()]
        await self.look()
        await self.look(after=60)
        return added


@asynccontextmanager
async def notice_scene(tmp_path: Path) -> AsyncIterator[NoticeScene]:
    certificate = make_certificate(tmp_path)
    database = await Database(tmp_path / "state.db").open()
    async with http_receiver(certificate) as server:
        yield NoticeScene(database, SecretsManager(tmp_path / "apps", tmp_path / "node.key"), server, certificate.trust)
    await database.close()
