"""Which endpoints of an app can be opened to the local network, and which of them are. Pure.

The manifest says how an endpoint starts; the owner's switch wins over it. A page without a login of its own is behind
the node's login by every way: whoever reached it could do all that its owner can. So only its owner opens it, and one
that the node's login cannot stand in front of stays on the node itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Address
from typing import TypeVar

from archipelago.container.manifest.model.endpoints import (
    Access,
    Endpoint,
    EndpointKind,
    EndpointLogin,
    Protocol,
    Scheme,
)
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_Switch = TypeVar("_Switch", bool, str)
LOOPBACK = IPv4Address("127.0.0.2")
"""Where programs on this host find apps. All names below `.localhost` lead browsers to 127.0.0.1 and ::1, and none
leads here: an app that listened there would be sent what browsers keep for another one."""
PUBLISHED = frozenset({Access.HOST, Access.LAN})
"""Ways of access for which an endpoint is on the host's loopback, where every route ends."""
WEB_SCHEMES = frozenset({Scheme.HTTP, Scheme.WS})
"""What browsers speak."""
_OWN_MACHINE = IPv4Address("127.0.0.1")
"""Where a tunnel of SSH ends."""
_WITH_TLS = {Scheme.HTTP: "https", Scheme.WS: "wss", Scheme.TCP: "ssl"}


class OnionAccess(StrEnum):
    """Who reaches an endpoint by its onion address."""

    OFF = "off"
    """Nobody."""
    CLIENTS = "clients"
    """Who has the client key: without it, nobody even finds out that there is something."""
    PUBLIC = "public"
    """Whoever knows the address."""


class KeptIn(StrEnum):
    """Why an endpoint cannot be opened to the local network."""

    NO_LOGIN = "no-login"
    """It is a page that lets in whoever reaches it, and does not speak HTTP: the node's login cannot be in front."""
    NOT_PUBLISHED = "not-published"
    """Its manifest has it nowhere on this host."""


def kept_in(endpoint: Endpoint) -> KeptIn | None:
    """Return why an endpoint cannot be opened to the local network; None where it can."""
    if PUBLISHED.isdisjoint(endpoint.access):
        return KeptIn.NOT_PUBLISHED
    if _lets_everybody_in(endpoint) and not is_behind_login(endpoint):
        return KeptIn.NO_LOGIN
    return None


def is_behind_login(endpoint: Endpoint) -> bool:
    """Return whether browsers get to an endpoint through the node's login alone: a page without one of its own."""
    return _lets_everybody_in(endpoint) and scheme_of(endpoint) in WEB_SCHEMES


def _lets_everybody_in(endpoint: Endpoint) -> bool:
    return endpoint.kind is EndpointKind.UI and endpoint.login is EndpointLogin.NONE


def is_open(endpoint: Endpoint, chosen: bool | None) -> bool:
    """Return whether an endpoint is open to the local network; `chosen` is the owner's switch, None if never used."""
    proposed = Access.LAN in endpoint.access and not is_behind_login(endpoint)
    wanted = proposed if chosen is None else chosen
    return wanted and kept_in(endpoint) is None


def onion_access(endpoint: Endpoint, chosen: str | None) -> OnionAccess:
    """Return who reaches an endpoint through Tor; `chosen` is the owner's word, None if he never said one.

    The manifest opens nothing. A page without a login of its own is for clients with the key alone, whether or not the
    node's login stands in front of it as well.
    """
    if chosen not in set(OnionAccess) or kept_in(endpoint) is KeptIn.NOT_PUBLISHED:
        return OnionAccess.OFF
    wanted = OnionAccess(chosen)
    return OnionAccess.CLIENTS if wanted is OnionAccess.PUBLIC and _lets_everybody_in(endpoint) else wanted


def kept_switches(
    chosen: Mapping[str, _Switch], before: Mapping[str, Endpoint], after: Mapping[str, Endpoint]
) -> dict[str, _Switch]:
    """Return the owner's switches that outlive an update of the app, by the endpoint's name.

    What he opened is what he saw: under the same name the new version may have another kind of endpoint, one without a
    login, or another program. What he closed stays closed.
    """
    return {
        name: opened
        for name, opened in chosen.items()
        if opened in (False, OnionAccess.OFF) or _is_same(before.get(name), after.get(name))
    }


def _is_same(before: Endpoint | None, after: Endpoint | None) -> bool:
    def what(endpoint: Endpoint) -> tuple[object, ...]:
        return endpoint.kind, endpoint.protocol, endpoint.login, endpoint.container, endpoint.port

    return before is not None and after is not None and what(before) == what(after)


def require_switch(
    app: str, endpoints: Mapping[str, Endpoint], name: str, ports: Mapping[str, int], *, opened: bool
) -> None:
    """Raise `NodeError` unless an app has an endpoint of this name that can be opened, or closed, to the network."""
    endpoint = _require_endpoint(app, endpoints, name)
    port = ports.get(name, endpoint.host_port)
    match kept_in(endpoint):
        case KeptIn.NO_LOGIN if opened:
            raise NodeError(
                ErrorCode.FORBIDDEN,
                msg(
                    "{name} of {app} is a page without a login of its own: everybody on the local network could use it",
                    name=name,
                    app=app,
                ),
                hint=msg(
                    "reach it from your own machine: ssh -N -L {port}:{loopback}:{port} USER@NODE, "
                    "then open {address_of} there",
                    port=port,
                    loopback=LOOPBACK,
                    address_of=address_of(endpoint, _OWN_MACHINE, port),
                ),
                data={"app": app, "endpoint": name},
            )
        case KeptIn.NOT_PUBLISHED:
            raise _not_published(app, name)


def require_onion(app: str, endpoints: Mapping[str, Endpoint], name: str, access: OnionAccess) -> None:
    """Raise `NodeError` unless an app has an endpoint of this name that may have such an onion service."""
    endpoint = _require_endpoint(app, endpoints, name)
    if kept_in(endpoint) is KeptIn.NOT_PUBLISHED:
        raise _not_published(app, name)
    if access is OnionAccess.PUBLIC and _lets_everybody_in(endpoint):
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{name} of {app} is a page without a login of its own: through Tor it is for those with the key alone",
                name=name,
                app=app,
            ),
            hint=msg(
                "open it to those who have the client key: 'archipelago access {app} {name} --tor on'",
                app=app,
                name=name,
            ),
            data={"app": app, "endpoint": name},
        )


def require_login_page(app: str, endpoints: Mapping[str, Endpoint], name: str, *, has_page: bool) -> None:
    """Raise `NodeError` where an endpoint is behind the node's login, and nobody could log in through Tor.

    `has_page` says whether the node's own page is reached through Tor.
    """
    if name in endpoints and is_behind_login(endpoints[name]) and not has_page:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{name} of {app} is behind the node's login, and the node's own page is not reached through Tor",
                name=name,
                app=app,
            ),
            hint=msg("switch it on: 'archipelago network tor-node on'"),
            data={"app": app, "endpoint": name},
        )


def _not_published(app: str, name: str) -> NodeError:
    return NodeError(
        ErrorCode.FORBIDDEN,
        msg("{name} of {app} is not on this host: its manifest does not publish it to the host", name=name, app=app),
        hint=msg("its author can add 'host' to the endpoint's 'access'"),
        data={"app": app, "endpoint": name},
    )


def _require_endpoint(app: str, endpoints: Mapping[str, Endpoint], name: str) -> Endpoint:
    """Return the endpoint of an app; raises `NodeError` where it has none of that name."""
    if name not in endpoints:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{app} has no endpoint {name}", app=app, name=f"{name!r}"),
            hint=msg("it has {endpoints}", endpoints=", ".join(endpoints)) if endpoints else msg("it has none at all"),
            data={"endpoints": list(endpoints)},
        )
    return endpoints[name]


def address_of(endpoint: Endpoint, host: IPv4Address, port: int) -> str:
    """Return where an endpoint is reached, as its clients write it; by TLS everywhere but on loopback."""
    scheme = scheme_of(endpoint)
    path = endpoint.path if endpoint.protocol is Protocol.HTTP else ""
    if scheme is None:
        return f"{host}:{port}"
    # A client of WebSockets takes the bare root for granted, and shows what its user typed.
    path = "" if scheme is Scheme.WS and path == "/" else path
    return f"{scheme.value if host.is_loopback else _WITH_TLS[scheme]}://{host}:{port}{path}"


def scheme_of(endpoint: Endpoint) -> Scheme | None:
    """Return the scheme by which clients reach an endpoint on loopback; None for plain TCP or UDP."""
    return endpoint.scheme or (Scheme.HTTP if endpoint.protocol is Protocol.HTTP else None)
