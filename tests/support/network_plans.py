"""Apps that are connected: names, a manifest with two interfaces, and edges."""

from typing import Any

from hypothesis import strategies as st

from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Wait
from support.app_manifests import app

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3}){0,2}", fullmatch=True)


def manifest(**changes: Any) -> AppManifest:
    container = {"build": {"type": "packages", "packages": ["x"]}}
    values: dict[str, Any] = {
        "containers": {"main": container, "web": container},
        "provides": {
            "bitcoin-rpc": {"container": "main", "port": 8332},
            "bitcoin-zmq": {"container": "main", "port": 28332},
            "bitcoin-web": {"container": "web", "port": 80},
        },
        **changes,
    }
    return app("bitcoin", **values)


def edge(consumer: str, interface: str = "bitcoin-rpc", provider: str = "bitcoin") -> Edge:
    return Edge(consumer=consumer, interface=interface, provider=provider, wait=Wait.HEALTHY)
