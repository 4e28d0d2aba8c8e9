"""The contexts of TLS with which the node listens beyond loopback."""

import ssl
from collections.abc import Mapping

from archipelago.network.routes import Trust


def server_contexts() -> Mapping[Trust, ssl.SSLContext]:
    """Return a context for each way of trusting the node; whoever has the certificates loads them into it."""
    return {trust: _server_context() for trust in Trust}


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
