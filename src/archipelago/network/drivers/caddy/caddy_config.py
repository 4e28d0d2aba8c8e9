"""The configuration of Caddy, as JSON (https://caddyserver.com/docs/json/). Pure."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from archipelago.network.drivers.caddy.guarded_site import STAGE_LOGIN, guarded, pipe_of, without_node_secrets
from archipelago.network.drivers.caddy.public_routes import public_routes
from archipelago.network.plain_page import PLAIN_PAGE_HEADERS, plain_page
from archipelago.network.sites import Behind, Door, Listen

Config = dict[str, Any]
SMUGGLED = (
    "Forwarded",
    "Remote-*",
    "Remote_*",
    "X-Auth-Request-*",
    "X-Authentik-*",
    "X-Forwarded-*",
    "X-Forwarded_*",
    "X_Forwarded_*",
    "X-Original-*",
    "X-Real-Ip",
    "X-Remote-*",
    "X-Webauth-*",
)
"""Headers by which proxies say to apps who asks, and where from: an app might believe a client that sends them.
Those with underscores become the same names in programs that read them as CGI does."""
FALLBACK = "localhost"
"""Whose certificate is shown to clients that name no site."""
_CONNECT = "5s"
_FIRST_BYTE = "120s"
"""In which an app has to start its answer."""
_HEAD = "15s"
_IDLE = "120s"
_KEEP_STREAMS = "24h"
"""For which WebSockets outlive a change of the configuration that has nothing to do with them."""
_NO_SITE = ("No such page", "No app that runs on this node has this name. Look at the apps on the node's own page.")
_NO_LOGIN = (
    "The node is not there",
    "This page is behind the login of its node, which is just starting, locked or stopped. Load this page again then.",
)
_NO_ANSWER = (
    "The app does not answer",
    "It may still be starting, or have a problem: the node's own page says how it is. Load this page again then.",
)


def caddy_config(doors: Iterable[Door], admin: str, guard: str, certificates: Mapping[str, tuple[str, str]]) -> Config:
    """Return the configuration for some doors.

    `admin` is the path of the socket by which the node changes it, `guard` of the one on which the node says who may
    pass; `certificates` are PEM texts, each with its key.
    """
    servers = {door.name: _server(door, guard) for door in doors}
    loaded = [
        {"certificate": certificate, "key": key, "tags": [name]}
        for name, (certificate, key) in sorted(certificates.items())
    ]
    apps: Config = {"http": {"servers": servers, "grace_period": "10s"}}
    if loaded:
        apps["tls"] = {"certificates": {"load_pem": loaded}}
    return {"admin": admin_config(admin), "logging": _logging(), "apps": apps}


def admin_config(admin: str) -> Config:
    """Return where Caddy is configured: on a socket that the service user alone can open. Nothing is kept on disk."""
    return {"listen": f"unix/{admin}|0600", "config": {"persist": False}}


def listening(config: Mapping[str, Any] | None) -> frozenset[str]:
    """Return where a running Caddy listens, as `written` has it, by the configuration that it has."""
    servers = ((config or {}).get("apps") or {}).get("http", {}).get("servers", {})
    return frozenset(each for server in servers.values() for each in server.get("listen", ()))


def written(listen: Listen) -> str:
    """Return an address with its port as Caddy reads it."""
    address, port = listen
    return f"tcp{address.version}/{f'[{address}]' if address.version == 6 else address}:{port}"


def _server(door: Door, guard: str) -> Config:
    server: Config = {
        # Whoever leads clients to the socket is another user of this host; nobody else passes through its folder.
        "listen": [*map(written, door.listens), *([f"unix/{door.socket}|0666"] if door.socket else [])],
        "protocols": ["h1", "h2"] if door.tls else ["h1"],
        # Everything is said here; Caddy must not ask anybody for certificates, nor open a port by itself.
        "automatic_https": {"disable": True},
        "read_header_timeout": _HEAD,
        "idle_timeout": _IDLE,
        "routes": [*_routes(door, guard), {"handle": [_page(404, *_NO_SITE)]}],
        "errors": {"routes": _errors()},
    }
    if door.tls:
        server["tls_connection_policies"] = [{"default_sni": FALLBACK, "fallback_sni": FALLBACK}]
        server["strict_sni_host"] = True
    return server


def _routes(door: Door, guard: str) -> Iterable[Config]:
    yield from public_routes(door)
    if door.moved_to is not None:
        port = "" if door.moved_to == 443 else f":{door.moved_to}"
        place = f"https://{{http.request.host}}{port}{{http.request.uri}}"
        # 308: the method and the body stay what they are.
        handle: Config = {"handler": "static_response", "status_code": 308, "headers": {"Location": [place]}}
        if door.names:
            yield {"match": [{"host": sorted(door.names)}], "handle": [handle], "terminal": True}
        return
    for name, behind in sorted(door.names.items()):
        handlers = [*_before(door), *(guarded(door, name, guard) if behind.guarded else ()), *_to_app(behind, guard)]
        yield {"match": [{"host": [name]}], "handle": handlers, "terminal": True}


def _before(door: Door) -> Iterable[Config]:
    headers: Config = {"handler": "headers", "request": {"delete": list(SMUGGLED)}}
    if door.tls and door.on_network:
        # Names of the local network lead to ports of other apps too: there, browsers must not go without TLS.
        headers["response"] = {"deferred": True, "set": {"Strict-Transport-Security": ["max-age=31536000"]}}
    yield headers


def _to_app(behind: Behind, guard: str) -> Iterable[Config]:
    yield from without_node_secrets()
    pipe = f"unix/{pipe_of(str(PurePosixPath(guard).parent), behind.place)}"
    yield {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": pipe if behind.guarded else str(behind.place)}],
        "transport": {"protocol": "http", "dial_timeout": _CONNECT, "response_header_timeout": _FIRST_BYTE},
        "stream_close_delay": _KEEP_STREAMS,
    }


def _errors() -> list[Config]:
    """Answer for an app that is not there, says nothing, or says what is not HTTP, and for a node that is not there.

    What else Caddy refuses is bare.
    """
    unasked = {**STAGE_LOGIN, "expression": "{http.error.status_code} >= 500"}
    silent = {"expression": "{http.error.status_code} in [502, 503, 504]"}
    rest = {"handler": "static_response", "status_code": "{http.error.status_code}", "close": True}
    return [
        {"match": [unasked], "handle": [_page(503, *_NO_LOGIN)], "terminal": True},
        {"match": [silent], "handle": [_page(502, *_NO_ANSWER)], "terminal": True},
        {"handle": [rest]},
    ]


def _page(status: int, title: str, text: str) -> Config:
    return {
        "handler": "static_response",
        "status_code": status,
        "headers": {name: [value] for name, value in PLAIN_PAGE_HEADERS.items()},
        "body": plain_page(title, text),
    }


def _logging() -> Config:
    """Say what keeps Caddy from working, and not each answer that an app gets wrong: apps must not fill the log."""
    quiet: Collection[str] = ["http.log.error", "http.handlers.reverse_proxy", "http.stdlib"]
    return {
        "logs": {
            "default": {
                "level": "WARN",
                "exclude": list(quiet),
                "sampling": {"interval": 60_000_000_000, "first": 20, "thereafter": 1000},
            }
        }
    }
