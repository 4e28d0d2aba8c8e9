"""A node like Bitcoin Knots and a server like ElectrumX, written out in full."""

from pathlib import PurePosixPath

from archipelago.chains.bitcoin.rpcauth import rpcauth_line
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
from archipelago.container.workload.workload import VolumeDirectory
from support.golden_workloads import EDGE_NETWORK, GIB, electrumx, knots_input
from support.workloads import compiled


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
        labels={
            "io.archipelago.node": "n1",
            "io.archipelago.app": "bitcoin-knots",
            "io.archipelago.container": "main",
            "io.archipelago.place": "0",
            "io.archipelago.hash": container.hash,
        },
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
        ports=(PortMapping(container_port=8333, host_port=18333, host_ip="127.0.0.2"),),
        stop_signal="SIGTERM",
        stop_timeout=600,
        seccomp_profile=PurePosixPath(profile.path),
        mask=("/proc/kallsyms", "/proc/modules", "/sys/devices/virtual/dmi", "/sys/devices/virtual/powercap"),
        log_path=PurePosixPath("/data/bitcoin-knots/logs/main.log"),
    )
    assert workload.volumes == (VolumeDirectory("/data/bitcoin-knots/volumes/chain", 1001, 1001),)
    assert workload.networks == (
        NetworkSpec(
            "archipelago-bitcoin-knots",
            internal=False,
            labels={"io.archipelago.node": "n1", "io.archipelago.app": "bitcoin-knots"},
        ),
        NetworkSpec(EDGE_NETWORK, labels={"io.archipelago.node": "n1", "io.archipelago.app": "electrumx"}),
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
