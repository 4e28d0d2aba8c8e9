"""Builds of hostile apps: what their commands reach, what they can use up, and what is left when they are cut off."""

import asyncio
import json
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images.build.sandbox import FIRST_ID, BuildCommand, BuildRoot, BuildSandbox
from archipelago.container.images.build.watch import BuildLimits, BuildStopped
from archipelago.container.manifest.package import load_package
from archipelago.container.manifest.yaml.problems import ManifestError
from archipelago.container.podman_client.client import PodmanClient
from support.harness import RpcError, TestNode, running_node
from support.harness import podman as run_podman
from support.podman_fixtures import (
    TEST_IMAGE,
    busybox_image,
    busybox_tar,
    podman,
    podman_runtime,
    podman_service,
    podman_socket,
    session_service,
)
from support.tiny_apps import SERVE, write_app

__all__ = [
    "busybox_image",
    "busybox_tar",
    "podman",
    "podman_runtime",
    "podman_service",
    "podman_socket",
    "session_service",
]

# What a build may take is counted by user ids, which the builds of all instances of this host share.
pytestmark = [pytest.mark.timeout(600), pytest.mark.alone, pytest.mark.lane(1)]

_PROBE = Path(__file__).with_name("hostile_probe.py")
_BUILDS = "io.archipelago.build"
_HEAD = "ARG BASE\nFROM $BASE\n"


def write_hostile(folder: Path, app: str, body: str, packages: str = "busybox-static") -> None:
    """Write an app whose image is built by a Containerfile."""
    write_app(folder, app, command=SERVE)
    manifest = folder / app / "manifest.yml"
    recipe = f"{{type: containerfile, base: {{packages: [{packages}]}}}}"
    manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
    (folder / app / "Containerfile").write_text(_HEAD + body)


async def test_a_command_of_a_build_reaches_nothing_of_the_node(tmp_path: Path) -> None:
    canary = f"CANARY-{secrets.token_hex(16)}"
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    endpoint = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    another_app = endpoint.sockets[0].getsockname()[1]
    own = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout.split()
    addresses = [word.partition("/")[0] for before, word in pairwise(own) if before == "inet"]
    async with running_node("hostile-build", apps=catalog) as node, endpoint:
        (node.root / "canary").write_text(canary)
        home = Path.home() / f"canary-{secrets.token_hex(4)}"
        home.write_text(canary)
        wanted = {
            "tcp": [[address, port] for address in {*addresses, "127.0.0.1"} for port in (node.port, another_app)]
            + [["1.1.1.1", 443], ["169.254.169.254", 80]],
            "unix": [str(node.socket), str(node.runtime / "podman.sock")],
            "paths": [
                str(path) for path in (node.root, node.runtime, node.root / "node.key", home, Path("/etc/archipelago"))
            ],
        }
        command = json.dumps(["/usr/bin/python3", "/probe.py", json.dumps(wanted)])
        write_hostile(catalog, "thief", f"COPY probe.py /probe.py\nRUN {command}\n", "busybox-static, python3")
        shutil.copy(_PROBE, catalog / "thief" / "probe.py")
        try:
            await node.install("thief")
        finally:
            home.unlink()
        report = json.loads(run_podman("exec", "archipelago-thief--main", "/usr/bin/busybox", "cat", "/report.json"))
        lines = (node.root / "identity.key").read_bytes().splitlines()
        key = lines[lines.index(b"-----BEGIN PRIVATE KEY-----") + 1]
        check_report(report)
        image = run_podman("ps", "--filter", "label=io.archipelago.app=thief", "--format", "{{.ImageID}}")
        everything = subprocess.run(["podman", "save", image], capture_output=True, check=True).stdout
        assert b"report.json" in everything
        assert canary.encode() not in everything and key not in everything
        assert canary not in json.dumps(await node.call("operation-list"))


def check_report(report: dict[str, Any]) -> None:
    """Require that nothing was within reach."""
    assert set(report["tcp"].values()) <= {"ConnectionRefusedError", "OSError"}, report["tcp"]
    assert set(report["unix"].values()) <= {"FileNotFoundError"}, report["unix"]
    assert report["canaries"] == [] and report["paths"] == []
    assert "written" not in report["written"].values() and report["device"] != "made"
    assert "done" not in report["calls"].values(), report["calls"]
    assert report["status"] == {
        "CapEff": "00000000000000cb",
        "CapBnd": "00000000000000cb",
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }
    assert report["uid_map"] == ["0", str(FIRST_ID), "65536"], "not the ids of the service user, nor of an app"
    assert set(report["environment"]) <= {"PATH", "HOME", "HOSTNAME", "container", "TERM", "LC_CTYPE"}


@pytest.mark.parametrize(
    "line",
    [
        "RUN --mount=type=bind,from=x,source=/,target=/host,rw cat /host/etc/shadow",
        "RUN --network=host true",
        "RUN --security=insecure true",
        "ADD http://127.0.0.1/x /x",
        "COPY --from=docker.io/library/debian:12 /etc/passwd /x",
        "COPY ../canary /x",
        "FROM docker.io/library/debian:12",
        "ONBUILD RUN true",
        "VOLUME /var/lib/archipelago",
    ],
)
async def test_what_would_lead_out_is_refused_before_anything_runs(tmp_path: Path, line: str) -> None:
    write_hostile(tmp_path, "thief", f"RUN true\n{line}\n")
    with pytest.raises(ManifestError, match=r"Containerfile:4:1: \w+: .+; .+"):
        load_package(tmp_path / "thief")


async def test_a_node_refuses_such_an_app_and_says_where(tmp_path: Path) -> None:
    write_hostile(tmp_path, "thief", "RUN --mount=type=bind,source=/,target=/host,rw true\n")
    async with running_node("hostile-syntax", apps=tmp_path) as node:
        with pytest.raises(RpcError, match="Containerfile:3:1: RUN: --mount is not supported"):
            await node.call("container-install", app="thief")


def build_containers(node: TestNode) -> set[str]:
    """Return the ids of the containers in which this node builds."""
    label = f"{_BUILDS}={node.root / 'tmp' / 'builds'}"
    return set(run_podman("ps", "-aq", "--no-trunc", "--filter", f"label={label}").split())


async def until_it_runs(node: TestNode) -> set[str]:
    """Return the containers of a build once its command runs."""
    async with asyncio.timeout(250):  # its base may have to be made first
        while not (found := build_containers(node)):
            await asyncio.sleep(0.05)  # no event tells a stranger
    return found


async def test_a_build_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    write_hostile(tmp_path, "sleeper", 'RUN ["/usr/bin/busybox", "sleep", "1000"]\n')
    node = TestNode("hostile-kill", apps=tmp_path)
    await node.destroy()
    try:
        await node.start()
        await node.call("container-install", app="sleeper")
        first = await until_it_runs(node)
        node.kill()
        assert build_containers(node) & first, "it outlives the daemon"
        await node.start()
        assert not build_containers(node) & first
        # An installation goes on after a restart; this time it is cancelled.
        second = await until_it_runs(node)
        [operation] = [each for each in await node.call("operation-list") if each["state"] == "running"]
        await node.call("operation-cancel", id=operation["id"])
        assert (await node.ended(operation))["state"] == "cancelled"
        assert not build_containers(node) & (first | second)
        assert not list((node.root / "tmp" / "builds").iterdir())
    finally:
        await node.destroy()


_MUCH = "head -c 40000000 /dev/zero | tr '\\0' x"
LIMITS = BuildLimits(memory=128 << 20, processes=64, step_time=300, disk=64 << 20, files=2000, output=1 << 20)


@pytest_asyncio.fixture
async def root(podman: PodmanClient, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[BuildRoot]:
    """The root of a build that may use little; nothing of it is left afterwards."""
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is
    limits = getattr(request, "param", LIMITS)
    work = tmp_path / "work"
    (work / "build").mkdir(mode=0o711, parents=True)
    async with BuildSandbox(podman, work, ControlGroup()).root(work / "build", TEST_IMAGE, limits) as root:
        yield root
    left = run_podman("ps", "-aq", "--filter", f"label={_BUILDS}={work}")
    run_podman("unshare", "rm", "-rf", str(work))
    assert not left


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("yes", "bytes of output"),
        ("f() { f & f; }; f; sleep 100", "processes|fork|memory"),
        ("x=x; while :; do x=$x$x; done", "memory|exhausted"),
        (
            "f() { x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 100; }; for i in 1 2 3 4 5 6; do f & done; wait",
            "memory",
        ),
        ("i=0; while :; do dd if=/dev/zero of=/f$i bs=1M count=20 2>/dev/null; i=$((i+1)); done", "may add"),
        ("dd if=/dev/zero of=/hole bs=1 count=1 seek=10G", "File too large|File size"),
        (
            "i=0; while :; do dd if=/dev/zero of=/hole$i bs=1 count=1 seek=60M 2>/dev/null; i=$((i+1)); done",
            "may add|longer",
        ),
        ("i=0; while :; do echo >/tmp/f$i; i=$((i+1)); done", "may add"),
        ("i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done", "too deep|exit code 0"),
    ],
    ids=["output", "forks", "memory", "memory-of-many", "disk", "hole", "holes", "files", "depth"],
)
async def test_a_command_that_takes_too_much_is_ended(root: BuildRoot, script: str, said: str) -> None:
    with pytest.raises(BuildStopped, match=said):
        result = await root.run(BuildCommand(("/bin/busybox", "sh", "-euc", script)))
        raise BuildStopped(f"exit code {result.exit_code}: {result.output}", "")


@pytest.mark.parametrize("root", [replace(LIMITS, step_time=2), replace(LIMITS, total_time=2)], indirect=True)
async def test_a_command_that_takes_too_long_is_ended(root: BuildRoot) -> None:
    with pytest.raises(BuildStopped, match="longer than"):
        await root.run(BuildCommand(("/bin/busybox", "sleep", "100")))


async def test_processes_left_behind_end_with_their_command(root: BuildRoot) -> None:
    result = await root.run(
        BuildCommand(("/bin/busybox", "sh", "-c", "(sleep 1; echo late >/late) >/dev/null 2>&1 & exit 0"))
    )
    assert result.exit_code == 0
    again = await root.run(BuildCommand(("/bin/busybox", "sh", "-c", "sleep 2; ls /")))
    assert "late" not in again.output
