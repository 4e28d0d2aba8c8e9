"""Which names lead to which apps, by which doors. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from archipelago.api.trust import PublicFile
from archipelago.container.manifest.exposure import is_open
from archipelago.container.manifest.site_names import Doors, local_name, loopback_name, site_labels
from archipelago.network.routes import AppEndpoints

LOOPBACKS = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
"""To which browsers resolve names below `.localhost`."""
_OWN_ON_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, order=True)
class WebSite:
    """What a browser knows as one origin."""

    label: str
    port: int
    """Of loopback, on which the app listens."""
    open: bool
    """To the local network."""


Listen = tuple[IPv4Address | IPv6Address, int]
"""An address of this host, and a port."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where browsers come in, and what is behind it; nothing that is not named is."""

    name: str
    listens: tuple[Listen, ...]
    names: Mapping[str, int] = field(default_factory=dict)
    """Host name -> port of loopback."""
    tls: bool = False
    moved_to: int | None = None
    """Port to which it sends browsers, for the same page by HTTPS."""
    own: tuple[str, ...] = ()
    """Names and addresses of the node itself, by which browsers find `public` and nothing else."""
    public: tuple[PublicFile, ...] = ()
    socket: str = ""
    """Path of a unix socket on which it listens as well, for a program of this node that leads clients there."""

    @property
    def on_network(self) -> bool:
        """Whether it is beyond loopback."""
        return bool(self.listens) and not any(address in LOOPBACKS for address, _ in self.listens)


def sites(desired: Mapping[str, AppEndpoints]) -> tuple[WebSite, ...]:
    """Return the sites of apps that should run, by app, in order."""
    return tuple(sorted(site for app, found in desired.items() for site in _sites_of(app, found)))


def _sites_of(app: str, found: AppEndpoints) -> Iterator[WebSite]:
    for name, label in site_labels(app, found.endpoints).items():
        endpoint = found.endpoints[name]
        yield WebSite(label, found.ports.get(name, endpoint.host_port), is_open(endpoint, found.chosen.get(name)))


def doors(
    found: Iterable[WebSite],
    where: Doors,
    addresses: Collection[IPv4Address],
    public: tuple[PublicFile, ...] = (),
) -> tuple[Door, ...]:
    """Return the doors to sites on a node with these addresses beyond loopback, and to what anybody may have of it.

    There are none where there is neither a site nor such an address. What is not open to the local network is behind
    no door that is there: the name alone opens nothing.
    """
    known = tuple(found)
    if not known and not (public and addresses):
        return ()
    trusting = tuple(file for file in public if file.by_https)
    here = {loopback_name(site.label): site.port for site in known}
    made = [
        Door("loopback", _at(LOOPBACKS, where.http_port), here),
        Door(
            "loopback-tls",
            _at(LOOPBACKS, where.https_port),
            here,
            tls=True,
            own=_OWN_ON_LOOPBACK if public else (),
            public=trusting,
        ),
    ]
    there = {
        name: site.port for site in known if site.open and (name := local_name(site.label, where.host)) is not None
    }
    if (there or public) and addresses:
        own = (*((f"{where.host}.local",) if where.host else ()), *map(str, addresses)) if public else ()
        plain, secure = (_at(addresses, port) for port in (where.http_port, where.https_port))
        made += [
            Door("network", plain, there, moved_to=where.https_port, own=own, public=public),
            Door("network-tls", secure, there, tls=True, own=own, public=trusting),
        ]
    return tuple(made)


def _at(addresses: Iterable[IPv4Address | IPv6Address], port: int) -> tuple[Listen, ...]:
    return tuple((address, port) for address in addresses)
