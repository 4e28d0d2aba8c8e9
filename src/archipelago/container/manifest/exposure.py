"""Which endpoints of an app can be opened to the local network, and which of them are. Pure.

The manifest says how an endpoint starts; the owner's switch wins over it. A page without a login of its own stays on
the node itself, whatever either of them says: whoever reached it could do all that its owner can.
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
LOOPBACK = IPv4Address("127.0.0.1")
PUBLISHED = frozenset({Access.HOST, Access.LAN})
"""Ways of access for which an endpoint is on the host's loopback, where every route ends."""
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
    """It is a page that lets in whoever reaches it."""
    NOT_PUBLISHED = "not-published"
    """Its manifest has it nowhere on this host."""


def kept_in(endpoint: Endpoint) -> KeptIn | None:
    """Return why an endpoint cannot be opened to the local network; None where it can."""
    if PUBLISHED.isdisjoint(endpoint.access):
        return KeptIn.NOT_PUBLISHED
    if endpoint.kind is EndpointKind.UI and endpoint.login is EndpointLogin.NONE:
        return KeptIn.NO_LOGIN
    return None


def is_open(endpoint: Endpoint, chosen: bool | None) -> bool:
    """Return whether an endpoint is open to the local network; `chosen` is the owner's switch, None if never used."""
    wanted = Access.LAN in endpoint.access if chosen is None else chosen
    return wanted and kept_in(endpoint) is None


def onion_access(endpoint: Endpoint, chosen: str | None) -> OnionAccess:
    """Return who reaches an endpoint through Tor; `chosen` is the owner's word, None if he never said one.

    The manifest opens nothing. A page without a login of its own is for clients with the key alone, which is a login.
    """
    if chosen not in set(OnionAccess) or kept_in(endpoint) is KeptIn.NOT_PUBLISHED:
        return OnionAccess.OFF
    wanted = OnionAccess(chosen)
    return OnionAccess.CLIENTS if wanted is OnionAccess.PUBLIC and kept_in(endpoint) is not None else wanted


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
                    address_of=address_of(endpoint, LOOPBACK, port),
                ),
                data={"app": app, "endpoint": name},
            )
        case KeptIn.NOT_PUBLISHED:
            raise _not_published(app, name)


def require_onion(app: str, endpoints: Mapping[str, Endpoint], name: str, access: OnionAccess) -> None:
    """Raise `NodeError` unless an app has an endpoint of this name that may have such an onion service."""
    match kept_in(_require_endpoint(app, endpoints, name)):
        case KeptIn.NO_LOGIN if access is OnionAccess.PUBLIC:
            raise NodeError(
                ErrorCode.FORBIDDEN,
                msg(
                    "{name} of {app} is a page without a login of its own: whoever learns the address could use it",
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
        case KeptIn.NOT_PUBLISHED:
            raise _not_published(app, name)


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
