"""The resolver against one that tries everything, on many small catalogs: both find a way, or neither does.

`make resolver-check` compares a hundred thousand catalogs; `make test` a thousand.
"""

import os
import random
from collections.abc import Iterator, Mapping

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Conflict, Provided, Required
from archipelago.container.manifest.model.settings import OptionRule
from support.app_manifests import app
from support.examples import examples

COUNT = int(os.environ.get("ARCHIPELAGO_CATALOGS", examples(1000)))
APPS = [f"a{number}" for number in range(8)]
INTERFACES = ["i0", "i1", "i2", "i3", "i4", "k0"]
OPTIONS = app(
    "options",
    options={
        "index": {"type": "bool", "label": "Index", "default": False},
        "prune": {"type": "int", "label": "Prune", "default": 5, "minimum": 0, "maximum": 10},
    },
).options
RULE = OptionRule(when={"index": True}, require={"prune": 0}, because="They exclude each other")
PLAIN = {name: app(name) for name in ["r", *APPS]}

Catalog = dict[str, AppManifest]
Bindings = Mapping[tuple[str, str], str]


def make_catalog(seed: int) -> Catalog:
    """Return a catalog in which `r` often needs a search, and now and then has no solution."""
    chance = random.Random(seed)

    def some(most: int, among: list[str]) -> list[str]:
        return chance.sample(among, chance.randint(0, most))

    def required() -> Required:
        demands = chance.choice([{"index": True}, {"prune": 0}, {"prune": 5}]) if chance.random() < hard else {}
        return Required(version=chance.choice(["", "", "", ">=2"]), demands=demands)

    hard = chance.choice([0.0, 0.0, 0.3])
    dense = chance.random() < 0.5
    """Whether apps need so much of each other that most ways are cycles."""
    catalog = {"r": PLAIN["r"].model_copy(update={"requires": {name: Required() for name in some(3, INTERFACES)}})}
    for name in chance.sample(APPS, chance.randint(4, 8)):
        provides = {
            one: Provided(container="main", port=1, accepts=("index", "prune"))
            for one in chance.sample(INTERFACES, chance.randint(1, 3))
        }
        conflicts = [Conflict(app=one, because="So it is") for one in some(1, APPS) if chance.random() < 0.3]
        if chance.random() < 0.1:
            conflicts.append(Conflict(interface=chance.choice(INTERFACES), because="So it is"))
        catalog[name] = PLAIN[name].model_copy(
            update={
                "version": chance.choice(["1", "2", "2"]),
                "options": OPTIONS,
                "rules": (RULE,),
                "provides": provides,
                "requires": {one: required() for one in some(3 if dense else 2, INTERFACES)},
                "conflicts": tuple(conflicts),
                "leases": tuple(some(1, ["keys", "box"])) if chance.random() < 0.3 else (),
            }
        )
    return catalog


def ways(catalog: Catalog, there: tuple[str, ...], bindings: Bindings) -> Iterator[tuple[tuple[str, ...], Bindings]]:
    """Yield every complete set of apps and bindings that nothing excludes, by trying each provider for each need."""
    if excluded(catalog, there, bindings):
        return
    for consumer in there:
        for interface, wanted in catalog[consumer].requires.items():
            if (consumer, interface) in bindings:
                continue
            for provider, manifest in catalog.items():
                fits = interface in manifest.provides and (not wanted.version or manifest.version == "2")
                if fits and provider != consumer:
                    more = there if provider in there else (*there, provider)
                    yield from ways(catalog, more, {**bindings, (consumer, interface): provider})
            return
    yield there, bindings


def excluded(catalog: Catalog, there: tuple[str, ...], bindings: Bindings) -> bool:
    """Return whether apps with these bindings cannot be together, whatever else comes to them."""
    for one in there:
        for conflict in catalog[one].conflicts:
            for other in there:
                if other != one and (conflict.app == other or conflict.interface in catalog[other].provides):
                    return True
    leases = [lease for one in there for lease in catalog[one].leases]
    if len(leases) != len(set(leases)):
        return True
    started: set[str] = set()
    while fresh := {
        one
        for one in there
        if one not in started
        and all(bindings.get((one, interface), "") in started | {""} for interface in catalog[one].requires)
    }:
        started |= fresh
    return started != set(there)


def options_agree(catalog: Catalog, bindings: Bindings) -> bool:
    """Return whether the options of each app take all that is demanded of them."""
    values: dict[str, dict[str, object]] = {}
    for (consumer, interface), provider in bindings.items():
        for option, value in catalog[consumer].requires[interface].demands.items():
            if values.setdefault(provider, {}).setdefault(option, value) != value:
                return False
    return not any(ones.get("index") is True and ones.get("prune", 5) != 0 for ones in values.values())


def solution(catalog: Catalog) -> tuple[tuple[str, ...], Bindings] | None:
    return next((way for way in ways(catalog, ("r",), {}) if options_agree(catalog, way[1])), None)


def outcome(catalog: Catalog) -> Plan | ResolutionError:
    try:
        return resolve(catalog, {}, Request(install=("r",)))
    except ResolutionError as error:
        return error


def test_a_way_is_found_where_there_is_one_and_told_to_be_none_only_where_there_is_none() -> None:
    found = 0
    for seed in range(COUNT):
        catalog = make_catalog(seed)
        plan, way = outcome(catalog), solution(catalog)
        if isinstance(plan, ResolutionError):
            assert plan.reason is not ResolutionCode.TOO_COMPLEX, seed
            assert way is None, (seed, str(plan), way)
        else:
            apps = tuple(one.app for one in plan.apps)
            bindings = {(edge.consumer, edge.interface): edge.provider for edge in plan.edges}
            assert set(bindings) == {(one, interface) for one in apps for interface in catalog[one].requires}, seed
            assert not excluded(catalog, apps, bindings) and options_agree(catalog, bindings), seed
            assert way is not None, seed
            found += 1
    assert COUNT / 5 < found < COUNT * 4 / 5, "or the catalogs ask little of the resolver"
