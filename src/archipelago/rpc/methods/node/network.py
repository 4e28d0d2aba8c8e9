"""Methods about the local network."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.apps import EndpointStatus
from archipelago.api.services.node import EndpointService, HostFirewallService, LocalAccessService, TrustService
from archipelago.api.system import FirewallView, LocalAccessView
from archipelago.api.trust import TrustGuide
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


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


@family.method(
    "network-status",
    "Return whether the node is reachable from the local network, where, and by which certificate",
    permission=Permission.READ,
)
async def _status(access: LocalAccessService) -> LocalAccessView:
    return await access.view()


@family.method(
    "network-trust",
    "Return the node's certificate authority, and how each kind of device comes to trust it",
    permission=Permission.READ,
)
async def _trust(trust: TrustService) -> TrustGuide:
    return await trust.trust()


@family.method(
    "network-listen",
    "Be reachable on these addresses of the local network by HTTPS, and on no others but loopback",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _listen(access: LocalAccessService, params: ListenParams) -> LocalAccessView:
    return await access.listen(params.addresses)


@family.method(
    "network-open",
    "Open an endpoint of an app to the local network, until closed, changed by an update, or removed",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _open(endpoints: EndpointService, params: EndpointParams) -> EndpointStatus:
    return await endpoints.switch(params.app, params.endpoint, opened=True)


@family.method(
    "network-close",
    "Close an endpoint of an app to the local network, also where its manifest opens it",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _close(endpoints: EndpointService, params: EndpointParams) -> EndpointStatus:
    return await endpoints.switch(params.app, params.endpoint, opened=False)


@family.method(
    "network-firewall",
    "Return the nftables rules for this host that fit what the node listens on",
    permission=Permission.READ,
)
async def _firewall(firewall: HostFirewallService, params: FirewallParams) -> FirewallView:
    return await firewall.rules(params.ssh_port)
