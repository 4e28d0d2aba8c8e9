"""A scratch copy: what it shares with the app, and that it reaches nothing. Pure."""

from dataclasses import replace

from archipelago.container.operations.trial.isolated import isolated
from archipelago.container.podman_client.labels import NODE, TRIAL
from archipelago.container.podman_client.spec import BindMount, ResourceLimits
from archipelago.container.podman_client.wire.requests import container_request
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.performance.resource_manager.budgets import ContainerBudget, budgets, container_budgets
from archipelago.storage.records.limits import OwnLimits
from support.workloads import PROBE, SITE, bitcoin

PLACE = "/data/bitcoin/trial"


def shares(own: OwnLimits) -> dict[str, ContainerBudget]:
    """Return what the container of the app may take, as the owner limits it."""
    manifest = bitcoin().manifest
    return container_budgets(manifest, budgets(SITE.host, {"bitcoin": manifest}, (), {"bitcoin": own})["bitcoin"])


SHARES = shares(OwnLimits())


def workload() -> Workload:
    given = AppInput(bitcoin(), {"txindex": False}, 0, {"main": "image"}, {"p2p": 8333}, secrets={"probe": PROBE})
    return compile_app(given, replace(SITE, data=PLACE, files="/run/trials"), Renderer().for_app())


def test_nothing_is_reached_but_the_loopback_that_the_containers_share() -> None:
    real = workload()
    copy = isolated(
        real,
        {"main": "sha256:1"},
        SHARES,
        node_id="n1",
        busybox="/bin/busybox",
        files="/run/trials/bitcoin",
        longest=900,
    )
    assert container_request(copy.anchor)["netns"] == {"nsmode": "none"}
    for each in copy.containers:
        request = container_request(each.spec)
        assert request["netns"] == {"nsmode": "container", "value": copy.anchor.name}
        assert not {"Networks", "portmappings", "devices", "dns_server"} & request.keys()
        assert request["timeout"] == 900, "it ends without a daemon"
        assert request["oom_score_adj"] > 0, "memory that runs out costs the copy, and no app"
        assert request["image"] == "sha256:1"
    assert b"127.0.0.1 localhost main" in copy.hosts.content.reveal()


def test_the_node_takes_it_for_none_of_its_apps() -> None:
    real = workload()
    copy = isolated(real, {"main": "x"}, SHARES, node_id="n1", busybox="/b", files="/run/trials/bitcoin", longest=9)
    for spec in (copy.anchor, *(each.spec for each in copy.containers)):
        assert spec.labels == {TRIAL: "n1"} and NODE not in spec.labels
        assert spec.name not in {each.name for each in real.containers}


def test_it_is_confined_as_the_app_is_and_sees_its_own_folder_alone() -> None:
    real = workload()
    copy = isolated(real, {"main": "x"}, SHARES, node_id="n1", busybox="/b", files="/run/trials/bitcoin", longest=9)
    for before, each in zip(real.containers, copy.containers, strict=True):
        kept = ("cap_drop", "cap_add", "no_new_privileges", "seccomp_profile", "id_mappings", "user", "mask")
        assert all(getattr(before.spec, name) == getattr(each.spec, name) for name in kept)
        sources = [str(mount.source) for mount in each.spec.mounts if isinstance(mount, BindMount)]
        assert all(source.startswith((PLACE, "/run/trials/bitcoin")) for source in sources), sources


def test_it_may_take_what_the_app_may_take_on_this_host() -> None:
    real = workload()
    own = OwnLimits(memory=128 << 20, cpu=0.25, pids=50)
    copy = isolated(
        real, {"main": "x"}, shares(own), node_id="n1", busybox="/b", files="/run/trials/bitcoin", longest=9
    )
    assert real.containers[0].spec.limits.memory != own.memory, "the manifest gives it more"
    for each in copy.containers:
        limits = each.spec.limits
        assert (limits.memory, limits.memory_swap, limits.cpu_quota, limits.pids) == (128 << 20, 128 << 20, 25_000, 50)
    assert (
        real.containers[0].spec.limits
        == isolated(real, {"main": "x"}, SHARES, node_id="n1", busybox="/b", files="/f", longest=9)
        .containers[0]
        .spec.limits
    )


def test_what_the_host_does_not_enforce_is_not_asked_for() -> None:
    first = workload().containers[0]
    real = replace(workload(), containers=(replace(first, spec=replace(first.spec, limits=ResourceLimits())),))
    copy = isolated(real, {"main": "x"}, SHARES, node_id="n1", busybox="/b", files="/run/trials/bitcoin", longest=9)
    assert not copy.containers[0].spec.limits
