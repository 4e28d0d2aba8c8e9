"""What a resolution chooses from: the apps, who provides what, and which of them fit a requirement."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.options import Demand, settle, shown
from archipelago.container.dependency_resolver.plan import InstalledApp, Request
from archipelago.container.dependency_resolver.search.cures import Cures
from archipelago.container.dependency_resolver.search.misfits import Offer, host_troubles, version_mismatch
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Required
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.container.manifest.variants import in_force
from archipelago.support.texts.text import joined, msg

Token = tuple[str, ...]
"""A thing of which one side only may be in a plan.

`lease, "", name`, or, for a conflict that an app declares, `app` or `interface`, the app, its target.
"""


@lru_cache(maxsize=4096)
def in_range(version: str, wanted: str) -> bool:
    """Return whether a version is in a range; a pre-release does where its place in the order does (PEP 440)."""
    return not wanted or SpecifierSet(wanted).contains(Version(version), prereleases=True)


class World:
    """The apps of the catalog and of the node as one request sees them, indexed once."""

    def __init__(
        self,
        catalog: Mapping[AppId, AppManifest],
        installed: Mapping[AppId, InstalledApp],
        request: Request,
        host: HostFacts | None,
    ) -> None:
        self.catalog = catalog
        self.installed = installed
        self.request = request
        self.host = host
        self.removed = frozenset(request.remove)
        self.updated = frozenset(request.update)
        self.asked = frozenset(request.install)
        self.named = self.asked | self.updated
        self.kept = frozenset(installed) - self.removed
        self.roots: tuple[AppId, ...] = tuple(sorted(self.kept | self.asked))
        self.apps: dict[AppId, AppManifest] = dict(catalog)
        for app, one in installed.items():
            if app not in self.updated:
                self.apps[app] = one.manifest
        # No dependent may demand what a variant depends on, so that it is known before anybody is bound to anybody.
        for app, manifest in self.apps.items():
            if manifest.variants:
                self.apps[app] = in_force(manifest, self.owner_options(app))
        self._providers: dict[Name, list[AppId]] = {}
        self._lease_holders: dict[Name, int] = {}
        self._excluded_by_app: dict[AppId, list[AppId]] = {}
        self._excluded_by_interface: dict[Name, list[AppId]] = {}
        self._index()
        self._fitting: dict[tuple[Name, str, tuple[tuple[Key, str, Scalar], ...], AppId], tuple[AppId, ...]] = {}
        self._host_misfits: dict[AppId, Problem | None] = {}
        self._cures: Cures | None = None

    def _index(self) -> None:
        for app, manifest in self.apps.items():
            for interface in manifest.provides:
                self._providers.setdefault(interface, []).append(app)
            for lease in manifest.leases:
                self._lease_holders[lease] = self._lease_holders.get(lease, 0) + 1
            for conflict in manifest.conflicts:
                if conflict.app is not None:
                    self._excluded_by_app.setdefault(conflict.app, []).append(app)
                elif conflict.interface is not None:
                    self._excluded_by_interface.setdefault(conflict.interface, []).append(app)
        # By id: what is chosen, and the reason that is given first, do not depend on the order of the catalog.
        for index in (self._providers, self._excluded_by_app, self._excluded_by_interface):
            for apps in index.values():
                apps.sort()

    @property
    def cures(self) -> Cures:
        """Who may demand what."""
        if self._cures is None:
            self._cures = Cures.among(self.apps.values())
        return self._cures

    def owner_options(self, app: AppId) -> dict[Key, Scalar]:
        """Return what the owner set, earlier and in this request, leaving out what the manifest no longer knows."""
        manifest = self.apps[app]
        one = self.installed.get(app)
        kept = {key: value for key, value in one.options.items() if key in manifest.options} if one else {}
        return {**kept, **self.request.options.get(app, {})}

    def is_new(self, app: AppId) -> bool:
        """Return whether the manifest of an app comes newly to the node, by installation or update."""
        return app not in self.kept or app in self.updated

    def providers(self, interface: Name) -> list[AppId]:
        """Return who provides an interface, by id, whether it fits or not."""
        return self._providers.get(interface, [])

    def interfaces(self) -> Iterable[Name]:
        """Return every interface that somebody provides."""
        return self._providers.keys()

    def bound(self, consumer: AppId, interface: Name) -> AppId | None:
        """Return the one provider that may be taken, by the owner's choice or an earlier plan; None leaves it open."""
        one = self.installed.get(consumer) if consumer in self.kept else None
        before = one.choices.get(interface) if one else None
        choice = self.request.choices.get(interface)
        if choice is not None and choice != consumer:
            follows = before is None or before in self.removed or consumer in self.named or not self.named
            if follows:
                return choice
        return before if before in self.installed else None

    def fitting(self, consumer: AppId, interface: Name, required: Required) -> tuple[AppId, ...]:
        """Return the providers that could serve a requirement, by id, were there no other app."""
        demands: tuple[tuple[Key, str, Scalar], ...] = ()
        if required.demands:
            demands = tuple((option, type(value).__name__, value) for option, value in sorted(required.demands.items()))
        key = (interface, required.version, demands, self.bound(consumer, interface) or "")
        found = self._fitting.get(key)
        if found is None:
            found = self._fitting[key] = tuple(
                provider
                for provider in self._candidates(consumer, interface)
                if self.misfit(provider, consumer, interface, required) is None
            )
        return tuple(app for app in found if app != consumer) if consumer in found else found

    def misfits(self, consumer: AppId, interface: Name, required: Required) -> tuple[Problem, ...]:
        """Return why each provider that does not serve a requirement does not."""
        problems = (
            self.misfit(provider, consumer, interface, required) for provider in self._candidates(consumer, interface)
        )
        return tuple(problem for problem in problems if problem is not None)

    def _candidates(self, consumer: AppId, interface: Name) -> list[AppId]:
        bound = self.bound(consumer, interface)
        return [bound] if bound is not None else self.providers(interface)

    def misfit(self, provider: AppId, consumer: AppId, interface: Name, required: Required) -> Problem | None:
        """Return why a provider cannot serve a requirement, or None."""
        manifest = self.apps.get(provider)
        if provider in self.removed:
            return Problem(
                ResolutionCode.STILL_NEEDED,
                msg(
                    "{provider} is to be removed, but {consumer} needs its {interface}",
                    provider=provider,
                    consumer=consumer,
                    interface=interface,
                ),
                msg(
                    "Remove {consumer} as well, or choose another provider of {interface} for it",
                    consumer=consumer,
                    interface=interface,
                ),
                {"consumer": consumer, "interface": interface, "provider": provider, "dependents": [consumer]},
                (consumer, provider),
            )
        if manifest is None or interface not in manifest.provides:
            return Problem(
                ResolutionCode.NO_PROVIDER,
                msg(
                    "{consumer} needs {interface}, which {provider} does not provide",
                    consumer=consumer,
                    interface=interface,
                    provider=provider,
                ),
                self._providers_hint(interface),
                {
                    "consumer": consumer,
                    "interface": interface,
                    "provider": provider,
                    "providers": self.providers(interface),
                },
                (consumer, provider),
            )
        version = manifest.provides[interface].version or manifest.version
        if not in_range(version, required.version):
            newer = self._newer_fits(provider, interface, required)
            return version_mismatch(consumer, required, Offer(provider, interface, version, newer))
        problem = self.host_misfit(provider)
        if problem is not None:
            return problem
        if required.demands:
            demands = [Demand(option, consumer, interface, value) for option, value in required.demands.items()]
            settled = settle(manifest, self.owner_options(provider), demands)
            if isinstance(settled, Problem) and not self.curable(provider, settled):
                return settled
        return None

    def curable(self, provider: AppId, problem: Problem) -> bool:
        """Return whether the options of an app may go together after all, once another app has demands of it too."""
        return bool(problem.cures and self.cures.demanders(self.apps[provider], problem.cures))

    def _newer_fits(self, provider: AppId, interface: Name, required: Required) -> str | None:
        manifest = self.catalog.get(provider)
        provided = manifest.provides.get(interface) if manifest else None
        if manifest is None or provided is None or provider not in self.installed or provider in self.updated:
            return None
        return manifest.version if in_range(provided.version or manifest.version, required.version) else None

    def _providers_hint(self, interface: Name) -> str:
        providers = self.providers(interface)
        if not providers:
            return msg("No app of the catalog provides {interface}", interface=interface)
        return msg("Choose one of {providers}", providers=", ".join(providers[:8]))

    def host_misfit(self, app: AppId) -> Problem | None:
        """Return why a newly installed or updated app cannot run on this host, or None."""
        if self.host is None or not self.is_new(app):
            return None
        if app not in self._host_misfits:
            self._host_misfits[app] = next(self.host_troubles(app), None)
        return self._host_misfits[app]

    def host_troubles(self, app: AppId) -> Iterator[Problem]:
        """Yield what keeps an app from running well on this host."""
        if self.host is not None:
            yield from host_troubles(self.host, self.apps[app], is_installed=app in self.installed)

    def unserved(self, consumer: AppId, interface: Name, required: Required) -> Problem:
        """Return why nobody serves a mandatory requirement."""
        misfits = self.misfits(consumer, interface, required)
        wanted = f"{interface} {required.version}".rstrip()
        if not misfits:
            if consumer in self.providers(interface):
                return Problem(
                    ResolutionCode.CYCLE,
                    msg(
                        "{consumer} needs {wanted}, which only it itself provides: {consumer} → {consumer}",
                        consumer=consumer,
                        wanted=wanted,
                    ),
                    msg("Report it to the packager of {consumer}", consumer=consumer),
                    {"cycle": [consumer, consumer]},
                    (consumer,),
                )
            demands = ", ".join(shown(option, value) for option, value in sorted(required.demands.items()))
            return Problem(
                ResolutionCode.NO_PROVIDER,
                msg(
                    "{consumer} needs {wanted}{demands}, which no known app provides",
                    consumer=consumer,
                    wanted=wanted,
                    demands=msg(" with {demands}", demands=demands) if demands else "",
                ),
                msg("Add an app that provides {interface} to the catalog", interface=interface),
                {"consumer": consumer, "interface": interface, "providers": []},
                (consumer,),
            )
        first = min(misfits, key=lambda problem: (problem.data.get("provider") != required.default,))
        if len(misfits) == 1:
            one = first
            if consumer not in one.message:
                one = Problem(
                    one.code,
                    msg("{consumer} needs {wanted}: {message}", consumer=consumer, wanted=wanted, message=one.message),
                    one.hint,
                    one.data,
                    one.apps,
                )
            return Problem(one.code, one.message, one.hint, one.data, (consumer, *one.apps))
        reasons = joined([problem.message for problem in misfits[:5]], "; ")
        more = msg("; and {count} more", count=len(misfits) - 5) if len(misfits) > 5 else ""
        return Problem(
            first.code,
            msg(
                "{consumer} needs {wanted}, and none of its {count} providers fits: {reasons}{more}",
                consumer=consumer,
                wanted=wanted,
                count=len(misfits),
                reasons=reasons,
                more=more,
            ),
            first.hint,
            {**first.data, "tried": [problem.message for problem in misfits]},
            (consumer,),
        )

    def tokens(self, app: AppId) -> Iterator[tuple[Token, str]]:
        """Yield the things that an app excludes others from, each with the side that it stands on."""
        manifest = self.apps[app]
        for lease in manifest.leases:
            if self._lease_holders[lease] > 1:
                yield ("lease", "", lease), app
        for conflict in manifest.conflicts:
            if conflict.app is not None and conflict.app != app:
                yield ("app", app, conflict.app), "declares"
            elif conflict.interface is not None:
                yield ("interface", app, conflict.interface), "declares"
        for excluder in self._excluded_by_app.get(app, ()):
            if excluder != app:
                yield ("app", excluder, app), "suffers"
        for interface in manifest.provides:
            for excluder in self._excluded_by_interface.get(interface, ()):
                if excluder != app:
                    yield ("interface", excluder, interface), "suffers"

    def exclusion(self, token: Token, one: AppId, other: AppId) -> Problem:
        """Return why two apps cannot be together."""
        kind, declarer, target = token
        apps = tuple(sorted((one, other)))
        stays = [app for app in apps if app in self.kept]
        hint = (
            msg(
                "Remove {installed} first, or leave {second} out",
                installed=stays[0],
                second=apps[1] if stays[0] == apps[0] else apps[0],
            )
            if stays
            else ""
        )
        hint = hint or msg("Install either {first} or {second}", first=apps[0], second=apps[1])
        if kind == "lease":
            return Problem(
                ResolutionCode.LEASE_TAKEN,
                msg(
                    "{first} and {second} both hold '{target}', of which there is one on a node",
                    first=apps[0],
                    second=apps[1],
                    target=target,
                ),
                hint,
                {"lease": target, "apps": list(apps)},
                apps,
            )
        reason = next(
            (
                conflict.because
                for conflict in self.apps[declarer].conflicts
                if target in (conflict.app, conflict.interface)
            ),
            "",
        )
        sufferer = other if declarer == one else one
        what = (
            sufferer if kind == "app" else msg("{sufferer}, which provides {target}", sufferer=sufferer, target=target)
        )
        return Problem(
            ResolutionCode.CONFLICT,
            msg(
                "{declarer} cannot be on a node with {what}: {reason}",
                declarer=declarer,
                what=what,
                reason=reason.rstrip("."),
            ),
            hint,
            {"apps": list(apps), "declared_by": declarer, "target": target},
            apps,
        )
