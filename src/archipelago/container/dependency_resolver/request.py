"""Is a request sound before anything is resolved, and what of it had no effect?"""

from collections.abc import Collection, Iterable, Mapping

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Edge, InstalledApp, Request
from archipelago.container.dependency_resolver.rating import egress_words
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import AppId
from archipelago.container.manifest.variants import in_force
from archipelago.support.near_names import near_names
from archipelago.support.texts.text import msg


def check_request(
    catalog: Mapping[AppId, AppManifest], installed: Mapping[AppId, InstalledApp], request: Request
) -> None:
    """Raise ResolutionError when a request names what is not there, contradicts itself or takes away what is needed."""
    for app in request.install:
        if app not in catalog and app not in installed:
            raise unknown(app, catalog)
    for verb, apps in ((msg("removed"), request.remove), (msg("updated"), request.update)):
        for app in apps:
            if app not in installed:
                raise _not_installed(app, verb, installed)
    for app in request.update:
        if app not in catalog:
            raise ResolutionError(
                ResolutionCode.UNKNOWN_APP,
                msg("{app} cannot be updated, as it is in the catalog no longer", app=app),
                msg("It keeps running as it is; look for its successor in the catalog"),
                {"app": app},
            )
    for app in sorted(set(request.remove).intersection((*request.install, *request.update))):
        raise ResolutionError(
            ResolutionCode.BAD_REQUEST,
            msg("{app} is to be removed and to be installed or updated in one step", app=app),
            msg("Ask for one of the two"),
            {"app": app},
        )
    _check_choices(catalog, installed, request)
    _check_removals(installed, request)


def unknown(app: str, catalog: Mapping[AppId, AppManifest]) -> ResolutionError:
    """Return the refusal of a name that no app has, with the nearest names."""
    shown = app[:60]
    near = near_names(shown, catalog)
    hint = msg("Did you mean {near}?", near=" or ".join(near)) if near else msg("The catalog lists what there is")
    return ResolutionError(
        ResolutionCode.UNKNOWN_APP, msg("There is no app '{shown}'", shown=shown), hint, {"app": shown, "nearest": near}
    )


def _not_installed(app: str, verb: str, installed: Mapping[AppId, InstalledApp]) -> ResolutionError:
    near = near_names(app[:60], installed)
    return ResolutionError(
        ResolutionCode.NOT_INSTALLED,
        msg("{app} cannot be {verb}, as it is not installed", app=app[:60], verb=verb),
        msg("Did you mean {near}?", near=" or ".join(near))
        if near
        else msg("The list of installed apps has the names"),
        {"app": app[:60], "nearest": near},
    )


def _check_choices(
    catalog: Mapping[AppId, AppManifest], installed: Mapping[AppId, InstalledApp], request: Request
) -> None:
    for interface, app in sorted(request.choices.items()):
        one = installed.get(app)
        manifest = one.manifest if one is not None and app not in request.update else catalog.get(app)
        if manifest is None:
            raise unknown(app, catalog)
        if interface not in manifest.provides:
            provides = ", ".join(sorted(manifest.provides)) or msg("nothing to other apps")
            raise ResolutionError(
                ResolutionCode.BAD_REQUEST,
                msg("You chose {app} for '{interface}', which it does not provide", app=app, interface=interface[:60]),
                msg("It provides {provides}", provides=provides),
                {"app": app, "interface": interface[:60], "provides": sorted(manifest.provides)},
            )


def _check_removals(installed: Mapping[AppId, InstalledApp], request: Request) -> None:
    needed: dict[AppId, list[AppId]] = {}
    removed = set(request.remove)
    for consumer, one in sorted(installed.items()):
        if consumer in removed:
            continue
        requires = in_force(one.manifest, {**one.options, **request.options.get(consumer, {})}).requires
        for interface, provider in sorted(one.choices.items()):
            required = requires.get(interface)
            if provider in removed and required is not None and not required.optional:
                choice = request.choices.get(interface)
                if choice is None or choice in removed or choice == consumer:
                    needed.setdefault(provider, []).append(consumer)
    for app, dependents in sorted(needed.items()):
        dependents = list(dict.fromkeys(dependents))
        names = ", ".join(dependents)
        raise ResolutionError(
            ResolutionCode.STILL_NEEDED,
            msg("{app} is still needed by {names}", app=app, names=names),
            msg("Remove {names} as well, or choose another provider", names=names),
            {"app": app, "dependents": dependents},
        )


def check_options(world: World, apps: Collection[AppId]) -> None:
    """Raise ResolutionError when the request sets options of an app that is not there in the end."""
    for app in sorted(set(world.request.options).difference(apps)):
        if app not in world.apps:
            raise unknown(app, world.catalog)
        raise ResolutionError(
            ResolutionCode.NOT_INSTALLED,
            msg("You set options of {app}, which is neither installed nor installed by this request", app=app),
            msg("Install {app} in the same step, or leave its options out", app=app),
            {"app": app},
        )


def request_warnings(world: World, edges: Iterable[Edge]) -> list[str]:
    """Return which wishes had no effect, which settings are void and which installed providers were passed over."""
    edges = tuple(edges)
    warnings = []
    for interface, app in sorted(world.request.choices.items()):
        if not any(edge.interface == interface and edge.provider == app for edge in edges):
            warnings.append(msg("Nothing uses {interface} of {app}, which you chose", interface=interface, app=app))
    for app in sorted(world.kept):
        void = sorted(set(world.installed[app].options).difference(world.apps[app].options))
        if void:
            warnings.append(
                msg(
                    "{app} {newer} has no option {options} any longer",
                    app=app,
                    newer=world.apps[app].version,
                    options=", ".join(void),
                )
            )
    for app in sorted(world.updated & world.kept):
        # With the owner's options: a version may no longer know the one by which he chose to reach less.
        before, after = world.installed[app].in_force.egress, world.apps[app]
        if after.egress.rank > before.rank:
            reach = egress_words(after.egress)
            warnings.append(
                msg("{app} {newer} reaches more than now: {reach}", app=app, newer=after.version, reach=reach)
            )
    for edge in edges:
        if edge.provider in world.kept or edge.consumer in world.kept:
            continue
        for other in world.providers(edge.interface):
            if other in world.kept and other != edge.consumer:
                required = world.apps[edge.consumer].requires[edge.interface]
                problem = world.misfit(other, edge.consumer, edge.interface, required)
                why = problem.message if problem else msg("it does not go together with the rest")
                warnings.append(
                    msg(
                        "{consumer} gets {interface} from {provider}, not {other}: {why}",
                        consumer=edge.consumer,
                        interface=edge.interface,
                        provider=edge.provider,
                        other=other,
                        why=why,
                    )
                )
    return warnings
