"""Why each app is in a plan, and what happens to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archipelago.chains.chain import InterfaceRole
from archipelago.container.dependency_resolver.options import EffectiveOptions, shown
from archipelago.container.dependency_resolver.plan import Action, Edge, InstalledApp
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.interfaces import Required
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.container.manifest.options import effective_options, same_value
from archipelago.support.texts.text import msg

Login = tuple[AppId, InterfaceRole]
"""A consumer with what its login allows."""


@dataclass(slots=True)
class Before:
    """What held for the installed apps until now."""

    demands: dict[AppId, dict[Key, Scalar]] = field(default_factory=dict)
    logins: dict[AppId, set[Login]] = field(default_factory=dict)
    """Provider -> who has a login of its own there."""


def before(installed: Mapping[AppId, InstalledApp]) -> Before:
    """Return what the installed apps were bound to and demanded."""
    result = Before()
    for consumer, one in sorted(installed.items()):
        requires = one.in_force.requires
        for interface, provider in one.choices.items():
            required = requires.get(interface)
            if required is None or provider not in installed:
                continue
            result.demands.setdefault(provider, {}).update(required.demands)
            if _has_login(installed[provider], interface):
                result.logins.setdefault(provider, set()).add((consumer, required.role))
    return result


def _has_login(provider: InstalledApp, interface: Name) -> bool:
    provided = provider.manifest.provides.get(interface)
    return provided is not None and provided.credentials.configured


def logins_of(world: World, edges: Iterable[Edge]) -> dict[AppId, set[Login]]:
    """Return who gets a login of its own at each provider."""
    result: dict[AppId, set[Login]] = {}
    for edge in edges:
        if world.apps[edge.provider].provides[edge.interface].credentials.configured:
            result.setdefault(edge.provider, set()).add((edge.consumer, edge.role))
    return result


def action(
    world: World,
    app: AppId,
    settled: EffectiveOptions,
    choices: Mapping[Name, AppId],
    ports: Mapping[Name, int],
    logins: tuple[set[Login], set[Login]],
    demanded: Mapping[Key, Scalar],
) -> tuple[Action, tuple[str, ...]]:
    """Return what happens to an app that stays, and why it is restarted.

    `logins` are those before and after; `demanded` are the values that dependents demanded until now.
    """
    one = world.installed[app]
    if app in world.updated and world.catalog[app] != one.manifest:
        return Action.UPDATE, (
            msg("it is updated from {version} to {newer}", version=one.manifest.version, newer=world.apps[app].version),
        )
    reasons = []
    was = effective_options(one.manifest, one.options, demanded)
    for option, value in settled.values.items():
        if option not in was or not same_value(was[option], value):
            reasons.append(msg("it is restarted with {value}", value=shown(option, value)))
    for interface in sorted({*choices, *one.choices}):
        now, then = choices.get(interface), one.choices.get(interface)
        if now != then:
            reasons.append(
                msg("it is restarted as it takes {interface} from {now}", interface=interface, now=now)
                if now
                else msg("it is restarted as it goes without {interface}", interface=interface)
            )
    earlier, present = logins
    knew, knows = {client for client, _ in earlier}, {client for client, _ in present}
    for client in sorted({client for client, _ in present ^ earlier}):
        what = _LOGIN_CHANGES[client in knew, client in knows]
        reasons.append(msg("it is restarted as {client} {what}", client=client, what=what))
    for endpoint in sorted(name for name, port in ports.items() if one.ports.get(name) != port):
        reasons.append(msg("it is restarted with port {port} for {endpoint}", port=ports[endpoint], endpoint=endpoint))
    return (Action.RESTART if reasons else Action.REUSE), tuple(reasons)


def because(world: World, app: AppId, incoming: Iterable[Edge]) -> tuple[str, ...]:
    """Return why an app is in the plan, the owner's wish first."""
    reasons = []
    if app in world.asked:
        reasons.append(
            msg("you asked for it") if app not in world.kept else msg("you asked for it, and it is installed already")
        )
    elif app in world.request.along:
        reasons.append(msg("it is updated, as the version that is installed does not go together with the others"))
    elif app in world.updated:
        reasons.append(msg("you asked to update it"))
    elif app in world.kept:
        reasons.append(msg("it is installed"))
    for edge in incoming:
        required = world.apps[edge.consumer].requires[edge.interface]
        reasons.append(_sentence(edge, required))
    for interface in sorted(name for name, provider in world.request.choices.items() if provider == app):
        reasons.append(msg("you chose it for {interface}", interface=interface))
    return tuple(reasons)


_LOGIN_CHANGES = {
    (False, True): msg("gets a login"),
    (True, False): msg("loses its login"),
    (True, True): msg("gets another role"),
}
_ROLES = {
    InterfaceRole.VIEW: msg(", only to look at the chain"),
    InterfaceRole.MINE: msg(", only to mine blocks"),
    InterfaceRole.BROADCAST: msg(", only to broadcast transactions"),
    InterfaceRole.READ: "",
    InterfaceRole.WALLET: msg(", and may use its wallets"),
    InterfaceRole.FULL: msg(", and may do everything with it"),
}


def _sentence(edge: Edge, required: Required) -> str:
    version = f" ({required.version})" if required.version else ""
    demands = " and ".join(shown(option, value) for option, value in sorted(required.demands.items()))
    wanted = f"{edge.interface}{version}"
    if demands:
        wanted = msg("{wanted} with {demands}", wanted=wanted, demands=demands)
    if edge.optional:
        sentence = msg("{consumer} can use {wanted}", consumer=edge.consumer, wanted=wanted)
    else:
        sentence = msg("{consumer} needs {wanted}", consumer=edge.consumer, wanted=wanted)
    role = _ROLES[edge.role]
    if required.permissions:
        role = msg(", and may: {permissions}", permissions=", ".join(sorted(set(required.permissions))))
    return msg("{sentence}{role}", sentence=sentence, role=role) if role else sentence
