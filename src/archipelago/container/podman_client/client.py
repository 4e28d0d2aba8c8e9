"""Podman's libpod API, versions 4.3 to 5.x: where everything of the client comes together.

    async with PodmanService(socket, log) as service, PodmanClient(service) as podman:
        for container in await podman.containers.list(labels={"io.archipelago.node": node}):
            ...

Values that go in are in `spec`, those that come out in `models`, errors in `errors`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from archipelago.container.podman_client.containers import Containers
from archipelago.container.podman_client.errors import PodmanCall
from archipelago.container.podman_client.events import Events
from archipelago.container.podman_client.images import Images
from archipelago.container.podman_client.models import PodmanEvent, PodmanInfo, PodmanVersion, Resync
from archipelago.container.podman_client.networks import Networks
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.volumes import Volumes
from archipelago.container.podman_client.wire.replies import podman_info
from archipelago.container.podman_client.wire.transport import Transport


class PodmanClient:
    """Podman, asked over its socket: `containers`, `networks`, `images` and events.

    Errors are PodmanErrors that name what was asked. What may be done twice is, once, when the service went away.
    """

    def __init__(self, service: PodmanService) -> None:
        self._transport = Transport(service)
        self._events = Events(self._transport)
        self.containers = Containers(self._transport)
        self.networks = Networks(self._transport)
        self.images = Images(self._transport)
        self.volumes = Volumes(self._transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the service goes on."""
        await self._transport.close()

    async def version(self) -> PodmanVersion:
        """Ask which Podman this is."""
        found = await self._transport.json("GET", "/version", PodmanCall("ask the version of Podman"))
        engine = next(
            (part.get("Details") or {} for part in found.get("Components") or () if "Podman" in part["Name"]), {}
        )
        return PodmanVersion(
            found.get("Version") or "", engine.get("APIVersion") or "", found.get("Os") or "", found.get("Arch") or ""
        )

    async def info(self) -> PodmanInfo:
        """Ask what Podman makes of this host; takes some ten milliseconds, so ask rarely."""
        return podman_info(await self._transport.json("GET", "/info", PodmanCall("ask Podman about the host")))

    def events(
        self, *, labels: Mapping[str, str | None] | None = None, since: datetime | None = None
    ) -> AsyncGenerator[PodmanEvent, None]:
        """Yield the events of one connection; it ends or raises PodmanUnavailable when the service dies."""
        return self._events.once(labels=labels, since=since)

    def stream_events(
        self, *, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[PodmanEvent | Resync, None]:
        """Yield events for ever; a Resync at each new connection says that everything must be listed again."""
        return self._events.for_ever(labels=labels)
