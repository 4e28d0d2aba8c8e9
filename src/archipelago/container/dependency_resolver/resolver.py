"""From a catalog, what is installed and a request to a plan. Pure and deterministic.

Which provider serves a requirement: the owner's choice, else the one that it is bound to, else one that is installed or
comes anyway, else the requirement's default, else the first by id that fits.
"""

from collections.abc import Collection, Iterator, Mapping

from archipelago.container.dependency_resolver.asks import access_warnings, asks_of, check_disk, host_warnings
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.optional import Optional, bind_optional
from archipelago.container.dependency_resolver.order import start_order
from archipelago.container.dependency_resolver.plan import Action, Edge, InstalledApp, Plan, PlannedApp, Request
from archipelago.container.dependency_resolver.ports import allocate
from archipelago.container.dependency_resolver.reasons import action, because, before, logins_of
from archipelago.container.dependency_resolver.request import check_options, check_request, request_warnings
from archipelago.container.dependency_resolver.search.nogoods import Need
from archipelago.container.dependency_resolver.search.providers import Descent, solve
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import AppId
from archipelago.container.manifest.way_back import way_back
from archipelago.support.texts.text import msg
from archipelago.support.view import unchecked

_edge = unchecked(Edge)


def resolve(
    catalog: Mapping[AppId, AppManifest],
    installed: Mapping[AppId, InstalledApp],
    request: Request,
    host: HostFacts | None = None,
    *,
    reserved_ports: Collection[int] = (),
) -> Plan:
    """Return what is to be done for a request; raises ResolutionError, and nothing else.

    Installed apps keep their manifest unless the request updates them, and their providers and ports. Without `host`,
    nothing is refused for the host's sake. No endpoint is given a new port out of `reserved_ports`.
    """
    check_request(catalog, installed, request)
    world = World(catalog, installed, request, host)
    descent = solve(world)
    check_options(world, descent.apps)
    optional = bind_optional(world, descent)
    edges = tuple(_edges(world, {**descent.bindings, **optional.bindings}, optional))
    needs: dict[AppId, set[AppId]] = {}
    for edge in edges:
        if edge.gates:
            needs.setdefault(edge.consumer, set()).add(edge.provider)
    order = start_order(descent.apps, needs)
    first_port = host.first_port if host is not None else 0
    ports = allocate(order, world.apps, {app: installed[app] for app in world.kept}, reserved_ports, first_port)
    new = [app for app in order if world.is_new(app)]
    asks = asks_of(new, world.apps, installed, ports.given, {app: descent.settled[app].values for app in new})
    check_disk(world, asks)
    return Plan(
        apps=(*_stay(world, descent, order, edges, ports.given), *_go(world)),
        edges=edges,
        ports=ports.given,
        asks=asks,
        alternatives=_alternatives(world, edges),
        warnings=(
            *request_warnings(world, edges),
            *optional.warnings,
            *ports.moved,
            *access_warnings(asks),
            *host_warnings(world, order, asks, edges),
        ),
    )


def _edges(world: World, bindings: Mapping[Need, AppId], optional: Optional) -> Iterator[Edge]:
    for need, provider in sorted(bindings.items()):
        consumer, interface = need
        required = world.apps[consumer].requires[interface]
        yield _edge(
            consumer=consumer,
            interface=interface,
            provider=provider,
            wait=required.wait,
            optional=need in optional.bindings,
            role=required.role,
            gates=need not in optional.ungated,
        )


def _stay(
    world: World, descent: Descent, order: list[AppId], edges: tuple[Edge, ...], ports: Mapping[str, int]
) -> list[PlannedApp]:
    outgoing: dict[AppId, list[Edge]] = {}
    incoming: dict[AppId, list[Edge]] = {}
    for edge in edges:
        outgoing.setdefault(edge.consumer, []).append(edge)
        incoming.setdefault(edge.provider, []).append(edge)
    earlier = before(world.installed)
    logins = logins_of(world, edges)
    planned = []
    for app in order:
        manifest, settled, uses = world.apps[app], descent.settled[app], outgoing.get(app, [])
        what = Action.INSTALL
        why: tuple[str, ...] = ()
        if app in world.kept:
            what, why = action(
                world,
                app,
                settled,
                {edge.interface: edge.provider for edge in uses},
                {name: ports[f"{app}/{name}"] for name in manifest.endpoints},
                (earlier.logins.get(app, set()), logins.get(app, set())),
                earlier.demands.get(app, {}),
            )
        planned.append(
            PlannedApp(
                app=app,
                name=manifest.name,
                version=manifest.version,
                action=what,
                because=(*because(world, app, incoming.get(app, [])), *why),
                options=settled.values,
                option_origins=settled.origins,
                edges=tuple(uses),
                way_back=way_back(world.installed[app].manifest, manifest) if what is Action.UPDATE else None,
                release_notes=manifest.release_notes if what is Action.UPDATE else None,
            )
        )
    return planned


def _go(world: World) -> list[PlannedApp]:
    needs = {
        app: {provider for provider in world.installed[app].choices.values() if provider in world.removed}
        for app in world.removed
    }
    # Optional edges may close a cycle; whoever is left in one goes last, by name.
    order = start_order(needs, needs)
    order += sorted(world.removed.difference(order))
    return [
        PlannedApp(
            app=app,
            name=world.installed[app].manifest.name,
            version=world.installed[app].manifest.version,
            action=Action.REMOVE,
            because=(msg("you asked to remove it"),),
        )
        for app in reversed(order)
    ]


def _alternatives(world: World, edges: tuple[Edge, ...]) -> dict[str, tuple[AppId, ...]]:
    used: dict[str, set[AppId]] = {}
    for edge in edges:
        used.setdefault(edge.interface, set()).add(edge.provider)
    others = {interface: _unused(world, interface, ones) for interface, ones in used.items()}
    consumers: dict[str, dict[object, AppId]] = {interface: {} for interface, ones in others.items() if ones}
    for edge in edges:
        if edge.interface in consumers:
            required = world.apps[edge.consumer].requires[edge.interface]
            kind = (required.version, tuple(sorted(required.demands.items())))
            consumers[edge.interface].setdefault(kind, edge.consumer)
    found = {}
    for interface, ones in consumers.items():
        fitting = tuple(
            provider
            for provider in others[interface]
            if all(
                world.misfit(provider, consumer, interface, world.apps[consumer].requires[interface]) is None
                for consumer in ones.values()
            )
        )
        if fitting:
            found[interface] = fitting
    return found


def _unused(world: World, interface: str, used: Collection[AppId]) -> list[AppId]:
    return [provider for provider in world.providers(interface) if provider not in used]
