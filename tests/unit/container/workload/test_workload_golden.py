"""A node like Bitcoin Knots and a server like ElectrumX, written out in full."""

from pathlib import PurePosixPath

from archipelago.chains.bitcoin.rpcauth import rpcauth_line
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.labels import APP, CONTAINER, HASH, NODE, PLACE
from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdMappings,
    IdRange,
    NetworkAttachment,
    NetworkSpec,
    PortMapping,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)
from archipelago.container.workload.compiler import AppInput, Binding, Consumer, VolumeDirectory, Workload, exports
from archipelago.container.workload.networks import edge_network_name
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.security.secrets.secret import Secret
from support.workloads import compiled, manifest

GIB = 1024**3
EDGE_NETWORK = edge_network_name("electrumx", "bitcoin-knots", {"bitcoin-rpc"})
KNOTS = AppPackage(
    manifest(
        id="bitcoin-knots",
        version="29.4",
        egress="direct",
        options={
            "network": {"type": "choice", "label": "Network", "default": "mainnet", "choices": ["mainnet", "regtest"]},
            "txindex": {"type": "bool", "label": "Index", "default": False},
        },
        secrets={"probe_password": {"kind": "hex"}},
        volumes={"chain": {"backup": "exclude", "exclusive": True}},
        containers={
            "main": {
                "build": {"type": "packages", "suite": "sid", "packages": ["bitcoin-knots"]},
                "entrypoint": ["bitcoind"],
                "command": ["-conf=/etc/bitcoin/bitcoin.conf", "-datadir=/data"],
                "mounts": [{"volume": "chain", "path": "/data"}],
                "files": [{"path": "/etc/bitcoin/bitcoin.conf", "template": "files/bitcoin.conf.j2"}],
                "resources": {"memory": "3GiB", "cpu": 4, "pids": 512, "open_files": 8192},
                "stop": {"signal": "SIGTERM", "grace": "600s"},
            }
        },
        provides={
            "bitcoin-rpc": {
                "container": "main",
                "port": 8332,
                "accepts": ["txindex"],
                "credentials": "rpcauth",
                "exports": {"network": "{{ options.network }}"},
            }
        },
        endpoints={"p2p": {"kind": "p2p", "container": "main", "port": 8333, "host_port": 8333}},
    ),
    "",
    {
        "files/bitcoin.conf.j2": b"""{% set gib = host.memory // 1073741824 %}
{% if options.network != 'mainnet' %}
{{ options.network }}=1
{% endif %}
txindex={{ options.txindex | int }}
dbcache={{ 450 if gib < 5 else 1000 }}
rpcauth={{ secrets.probe_password | rpcauth('archipelago') }}
{% for consumer in consumers['bitcoin-rpc'] %}
rpcauth={{ consumer.rpcauth }}
{% endfor %}
"""
    },
)
ELECTRUMX = AppPackage(
    manifest(
        id="electrumx",
        requires={"bitcoin-rpc": {"version": ">=25", "demands": {"txindex": True}, "wait": "serving"}},
        containers={
            "main": {
                "build": {"type": "packages", "packages": ["python3"]},
                "environment": {"COIN": "Bitcoin", "NET": "{{ requires['bitcoin-rpc'].exports.network }}"},
                "files": [{"path": "/etc/electrumx/daemon", "template": "daemon.j2"}],
            }
        },
        provides={"electrum": {"container": "main", "port": 50001}},
    ),
    "",
    {
        "daemon.j2": b"{% set rpc = requires['bitcoin-rpc'] %}\n"
        b"http://{{ rpc.user }}:{{ rpc.password }}@{{ rpc.host }}:{{ rpc.port }}/\n"
    },
)
PROBE, ELECTRUMX_LOGIN, LND_LOGIN = Secret("probe", "f0"), Secret("one", "f1"), Secret("two", "f2")
LOGINS = {"electrumx": ELECTRUMX_LOGIN, "lnd": LND_LOGIN}


def edge(consumer: str) -> Edge:
    return Edge(consumer=consumer, interface="bitcoin-rpc", provider="bitcoin-knots", wait=Wait.SERVING)


def knots_input(*consumers: str) -> AppInput:
    return AppInput(
        package=KNOTS,
        options={"network": "regtest", "txindex": True},
        slot=0,
        images={"main": "localhost/knots:1"},
        ports={"p2p": 18333},
        consumers=tuple(Consumer("bitcoin-rpc", each, LOGINS[each]) for each in consumers),
        secrets={"probe_password": PROBE},
        edges=tuple(edge(each) for each in consumers),
    )


def electrumx() -> Workload:
    values = exports(knots_input(), "bitcoin-rpc", Renderer())
    return compiled(
        AppInput(
            package=ELECTRUMX,
            options={},
            slot=1,
            images={"main": "localhost/electrumx:1"},
            bindings=(Binding(edge("electrumx"), KNOTS.manifest, values, ELECTRUMX_LOGIN),),
            edges=(edge("electrumx"),),
        )
    )


def test_the_node_in_full() -> None:
    workload = compiled(knots_input("electrumx"))
    (container,) = workload.containers
    ids = (IdRange(container_id=0, host_id=1, size=65536),)
    (profile,) = (file for file in container.files if "seccomp" in file.path)
    assert (profile.uid, profile.gid, profile.mode) == (0, 0, 0o600), "Podman reads it, the container cannot"
    assert container.spec == ContainerSpec(
        name="archipelago-bitcoin-knots--main",
        image="localhost/knots:1",
        entrypoint=("bitcoind",),
        command=("-conf=/etc/bitcoin/bitcoin.conf", "-datadir=/data"),
        labels={NODE: "n1", APP: "bitcoin-knots", CONTAINER: "main", PLACE: "0", HASH: container.hash},
        user="1000:1000",
        hostname="bitcoin-knots--main",
        mounts=(
            BindMount(PurePosixPath("/data/bitcoin-knots/volumes/chain"), PurePosixPath("/data"), read_only=False),
            BindMount(
                PurePosixPath("/run/files/bitcoin-knots/main/0-bitcoin.conf"),
                PurePosixPath("/etc/bitcoin/bitcoin.conf"),
                read_only=True,
            ),
            TmpfsMount(PurePosixPath("/tmp"), 64 * 1024**2),
            TmpfsMount(PurePosixPath("/run"), 64 * 1024**2),
            TmpfsMount(PurePosixPath("/dev/shm"), 64 * 1024**2),
        ),
        id_mappings=IdMappings(ids, ids),
        limits=ResourceLimits(memory=3 * GIB, memory_swap=3 * GIB, cpu_quota=400_000, pids=512),
        ulimits=(Ulimit("nofile", 8192, 8192),),
        ports=(PortMapping(container_port=8333, host_port=18333, host_ip="127.0.0.1"),),
        stop_signal="SIGTERM",
        stop_timeout=600,
        seccomp_profile=PurePosixPath(profile.path),
        mask=("/proc/kallsyms", "/proc/modules", "/sys/devices/virtual/dmi", "/sys/devices/virtual/powercap"),
        log_path=PurePosixPath("/data/bitcoin-knots/logs/main.log"),
    )
    assert workload.volumes == (VolumeDirectory("/data/bitcoin-knots/volumes/chain", 1001, 1001),)
    assert workload.networks == (
        NetworkSpec("archipelago-bitcoin-knots", internal=False, labels={NODE: "n1", APP: "bitcoin-knots"}),
        NetworkSpec(EDGE_NETWORK, labels={NODE: "n1", APP: "electrumx"}),
    )
    assert container.attachments == {
        "archipelago-bitcoin-knots": NetworkAttachment(("main",)),
        EDGE_NETWORK: NetworkAttachment(("bitcoin-rpc",)),
    }
    file, _ = container.files
    assert (file.mode, file.uid, file.gid) == (0o400, 1001, 1001)
    assert file.content.reveal().decode() == (
        "regtest=1\ntxindex=1\ndbcache=1000\n"
        f"rpcauth={rpcauth_line('archipelago', 'probe')}\nrpcauth={rpcauth_line('electrumx', 'one')}\n"
    )


def test_the_server_in_full() -> None:
    workload = electrumx()
    (container,) = workload.containers
    assert container.spec.env == {"COIN": "Bitcoin", "NET": "regtest"}
    assert container.files[0].content.reveal() == b"http://electrumx:one@bitcoin-rpc:8332/\n"
    assert (container.files[0].uid, workload.volumes) == (1 + 65536 + 1000, ())
    assert container.attachments == {
        "archipelago-electrumx": NetworkAttachment(("main",)),
        EDGE_NETWORK: NetworkAttachment(()),
    }
    assert all(network.internal for network in workload.networks)


def test_one_more_consumer_changes_the_nodes_file_and_nothing_else() -> None:
    before, after = compiled(knots_input("electrumx")), compiled(knots_input("lnd", "electrumx"))
    (old,), (new,) = before.containers, after.containers
    assert old.hash != new.hash
    unlabelled = [
        {**{name: getattr(c.spec, name) for name in ContainerSpec.__slots__}, "labels": 0} for c in (old, new)
    ]
    assert unlabelled[0] == unlabelled[1]
    added = set(new.files[0].content.reveal().split(b"\n")) - set(old.files[0].content.reveal().split(b"\n"))
    assert added == {f"rpcauth={rpcauth_line('lnd', 'two')}".encode()}
