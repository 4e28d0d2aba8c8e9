"""Endpoints of apps."""

from typing import Any

from archipelago.container.manifest.model.endpoints import Endpoint


def endpoint(**keys: Any) -> Endpoint:
    """Return an endpoint on port 80 of a container, proposed on port 8000."""
    return Endpoint.model_validate({"kind": "api", "container": "main", "port": 80, "host_port": 8000, **keys})
