"""Merges what the owner set, what dependents demand and the defaults into the options of one app."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from archipelago.container.dependency_resolver.errors import Cure, Problem, ResolutionCode
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
        return f"demand by {', '.join(dict.fromkeys(demand.consumer for demand in demands))}"
    return "default"


def _fits(
    manifest: AppManifest, owner: Mapping[Key, Scalar], demand: Demand, earlier: list[Demand] | None
) -> Problem | None:
    wanted = shown(demand.option, demand.value)
    what = f"{demand.consumer} needs {wanted} of {manifest.id}"
    apps = (demand.consumer, manifest.id)
    binding = (demand.consumer, demand.interface, manifest.id)
    data = {"provider": manifest.id, "option": demand.option, "wanted": {demand.consumer: demand.value}}
    if demand.option not in manifest.provides[demand.interface].accepts or demand.option not in manifest.options:
        return Problem(
            ResolutionCode.DEMAND_CONFLICT,
            f"{what}, which does not let its dependents ask for '{demand.option}'",
            f"Choose another provider of {demand.interface}, or report it to the packager of {demand.consumer}",
            data,
            apps,
            (binding,),
        )
    if demand.option in owner and not same_value(owner[demand.option], demand.value):
        return Problem(
            ResolutionCode.DEMAND_CONFLICT,
            f"{what}, but you set {shown(demand.option, owner[demand.option])}",
            f"Set {wanted} on {manifest.id}, or choose another provider of {demand.interface}",
            {**data, "owner": owner[demand.option]},
            apps,
            (binding,),
        )
    if earlier and not same_value(earlier[0].value, demand.value):
        other = earlier[0]
        return Problem(
            ResolutionCode.DEMAND_CONFLICT,
            f"{what}, but {other.consumer} needs {shown(other.option, other.value)}",
            f"Give {demand.consumer} and {other.consumer} a provider of {demand.interface} each, or leave one out",
            {**data, "wanted": {other.consumer: other.value, demand.consumer: demand.value}},
            (other.consumer, *apps),
            ((other.consumer, other.interface, manifest.id), binding),
        )
    return None


def _unknown(manifest: AppManifest, option: str) -> Problem:
    near = nearest(option, manifest.options)
    known = f"It has: {', '.join(manifest.options)}" if manifest.options else "It has no options"
    return Problem(
        ResolutionCode.INVALID_OPTION,
        f"{manifest.id} has no option '{option[:60]}'",
        f"Did you mean '{near}'?" if near else known,
        {"app": manifest.id, "option": option[:60], "nearest": near},
        (manifest.id,),
    )


def _invalid(manifest: AppManifest, option: Key, value: Scalar, expected: str, demands: list[Demand]) -> Problem:
    if demands:
        names = ", ".join(dict.fromkeys(demand.consumer for demand in demands))
        return Problem(
            ResolutionCode.DEMAND_CONFLICT,
            f"{names} needs {shown(option, value)} of {manifest.id}, which takes {expected}",
            f"Choose another provider, or report it to the packager of {names}",
            {"provider": manifest.id, "option": option, "wanted": {demand.consumer: value for demand in demands}},
            (manifest.id, *(demand.consumer for demand in demands)),
            tuple((demand.consumer, demand.interface, manifest.id) for demand in demands),
        )
    return Problem(
        ResolutionCode.INVALID_OPTION,
        f"{manifest.id}: {shown(option, value)} cannot be; it takes {expected}",
        "Set another value",
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
        who = {"owner": "set by you", "default": "the default"}.get(origin, origin.replace("demand", "needed", 1))
        parts.append(f"{shown(option, values.get(option, ''))} ({who})")
    demands = [demand for option in involved for demand in by_option.get(option, [])]
    free = [option for option in involved if option not in by_option]
    hint = f"Change {' or '.join(free)} of {manifest.id}" if free else "Leave one of the apps out"
    return Problem(
        ResolutionCode.DEMAND_CONFLICT if demands else ResolutionCode.INVALID_OPTION,
        f"{manifest.id}: {' and '.join(parts)} do not go together: {because.rstrip('.')}",
        hint + (", or choose another provider" if demands else ""),
        {"provider": manifest.id, "options": {option: values.get(option) for option in involved}},
        (manifest.id, *(demand.consumer for demand in demands)),
        tuple((demand.consumer, demand.interface, manifest.id) for demand in demands),
    )
