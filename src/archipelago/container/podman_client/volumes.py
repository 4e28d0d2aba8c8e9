"""Volumes of Podman's own. The node creates none: an earlier version did, for images that declare some."""

from __future__ import annotations

from archipelago.container.podman_client.errors import PodmanCall
from archipelago.container.podman_client.wire.requests import filters
from archipelago.container.podman_client.wire.transport import Transport


class Volumes:
    """What can be done with volumes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list_unused(self) -> tuple[str, ...]:
        """Return the names of the anonymous volumes that no container uses."""
        call = PodmanCall("list volumes")
        found = await self._transport.json("GET", "/volumes/json", call, params=filters(dangling=["true"]))
        return tuple(item["Name"] for item in found or () if item.get("Anonymous"))
