"""What holds for every catalog, installation and request."""

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Action, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.dependency_resolver.search.providers import descend
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.app import AppManifest, Architecture
from support.examples import examples

GIB = 1024**3
APPS = [f"app-{letter}" for letter in "abcdefgh"]
INTERFACES = ["i", "j", "k", "l"]
VERSIONS = ["1.0", "2.0", "2.5", "3.0rc1"]
OPTIONS = {
    "index": {"type": "bool", "label": "Index", "default": False},
    "prune": {"type": "int", "label": "Prune", "default": 0, "minimum": 0, "maximum": 10},
}
RULES = [{"when": {"index": True}, "require": {"prune": 0}, "because": "They exclude each other"}]
HOST = HostFacts(Architecture.ARM64, memory=4 * GIB, cores=4, free_disk=100 * GIB)
SEARCHED = {
    ResolutionCode.NO_PROVIDER,
    ResolutionCode.VERSION_MISMATCH,
    ResolutionCode.DEMAND_CONFLICT,
    ResolutionCode.CONFLICT,
    ResolutionCode.LEASE_TAKEN,
    ResolutionCode.CYCLE,
    ResolutionCode.ARCHITECTURE,
    ResolutionCode.HOST_TOO_SMALL,
}
"""Refusals after a search through all providers."""
UNRELATED = "zz-unrelated"

Catalog = dict[str, AppManifest]

names = st.sampled_from(APPS)
interfaces = st.sampled_from(INTERFACES)


def make_manifest(chance: random.Random, name: str) -> AppManifest:
    """Return an app that often has alternatives, and now and then excludes something."""

    def now_and_then(usual: Any, *rare: Any) -> Any:
        return usual if chance.random() < 0.8 else chance.choice(rare)

    def provided() -> dict[str, Any]:
        accepts = now_and_then(["index", "prune"], [], ["index"])
        return {"container": "main", "port": 1, "accepts": accepts, "credentials": chance.choice(["none", "rpcauth"])}

    def required() -> dict[str, Any]:
        wishes = [{"index": True}, {"index": False}, {"prune": 5}, {"prune": 0}, {"prune": 99}, {"absent": 1}]
        return {
            "version": now_and_then("", ">=2", "<3", "==9"),
            "demands": chance.choice(wishes[: now_and_then(4, 6)]) if chance.random() < 0.4 else {},
            "optional": chance.random() < 0.3,
            "default": chance.choice([None, *APPS]),
        }

    conflicts: list[dict[str, Any]] = [
        {"app": chance.choice(APPS), "because": "So it is"},
        {"interface": chance.choice(INTERFACES), "because": "So it is"},
    ]
    endpoint = {"kind": "ui", "container": "main", "port": 1}
    return AppManifest.model_validate(
        {
            "manifest": 1,
            "id": name,
            "name": name,
            "version": chance.choice(VERSIONS),
            "summary": "An app",
            "description": "An app",
            "category": "other",
            "license": "MIT",
            "options": OPTIONS,
            "rules": RULES,
            "containers": {"main": {"image": f"x/{name}@sha256:{'0' * 64}"}},
            "provides": {one: provided() for one in chance.sample(INTERFACES, chance.choice([0, 1, 1, 2]))},
            "requires": {one: required() for one in chance.sample(INTERFACES, chance.choice([0, 0, 1, 1, 2]))},
            "conflicts": now_and_then([], *([one] for one in conflicts)),
            "leases": now_and_then([], ["keys"]),
            "architectures": now_and_then(["arm64", "amd64"], ["arm64"], ["amd64"]),
            "host": {"memory": now_and_then(0, 0, 8 * GIB)},
            "endpoints": {
                one: {**endpoint, "host_port": chance.choice([80, 8000, 8001, 65535])}
                for one in chance.sample(["web", "api"], chance.randint(0, 2))
            },
        }
    )


def make_catalog(seed: int) -> Catalog:
    """Return the catalog of a seed: drawn evenly, it has alternatives far more often than what hypothesis composes."""
    chance = random.Random(seed)
    return {name: make_manifest(chance, name) for name in APPS}


catalogs = st.integers(0, 1 << 40).map(make_catalog)
values = st.one_of(st.booleans(), st.integers(-1, 12), st.text(max_size=2), st.floats())
some_options = st.dictionaries(st.sampled_from(["index", "prune", "absent"]), values, max_size=2)
settings_of = st.dictionaries(names, some_options, max_size=2)
lists = st.lists(st.one_of(names, names, names, st.just("nobody")), max_size=3).map(tuple)
sane = st.lists(names, min_size=1, max_size=3).map(tuple)
requests = st.builds(
    Request,
    install=lists,
    remove=lists,
    update=lists,
    choices=st.dictionaries(interfaces, names, max_size=1),
    options=settings_of,
)
installations = st.builds(
    Request,
    install=sane,
    choices=st.one_of(st.just({}), st.dictionaries(interfaces, names, max_size=1)),
    options=st.one_of(
        st.just({}),
        st.dictionaries(
            names, st.fixed_dictionaries({}, optional={"index": st.booleans(), "prune": st.just(5)}), max_size=1
        ),
    ),
)


def attempt(catalog: Catalog, installed: Mapping[str, InstalledApp], request: Request) -> Plan | ResolutionError:
    try:
        return resolve(catalog, installed, request, HOST)
    except ResolutionError as error:
        assert error.message
        return error


def carry_out(
    catalog: Catalog, installed: Mapping[str, InstalledApp], request: Request, plan: Plan
) -> dict[str, InstalledApp]:
    result = {}
    for one in plan.apps:
        if one.action is Action.REMOVE:
            continue
        old = installed.get(one.app)
        manifest = old.manifest if old and one.action is not Action.UPDATE else catalog[one.app]
        kept = {key: value for key, value in (old.options if old else {}).items() if key in manifest.options}
        options = {**kept, **request.options.get(one.app, {})}
        result[one.app] = InstalledApp(manifest, options, plan.choices(one.app), plan.endpoint_ports(one.app))
    return result


def check(catalog: Catalog, installed: Mapping[str, InstalledApp], request: Request, plan: Plan) -> None:
    """Assert what every plan promises."""
    there = {one.app: one for one in plan.apps if one.action is not Action.REMOVE}
    after = carry_out(catalog, installed, request, plan)
    position = {name: index for index, name in enumerate(there)}
    assert set(request.install) <= set(there)
    assert not set(request.remove) & set(there)
    assert set(installed) <= {one.app for one in plan.apps}
    for name, one in after.items():
        for interface, required in one.manifest.requires.items():
            edges = [edge for edge in plan.edges if (edge.consumer, edge.interface) == (name, interface)]
            assert len(edges) <= 1 if required.optional else len(edges) == 1
            for edge in edges:
                provided = after[edge.provider].manifest.provides[interface]
                version = provided.version or after[edge.provider].manifest.version
                assert SpecifierSet(required.version).contains(version, prereleases=True)
                for option, value in required.demands.items():
                    assert there[edge.provider].options[option] == value
                    assert option in provided.accepts
                assert edge.provider != name
                if edge.gates:
                    assert position[edge.provider] < position[name]
                else:
                    assert edge.optional
        for rule in one.manifest.rules:
            if there[name].options["index"] is True:
                assert there[name].options["prune"] == 0, rule
        for option, value in one.options.items():
            assert there[name].options[option] == value
        for conflict in one.manifest.conflicts:
            assert conflict.app == name or conflict.app not in after
            assert not any(conflict.interface in other.manifest.provides for key, other in after.items() if key != name)
        assert there[name].because
    assert sum("keys" in one.manifest.leases for one in after.values()) <= 1
    assert len(set(plan.ports.values())) == len(plan.ports)
    assert set(plan.ports) == {f"{name}/{key}" for name, one in after.items() for key in one.manifest.endpoints}


@given(catalogs, installations)
@settings(max_examples=examples(300))
def test_a_plan_keeps_every_promise_and_settles(catalog: Catalog, request: Request) -> None:
    plan = attempt(catalog, {}, request)
    if isinstance(plan, ResolutionError):
        return
    check(catalog, {}, request, plan)
    installed = carry_out(catalog, {}, request, plan)
    again = resolve(catalog, installed, Request(), HOST)
    assert [(one.app, one.options, one.edges) for one in again.apps] == [
        (one.app, one.options, one.edges) for one in plan.apps
    ]
    assert {one.action for one in again.apps} <= {Action.REUSE}
    assert (again.edges, again.ports) == (plan.edges, plan.ports)
    assert resolve({}, installed, Request(), HOST).edges == plan.edges


@given(catalogs, installations, catalogs, requests)
@settings(max_examples=examples(300))
def test_a_second_request_keeps_them_too(first: Catalog, before: Request, catalog: Catalog, request: Request) -> None:
    plan = attempt(first, {}, before)
    installed = {} if isinstance(plan, ResolutionError) else carry_out(first, {}, before, plan)
    second = attempt(catalog, installed, request)
    if isinstance(second, ResolutionError):
        return
    check(catalog, installed, request, second)
    for name, one in installed.items():
        for endpoint, port in one.ports.items():
            if second.ports.get(f"{name}/{endpoint}") is not None:
                assert second.ports[f"{name}/{endpoint}"] == port
    third = carry_out(catalog, installed, request, second)
    settled = resolve(catalog, third, Request(), HOST)
    assert (settled.edges, settled.ports) == (second.edges, second.ports)
    assert {one.action for one in settled.apps} <= {Action.REUSE}
    assert settled.carried_out == second.carried_out, "so a node may compile what it installs from the plan itself"
    for one in second.apps:
        # An operation locks the app whose options it sets, also to what they are already.
        if one.action is Action.REUSE and one.app not in request.options:
            assert third[one.app] == installed[one.app], "so an operation need not lock it"


@given(catalogs, installations, st.randoms(use_true_random=False))
@settings(max_examples=examples(300))
def test_the_order_of_the_catalog_and_strangers_in_it_change_nothing(
    catalog: Catalog, request: Request, chance: Any
) -> None:
    shuffled = list(catalog.items())
    chance.shuffle(shuffled)
    stranger = catalog[APPS[0]].model_copy(
        update={"id": UNRELATED, "provides": {}, "requires": {}, "conflicts": (), "leases": ()}
    )
    results = [
        attempt(catalog, {}, request),
        attempt(dict(shuffled), {}, request),
        attempt({UNRELATED: stranger, **catalog}, {}, request),
    ]
    plans = [one.model_dump_json() if isinstance(one, Plan) else str(one) for one in results]
    assert plans[0] == plans[1] == plans[2]


def test_the_reason_of_a_refusal_does_not_depend_on_the_order_of_the_catalog() -> None:
    # Two apps exclude what a third one provides; the one that comes first in the catalog was named.
    catalog = make_catalog(27773068)
    request = Request(install=("app-b",))
    refused = str(attempt(catalog, {}, request))
    assert "app-b cannot be on a node with app-g" in refused
    assert str(attempt(dict(reversed(catalog.items())), {}, request)) == refused


states = st.dictionaries(
    names,
    st.tuples(
        some_options,
        st.dictionaries(interfaces, names),
        st.dictionaries(st.sampled_from(["web", "api"]), st.integers(-1, 99999)),
    ),
)


@given(catalogs, catalogs, states, requests)
@settings(max_examples=examples(300))
def test_an_inconsistent_node_is_refused_or_planned_but_never_crashes(
    catalog: Catalog, there: Catalog, before: dict[str, Any], request: Request
) -> None:
    installed = {name: InstalledApp(one, *before.get(name, ({}, {}, {}))) for name, one in there.items()}
    attempt(catalog, installed, request)


@given(catalogs, installations)
@settings(max_examples=examples(300))
def test_what_is_refused_has_no_solution(catalog: Catalog, request: Request) -> None:
    outcome = attempt(catalog, {}, request)
    if isinstance(outcome, Plan) or set(request.install) - set(catalog):
        return
    if outcome.reason not in SEARCHED or (set(request.choices.values()) | set(request.options)) - set(catalog):
        return
    world = World(catalog, {}, request, HOST)
    needs = [
        (name, interface, world.fitting(name, interface, required))
        for name, one in catalog.items()
        for interface, required in one.requires.items()
        if not required.optional
    ]
    open_needs = [need for need in needs if len(need[2]) > 1]
    if math.prod(len(need[2]) for need in open_needs) > 2000:
        return
    for picks in itertools.product(*(need[2] for need in open_needs)):
        chosen = {(need[0], need[1]): pick for need, pick in zip(open_needs, picks, strict=True)}
        assert descend(world, chosen).problem is not None, chosen
