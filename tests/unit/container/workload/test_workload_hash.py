"""Hashes: the same for the same input, another for each meaningful change, and only where it belongs."""

from collections.abc import Mapping
from dataclasses import MISSING, field, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.labels import HASH
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.podman_client.spec import BindMount, ContainerSpec, PortMapping, ResourceLimits, TmpfsMount
from archipelago.container.reconciler.seen import is_outdated
from archipelago.container.reconciler.wanted import wanted_container
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Binding, Consumer
from archipelago.container.workload.spec_hash import former_hash, is_former, spec_hash
from archipelago.container.workload.templates.renderer import Renderer, TemplateError
from archipelago.container.workload.workload import Workload
from archipelago.security.secrets.secret import Secret
from archipelago.support.values import value
from support.app_manifests import app
from support.golden_workloads import electrumx, knots_input
from support.workloads import EDGE, ELECTRUM, LOGIN, SITE, bitcoin, compiled, input_of

BUILD = {"type": "packages", "packages": ["x"]}


def two(**changes: Any) -> AppInput:
    """An app of two containers; the changes are those of its `web` container."""
    web = {"build": BUILD, "command": ["--name={{ options.name }}"], **changes}
    manifest = app(
        "two",
        options={"name": {"type": "string", "label": "Name", "default": "a"}},
        volumes={"data": {"data": "files"}},
        containers={"db": {"build": BUILD, "mounts": [{"volume": "data", "path": "/data"}]}, "web": web},
    )
    return AppInput(
        AppPackage(manifest, "", {"a.j2": b"{{ options.name }}"}), {"name": "a"}, 0, {"db": "d", "web": "w"}
    )


def hashes(workload: Workload) -> dict[str, str]:
    return {container.container: container.hash for container in workload.containers}


@pytest.mark.parametrize(
    "changes",
    [
        {"command": ["--other"]},
        {"entrypoint": ["/bin/x"]},
        {"environment": {"A": "1"}},
        {"user": "0:0"},
        {"workdir": "/x"},
        {"mounts": [{"volume": "data", "path": "/data", "read_only": True}]},
        {"tmpfs": [{"path": "/scratch", "size": "1MiB"}]},
        {"files": [{"path": "/etc/a", "template": "a.j2"}]},
        {"resources": {"memory": "1GiB"}},
        {"resources": {"cpu": 0.5}},
        {"resources": {"pids": 8}},
        {"resources": {"open_files": 64}},
        {"security": {"capabilities": ["CAP_CHOWN"]}},
        {"security": {"writable_root": True}},
        {"security": {"devices": ["/dev/x"]}},
        {"stop": {"signal": "SIGINT"}},
        {"stop": {"grace": 5}},
        {"init": True},
    ],
)
def test_each_meaningful_change_is_one_of_its_own_container_only(changes: dict[str, Any]) -> None:
    before, after = hashes(compiled(two())), hashes(compiled(two(**changes)))
    assert before["web"] != after["web"]
    assert before["db"] == after["db"]


@pytest.mark.parametrize(
    "changes",
    [
        {"health": {"probe": {"type": "tcp", "port": 80}}},
        {"after": ["db"]},
        {"tmpfs": []},
        {"command": ["--name=a"]},
    ],
)
def test_what_podman_never_hears_of_restarts_nothing(changes: dict[str, Any]) -> None:
    assert hashes(compiled(two())) == hashes(compiled(two(**changes)))


def test_each_reach_has_a_hash_of_its_own_since_a_firewall_does_not_end_what_is_connected() -> None:
    found = {compiled(input_of(bitcoin(egress=egress))).hash for egress in ("none", "direct", "lan")}
    assert len(found) == 3


def test_an_option_restarts_the_container_that_uses_it() -> None:
    before, after = hashes(compiled(two())), hashes(compiled(replace(two(), options={"name": "b"})))
    assert before["web"] != after["web"] and before["db"] == after["db"]


def test_an_image_restarts_its_container() -> None:
    before, after = hashes(compiled(two())), hashes(compiled(replace(two(), images={"db": "d2", "web": "w"})))
    assert before["web"] == after["web"] and before["db"] != after["db"]


def test_a_new_template_text_counts_only_by_what_it_renders_to() -> None:
    def of(template: bytes) -> str:
        given = two(files=[{"path": "/etc/a", "template": "a.j2"}])
        return compiled(replace(given, package=replace(given.package, files={"a.j2": template}))).hash

    assert of(b"{{ options.name }}") == of(b"{# the same #}{{ options['name'] }}") == of(b"a")
    assert of(b"b") != of(b"a")


def test_a_consumer_without_a_login_restarts_nobody() -> None:
    package = bitcoin(provides={"bitcoin-rpc": {"container": "main", "port": 8332}})
    assert (
        compiled(input_of(package)).hash
        == compiled(
            input_of(package, edges=(EDGE,), ports={"p2p": 18333}, options={"txindex": False}),
        ).hash
    )


def test_the_label_of_an_endpoint_restarts_nobody() -> None:
    endpoint = {"kind": "p2p", "container": "main", "port": 8333, "host_port": 8333}
    one = compiled(input_of(bitcoin(endpoints={"p2p": endpoint})))
    other = compiled(input_of(bitcoin(endpoints={"p2p": {**endpoint, "label": "Peers"}})))
    assert one == other


def test_a_rotated_secret_restarts_whoever_shows_even_a_part_of_it() -> None:
    package = replace(bitcoin(), files={"bitcoin.conf.j2": b"{{ secrets.probe[:6] }}"})
    found = {
        compiled(input_of(package, secrets={"probe": Secret("the-value", mark)})).hash for mark in ("aaaa11", "bbbb22")
    }
    assert len(found) == 2


def test_a_value_of_a_secret_is_not_in_an_error() -> None:
    source = b"{{ {'f-probe': 1}[secrets.probe] }}"
    package = replace(bitcoin(), files={"bitcoin.conf.j2": source})
    with pytest.raises(TemplateError) as caught:
        compiled(input_of(package))
    assert "probe-value" not in str(caught.value)
    package = replace(bitcoin(), files={"bitcoin.conf.j2": b"{{ {}[secrets.probe] }}"})
    with pytest.raises(TemplateError, match="f-probe"):
        compiled(input_of(package))


def test_a_volume_on_a_usual_scratch_directory_takes_its_place() -> None:
    workload = compiled(two(mounts=[{"volume": "data", "path": "/run/"}], tmpfs=[{"path": "/tmp", "size": "1MiB"}]))
    web = next(container for container in workload.containers if container.container == "web")
    targets = [str(mount.target) for mount in web.spec.mounts]
    assert sorted(targets) == ["/dev/shm", "/run", "/tmp"]
    assert isinstance(web.spec.mounts[0], BindMount)
    assert isinstance(web.spec.mounts[1], TmpfsMount) and web.spec.mounts[1].size == 1024**2


def test_a_grace_below_a_second_is_not_none_at_all() -> None:
    web = next(c for c in compiled(two(stop={"grace": "400ms"})).containers if c.container == "web")
    assert web.spec.stop_timeout == 1


def _reordered(value: Any, chance: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: _reordered(value[key], chance) for key in keys}
    return [_reordered(each, chance) for each in value] if isinstance(value, list) else value


@given(st.randoms(), st.dictionaries(st.sampled_from("ABCDEF"), st.text("xyz", max_size=3)))
def test_the_order_of_keys_never_matters(chance: Any, environment: dict[str, str]) -> None:
    package = bitcoin()
    values = package.manifest.model_dump(mode="json", exclude_unset=True)
    values["containers"]["main"]["environment"] = environment
    found = set()
    for _ in range(2):
        app = AppManifest.model_validate(_reordered(values, chance))
        given = input_of(replace(package, manifest=app), options=_reordered({"txindex": True, "a": 1}, chance))
        found.add(compiled(given).hash)
    assert len(found) == 1


@given(st.lists(st.sampled_from(["electrum", "lnd", "mempool"]), unique=True))
def test_compiling_is_pure(consumers: list[str]) -> None:
    given = input_of(bitcoin(), consumers=tuple(Consumer("bitcoin-rpc", each, LOGIN) for each in consumers))
    renderer = Renderer()
    first = compile_app(given, SITE, renderer)
    assert compile_app(given, SITE, renderer) == first == compile_app(given, SITE, Renderer())


# A word that no template, path or hexadecimal digest has in it by chance.
@given(st.text("GHIJKLMNOPQRSTUVWXYZ", min_size=8), st.text("GHIJKLMNOPQRSTUVWXYZ", min_size=8))
def test_no_value_of_a_secret_is_in_anything_but_a_files_content(probe: str, login: str) -> None:
    own, shared = Secret(probe, "f1"), Secret(login, "f2")
    provider = compiled(
        input_of(bitcoin(), secrets={"probe": own}, consumers=(Consumer("bitcoin-rpc", "electrum", shared),))
    )
    binding = Binding(EDGE, bitcoin().manifest, {}, shared)
    consumer = compiled(input_of(ELECTRUM, secrets={}, bindings=(binding,), edges=(EDGE,), ports={}))
    assert login in consumer.containers[0].files[0].content.reveal().decode()
    for workload in (provider, consumer):
        shown = f"{workload!r} {workload} {[c.spec for c in workload.containers]}"
        assert probe not in shown and login not in shown
    other = compiled(
        input_of(
            bitcoin(),
            secrets={"probe": Secret(login, "f1")},
            consumers=(Consumer("bitcoin-rpc", "electrum", Secret(probe, "f2")),),
        )
    )
    assert other.hash == provider.hash, "the hash knows fingerprints only"


def test_every_field_of_an_apps_spec_counts_but_labels_and_networks() -> None:
    (container,) = compiled(input_of(bitcoin(), edges=(EDGE,))).containers
    spec = container.spec
    assert spec.networks == {} and container.attachments
    for name in ContainerSpec.__slots__:
        other = replace(spec, **{name: {"changed": "x"}})
        assert (hash_of(other) != hash_of(spec)) == (name not in ("labels", "networks")), name
        # Versions before did not know the last three, which apps do not have.
        changed = former_hash(other, {}, False) != former_hash(spec, {}, False)
        assert changed == (name not in ("labels", "networks", "rootfs", "network_of", "longest_run")), name


def test_what_has_no_place_in_a_hash_cannot_get_into_it() -> None:
    for odd in (object(), Secret("a", "b"), {1, 2}):
        with pytest.raises(TypeError):
            hash_of(replace(ContainerSpec("x"), user=odd))


# --- other versions ---------------------------------------------------------------------------------------------------


def hash_of(spec: ContainerSpec) -> str:
    return spec_hash(spec, {}, internet=False)


@value
class TomorrowsSpec(ContainerSpec):
    """The spec of a version that knows more."""

    cpu_affinity: tuple[int, ...] = ()
    depth: int | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


@value
class TomorrowsTmpfs(TmpfsMount):
    """A part of it."""

    huge_pages: bool = False


def of_tomorrow(spec: ContainerSpec, **changes: Any) -> TomorrowsSpec:
    """Return the same spec, as that version has it."""
    values = {each.name: getattr(spec, each.name) for each in fields(ContainerSpec)}
    return TomorrowsSpec(**{**values, **changes})


def test_a_field_that_is_added_restarts_nothing_until_it_is_set() -> None:
    for container in (*compiled(two()).containers, *electrumx().containers, *compiled(knots_input()).containers):
        spec = container.spec
        mounts = tuple(
            TomorrowsTmpfs(each.target, each.size, each.mode, each.noexec, each.read_only)
            if isinstance(each, TmpfsMount)
            else each
            for each in spec.mounts
        )
        assert TomorrowsTmpfs in map(type, mounts)
        assert hash_of(of_tomorrow(spec)) == hash_of(of_tomorrow(spec, mounts=mounts)) == hash_of(spec)
        huge = tuple(replace(each, huge_pages=True) if isinstance(each, TomorrowsTmpfs) else each for each in mounts)
        changes: tuple[dict[str, Any], ...] = (
            {"cpu_affinity": (1,)},
            {"depth": 0},
            {"hints": {"a": "b"}},
            {"mounts": huge},
        )
        set_now = {hash_of(of_tomorrow(spec, **each)) for each in changes}
        assert len(set_now) == len(changes) and hash_of(spec) not in set_now


RICH = {
    "entrypoint": ["/bin/x"],
    "environment": {"A": "1"},
    "workdir": "/x",
    "tmpfs": [{"path": "/scratch", "size": "1MiB"}],
    "files": [{"path": "/etc/a", "template": "a.j2"}],
    "resources": {"memory": "1GiB", "cpu": 0.5, "pids": 8, "open_files": 64},
    "security": {"capabilities": ["CAP_CHOWN"], "writable_root": True},
    "init": True,
}


@pytest.mark.parametrize(
    ("workload", "hashes_before"),
    [
        (compiled(knots_input("electrumx")), ["e739682189da4aaff9f65f0bc0f4c81c"]),
        (electrumx(), ["fbcd82ed5d144df5bf880d1c56cd1e5a"]),
        (compiled(input_of(bitcoin())), ["f92e0a6f8887865a817c2ea6ac738a66"]),
        (compiled(two(**RICH)), ["a4fbd2a4b34b39885e73840bb32ca30d", "c546cfc3d3de1dde1c823166bee55427"]),
    ],
    ids=["bitcoin-knots", "electrumx", "bitcoin", "two"],
)
def test_a_container_that_a_version_before_made_is_as_it_ought_to_be(
    workload: Workload, hashes_before: list[str]
) -> None:
    """The hashes are those that commit 8499238 gave to the same apps: but for where they listen, nothing is another."""
    for now, before in zip(workload.containers, hashes_before, strict=True):
        assert now.is_made_of(before) == (not now.spec.ports), "those that listen are made again at another address"
        ports = tuple(replace(each, host_ip="127.0.0.1") for each in now.spec.ports)
        container = replace(now, spec=replace(now.spec, ports=ports))
        assert is_former(before) and not is_former(container.hash)
        assert container.is_made_of(before) and container.is_made_of(container.hash)
        assert not container.is_made_of(None) and not container.is_made_of("0" * 32)
        assert not container.is_made_of(container.hash[:-1])
        changed = replace(container, spec=replace(container.spec, user="5:5"))
        assert not changed.is_made_of(before), "what is changed by the update is made again"
    others = compiled(two(**{**RICH, "init": False})).containers
    assert not others[1].is_made_of("c546cfc3d3de1dde1c823166bee55427")


def test_a_keeper_leaves_a_container_that_a_version_before_made() -> None:
    (wanted,) = electrumx().containers
    found = ContainerSummary(
        id="1",
        name=wanted.name,
        state=ContainerState.RUNNING,
        image="",
        image_id="",
        pid=1,
        exit_code=0,
        labels={HASH: "fbcd82ed5d144df5bf880d1c56cd1e5a"},
        networks=(),
        created_at=None,
        started_at=None,
        exited_at=None,
    )
    assert not is_outdated(found, wanted_container(wanted, found))
    for labels in ({HASH: "0" * 32}, {}):
        other = replace(found, labels=labels)
        assert is_outdated(other, wanted_container(wanted, other))


def test_no_default_changes() -> None:
    """A hash leaves defaults out: whoever changes one must pass the former value, or say how old containers go."""
    known = {
        (kind.__name__, each.name): each.default if each.default_factory is MISSING else each.default_factory()
        for kind in (BindMount, ContainerSpec, PortMapping, ResourceLimits, TmpfsMount)
        for each in fields(kind)
        if each.default not in (MISSING, None, (), "", False) or each.default_factory is not MISSING
    }
    empty: dict[str, str] = {}
    assert known == {
        ("BindMount", "read_only"): True,
        ("ContainerSpec", "annotations"): empty,
        ("ContainerSpec", "cap_drop"): ("ALL",),
        ("ContainerSpec", "dns_from_host"): True,
        ("ContainerSpec", "env"): empty,
        ("ContainerSpec", "env_from_image"): True,
        ("ContainerSpec", "hosts"): empty,
        ("ContainerSpec", "labels"): empty,
        ("ContainerSpec", "limits"): ResourceLimits(),
        ("ContainerSpec", "log_max_size"): 10 * 1024 * 1024,
        ("ContainerSpec", "networks"): empty,
        ("ContainerSpec", "no_new_privileges"): True,
        ("ContainerSpec", "read_only_filesystem"): True,
        ("ContainerSpec", "stop_signal"): "SIGTERM",
        ("ContainerSpec", "stop_timeout"): 10,
        ("PortMapping", "host_ip"): "127.0.0.1",
        ("PortMapping", "protocol"): "tcp",
        ("ResourceLimits", "cpu_period"): 100_000,
        ("TmpfsMount", "mode"): 0o1777,
        ("TmpfsMount", "noexec"): True,
    }
