"""Methods about the local network."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.apps import EndpointStatus
from archipelago.api.services import Engine
from archipelago.api.system import FirewallView, LocalAccessView
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.storage.records.permissions import Permission


class ListenParams(Params):
    """Where to listen."""

    addresses: Annotated[tuple[Annotated[str, StringConstraints(max_length=64)], ...], Field(max_length=32)]
    """Private addresses of this host, or `lan` for all of them; none for loopback alone."""


class FirewallParams(Params):
    """What besides the node may be reached."""

    ssh_port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = 22
    """Port that stays open for SSH; null closes it."""


class EndpointParams(Params):
    """One endpoint of an installed app."""

    app: AppId
    """Id of the app."""
    endpoint: Name
    """Name of the endpoint."""


async def _status(engine: Engine, _: NoParams) -> LocalAccessView:
    return await engine.local_access()


async def _listen(engine: Engine, params: ListenParams) -> LocalAccessView:
    return await engine.listen(params.addresses)


async def _open(engine: Engine, params: EndpointParams) -> EndpointStatus:
    return await engine.open_endpoint(params.app, params.endpoint, opened=True)


async def _close(engine: Engine, params: EndpointParams) -> EndpointStatus:
    return await engine.open_endpoint(params.app, params.endpoint, opened=False)


async def _firewall(engine: Engine, params: FirewallParams) -> FirewallView:
    return await engine.host_firewall(params.ssh_port)


def network_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="network-status",
            summary="Tell whether the node is reachable from the local network, where, and by which certificate",
            params=NoParams,
            result=LocalAccessView,
            permission=Permission.READ,
            handler=_status,
        ),
        Method(
            name="network-listen",
            summary="Be reachable on these addresses of the local network by HTTPS, and on no others but loopback",
            params=ListenParams,
            result=LocalAccessView,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_listen,
        ),
        Method(
            name="network-open",
            summary="Open an endpoint of an app to the local network, until closed, changed by an update, or removed",
            params=EndpointParams,
            result=EndpointStatus,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_open,
        ),
        Method(
            name="network-close",
            summary="Close an endpoint of an app to the local network, also where its manifest opens it",
            params=EndpointParams,
            result=EndpointStatus,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_close,
        ),
        Method(
            name="network-firewall",
            summary="Return the nftables rules for this host that fit what the node listens on",
            params=FirewallParams,
            result=FirewallView,
            permission=Permission.READ,
            handler=_firewall,
        ),
    )
