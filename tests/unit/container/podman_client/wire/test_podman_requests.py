"""Specs become the JSON that Podman wants, and names are never what it could take for an ID."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdMappings,
    IdRange,
    NetworkAttachment,
    NetworkSpec,
    PortMapping,
    PortProtocol,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)
from archipelago.container.podman_client.wire.requests import (
    container_request,
    filters,
    is_safe_name,
    label_filter,
    network_request,
    signal_number,
)

_SPEC = ContainerSpec("archipelago-x", "localhost/x:1")


def test_the_defaults_are_the_safe_ones() -> None:
    assert container_request(_SPEC) == {
        "name": "archipelago-x",
        "image": "localhost/x:1",
        "env": {},
        "labels": {},
        "mounts": [],
        "stop_signal": 15,
        "stop_timeout": 10,
        "init": False,
        "log_configuration": {"driver": "k8s-file", "size": 10485760, "path": ""},
        "restart_policy": "no",
        "sdnotifyMode": "ignore",
        "read_only_filesystem": True,
        "read_write_tmpfs": False,
        "cap_drop": ["ALL"],
        "cap_add": [],
        "no_new_privileges": True,
        "netns": {"nsmode": "none"},
        "image_volume_mode": "ignore",
        "healthconfig": {"Test": ["NONE"]},
    }


def test_everything_is_translated() -> None:
    request = container_request(
        replace(
            _SPEC,
            entrypoint=(),
            command=("a", "b"),
            mounts=(BindMount(PurePosixPath("/a"), PurePosixPath("/b")), TmpfsMount(PurePosixPath("/t"), 1024, 0o700)),
            id_mappings=IdMappings((IdRange(0, 100_000, 65_536),), (IdRange(0, 200_000, 65_536),)),
            limits=ResourceLimits(memory=1 << 20, cpu_quota=50_000, pids=9),
            ulimits=(Ulimit("nofile", 1, 2),),
            networks={"archipelago-n": NetworkAttachment(("alias",), IPv4Address("10.0.0.2"))},
            ports=(PortMapping(53, 5353, "127.0.0.1", PortProtocol.UDP),),
            seccomp_profile=PurePosixPath("/s.json"),
            stop_signal="int",
        )
    )
    assert request["entrypoint"] == [] and request["command"] == ["a", "b"] and request["stop_signal"] == 2
    bind, tmpfs = request["mounts"]
    assert bind["options"] == ["nosuid", "nodev", "ro", "rbind", "rprivate"]
    assert tmpfs["options"] == ["nosuid", "nodev", "rw", "noexec", "size=1024", "mode=700"]
    assert request["userns"] == {"nsmode": "private"}
    assert request["idmappings"]["UIDMap"] == [{"container_id": 0, "host_id": 100_000, "size": 65_536}]
    assert request["resource_limits"] == {
        "memory": {"limit": 1 << 20},
        "cpu": {"quota": 50_000, "period": 100_000},
        "pids": {"limit": 9},
    }
    assert request["r_limits"] == [{"type": "nofile", "soft": 1, "hard": 2}]
    assert request["netns"] == {"nsmode": "bridge"}
    assert request["Networks"] == {"archipelago-n": {"aliases": ["alias"], "static_ips": ["10.0.0.2"]}}
    assert request["portmappings"][0]["protocol"] == "udp"
    assert request["seccomp_profile_path"] == "/s.json"


def test_a_network() -> None:
    request = network_request(NetworkSpec("archipelago-n", subnets=(ip_network("10.1.0.0/24"),), isolate=False))
    assert (
        request["internal"] is True and request["options"] == {} and request["subnets"] == [{"subnet": "10.1.0.0/24"}]
    )
    assert network_request(NetworkSpec("archipelago-n"))["options"] == {"isolate": "true"}


@pytest.mark.parametrize("name", ["e8", "", "-x", "a/b", "a b", "ä", "deadbeef", "f" * 64, "x" * 300])
def test_an_unsafe_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a safe"):
        container_request(replace(_SPEC, name=name))
    with pytest.raises(ValueError, match="not a safe"):
        network_request(NetworkSpec(name))


@given(st.text(max_size=80))
def test_a_safe_name_is_no_part_of_an_id_and_no_path(name: str) -> None:
    if is_safe_name(name):
        assert len(name) == 64 or set(name.lower()) - set("0123456789abcdef")
        assert not set(name) & set("/?#% \n\\")


@given(st.text("0123456789abcdefABCDEF", max_size=63))
def test_no_part_of_an_id_is_safe(part: str) -> None:
    assert not is_safe_name(part)


def test_filters() -> None:
    assert filters(label=[]) == {}
    assert filters(label=label_filter({"a": "b", "c": None})) == {"filters": '{"label": ["a=b", "c"]}'}


def test_signals() -> None:
    assert [signal_number(name) for name in ("SIGTERM", "term", "15")] == [15, 15, 15]
    for name in ("SIGNONSENSE", "", "999"):
        with pytest.raises(ValueError):
            signal_number(name)
