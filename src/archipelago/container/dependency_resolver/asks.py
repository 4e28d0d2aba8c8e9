"""What a plan asks of the owner: downloads, space, ports, rights, and warnings about the host."""

from collections.abc import Iterable, Mapping

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.memory_budget import NODE_MEMORY, MemoryBudget
from archipelago.container.dependency_resolver.plan import (
    AskedEndpoint,
    Asks,
    Edge,
    Fetch,
    FetchKind,
    HostMinimum,
    InstalledApp,
    Plan,
)
from archipelago.container.dependency_resolver.rating import rate
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.build_facts import build_facts
from archipelago.container.manifest.exposure import PUBLISHED, is_behind_login, is_open
from archipelago.container.manifest.model.app import AppManifest, Architecture, Egress
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.endpoints import Access
from archipelago.container.manifest.model.scalars import AppId, Scalar
from archipelago.container.manifest.options import have_values
from archipelago.support.texts.text import joined, msg
from archipelago.support.view import unchecked

_asked_endpoint, _fetched = unchecked(AskedEndpoint), unchecked(Fetch)
_GIB = 1024**3
_WAYS = {
    Access.TOR: "through Tor",
    Access.INTERNET: msg("from the internet"),
}


def asks_of(
    apps: Iterable[AppId],
    manifests: Mapping[AppId, AppManifest],
    installed: Mapping[AppId, InstalledApp],
    ports: Mapping[str, int],
    options: Mapping[AppId, Mapping[str, Scalar]],
) -> Asks:
    """Return what the given apps, newly installed or updated, ask for; `options` are those in force."""
    fresh = {app: manifests[app] for app in apps}
    before = {app: installed[app].manifest.containers for app in fresh if app in installed}
    return Asks(
        fetches=tuple(
            _fetch(app, name, container)
            for app, one in fresh.items()
            for name, container in sorted(one.containers.items())
            if not _has_image(before.get(app, {}).get(name), container)
        ),
        disk=sum(expected_disk(one, options[app]) for app, one in fresh.items() if app not in installed),
        data={
            app: {name: volume.data for name, volume in sorted(one.volumes.items())}
            for app, one in fresh.items()
            if one.volumes
        },
        memory=sum(map(memory_limit, fresh.values())),
        egress={app: one.egress for app, one in fresh.items() if one.egress is not Egress.NONE},
        endpoints=tuple(
            _asked_endpoint(
                app=app,
                endpoint=name,
                kind=endpoint.kind,
                protocol=endpoint.protocol,
                port=ports[f"{app}/{name}"],
                access=tuple(way for way in endpoint.access if way is not Access.LAN or is_open(endpoint, None)),
                label=endpoint.label,
                behind_login=is_behind_login(endpoint),
            )
            for app, one in fresh.items()
            for name, endpoint in sorted(one.endpoints.items())
        ),
        capabilities=_rights({app: _capabilities(one) for app, one in fresh.items()}),
        devices=_rights({app: _devices(one) for app, one in fresh.items()}),
        ratings={app: rate(one) for app, one in fresh.items()},
        host=HostMinimum(
            memory=max((one.host.memory for one in fresh.values()), default=0),
            disk=sum(one.host.disk for app, one in fresh.items() if app not in installed),
        ),
        architectures=tuple(each for each in Architecture if all(each in one.architectures for one in fresh.values())),
    )


def expected_disk(manifest: AppManifest, options: Mapping[str, Scalar]) -> int:
    """Return the bytes that an app is expected to take with these options."""
    return sum(
        next((size.disk for size in volume.disk_when if have_values(options, size.when)), volume.disk)
        for volume in manifest.volumes.values()
    )


def disk_warnings(before: Plan, after: Plan, manifests: Mapping[AppId, AppManifest], free_disk: int) -> tuple[str, ...]:
    """Return which installed apps are expected to need more than `free_disk` bytes in addition, by other options."""
    warnings = []
    for app, manifest in sorted(manifests.items()):
        old, new = before.planned(app), after.planned(app)
        if old is None or new is None:
            continue
        expected = expected_disk(manifest, new.options)
        if expected - expected_disk(manifest, old.options) > free_disk:
            warnings.append(
                msg(
                    "With these settings, {name} is expected to take {expected} GiB, and {free_disk} "
                    "GiB of disk are free",
                    name=manifest.name,
                    expected=f"{expected / _GIB:.1f}",
                    free_disk=f"{free_disk / _GIB:.1f}",
                )
            )
    return tuple(warnings)


def memory_limit(manifest: AppManifest) -> int:
    """Return the bytes that all containers of an app may take together."""
    return sum(container.resources.memory for container in manifest.containers.values())


def check_disk(world: World, asks: Asks) -> None:
    """Raise ResolutionError when the new apps need more disk together than there is."""
    if world.host is not None and asks.host.disk > world.host.free_disk:
        needed, there = asks.host.disk / _GIB, world.host.free_disk / _GIB
        raise ResolutionError(
            ResolutionCode.HOST_TOO_SMALL,
            msg(
                "Together these apps need {needed} GiB of free disk, and this host has {there} GiB",
                needed=f"{needed:.1f}",
                there=f"{there:.1f}",
            ),
            msg("Install fewer of them, free some space, or attach a larger disk"),
            {"what": "free_disk", "needed": asks.host.disk, "available": world.host.free_disk},
        )


def host_warnings(world: World, apps: Iterable[AppId], asks: Asks, edges: Iterable[Edge]) -> list[str]:
    """Return what may go wrong on this host, though it is no reason to refuse."""
    if world.host is None:
        return []
    apps = tuple(apps)
    warnings = [problem.message for app in apps if not world.is_new(app) for problem in world.host_troubles(app)]
    warnings += _memory_warnings(world, apps, edges, world.host.memory)
    if asks.disk > world.host.free_disk:
        warnings.append(
            msg(
                "The new apps are expected to take {disk} GiB, and {free_disk} GiB of disk are free",
                disk=f"{asks.disk / _GIB:.1f}",
                free_disk=f"{world.host.free_disk / _GIB:.1f}",
            )
        )
    return warnings


def _memory_warnings(world: World, apps: Iterable[AppId], edges: Iterable[Edge], host: int) -> list[str]:
    """Return which of the apps that are to run may take more memory than there is, and which to stop."""
    running = [app for app in apps if world.is_new(app) or world.installed[app].running]
    budget = MemoryBudget(host, {app: _memory_limit(world, app) for app in running})
    if not budget.missing:
        return []
    names = {app: world.apps[app].name for app in running}
    used = {edge.provider for edge in edges if not edge.optional}
    spare = {
        app
        for app in running
        if app not in used
        and not world.is_new(app)
        and not any(volume.funds for volume in world.apps[app].volumes.values())
    }
    text = msg(
        "These apps may take {missing} GiB of memory more than this host has: {apps}, and {node} GiB for the node",
        missing=f"{budget.missing / _GIB:.1f}",
        apps=", ".join(f"{names[app]} {budget.limits[app] / _GIB:.1f} GiB" for app in budget.largest),
        node=f"{NODE_MEMORY / _GIB:.1f}",
    )
    stops = ", ".join(names[app] for app in budget.to_stop(spare))
    return [msg("{text}; it is enough without {stops}", text=text, stops=stops) if stops else text]


def _memory_limit(world: World, app: AppId) -> int:
    own = None if world.is_new(app) else world.installed[app].memory
    return memory_limit(world.apps[app]) if own is None else own


def access_warnings(asks: Asks) -> list[str]:
    """Return which of the new endpoints will not be reachable in the ways that their manifests ask for.

    Nothing is reachable from the internet yet, and nobody may believe that it is. Through Tor, what is on this host is
    reachable once its owner switches that on.
    """
    warnings = []
    for endpoint in asks.endpoints:
        possible = {Access.TOR} if not PUBLISHED.isdisjoint(endpoint.access) else set()
        if missing := [_WAYS[way] for way in endpoint.access if way in _WAYS and way not in possible]:
            there = msg("it will not be reachable at all")
            if Access.LAN in endpoint.access:
                there = msg(
                    "it will be reachable on port {port} of this host and, once you have it listen there, from the "
                    "local network",
                    port=endpoint.port,
                )
            elif Access.HOST in endpoint.access:
                there = msg("it will be reachable on port {port} of this host", port=endpoint.port)
            warnings.append(
                msg(
                    "{app}/{endpoint} asks to be reachable {missing}, which this version cannot do yet: {there}",
                    app=endpoint.app,
                    endpoint=endpoint.endpoint,
                    missing=joined(missing, " and "),
                    there=there,
                )
            )
    return warnings


def _fetch(app: AppId, name: str, container: Container) -> Fetch:
    if container.image is not None:
        return _fetched(
            app=app,
            container=name,
            kind=FetchKind.DOWNLOAD,
            source=container.image,
            signed=container.signed,
        )
    if container.build is None:
        return Fetch(app=app, container=name, kind=FetchKind.BUILD, source="")
    facts = build_facts(container.build)
    return Fetch(app=app, container=name, kind=FetchKind.BUILD, source=container.build.type, build=facts)


def _has_image(before: Container | None, now: Container) -> bool:
    # A local recipe may have changed in files that the manifest does not show, so an update builds it again.
    return before is not None and now.image is not None and before.image == now.image


def _capabilities(manifest: AppManifest) -> set[str]:
    return {one.value for container in manifest.containers.values() for one in container.security.capabilities}


def _devices(manifest: AppManifest) -> set[str]:
    return {one for container in manifest.containers.values() for one in container.security.devices}


def _rights(rights: Mapping[AppId, set[str]]) -> dict[AppId, tuple[str, ...]]:
    return {app: tuple(sorted(ones)) for app, ones in rights.items() if ones}
