"""Networks, as Podman's API deals with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archipelago.container.podman_client.errors import BadRequest, NotFound, PodmanCall, PodmanFailure
from archipelago.container.podman_client.models import NetworkDetails
from archipelago.container.podman_client.spec import NetworkAttachment, NetworkSpec
from archipelago.container.podman_client.wire.replies import network_details
from archipelago.container.podman_client.wire.requests import attachment_request, filters, label_filter, network_request
from archipelago.container.podman_client.wire.transport import Transport, inner_error, named, parse, same_name


class Networks:
    """What can be done with networks. Every `name` is a full name or a full ID; anything less raises BadRequest."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, labels: Mapping[str, str | None] | None = None) -> tuple[NetworkDetails, ...]:
        """List networks that carry all `labels` (a value of None: any)."""
        call = PodmanCall("list networks")
        found = await self._transport.json("GET", "/networks/json", call, params=filters(label=label_filter(labels)))
        return tuple(network_details(item) for item in found or ())

    async def inspect(self, name: str) -> NetworkDetails:
        """Look at one network closely."""
        call = PodmanCall("inspect network", name)
        details = network_details(await self._transport.json("GET", f"/networks/{named(call, name)}/json", call))
        same_name(call, name, details.name, details.id)
        return details

    async def exists(self, name: str) -> bool:
        """Return whether there is such a network."""
        call = PodmanCall("look for network", name)
        path = f"/networks/{named(call, name)}/exists"
        status, _ = await self._transport.request("GET", path, call, success=frozenset({404}))
        return status != 404

    async def create(self, spec: NetworkSpec) -> NetworkDetails:
        """Create a network; raise AlreadyExists when its name is taken, Conflict when its addresses are."""
        call = PodmanCall("create network", spec.name)
        try:
            request = network_request(spec)
        except ValueError as error:
            raise BadRequest(call, str(error)) from error
        return network_details(await self._transport.json("POST", "/networks/create", call, body=request))

    async def remove(self, name: str, *, force: bool = False, ignore_missing: bool = True) -> bool:
        """Remove a network, with `force` its containers too; False when there was none, Conflict when it is in use."""
        call = PodmanCall("remove network", name)
        try:
            status, body = await self._transport.request(
                "DELETE", f"/networks/{named(call, name)}", call, params={"force": force}
            )
            if error := inner_error(call, parse(call, body), status):
                raise error
        except NotFound:
            if ignore_missing:
                return False
            raise
        return True

    async def connect(self, name: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        """Give a container a place in a network, at once when it runs; raise Conflict when it has one."""
        call = PodmanCall("connect container", f"{container} to network {name}")
        body = {"container": named(call, container), **attachment_request(NetworkAttachment(tuple(aliases)))}
        await self._transport.request("POST", f"/networks/{named(call, name)}/connect", call, body=body)

    async def disconnect(self, name: str, container: str, *, force: bool = False) -> None:
        """Take a container's place in a network away."""
        call = PodmanCall("disconnect container", f"{container} from network {name}")
        body = {"Container": named(call, container), "Force": force}
        await self._transport.request("POST", f"/networks/{named(call, name)}/disconnect", call, body=body)

    async def reload(self) -> None:
        """Build the networks of all running containers again; their addresses stay, raise PodmanFailure otherwise.

        Their connections pause for a moment. The API has no such call, so this is the one use of the command.
        """
        call = PodmanCall("reload the networks of all containers")
        code, text = await self._transport.service.command("network", "reload", "--all")
        if code:
            raise PodmanFailure(call, text)
