"""Who may demand the value without which the options of an app do not go together. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from archipelago.container.dependency_resolver.errors import Cure
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.container.manifest.options import same_value


@dataclass(slots=True)
class Cures:
    """All apps, by what they require and demand."""

    _consumers: dict[Name, list[AppId]] = field(default_factory=dict)
    _demanders: dict[tuple[Name, Key], list[tuple[AppId, Scalar]]] = field(default_factory=dict)
    _apps: dict[AppId, AppManifest] = field(default_factory=dict)

    @classmethod
    def among(cls, apps: Iterable[AppManifest]) -> "Cures":
        """Index apps."""
        found = cls()
        for manifest in apps:
            found._apps[manifest.id] = manifest
            for interface, required in manifest.requires.items():
                if not required.optional:
                    found._consumers.setdefault(interface, []).append(manifest.id)
                    for option, value in required.demands.items():
                        found._demanders.setdefault((interface, option), []).append((manifest.id, value))
        return found

    def demanders(self, provider: AppManifest, cures: Iterable[Cure]) -> set[AppId]:
        """Return the apps that may demand one of the cures of a provider."""
        return {
            app
            for interface in provider.provides
            for cure in cures
            for app, value in self._demanders.get((interface, cure.option), ())
            if same_value(value, cure.value) == cure.equal
        }

    def leading_to(self, goals: Collection[AppId]) -> set[AppId]:
        """Return the goals, and all apps that may bring one of them along."""
        seen = set(goals)
        waiting = list(seen)
        while waiting:
            for interface in self._apps[waiting.pop()].provides:
                fresh = [app for app in self._consumers.get(interface, ()) if app not in seen]
                seen.update(fresh)
                waiting += fresh
        return seen
