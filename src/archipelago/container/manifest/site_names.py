"""The names by which browsers know the pages of apps: an origin for each. Pure.

Browsers keep cookies by host, whatever the port. So each endpoint that speaks HTTP has a host name of its own: on the
node itself below `.localhost`, which browsers resolve to loopback and nobody can register (RFC 6761), and on the local
network one label below `.local` (RFC 6762), since Windows resolves no second one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archipelago.container.manifest.exposure import PUBLISHED, WEB_SCHEMES, is_behind_login, scheme_of
from archipelago.container.manifest.model.endpoints import Endpoint, EndpointKind, Protocol, Scheme
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_LONGEST_LABEL = 63
"""Bytes of a label of DNS (RFC 1035)."""
_USUAL = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_ENCODED = "xn--"
"""How labels in other scripts start (RFC 5890): a browser refuses one that does and is none."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where browsers come in."""

    http_port: int
    """On loopback; on the local network it leads to the other one."""
    https_port: int
    host: str
    """Label of the node on its local network; empty where it has no name that DNS can have."""
    page_port: int = 8480
    """Of the node's own page."""


def is_site(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is for browsers: it speaks HTTP, and is published on this host."""
    return not PUBLISHED.isdisjoint(endpoint.access) and scheme_of(endpoint) in WEB_SCHEMES


def site_labels(app: str, endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    """Return the label of each endpoint that has a name of its own: that of the app for its first page.

    No two apps share one: names of apps have no two hyphens in a row. A name that is too long for DNS is left out.
    """
    return {name: label for name, label in _labels(app, endpoints) if _is_label(label)}


def _labels(app: str, endpoints: Mapping[str, Endpoint]) -> Iterator[tuple[str, str]]:
    main = next((name for name, one in endpoints.items() if is_site(one) and one.kind is EndpointKind.UI), None)
    for name, endpoint in endpoints.items():
        if is_site(endpoint):
            yield name, app if name == main else f"{app}--{name}"


def _is_label(label: str) -> bool:
    return len(label) <= _LONGEST_LABEL and not label.startswith(_ENCODED)


def loopback_name(label: str) -> str:
    """Return the host name of a site on the node itself."""
    return f"{label}.localhost"


def local_name(label: str, host: str) -> str | None:
    """Return the host name of a site on the local network of a node called `host`; None where DNS can have none."""
    whole = f"{label}-{host}"
    return f"{whole}.local" if host and _is_label(whole) else None


def is_local_site(name: str, host: str) -> bool:
    """Return whether a host name may be that of a site on the local network of a node called `host`."""
    return bool(host) and name.lower().rstrip(".").endswith(f"-{host}.local")


def require_name(app: str, endpoints: Mapping[str, Endpoint], name: str, doors: Doors) -> None:
    """Raise `NodeError` where an endpoint is behind the node's login and has no name on the local network.

    It is reached by its name alone, since the login stands in front of that, and not of a port.
    """
    if name not in endpoints or not is_behind_login(endpoints[name]):
        return
    label = site_labels(app, endpoints).get(name)
    if label is None or local_name(label, doors.host) is None:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{name} of {app} has no name on the local network, and could be opened by one alone", name=name, app=app
            ),
            hint=msg("give this host a shorter name, of letters, digits and hyphens: hostnamectl set-hostname NAME"),
            data={"app": app, "endpoint": name},
        )


def site_address(endpoint: Endpoint, label: str, doors: Doors) -> str:
    """Return where a browser on the node finds a site.

    It is not by HTTPS: nothing leaves the host, browsers treat the name as secure, and need no certificate for it.
    """
    scheme = "ws" if scheme_of(endpoint) is Scheme.WS else "http"
    return _address(endpoint, scheme, loopback_name(label), doors.http_port)


def local_site_address(endpoint: Endpoint, label: str, doors: Doors) -> str | None:
    """Return where a browser on the local network finds a site; None where it has no name there."""
    name = local_name(label, doors.host)
    scheme = "wss" if scheme_of(endpoint) is Scheme.WS else "https"
    return None if name is None else _address(endpoint, scheme, name, doors.https_port)


def onion_address(endpoint: Endpoint, name: str) -> str:
    """Return where clients find an endpoint through Tor, whose onion service has this host name.

    It is not by HTTPS: Tor encrypts up to the node, and its browser treats such names as secure.
    """
    scheme = scheme_of(endpoint)
    if scheme in WEB_SCHEMES:
        return _address(endpoint, scheme.value, name, 80)
    return f"{f'{scheme.value}://' if scheme else ''}{name}:{endpoint.host_port}"


def _address(endpoint: Endpoint, scheme: str, name: str, port: int) -> str:
    path = endpoint.path if endpoint.protocol is Protocol.HTTP else "/"
    return f"{scheme}://{name}{'' if port == _USUAL[scheme] else f':{port}'}{path}"
