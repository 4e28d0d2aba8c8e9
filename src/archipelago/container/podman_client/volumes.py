"""Volumes of Podman's own. The node makes none: what is here was declared by images, and made by an earlier version."""

from __future__ import annotations

from archipelago.container.podman_client.errors import NotFound, PodmanCall
from archipelago.container.podman_client.requests import filters
from archipelago.container.podman_client.transport import Transport, named


class Volumes:
    """What can be done with volumes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list_forgotten(self) -> tuple[str, ...]:
        """Return the names of the volumes that were given none by anybody, and that no container uses."""
        call = PodmanCall("list volumes")
        found = await self._transport.json("GET", "/volumes/json", call, params=filters(dangling=["true"]))
        return tuple(item["Name"] for item in found or () if item.get("Anonymous"))

    async def remove(self, name: str) -> bool:
        """Remove a volume with what is in it; False when there was none, Conflict when a container uses it."""
        call = PodmanCall("remove volume", name)
        try:
            await self._transport.request("DELETE", f"/volumes/{named(call, name)}", call)
        except NotFound:
            return False
        return True
