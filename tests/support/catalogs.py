"""Small catalogs for the resolver."""

from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import InstalledApp, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from support.app_manifests import app

OPTIONS = {
    "txindex": {"type": "bool", "label": "Index", "default": False},
    "prune": {"type": "int", "label": "Prune", "default": 0, "minimum": 0},
    "cache": {"type": "int", "label": "Cache", "default": 450},
}


def provider(name: str, *interfaces: str, **parts: Any) -> AppManifest:
    return app(name, provides={one: {"container": "main", "port": 80} for one in interfaces}, **parts)


def consumer(
    name: str, interface: str = "bitcoin-rpc", required: Mapping[str, Any] | None = None, **parts: Any
) -> AppManifest:
    return app(name, requires={interface: dict(required or {})}, **parts)


def catalog_of(*apps: AppManifest) -> dict[str, AppManifest]:
    return {one.id: one for one in apps}


def refused(
    catalog: Mapping[str, AppManifest],
    request: Request,
    installed: Mapping[str, InstalledApp] | None = None,
    host: HostFacts | None = None,
) -> ResolutionError:
    with pytest.raises(ResolutionError) as caught:
        resolve(catalog, installed or {}, request, host)
    assert caught.value.message
    assert caught.value.hint
    return caught.value
