"""In which order apps are paused when the host runs short: what money hangs on comes last. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from archipelago.container.dependency_resolver.asks import memory_limit
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import AppManifest


class Rank(IntEnum):
    """How late an app is paused; the lowest rank goes first, and comes back last."""

    BACKGROUND = 0
    FUNDS = 1
    """It has the keys to money."""
    LIGHTNING = 2
    """A node that is down cannot answer a peer that cheats."""
    CHAIN = 3
    """All others need it, and its end takes longest."""


@dataclass(frozen=True, slots=True)
class RankedApp:
    """An app in the order in which apps are paused."""

    app: str
    rank: Rank


def rank_of(manifest: AppManifest) -> Rank:
    """Return the rank that an app has by its own manifest."""
    if manifest.bitcoin is not None and manifest.bitcoin.role == "node":
        return Rank.CHAIN
    if manifest.lightning is not None and manifest.lightning.role == "node":
        return Rank.LIGHTNING
    return Rank.FUNDS if any(volume.funds for volume in manifest.volumes.values()) else Rank.BACKGROUND


def pause_order(manifests: Mapping[str, AppManifest], edges: Iterable[Edge]) -> tuple[RankedApp, ...]:
    """Return all apps, the first to be paused first.

    An app has at least the rank of each app that cannot do without it. Within a rank consumers come before what they
    use, then the app that may take most memory.
    """
    providers: dict[str, set[str]] = {app: set() for app in manifests}
    for edge in edges:
        if not edge.optional and edge.consumer in manifests and edge.provider in manifests:
            providers[edge.consumer].add(edge.provider)
    ranks = {app: rank_of(manifest) for app, manifest in manifests.items()}
    depths = dict.fromkeys(manifests, 0)
    for _ in manifests:  # enough for the longest chain, and an end where edges form a circle
        for consumer, used in providers.items():
            for provider in used:
                ranks[provider] = max(ranks[provider], ranks[consumer])
                depths[provider] = max(depths[provider], min(depths[consumer] + 1, len(manifests)))
    ordered = sorted(manifests, key=lambda app: (ranks[app], depths[app], -memory_limit(manifests[app]), app))
    return tuple(RankedApp(app, ranks[app]) for app in ordered)
