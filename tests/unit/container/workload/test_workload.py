"""The compiler: pure, deterministic, and a hash that changes exactly when something must be re-created."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.labels import PLACE
from archipelago.container.podman_client.spec import BindMount
from archipelago.container.workload.inputs import AppInput, Binding, Consumer
from archipelago.container.workload.networks import edge_network_name
from archipelago.container.workload.template_context import exports
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.security.keys.key_files import private_pem, public_pem
from archipelago.security.secrets.secret import Secret
from support.app_manifests import app
from support.workloads import EDGE, ELECTRUM, LOGIN, SITE, bitcoin, compiled, input_of


def test_a_provider_is_compiled_with_everything_dropped_and_its_own_ids() -> None:
    workload = compiled(input_of(bitcoin()))
    (container,) = workload.containers
    spec = container.spec
    assert container.name == "archipelago-bitcoin--main"
    assert spec.command == ("bitcoind", "-maxmem=512")
    assert spec.cap_drop == ("ALL",)
    assert not spec.cap_add
    assert spec.read_only_filesystem and spec.no_new_privileges
    assert spec.id_mappings is not None
    assert spec.id_mappings.uids[0].host_id == 1 + 3 * 65536
    assert [(port.host_ip, port.host_port) for port in spec.ports] == [("127.0.0.2", 18333)]
    assert (workload.volumes[0].path, workload.volumes[0].uid) == ("/data/bitcoin/volumes/data", 1 + 3 * 65536 + 1000)
    file, _ = container.files
    assert (file.path, file.mode) == ("/run/files/bitcoin/main/0-bitcoin.conf", 0o400)
    assert [network.name for network in workload.networks] == ["archipelago-bitcoin"]


def test_a_consumer_has_a_login_of_its_own_and_a_network_with_its_provider() -> None:
    consumers = (Consumer("bitcoin-rpc", "electrum", LOGIN),)
    provider = compiled(input_of(bitcoin(), consumers=consumers, edges=(EDGE,)))
    binding = Binding(EDGE, bitcoin().manifest, {}, LOGIN)
    consumer = compiled(input_of(ELECTRUM, secrets={}, bindings=(binding,), edges=(EDGE,), ports={}))
    config = provider.containers[0].files[0].content.reveal().decode()
    login = consumer.containers[0].files[0].content.reveal().decode()
    assert login == "electrum:login-value\n"
    assert "rpcauth=electrum:" in config and "login-value" not in config
    assert consumer.containers[0].spec.env == {"NODE": "bitcoin-rpc:8332"}
    shared = edge_network_name("electrum", "bitcoin", {"bitcoin-rpc"})
    assert provider.containers[0].attachments[shared].aliases == ("bitcoin-rpc",)
    assert shared in consumer.containers[0].attachments
    assert all(network.internal for network in consumer.networks)


def test_the_hash_follows_what_matters_and_nothing_else() -> None:
    base = compiled(input_of(bitcoin()))
    assert compiled(input_of(bitcoin(description="Another text"))).hash == base.hash
    assert compiled(input_of(bitcoin(), edges=(EDGE,))).hash == base.hash, "networks are joined live"
    roomier = replace(SITE, host=replace(SITE.host, free_disk=1))
    assert compiled(input_of(bitcoin()), roomier).hash == base.hash
    for changed in (
        input_of(bitcoin(), options={"txindex": True}),
        input_of(bitcoin(), images={"main": "localhost/x:2"}),
        input_of(bitcoin(), consumers=(Consumer("bitcoin-rpc", "electrum", LOGIN),)),
        input_of(bitcoin(), ports={"p2p": 18334}),
        input_of(bitcoin(egress="direct")),
        input_of(bitcoin(), secrets={"probe": Secret("probe-value", "rotated")}),
    ):
        assert compiled(changed).hash != base.hash


def test_no_secret_is_in_what_can_be_printed_or_hashed() -> None:
    consumers = (Consumer("bitcoin-rpc", "electrum", LOGIN),)
    workload = compiled(input_of(bitcoin(), consumers=consumers, edges=(EDGE,)))
    shown = repr(workload) + json.dumps(asdict(workload.containers[0].spec), default=str)
    assert "probe-value" not in shown and "login-value" not in shown
    # The hash does not depend on the value: two secrets with one fingerprint give one hash.
    other = compiled(input_of(bitcoin(), secrets={"probe": Secret("another-value", "f-probe")}))
    assert other.hash == compiled(input_of(bitcoin())).hash


def test_a_secret_cannot_be_named_outside_files() -> None:
    broken = bitcoin()
    container = broken.manifest.containers["main"].model_copy(update={"environment": {"X": "{{ secrets.probe }}"}})
    package = replace(broken, manifest=broken.manifest.model_copy(update={"containers": {"main": container}}))
    with pytest.raises(NodeError, match="secrets"):
        compiled(input_of(package))


def test_exports_come_from_the_providers_options() -> None:
    assert exports(input_of(bitcoin(), options={"txindex": True}), "bitcoin-rpc", Renderer()) == {"index": "True"}


@pytest.mark.parametrize(
    "value", ["{{ 'a\\nrpcauth=b' }}", "{% if true %}a\nb{% endif %}", "{{ 'a\\rb' }}", "{{ 'a\\u2028b' }}", "x" * 5000]
)
def test_an_export_writes_no_line_of_its_own_into_the_files_of_consumers(value: str) -> None:
    provided = {"container": "main", "port": 8332, "exports": {"index": "x"}}
    package = bitcoin(provides={"bitcoin-rpc": provided})
    old = package.manifest.provides["bitcoin-rpc"].model_copy(update={"exports": {"index": value}})
    package = replace(package, manifest=package.manifest.model_copy(update={"provides": {"bitcoin-rpc": old}}))
    with pytest.raises(NodeError, match=r"apps/bitcoin: provides\.bitcoin-rpc\.exports\.index: .* one line") as refused:
        exports(input_of(package), "bitcoin-rpc", Renderer())
    assert "line breaks" in refused.value.hint


@pytest.mark.parametrize("user", ["65536:0", "0:65536", "99999:99999"])
def test_no_user_is_one_of_the_next_app(user: str) -> None:
    package = bitcoin()
    old = package.manifest.containers["main"].model_copy(update={"user": user})
    package = replace(package, manifest=package.manifest.model_copy(update={"containers": {"main": old}}))
    with pytest.raises(NodeError, match=f"user {user} is not one of the app's own"):
        compiled(input_of(package))


@given(st.permutations(["a", "b", "c", "d"]), st.integers(min_value=0, max_value=254))
def test_the_order_of_consumers_does_not_matter(order: list[str], slot: int) -> None:
    def of(names: list[str]) -> str:
        consumers = tuple(Consumer("bitcoin-rpc", name, Secret(f"v-{name}", f"f-{name}")) for name in names)
        return compiled(input_of(bitcoin(), consumers=consumers, slot=slot)).hash

    assert of(order) == of(sorted(order))


def test_containers_stand_behind_those_that_they_come_after() -> None:
    build = {"type": "packages", "packages": ["x"]}
    files = [{"path": f"/etc/{name}", "template": "a.j2"} for name in "abc"]
    containers = {"web": {"build": build, "after": ["db"], "files": files}, "db": {"build": build, "files": files}}
    package = AppPackage(app("two", containers=containers), "", {"a.j2": b""})
    workload = compiled(input_of(package, images={"web": "w", "db": "d"}, secrets={}, ports={}))
    assert [container.container for container in workload.containers] == ["db", "web"]
    assert [container.spec.labels[PLACE] for container in workload.containers] == ["0", "1"]


def with_key(value: str, template: bytes = b"a\nkey={{ secrets.probe | public_key | tojson }}\n") -> AppInput:
    """Return an app whose configuration holds the public half of a key."""
    package = bitcoin(secrets={"probe": {"kind": "keypair"}})
    return input_of(
        AppPackage(package.manifest, "", {"bitcoin.conf.j2": template}),
        secrets={"probe": Secret(value, "0123456789abcdef")},
    )


@pytest.mark.parametrize(
    "value", ["garbage-value", "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_has_no_public_half_is_an_error_that_names_app_file_and_secret(value: str) -> None:
    with pytest.raises(NodeError) as refused:
        compiled(with_key(value))
    assert refused.value.message.startswith("apps/bitcoin/bitcoin.conf.j2, line 2: 'public_key' needs a private key")
    assert "the secret 'probe' is none" in refused.value.message and "secret set bitcoin probe" in refused.value.hint
    assert not value or value not in str(refused.value)


def test_what_is_no_secret_has_no_public_half_either() -> None:
    with pytest.raises(NodeError, match=r"line 1: 'public_key' needs .*: what it is given is none"):
        compiled(with_key("garbage", b"{{ 'garbage' | public_key }}"))


def test_the_public_half_of_a_key_is_written_and_the_hash_knows_its_fingerprint_alone() -> None:
    key = Ed25519PrivateKey.generate()
    first = compiled(with_key(private_pem(key)))
    assert json.dumps(public_pem(key)).encode() in first.containers[0].files[0].content.reveal()
    assert first.hash == compiled(with_key(private_pem(Ed25519PrivateKey.generate()))).hash
    given = with_key(private_pem(key))
    rotated = compiled(replace(given, secrets={"probe": Secret(private_pem(key), "f" * 16)}))
    assert rotated.hash != first.hash


def test_containers_of_long_names_that_begin_alike_have_a_hostname_each() -> None:
    names = ["c" * 39 + "a", "c" * 39 + "b", "c" * 20]
    main = bitcoin().manifest.containers["main"]
    package = AppPackage(
        bitcoin(id="a" * 40).manifest.model_copy(update={"containers": dict.fromkeys(names, main), "provides": {}}),
        "",
        {"bitcoin.conf.j2": b""},
    )
    workload = compiled(input_of(package, images=dict.fromkeys(names, "x"), ports={"p2p": 1}))
    hostnames = [each.spec.hostname for each in workload.containers]
    assert len(set(hostnames)) == 3 and all(len(each) <= 63 for each in hostnames)
    assert f"{'a' * 40}--{'c' * 20}" in hostnames


def indexer(per: str | None = "bitcoin-rpc.index") -> AppPackage:
    """Return an app whose index belongs to a value of its provider."""
    container = {"build": {"type": "packages", "packages": ["x"]}, "mounts": [{"volume": "data", "path": "/data"}]}
    values: dict[str, Any] = {"requires": {"bitcoin-rpc": {}}, "containers": {"main": container}}
    return AppPackage(app("electrum", volumes={"data": {"data": "files", "per": per}}, **values), "")


def indexed(value: str | None, package: AppPackage | None = None) -> Workload:
    exported = {} if value is None else {"index": value}
    binding = Binding(EDGE, bitcoin().manifest, exported)
    return compiled(input_of(package or indexer(), bindings=(binding,), edges=(EDGE,), ports={}))


def test_a_volume_has_a_directory_for_each_value_of_its_provider() -> None:
    one, other = indexed("regtest"), indexed("signet")
    (volume,) = one.volumes
    assert (volume.path, volume.used) == ("/data/electrum/volumes/data", "/data/electrum/volumes/data/regtest")
    assert [str(mount.source) for mount in one.containers[0].spec.mounts if isinstance(mount, BindMount)] == [
        volume.used
    ]
    assert one.parts == {"data": "regtest"} and other.parts == {"data": "signet"}
    assert one.hash != other.hash, "the container is made anew with the other directory"
    whole = indexed("regtest", indexer(None))
    assert whole.volumes[0].path == "/data/electrum/volumes/data" and whole.parts == {}


@pytest.mark.parametrize("value", [None, "", "..", "a/b", ".divided", "A", "x" * 41])
def test_a_value_that_cannot_name_a_directory_is_refused(value: str | None) -> None:
    with pytest.raises(NodeError, match=r"kept apart by bitcoin-rpc\.index"):
        indexed(value)
