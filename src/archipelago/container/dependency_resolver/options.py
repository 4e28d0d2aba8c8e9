"""Merges what the owner set, what dependents demand and the defaults into the options of one app."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from archipelago.container.dependency_resolver.errors import Cure, Problem, ResolutionCode
from archipelago.container.dependency_resolver.plan import DEMAND_BY
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.container.manifest.options import (
    ANY_INT,
    broken_rules,
    check_option_value,
    effective_options,
    same_value,
)
from archipelago.container.manifest.yaml.problems import nearest
from archipelago.support.texts.text import joined, msg


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """A value that a consumer needs an option of its provider to have."""

    option: Key
    consumer: AppId
    interface: Name
    value: Scalar = field(compare=False)


@dataclass(frozen=True, slots=True)
class EffectiveOptions:
    """The options of one app: effective values, and where each comes from."""

    values: dict[Key, Scalar]
    origins: dict[Key, str]


def shown(option: Key, value: Scalar) -> str:
    """Return an option and its value as a person would write them."""
    return f"{option} = {str(value).lower() if isinstance(value, bool) else value}"


def settle(
    manifest: AppManifest, owner: Mapping[Key, Scalar], demands: Collection[Demand]
) -> EffectiveOptions | Problem:
    """Return the app's options, or who contradicts whom."""
    if not manifest.options and not owner and not demands:
        return EffectiveOptions({}, {})
    by_option: dict[Key, list[Demand]] = {}
    for demand in sorted(demands):
        problem = _fits(manifest, owner, demand, by_option.get(demand.option))
        if problem is not None:
            return problem
        by_option.setdefault(demand.option, []).append(demand)
    demanded = {option: ones[0].value for option, ones in by_option.items()}
    for option, value in sorted({**owner, **demanded}.items()):
        kind = manifest.options.get(option)
        if kind is None:
            return _unknown(manifest, option)
        # What an earlier version let the owner set stays; it is refused where it is set.
        fault = check_option_value(option, kind, value, most=ANY_INT)
        if fault is not None:
            return _invalid(manifest, option, value, fault.expected or fault.message, by_option.get(option, []))
    values = effective_options(manifest, owner, demanded)
    origins = {option: _origin(option, owner, by_option.get(option)) for option in values}
    for rule in broken_rules(manifest, values):
        involved = {**rule.when, **rule.require}
        return replace(
            _broken(manifest, rule.because, involved, values, origins, by_option),
            cures=tuple(
                Cure(option, value, equal)
                for wanted, equal in ((rule.when, False), (rule.require, True))
                for option, value in wanted.items()
                if option not in by_option and option not in owner
            ),
        )
    return EffectiveOptions(values, origins)


def _origin(option: Key, owner: Mapping[Key, Scalar], demands: list[Demand] | None) -> str:
    if option in owner:
        return "owner"
    if demands:
        return DEMAND_BY + ", ".join(dict.fromkeys(demand.consumer for demand in demands))
    return "default"


def _fits(
    manifest: AppManifest, owner: Mapping[Key, Scalar], demand: Demand, earlier: list[Demand] | None
) -> Problem | None:
    if demand.option not in manifest.provides[demand.interface].accepts or demand.option not in manifest.options:
        return _refusal(
            manifest,
            demand,
            msg(
                "{what}, which does not let its dependents ask for '{option}'",
                what=_what(manifest, demand),
                option=demand.option,
            ),
            msg(
                "Choose another provider of {interface}, or report it to the packager of {consumer}",
                interface=demand.interface,
                consumer=demand.consumer,
            ),
        )
    if demand.option in owner and not same_value(owner[demand.option], demand.value):
        set_by_owner = owner[demand.option]
        return _refusal(
            manifest,
            demand,
            msg(
                "{what}, but you set {value}",
                what=_what(manifest, demand),
                value=shown(demand.option, set_by_owner),
            ),
            msg(
                "Set {wanted} on {app}, or choose another provider of {interface}",
                wanted=shown(demand.option, demand.value),
                app=manifest.id,
                interface=demand.interface,
            ),
            {"owner": set_by_owner},
        )
    if earlier and not same_value(earlier[0].value, demand.value):
        return _contradiction(manifest, earlier[0], demand)
    return None


def _contradiction(manifest: AppManifest, other: Demand, demand: Demand) -> Problem:
    found = _refusal(
        manifest,
        demand,
        msg(
            "{what}, but {consumer} needs {value}",
            what=_what(manifest, demand),
            consumer=other.consumer,
            value=shown(other.option, other.value),
        ),
        msg(
            "Give {consumer} and {other_consumer} a provider of {interface} each, or leave one out",
            consumer=demand.consumer,
            other_consumer=other.consumer,
            interface=demand.interface,
        ),
        {"wanted": {other.consumer: other.value, demand.consumer: demand.value}},
    )
    return replace(
        found,
        apps=(other.consumer, *found.apps),
        bindings=((other.consumer, other.interface, manifest.id), *found.bindings),
    )


def _refusal(
    manifest: AppManifest, demand: Demand, message: str, hint: str, data: Mapping[str, object] = MappingProxyType({})
) -> Problem:
    return Problem(
        ResolutionCode.DEMAND_CONFLICT,
        message,
        hint,
        {"provider": manifest.id, "option": demand.option, "wanted": {demand.consumer: demand.value}, **data},
        (demand.consumer, manifest.id),
        ((demand.consumer, demand.interface, manifest.id),),
    )


def _what(manifest: AppManifest, demand: Demand) -> str:
    wanted = shown(demand.option, demand.value)
    return msg("{consumer} needs {wanted} of {app}", consumer=demand.consumer, wanted=wanted, app=manifest.id)


def _unknown(manifest: AppManifest, option: str) -> Problem:
    near = nearest(option, manifest.options)
    known = (
        msg("It has: {options}", options=", ".join(manifest.options)) if manifest.options else msg("It has no options")
    )
    return Problem(
        ResolutionCode.INVALID_OPTION,
        msg("{app} has no option '{option}'", app=manifest.id, option=option[:60]),
        msg("Did you mean '{near}'?", near=near) if near else known,
        {"app": manifest.id, "option": option[:60], "nearest": near},
        (manifest.id,),
    )


def _invalid(manifest: AppManifest, option: Key, value: Scalar, expected: str, demands: list[Demand]) -> Problem:
    if demands:
        names = ", ".join(dict.fromkeys(demand.consumer for demand in demands))
        return Problem(
            ResolutionCode.DEMAND_CONFLICT,
            msg(
                "{names} needs {value} of {app}, which takes {expected}",
                names=names,
                value=shown(option, value),
                app=manifest.id,
                expected=expected,
            ),
            msg("Choose another provider, or report it to the packager of {names}", names=names),
            {"provider": manifest.id, "option": option, "wanted": {demand.consumer: value for demand in demands}},
            (manifest.id, *(demand.consumer for demand in demands)),
            tuple((demand.consumer, demand.interface, manifest.id) for demand in demands),
        )
    return Problem(
        ResolutionCode.INVALID_OPTION,
        msg(
            "{app}: {value} cannot be; it takes {expected}",
            app=manifest.id,
            value=shown(option, value),
            expected=expected,
        ),
        msg("Set another value"),
        {"app": manifest.id, "option": option, "value": value},
        (manifest.id,),
    )


def _broken(
    manifest: AppManifest,
    because: str,
    involved: Mapping[Key, Scalar],
    values: Mapping[Key, Scalar],
    origins: Mapping[Key, str],
    by_option: Mapping[Key, list[Demand]],
) -> Problem:
    parts = []
    for option in involved:
        origin = origins.get(option, "default")
        who = {"owner": msg("set by you"), "default": msg("the default")}.get(origin)
        by = who or msg("needed by {apps}", apps=origin.removeprefix(DEMAND_BY))
        parts.append(msg("{value} ({by})", value=shown(option, values.get(option, "")), by=by))
    demands = [demand for option in involved for demand in by_option.get(option, [])]
    free = [option for option in involved if option not in by_option]
    hint = (
        msg("Change {free} of {app}", free=" or ".join(free), app=manifest.id)
        if free
        else msg("Leave one of the apps out")
    )
    return Problem(
        ResolutionCode.DEMAND_CONFLICT if demands else ResolutionCode.INVALID_OPTION,
        msg(
            "{app}: {parts} do not go together: {because}",
            app=manifest.id,
            parts=joined(parts, " and "),
            because=because.rstrip("."),
        ),
        msg("{hint}, or choose another provider", hint=hint) if demands else hint,
        {"provider": manifest.id, "options": {option: values.get(option) for option in involved}},
        (manifest.id, *(demand.consumer for demand in demands)),
        tuple((demand.consumer, demand.interface, manifest.id) for demand in demands),
    )
