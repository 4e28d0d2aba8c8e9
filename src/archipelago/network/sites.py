"""Which names lead to which apps, by which doors. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from archipelago.api.trust import PublicFile
from archipelago.container.manifest.exposure import is_behind_login, is_open
from archipelago.container.manifest.loopback_places import LoopbackPlace, place_of
from archipelago.container.manifest.site_names import Doors, local_name, loopback_name, site_labels
from archipelago.network.routes import AppEndpoints

LOOPBACKS = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
"""To which browsers resolve names below `.localhost`."""
_OWN_ON_LOOPBACK = ("localhost", "127.0.0.1")
_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, order=True)
class Behind:
    """What a browser finds behind a name."""

    place: LoopbackPlace
    """Of loopback, where the app listens."""
    guarded: bool = False
    """Whether the node's login stands in front."""


@dataclass(frozen=True, slots=True, order=True)
class WebSite:
    """What a browser knows as one origin."""

    label: str
    behind: Behind
    open: bool
    """To the local network."""


Listen = tuple[IPv4Address | IPv6Address, int]
"""An address of this host, and a port."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where browsers come in, and what is behind it; nothing that is not named is."""

    name: str
    listens: tuple[Listen, ...]
    names: Mapping[str, Behind] = field(default_factory=dict)
    """By host name."""
    tls: bool = False
    moved_to: int | None = None
    """Port to which it sends browsers, for the same page by HTTPS."""
    own: tuple[str, ...] = ()
    """Names and addresses of the node itself, by which browsers find `public` and nothing else."""
    public: tuple[PublicFile, ...] = ()
    pages: tuple[str, ...] = ()
    """Origins of the node's own page for who comes in here, of which the first is sent there to log in.

    Where there are none, nobody can log in by this door.
    """
    socket: str = ""
    """Path of a unix socket on which it listens as well, for a program of this node that leads clients there."""

    @property
    def on_network(self) -> bool:
        """Whether it is beyond loopback."""
        return bool(self.listens) and not any(address in LOOPBACKS for address, _ in self.listens)

    def origin(self, name: str) -> str:
        """Return the origin (RFC 6454) of what is behind a name; who comes by the socket has called the usual port."""
        scheme = "https" if self.tls else "http"
        return page_origin(scheme, name, self.listens[0][1] if self.listens else _USUAL[scheme])


def guarded_origins(doors: Iterable[Door]) -> frozenset[str]:
    """Return the origins in front of which the node's login stands."""
    return frozenset(
        door.origin(name)
        for door in doors
        if door.moved_to is None
        for name, behind in door.names.items()
        if behind.guarded
    )


def sites(desired: Mapping[str, AppEndpoints], seed: str) -> tuple[WebSite, ...]:
    """Return the sites of apps that should run, by app, in order; `seed` is a secret of the node (`place_of`)."""
    return tuple(sorted(site for app, found in desired.items() for site in _sites_of(app, found, seed)))


def _sites_of(app: str, found: AppEndpoints, seed: str) -> Iterator[WebSite]:
    for name, label in site_labels(app, found.endpoints).items():
        endpoint = found.endpoints[name]
        place = place_of(app, name, endpoint, found.ports.get(name, endpoint.host_port), seed)
        behind = Behind(place, is_behind_login(endpoint))
        yield WebSite(label, behind, is_open(endpoint, found.chosen.get(name)))


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
    here = {loopback_name(site.label): site.behind for site in known}
    pages = tuple(page_origin("http", host, where.page_port) for host in ("127.0.0.1", "localhost"))
    made = [
        Door("loopback", _at(LOOPBACKS, where.http_port), here, pages=pages),
        Door(
            "loopback-tls",
            _at(LOOPBACKS, where.https_port),
            here,
            tls=True,
            own=_OWN_ON_LOOPBACK if public else (),
            public=trusting,
            pages=pages,
        ),
    ]
    there = {
        name: site.behind for site in known if site.open and (name := local_name(site.label, where.host)) is not None
    }
    if (there or public) and addresses:
        hosts = (*((f"{where.host}.local",) if where.host else ()), *map(str, addresses))
        own, pages = hosts if public else (), tuple(page_origin("https", host, where.page_port) for host in hosts)
        plain, secure = (_at(addresses, port) for port in (where.http_port, where.https_port))
        made += [
            Door("network", plain, there, moved_to=where.https_port, own=own, public=public),
            Door("network-tls", secure, there, tls=True, own=own, public=trusting, pages=pages),
        ]
    return tuple(made)


def _at(addresses: Iterable[IPv4Address | IPv6Address], port: int) -> tuple[Listen, ...]:
    return tuple((address, port) for address in addresses)


def page_origin(scheme: str, host: str, port: int) -> str:
    """Return the origin (RFC 6454) of pages on a host."""
    return f"{scheme}://{host}" if port == _USUAL[scheme] else f"{scheme}://{host}:{port}"
