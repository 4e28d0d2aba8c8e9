"""Plans of a scene: from the resolver, with the manifests of the catalog, or small ones of made-up apps."""

from collections.abc import Mapping
from typing import Any

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest, Architecture
from archipelago.container.manifest.package import load_package
from archipelago.container.proposals.proposal import concerning
from support.stage.players import APPS, GIB, Player

HOST = HostFacts(Architecture.ARM64, memory=16 * GIB, cores=4, free_disk=1205 * GIB)
_IMAGE = f"docker.io/example/app@sha256:{'5' * 64}"


def manifest_of(player: Player, players: Mapping[str, Player]) -> AppManifest:
    """Return the manifest of an app of a scene."""
    if (APPS / player.app).exists():
        return load_package(APPS / player.app).manifest
    provided = {interface for other in players.values() for interface, app in other.uses.items() if app == player.app}
    return AppManifest.model_validate(
        {
            "manifest": 1,
            "id": player.app,
            "name": player.name,
            "version": player.version,
            "summary": player.summary,
            "description": player.summary,
            "category": "other",
            "license": "MIT",
            "egress": player.egress,
            "options": player.options,
            "volumes": {"data": {"data": "files", "disk": player.disk}},
            "containers": {"main": {"image": _IMAGE, "mounts": [{"volume": "data", "path": "/data"}]}},
            "provides": {interface: {"container": "main", "port": 80} for interface in provided},
            "requires": {interface: {"default": app} for interface, app in player.uses.items()},
            "endpoints": {
                "web": {
                    "kind": "ui",
                    "protocol": "http",
                    "login": "own",
                    "container": "main",
                    "port": 80,
                    "host_port": 9000 + sum(map(ord, player.app)) % 900,
                    "access": ["host", "lan"],
                    "label": "Web page",
                }
            },
        }
    )


def plan_of(apps: tuple[Player, ...], offered: tuple[Player, ...], given: Mapping[str, Any]) -> Plan:
    """Return the plan of an installation, as the method `plan` would."""
    players = {one.app: one for one in (*apps, *offered)}
    catalog = {name: manifest_of(one, players) for name, one in players.items()}
    before = resolve(catalog, {}, Request(install=tuple(one.app for one in apps)))
    installed = {
        one.app: InstalledApp(catalog[one.app], choices=before.choices(one.app), ports=before.endpoint_ports(one.app))
        for one in apps
    }
    asked = (given["app"], *given.get("also", ()))
    options = {given["app"]: given.get("options", {})}
    request = Request(install=asked, choices=given.get("choices", {}), options=options)
    plan = concerning(resolve(catalog, installed, request, HOST), *asked)
    return plan.model_copy(update={"digest": "4f0c9a7e1b"})
