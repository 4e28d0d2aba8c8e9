"""Which endpoints of apps have an onion service. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.exposure import OnionAccess, is_behind_login, onion_access
from archipelago.container.manifest.loopback_places import LoopbackPlace, place_of
from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.container.manifest.model.onions import Onions
from archipelago.container.manifest.site_names import is_site
from archipelago.network.routes import AppEndpoints
from archipelago.network.sites import Behind

WEB_PORT = 80
"""Port of an onion service for browsers; what passes through Tor is encrypted up to the node."""


NODE_ADDRESS = IPv4Address("127.0.0.1")
"""Of loopback, where the node's own page listens."""
NODE_PAGE = "node.page"
"""Stands for an endpoint of the Tor app where the node's own page is meant; no endpoint has a dot in its name."""


@dataclass(frozen=True, slots=True, order=True)
class WantedOnion:
    """An endpoint that is to have an onion service."""

    app: str
    endpoint: str
    access: OnionAccess
    behind: Behind
    """Where it leads."""
    public_port: int
    """Of the onion service."""
    is_site: bool
    """Whether it is for browsers, so that Caddy is in front of it."""

    @property
    def socket(self) -> str:
        """Name of the socket by which Tor reaches it; short, since the path of a socket is (unix(7))."""
        return f"{hashlib.sha256(f'{self.app}/{self.endpoint}'.encode()).hexdigest()[:16]}.sock"


@dataclass(frozen=True, slots=True)
class TorApp:
    """The app that publishes onion services."""

    app: str
    container: str
    """Its name in Podman."""
    onions: Onions


def wanted_onions(desired: Mapping[str, AppEndpoints], seed: str) -> tuple[WantedOnion, ...]:
    """Return the onion services that there should be, of apps that should run; by app and endpoint.

    `seed` is a secret of the node (`place_of`).
    """
    return tuple(sorted(each for app, found in desired.items() for each in _of_app(app, found, seed)))


def node_onion(tor: TorApp, port: int) -> WantedOnion:
    """Return the onion service of the node's own page, which listens on a port of loopback.

    It is never public. Its keys are among the secrets of the Tor app, and no web server is between Tor and the node.
    """
    here = Behind(LoopbackPlace(NODE_ADDRESS, port))
    return WantedOnion(tor.app, NODE_PAGE, OnionAccess.CLIENTS, here, WEB_PORT, is_site=False)


def _of_app(app: str, found: AppEndpoints, seed: str) -> Iterator[WantedOnion]:
    for name, endpoint in found.endpoints.items():
        access = onion_access(endpoint, found.onions.get(name))
        if access is not OnionAccess.OFF:
            place = place_of(app, name, endpoint, found.ports.get(name, endpoint.host_port), seed)
            behind = Behind(place, is_behind_login(endpoint))
            yield WantedOnion(app, name, access, behind, public_port(endpoint), is_site(endpoint))


def public_port(endpoint: Endpoint) -> int:
    """Return the port of an endpoint's onion service: as its manifest has it, whatever is free on this host."""
    return WEB_PORT if is_site(endpoint) else endpoint.host_port


def tor_app(state: DesiredState) -> TorApp | None:
    """Return the app that publishes onion services: of several, the first by id. None where none should run."""
    for app, found in sorted(state.apps.items()):
        onions = found.record.package.manifest.onions
        if onions is None or not state.wanted(app):
            continue
        for each in found.workload.containers:
            if each.container == onions.container:
                return TorApp(app, each.name, onions)
    return None
