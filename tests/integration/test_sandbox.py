"""What a container is kept from, tried from within a real one."""

import os
import platform
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

EPERM, ENOSYS = 1, 38
NUMBERS = {
    "x86_64": {
        "ptrace": 101,
        "personality": 135,
        "mount": 165,
        "kexec_load": 246,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "setns": 308,
        "process_vm_readv": 310,
        "bpf": 321,
        "userfaultfd": 323,
        "socket": 41,
    },
    "aarch64": {
        "ptrace": 117,
        "personality": 92,
        "mount": 40,
        "kexec_load": 104,
        "keyctl": 219,
        "unshare": 97,
        "perf_event_open": 241,
        "setns": 268,
        "process_vm_readv": 270,
        "bpf": 280,
        "userfaultfd": 282,
        "socket": 198,
    },
}[platform.machine()]
IO_URING_SETUP, CLONE3 = 425, 435
AF_INET, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK = 2, 16, 17, 38, 40
SOCK_STREAM, SOCK_RAW = 1, 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that asks for nothing, and one that asks for some system calls."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    write_app(catalog, "plain", packages="busybox-static, perl-base")
    health = "health: {probe: {type: tcp, port: 8000}}\n    security: {system_calls: [debug, io-uring]}"
    write_app(catalog, "asking", packages="busybox-static, perl-base", health=health)
    async with running_node("sandbox", apps=catalog) as running:
        for app in ("plain", "asking"):
            await running.install(app)
        yield running


async def call(node: TestNode, app: str, number: int, *arguments: int) -> int:
    """Make a system call inside an app; return the error's number, 0 where it succeeded."""
    given = ", ".join(map(str, (number, *arguments)))
    return int(await node.execute(app, "perl", "-e", f"my $r = syscall({given}); print $r < 0 ? $! + 0 : 0"))


async def test_what_no_ordinary_program_needs_is_refused(node: TestNode) -> None:
    refused = {name: number for name, number in NUMBERS.items() if name not in ("personality", "socket")}
    for name, number in refused.items():
        assert await call(node, "plain", number, 0, 0, 0, 0, 0) == EPERM, name
    assert await call(node, "plain", IO_URING_SETUP, 1, 0) == ENOSYS
    assert await call(node, "plain", CLONE3, 0, 0) == ENOSYS
    randomize_no_addresses = 0x0040000
    assert await call(node, "plain", NUMBERS["personality"], randomize_no_addresses) == ENOSYS
    assert await call(node, "plain", NUMBERS["personality"], 0xFFFFFFFF) == 0


async def test_only_sockets_of_ordinary_families_can_be_had(node: TestNode) -> None:
    number = NUMBERS["socket"]
    assert await call(node, "plain", number, AF_INET, SOCK_STREAM, 0) == 0
    assert await call(node, "plain", number, AF_NETLINK, SOCK_RAW, 0) == 0
    for family, protocol in ((AF_NETLINK, 9), (AF_PACKET, 0), (AF_ALG, 0), (AF_VSOCK, 0)):
        assert await call(node, "plain", number, family, SOCK_RAW, protocol) == ENOSYS, family


async def test_a_declared_group_is_given_and_no_more(node: TestNode) -> None:
    trace_me = 0
    assert await call(node, "asking", NUMBERS["ptrace"], trace_me, 0, 0, 0) == 0
    assert await call(node, "asking", IO_URING_SETUP, 1, 0) not in (EPERM, ENOSYS)
    assert await call(node, "asking", NUMBERS["bpf"], 0, 0, 0) == EPERM


async def test_the_report_says_what_the_kernel_says(node: TestNode) -> None:
    plain, asking = sorted(await node.call("security-report"), key=lambda one: str(one["app"]), reverse=True)
    assert (plain["app"], plain["rating"]["score"], plain["egress"]) == ("plain", 8, "none")
    assert asking["rating"]["score"] == 7
    held = {one["what"]: one for one in plain["enforcement"]}
    for what in ("user namespace", "capabilities", "no new privileges", "system call filter", "firewall"):
        assert held[what]["enforced"], held[what]
    assert not held["AppArmor"]["enforced"] and held["AppArmor"]["detail"]
    (image,) = plain["images"]
    assert image["signer"] == "this node" and image["packages"] >= 3
    (profiles,) = await node.call("security-profiles", app="plain")
    assert profiles["apparmor_name"] in profiles["apparmor"] and '"ptrace"' in profiles["seccomp"]


async def test_a_container_runs_with_the_least(node: TestNode) -> None:
    pid = podman("inspect", "--format", "{{.State.Pid}}", "archipelago-plain--main")
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    with open(f"/proc/{pid}/uid_map") as file:
        inside, outside, size = map(int, file.read().split())
    assert inside == 0 and outside not in (0, os.getuid()) and size == 65536
    for path, reason in (("/x", "Read-only"), ("/tmp/../proc/sys/kernel/hostname", "Read-only")):
        tried = await node.call("container-exec", app="plain", command=["busybox", "touch", path])
        assert tried["exit_code"] != 0 and reason in tried["stderr"], tried
    for path in ("/proc/kallsyms", "/proc/modules", "/proc/keys", "/proc/timer_list"):
        shown = await node.call("container-exec", app="plain", command=["busybox", "cat", path])
        assert shown["stdout"] == "", path  # not every kernel has each of them
    assert (await node.execute("plain", "busybox", "ls", "/sys/firmware")).strip() == ""
    tmp = await node.execute("plain", "busybox", "grep", " /tmp ", "/proc/mounts")
    assert "tmpfs" in tmp and {"nosuid", "nodev", "noexec"} <= set(tmp.split()[3].split(","))
