"""The composer: plans are made for the host as it is now, and one app's fault is not that of another."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archipelago.catalog.local import LocalCatalog
from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.composer import Composer
from archipelago.container.images.recipe import BuildTools
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Aside, Renderer
from archipelago.container.workload.templates.workers import TemplateWorkers
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import SecretsManager
from support.app_records import record
from support.checkout import APPS

GIB = 1024**3


FACTS = HostFacts(Architecture.AMD64, memory=16 * GIB, cores=4, free_disk=100 * GIB)


def make(folder: Path, aside: Aside, free_disk: Callable[[], int]) -> Composer:
    """Return a composer."""
    client = PodmanClient(PodmanService(folder / "podman.sock", folder / "podman.log"))  # never asked
    tools = BuildTools("uv", Architecture.AMD64)
    images = ImageStore(client, folder / "builds", folder / "downloads", tools, None, None)  # type: ignore[arg-type]
    secrets = SecretsManager(folder / "kept", folder / "node.key")
    site = Site("n", str(folder), "/run/files", FACTS, ControlGroup())
    return Composer(site, secrets, images, aside, free_disk=free_disk, reserved_ports=frozenset())


HANG = "{% for i in range(9999) %}{{ range(9999) | map('string') | select | list | length }}{% endfor %}"


async def test_an_app_that_cannot_be_compiled_is_no_matter_of_the_others(tmp_path: Path) -> None:
    workers = TemplateWorkers()
    composer = make(tmp_path, workers, lambda: 100 * GIB)
    records = {
        "bad": record(tmp_path / "apps", "bad", 0, HANG),
        "good": record(tmp_path / "apps", "good", 1, "{{ app.id }}"),
        "slow": record(tmp_path / "apps", "slow", 2, "{{ range(2000) | map('string') | join | length }}"),
    }
    try:
        with pytest.raises(NodeError, match=r"apps/bad: containers\.main\.command, line 1: it takes more than"):
            await composer.compose(records, ("good",))
        began = time.monotonic()
        for _ in range(20):
            state = await composer.compose(records, records)
            assert state.broken == {"bad"}
            assert state.apps["bad"].workload.containers == () and "command" in state.apps["bad"].problem
            assert state.apps["good"].workload.containers[0].spec.command == ("good",)
            assert state.apps["slow"].workload.containers[0].spec.command == ("6890",)
        assert time.monotonic() - began < 5, "it is not tried again as long as nothing of it changes"
        records["bad"] = record(tmp_path / "newer", "bad", 0, "well")
        assert (await composer.compose(records)).broken == frozenset()
    finally:
        workers.close()


async def test_a_process_that_cannot_be_started_now_is_started_next_time(tmp_path: Path) -> None:
    workers = TemplateWorkers()
    composer = make(tmp_path, workers, lambda: 100 * GIB)
    records = {
        "good": record(tmp_path / "apps", "good", 0, "{{ app.id }}"),
        "slow": record(tmp_path / "apps", "slow", 1, "{{ range(2000) | map('string') | join | length }}"),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        await composer.compose({"good": records["good"]})  # a thread is there, and what it imports
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            state = await composer.compose(records, records)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert state.broken == {"slow"} and "could be started" in state.apps["slow"].problem
        assert state.apps["good"].workload.containers[0].spec.command == ("good",)
        state = await composer.compose(records)
        assert state.apps["slow"].workload.containers[0].spec.command == ("6890",)
    finally:
        workers.close()


async def test_an_app_whose_package_has_a_problem_is_no_matter_of_the_others(tmp_path: Path) -> None:
    composer = make(tmp_path, Renderer().aside, lambda: 100 * GIB)
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
    composer = make(tmp_path, Renderer().aside, lambda: free.pop(0))
    catalog = await LocalCatalog(APPS).read()
    wanted = Request(install=("bitcoin-knots",))
    assert await composer.plan({}, wanted, catalog)
    with pytest.raises(ResolutionError) as refused:
        await composer.plan({}, wanted, catalog)
    assert refused.value.reason is ResolutionCode.HOST_TOO_SMALL
    assert "free disk" in refused.value.message
    assert await composer.plan({}, wanted, catalog)
    assert (free, composer.host) == ([], FACTS)
