"""Gives each endpoint a host port; what was given before stays."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import InstalledApp
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import AppId
from archipelago.support.texts.text import msg

_HIGHEST = 65535
_LOWEST_FREE = 1024
"""Below are the well-known ports, which nobody is moved to."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The host port of each `app/endpoint`, and what the owner should know of it."""

    given: dict[str, int]
    moved: tuple[str, ...]


def allocate(
    apps: Iterable[AppId],
    manifests: Mapping[AppId, AppManifest],
    installed: Mapping[AppId, InstalledApp],
    reserved: Collection[int] = (),
    first: int = 0,
) -> Ports:
    """Return a port for each endpoint: the one that it has, the one that it proposes, or the next free one.

    Installed apps come before new ones, then they go by name. Below `first` only root may listen, so nobody is given
    such a port any more. Raises ResolutionError when no port is left.
    """
    given: dict[str, int] = {}
    holders: dict[int, str] = dict.fromkeys(reserved, "the node")
    waiting: list[tuple[str, int]] = []
    order = sorted(apps, key=lambda app: (app not in installed, app))
    for app in order:
        before = installed[app].ports if app in installed else {}
        for name in sorted(manifests[app].endpoints):
            # A port that was given stays, even one that the node has come to reserve since: someone may use it.
            port = before.get(name)
            if port is not None and 1 <= port <= _HIGHEST and holders.get(port, "the node") == "the node":
                given[f"{app}/{name}"] = port
                holders[port] = f"{app}/{name}"
            else:
                waiting.append((f"{app}/{name}", manifests[app].endpoints[name].host_port))
    losers = []
    for key, port in waiting:
        if port in holders or port < first:
            losers.append((key, port))
        else:
            given[key] = port
            holders[port] = key
    following: dict[int, int] = {}
    moved = []
    for key, port in losers:
        free = _next_free(port, holders, following, max(first, _LOWEST_FREE))
        given[key] = free
        why = (
            msg("{port} is taken by {holder}", port=port, holder=holders[port])
            if port in holders
            else msg("only root may listen on {port}", port=port)
        )
        moved.append(msg("{key} gets port {free}, as {why}", key=key, free=free, why=why))
        holders[free] = key
    return Ports(dict(sorted(given.items())), tuple(moved))


def _next_free(port: int, holders: Mapping[int, str], following: dict[int, int], lowest: int) -> int:
    """Return the next port from `lowest` on that nobody holds.

    `following` remembers how far was looked, so that many cost little.
    """
    start = port
    current = following.get(start, start)
    for _ in range(_HIGHEST + 1):
        if current not in holders and current >= lowest:
            following[start] = current
            return current
        current = current + 1 if lowest - 1 <= current < _HIGHEST else lowest
    raise ResolutionError(
        ResolutionCode.PORTS_EXHAUSTED,
        msg("No host port is left for another endpoint"),
        msg("Install fewer apps"),
        {"port": port},
    )
