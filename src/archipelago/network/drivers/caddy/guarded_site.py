"""What Caddy does in front of a site that is behind the node's login: it asks the node about each request. Pure.

The node is asked by a request of Caddy's own, which has the headers of the client's (`network/app_entry`). It lets the
request pass, or answers in the place of the app. Where it does not answer, nobody passes.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.sites import Door
from archipelago.storage.records.logins import TOKEN_PREFIX

Config = dict[str, Any]
RESERVED = "/.archipelago"
"""Path of each site that is the node's; no app is asked for what is below it."""
NODE_COOKIES = "archipelago-"
"""How the names of the node's own cookies on the host of an app start, beside the prefix of browsers."""
CHECK, ENTER = "/check", "/enter"
"""What the node is asked: whether a request may pass, and about its own path."""
_STAGE = "stage"
STAGE_LOGIN: Config = {"vars": {_STAGE: ["login"]}}
"""Matches what has not passed the node's login."""
_TOLD = {
    "Archipelago-Method": "{http.request.method}",
    "Archipelago-Uri": "{http.request.uri}",
    "Archipelago-Upgrade": "{http.request.header.Upgrade}",
}
_UNTOLD = ("Connection", "Content-*", "Expect", "Range", "Sec-Websocket-*", "Te", "Trailer", "Upgrade")
"""Headers of the client's that are about how the request itself is sent."""
_PATIENCE = "10s"
MOST_QUESTIONS = 32
"""At the same time, of each site: whoever floods one must not take up the open files of the node. Others wait."""


def pipe_of(folder: str, place: LoopbackPlace) -> str:
    """Return the socket that leads Caddy to a guarded app, in the folder that Caddy sees; its path has to be short."""
    return f"{folder}/{hashlib.sha256(str(place).encode()).hexdigest()[:16]}.sock"


def guarded(door: Door, name: str, socket: str) -> Iterable[Config]:
    """Return the handlers in front of the site behind a name; `socket` is the path at which the node answers."""
    yield {"handler": "vars", _STAGE: "login"}
    own: Config = {
        "match": [{"path": [RESERVED, f"{RESERVED}/*"]}],
        "handle": [_ask(door, name, socket, ENTER)],
        "terminal": True,
    }
    passed = {"handler": "vars", _STAGE: "app"}
    check = _ask(door, name, socket, CHECK)
    check["handle_response"] = [{"match": {"status_code": [2]}, "routes": [{"handle": [passed]}]}]
    yield {"handler": "subroute", "routes": [own, {"handle": [check]}]}


def _ask(door: Door, name: str, socket: str, what: str) -> Config:
    told = {"Archipelago-Site": door.origin(name), "Archipelago-Pages": " ".join(door.pages), **_TOLD}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{socket}"}],
        "rewrite": {"method": "GET", "uri": what},
        # What is set replaces what a client has sent under the same names.
        "headers": {"request": {"delete": list(_UNTOLD), "set": {header: [text] for header, text in told.items()}}},
        "transport": {
            "protocol": "http",
            "dial_timeout": _PATIENCE,
            "response_header_timeout": _PATIENCE,
            "max_conns_per_host": MOST_QUESTIONS,
        },
    }


def without_node_secrets() -> Iterable[Config]:
    """Return the handlers that take the node's cookies and tokens out of a request, whether or not it is guarded."""
    ours = rf"(?i)(^|[;,]\s*)(__Host-)?{NODE_COOKIES}[^;,]*"
    replaced = [{"search_regexp": ours, "replace": ""}, {"search_regexp": r"^[;,\s]+", "replace": ""}]
    yield {"handler": "headers", "request": {"replace": {"Cookie": replaced}}}
    empty = {"header_regexp": {"Cookie": {"pattern": "^$"}}}
    gone = {"handler": "headers", "request": {"delete": ["Cookie"]}}
    token = {"header_regexp": {"Authorization": {"pattern": rf"(?i)^bearer\s+{TOKEN_PREFIX}"}}}
    unshown = {"handler": "headers", "request": {"delete": ["Authorization"]}}
    routes = [{"match": [empty], "handle": [gone]}, {"match": [token], "handle": [unshown]}]
    yield {"handler": "subroute", "routes": routes}
