"""The contexts of TLS with which the node listens beyond loopback."""

import ssl
from collections.abc import Callable, Mapping

from archipelago.container.manifest.site_names import is_local_site
from archipelago.network.routes import Trust


def server_contexts(host: str) -> Mapping[Trust, ssl.SSLContext]:
    """Return a context for each way of trusting the node; whoever has the certificates loads them into it.

    `host` is the label of the node on its local network. Who calls the name of an app's site is refused: sites have
    a door of their own, and what a browser keeps for one is not for what listens at another port.
    """
    return {trust: _server_context(host) for trust in Trust}


def _server_context(host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sni_callback = _refusing_sites(host)
    return context


def _refusing_sites(host: str) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    def called(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        refused = name is not None and is_local_site(name, host)
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if refused else None

    return called
