"""The composer: plans are made for the host as it is now, and one app's fault is not that of another."""

from dataclasses import replace
from pathlib import Path

import pytest

from archipelago.catalog.local import LocalCatalog
from archipelago.chains.lightning.macaroon import baked
from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.storage.records.apps import AppRecord, Desired
from support.app_manifests import app
from support.app_records import record, record_of
from support.checkout import APPS
from support.composers import FACTS, GIB, composer_in

IMAGE = "docker.io/library/busybox@sha256:" + "0" * 64


async def test_an_app_whose_package_has_a_problem_is_no_matter_of_the_others(tmp_path: Path) -> None:
    composer = composer_in(tmp_path, Renderer().aside, lambda: 100 * GIB)
    offers = "provides: {notes: {container: main, port: 80}}"
    needs = "requires: {notes: {}}"
    offering = record(tmp_path / "apps", "offering", 0, "a", offers)
    records = {
        "offering": replace(offering, package=replace(offering.package, problem="it is of tomorrow")),
        "using": replace(record(tmp_path / "apps", "using", 1, "b", needs), choices={"notes": "offering"}),
        "other": record(tmp_path / "apps", "other", 2, "c"),
    }
    state = await composer.compose(records)
    assert {app: found.problem for app, found in state.apps.items() if found.problem} == {
        "offering": "it is of tomorrow"
    }
    assert state.apps["offering"].workload.containers == () and state.apps["using"].workload.containers

    # What it offers was in the part that is not read: whoever uses it is left as it is, too.
    manifest = offering.package.manifest.model_copy(update={"provides": {}})
    records["offering"] = replace(offering, package=replace(offering.package, manifest=manifest, problem="unknown"))
    state = await composer.compose(records)
    assert state.broken == {"offering", "using"} and state.apps["other"].workload.containers
    assert state.apps["using"].problem == "it uses offering, of which: unknown"
    whole = replace(offering.package, manifest=manifest)
    with pytest.raises(ResolutionError):
        await composer.compose({**records, "offering": replace(offering, package=whole)})


async def test_each_plan_looks_at_the_disk_anew_and_templates_do_not(tmp_path: Path) -> None:
    free = [100 * GIB, GIB, 100 * GIB]
    composer = composer_in(tmp_path, Renderer().aside, lambda: free.pop(0))
    catalog = await LocalCatalog(APPS).read()
    wanted = Request(install=("bitcoin-knots",))
    assert await composer.plan({}, wanted, catalog)
    with pytest.raises(ResolutionError) as refused:
        await composer.plan({}, wanted, catalog)
    assert refused.value.reason is ResolutionCode.HOST_TOO_SMALL
    assert "free disk" in refused.value.message
    assert await composer.plan({}, wanted, catalog)
    assert (free, composer.host) == ([], FACTS)


async def test_a_consumer_gets_a_macaroon_of_what_it_lists_and_its_provider_changes_nothing(tmp_path: Path) -> None:
    composer = composer_in(tmp_path, Renderer().aside, lambda: 100 * GIB)
    secrets = {"key": {"kind": "token", "permanent": True}}
    rest = {"container": "main", "port": 80, "credentials": "macaroon", "root_key": "key"}
    offering = record_of(app("offering", secrets=secrets, provides={"lnd-rest": rest}))
    alone = await composer.compose({"offering": offering})

    async def with_use(*permissions: str) -> tuple[str, str]:
        """Return what the consumer is given, and the hash of what it is made of."""
        main = {"image": IMAGE, "files": [{"path": "/login", "template": "login.j2"}]}
        needs = {"lnd-rest": {"permissions": permissions}}
        package = AppPackage(
            app("using", containers={"main": main}, requires=needs),
            "",
            {"login.j2": b"{{ requires['lnd-rest'].macaroon }}"},
        )
        using = AppRecord("using", package, Desired.RUNNING, 2, choices={"lnd-rest": "offering"})
        state = await composer.compose({"offering": offering, "using": using})
        assert state.apps["offering"].workload.containers[0].hash == alone.apps["offering"].workload.containers[0].hash
        (container,) = state.apps["using"].workload.containers
        return container.files[0].content.reveal().decode(), container.hash

    root_key = composer._secrets.get("offering", "key")
    assert root_key is not None
    given, first = await with_use("info:read", "invoices:write")
    assert given == baked(root_key.reveal(), "using", ("info:read", "invoices:write"))
    assert given not in composer._secrets.redactor.redact(f"it has {given}")
    assert await with_use("invoices:write", "info:read") == (given, first)
    more, second = await with_use("info:read", "invoices:write", "offchain:write")
    assert more != given and second != first


async def test_what_an_interface_exports_may_be_what_its_provider_was_given(tmp_path: Path) -> None:
    composer = composer_in(tmp_path, Renderer().aside, lambda: 100 * GIB)
    option = {"type": "choice", "label": "Network", "default": "mainnet", "choices": ["mainnet", "regtest"]}
    own = {"container": "main", "port": 80, "exports": {"network": "{{ options.network }}"}}
    passed = {"container": "main", "port": 80, "exports": {"network": "{{ requires['chain'].exports.network }}"}}
    mounts = [{"volume": "money", "path": "/money"}]
    volume = {"data": "files", "per": "lightning.network"}
    chain = record_of(app("chain", options={"network": option}, provides={"chain": own}))
    lightning = record_of(app("lightning", requires={"chain": {}}, provides={"lightning": passed}))
    using = record_of(
        app(
            "using",
            containers={"main": {"image": IMAGE, "mounts": mounts}},
            volumes={"money": volume},
            requires={"lightning": {}},
        )
    )
    records = {
        "chain": chain,
        "lightning": replace(lightning, slot=2, choices={"chain": "chain"}),
        "using": replace(using, slot=3, choices={"lightning": "lightning"}),
    }
    for network in ("mainnet", "regtest"):
        state = await composer.compose({**records, "chain": replace(chain, options={"network": network})})
        assert [each.part for each in state.apps["using"].workload.volumes] == [network]
