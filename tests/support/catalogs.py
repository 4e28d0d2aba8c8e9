"""Small catalogs for the resolver."""

from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from support.app_manifests import app

OPTIONS = {
    "txindex": {"type": "bool", "label": "Index", "default": False},
    "prune": {"type": "int", "label": "Prune", "default": 0, "minimum": 0},
    "cache": {"type": "int", "label": "Cache", "default": 450},
}
RULES = [{"when": {"txindex": True}, "require": {"prune": 0}, "because": "A pruned chain has no index"}]


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


def node(
    name: str, version: str = "29.0", accepts: tuple[str, ...] = ("txindex", "prune"), **parts: Any
) -> AppManifest:
    provided = {"container": "main", "port": 8332, "accepts": accepts, "credentials": "rpcauth"}
    return app(name, version=version, options=OPTIONS, rules=RULES, provides={"bitcoin-rpc": provided}, **parts)


def install(catalog: Mapping[str, AppManifest], *apps: str) -> dict[str, InstalledApp]:
    """Return what is installed once a plan for these apps was carried out."""
    plan = resolve(catalog, {}, Request(install=apps))
    return {
        one.app: InstalledApp(catalog[one.app], {}, plan.choices(one.app), plan.endpoint_ports(one.app))
        for one in plan.apps
    }


def names(plan: Plan) -> list[str]:
    return [one.app for one in plan.apps]


def provider_of(plan: Plan, name: str, interface: str = "bitcoin-rpc") -> str | None:
    return plan.choices(name).get(interface)


ELECTRUMX = consumer("electrumx", required={"version": ">=25", "demands": {"txindex": True}, "default": "knots"})


def rows_of_leases(interfaces: int, leases: int) -> dict[str, AppManifest]:
    """Return an app that needs several interfaces, each of which some apps provide that hold one of a few leases."""
    rows = [
        provider(f"p{number}-{lease}", f"s{number}", leases=[f"lease-{lease}"])
        for number in range(interfaces)
        for lease in range(leases)
    ]
    return catalog_of(app("r", requires={f"s{number}": {} for number in range(interfaces)}), *rows)


def pigeons(count: int, holes: int) -> dict[str, AppManifest]:
    """Return apps each of which needs a hole of its own, which a search sees only by trying all."""
    hole = {"container": "main", "port": 1, "accepts": ["cache"]}
    apps = [consumer(f"pigeon{number}", "hole", {"demands": {"cache": number}}) for number in range(count)]
    return catalog_of(*(app(f"hole{one}", options=OPTIONS, provides={"hole": hole}) for one in range(holes)), *apps)
