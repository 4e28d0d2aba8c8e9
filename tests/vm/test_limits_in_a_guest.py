"""On a kernel that enforces limits: they count, change without a restart, and what is greedy harms nobody else."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import TESTS
from support.harness import RpcError, TestNode, podman, running_node
from vm.guest_apps import LIMIT, write_guest_apps

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1500)]

MIB = 1 << 20
CALLS = 500
"""RPC calls that are measured, at rest and under load."""
GROUPS = Path("/sys/fs/cgroup")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with Bitcoin Knots and an app that does no harm."""
    catalog = write_guest_apps(tmp_path_factory.mktemp("guest") / "catalog")
    async with running_node("guest", apps=catalog) as found:
        await found.install("bitcoin-knots", options={"network": "regtest"})
        await found.install("quiet")
        yield found


def process(app: str) -> int:
    """Return the first process of an app's container."""
    return int(podman("inspect", "-f", "{{.State.Pid}}", f"archipelago-{app}--main"))


def group(app: str) -> Path:
    """Return the control group of an app's container."""
    (line,) = Path(f"/proc/{process(app)}/cgroup").read_text().splitlines()
    return GROUPS / line.removeprefix("0::/")


def limit(app: str, file: str) -> str:
    return (group(app) / file).read_text().strip()


async def resources(node: TestNode, app: str) -> dict[str, Any]:
    return next(each for each in (await node.call("system-resources"))["apps"] if each["app"] == app)


async def runs_of(node: TestNode, *apps: str) -> dict[str, str]:
    """Return when the containers of apps started."""
    found = {app: (await node.call("container-status", app=app))["containers"] for app in apps}
    return {app: each[0]["started_at"] for app, each in found.items()}


async def until_limit(app: str, file: str, value: str) -> None:
    async with asyncio.timeout(60):
        while limit(app, file) != value:
            await asyncio.sleep(0.2)  # no event tells a stranger that a file has changed


async def test_what_an_app_may_take_is_what_the_kernel_enforces(node: TestNode) -> None:
    host = await node.call("system-resources")
    assert not [each for each in host["not_enforced"] if "limits" in each]
    for app in ("bitcoin-knots", "quiet"):
        share = await resources(node, app)
        assert int(limit(app, "memory.max")) == share["memory_limit"]
        assert int(limit(app, "memory.low")) == share["memory_promised"]
        assert int(limit(app, "cpu.weight")) == share["cpu_weight"]
        assert int(limit(app, "pids.max")) == share["pids_limit"]
        quota, period = limit(app, "cpu.max").split()
        assert int(quota) / int(period) == share["cpu_limit"]
        assert limit(app, "memory.swap.max") == "0"
    knots, quiet = await resources(node, "bitcoin-knots"), await resources(node, "quiet")
    assert knots["cpu_weight"] > quiet["cpu_weight"]
    assert knots["memory_promised"] + quiet["memory_promised"] + host["memory_of_node"] <= host["memory"]


async def test_a_limit_changes_while_the_app_runs_and_lasts(node: TestNode) -> None:
    before = await runs_of(node, "quiet")
    changed = await node.call("container-limits", app="quiet", memory=48 * MIB, cpu=0.25, cpu_weight=50, pids=20)
    assert (changed["memory_limit"], changed["own"]["pids"]) == (48 * MIB, 20)
    await until_limit("quiet", "memory.max", str(48 * MIB))
    assert limit("quiet", "cpu.max") == "25000 100000"
    assert (limit("quiet", "cpu.weight"), limit("quiet", "pids.max")) == ("50", "20")
    assert await runs_of(node, "quiet") == before
    await node.done(await node.call("container-restart", app="quiet"))
    assert limit("quiet", "memory.max") == str(48 * MIB), "Podman starts the same container with its old limit"
    before = await runs_of(node, "quiet", "bitcoin-knots")
    node.kill()
    (group("quiet") / "pids.max").write_text("999")  # what changed meanwhile
    await node.start()
    await until_limit("quiet", "pids.max", "20")
    await node.call("container-limits", app="quiet", reset=["memory", "cpu", "cpu_weight", "pids"])
    await until_limit("quiet", "memory.max", str(64 * MIB))
    assert await runs_of(node, "quiet", "bitcoin-knots") == before


async def test_a_fork_bomb_gets_no_more_processes(node: TestNode) -> None:
    script = "for i in $(busybox seq 100); do busybox sleep 100 & done; wait"
    bomb = asyncio.ensure_future(node.call("container-exec", app="quiet", command=["busybox", "sh", "-c", script]))
    async with asyncio.timeout(300):
        while limit("quiet", "pids.events").split()[1] == "0":
            assert int(limit("quiet", "pids.current")) <= 32
            await asyncio.sleep(0.1)  # no event tells a stranger that a file has changed
    await node.done(await node.call("container-restart", app="quiet"))
    await asyncio.gather(bomb, return_exceptions=True)  # it ended with its container


async def explode(node: TestNode) -> None:
    with contextlib.suppress(RpcError):  # the command may end with its container
        await node.call("container-exec", app="bomb", command=["busybox", "touch", "/data/go"])


async def test_a_memory_bomb_dies_alone_and_the_node_says_who_and_why(node: TestNode) -> None:
    await node.install("bomb")
    before, daemon = await runs_of(node, "bitcoin-knots", "quiet"), node.process
    await explode(node)
    status = await node.until("bomb", "backing-off", "failed")
    assert f"ran out of memory (its limit is {LIMIT} bytes)" in status["health"]["reason"]
    assert await runs_of(node, "bitcoin-knots", "quiet") == before
    assert node.process is daemon and daemon is not None and daemon.poll() is None
    await node.done(await node.call("container-stop", app="bomb"))


def ask_bitcoind(node: TestNode) -> list[float]:
    """Return the milliseconds of calls, as they come."""
    cookie = node.root / "apps/bitcoin-knots/volumes/chain/regtest/.cookie"
    command = [sys.executable, "-I", str(TESTS / "vm" / "rpc_meter.py"), str(cookie), str(CALLS)]
    inside = ["nsenter", "--net", "--target", str(process("bitcoin-knots")), *command]
    done = subprocess.run(["podman", "unshare", *inside], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found: list[float] = json.loads(done.stdout)
    return sorted(found)


async def ask_node(node: TestNode, until: asyncio.Future[Any]) -> list[float]:
    """Ask the node for what its page shows, until something is done; return the milliseconds of each call."""
    found = []
    while not until.done():
        start = time.perf_counter()
        await node.call("container-list")
        found.append(1000 * (time.perf_counter() - start))
        await asyncio.sleep(0.2)
    return sorted(found)


def p99(found: list[float]) -> float:
    return found[min(len(found) - 1, len(found) * 99 // 100)]


@contextlib.contextmanager
def idle_spinners() -> Iterator[None]:
    """Keep all processors busy with what gives way to everything else.

    How fast an emulated processor is depends on what the host does and on how many of the guest's are busy. So they are
    busy while the node rests, too.
    """
    spin = group("quiet").parent / "spin"
    spin.mkdir()
    (spin / "cpu.idle").write_text("1")
    spinners = [subprocess.Popen([sys.executable, "-Ic", "while True: pass"]) for _ in range(2)]
    try:
        for each in spinners:
            (spin / "cgroup.procs").write_text(str(each.pid))
        yield
    finally:
        for each in spinners:
            each.kill()
            each.wait()
        spin.rmdir()


async def measure(node: TestNode) -> tuple[float, float]:
    """Return the 99th percentile of bitcoind's answers, and of the node's meanwhile, in milliseconds."""
    asking = asyncio.ensure_future(asyncio.to_thread(ask_bitcoind, node))
    pages = await ask_node(node, asking)
    return p99(await asking), p99(pages)


async def test_bitcoind_and_the_node_answer_while_others_take_what_they_can_get(node: TestNode) -> None:
    await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "-generate", "5")
    await node.until("bitcoin-knots", "healthy")
    with idle_spinners():
        idle, idle_page = await measure(node)
    for app in ("hog", "writer"):
        await node.install(app)
    starting = await node.call("container-start", app="bomb")  # it explodes at each of its starts, so this never ends
    before = await runs_of(node, "bitcoin-knots", "quiet")
    busy, busy_page = await measure(node)
    print(
        f"\np99 in ms, at rest and under load: bitcoind {idle:.1f}, {busy:.1f}; node {idle_page:.0f}, {busy_page:.0f}"
    )
    await node.call("operation-cancel", id=starting["id"])
    await node.ended(starting)
    assert await runs_of(node, "bitcoin-knots", "quiet") == before
    assert busy <= 2 * idle


async def test_without_limits_the_same_bomb_takes_more(node: TestNode, tmp_path: Path) -> None:
    """The control: where nothing is delegated, the same app is not stopped at its limit."""
    for app in {each["app"] for each in await node.call("container-list")} & {"bomb", "hog", "writer"}:
        await node.done(await node.call("container-remove", app=app, delete_data=True))
    catalog = write_guest_apps(tmp_path / "catalog")
    async with running_node("unlimited", apps=catalog, environment={"ARCHIPELAGO_CGROUP": ""}) as other:
        assert any("memory" in each for each in (await other.call("system-resources"))["not_enforced"])
        await other.install("bomb")
        pid = process("bomb")
        await explode(other)
        async with asyncio.timeout(300):
            while rss(pid) <= 2 * LIMIT:
                await asyncio.sleep(0.05)


def rss(pid: int) -> int:
    """Return the bytes of memory that a process and its children have."""
    total = 0
    for each in Path("/proc").glob("[0-9]*"):
        try:
            fields = dict(line.split(":", 1) for line in (each / "status").read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if pid in (int(fields["Pid"]), int(fields["PPid"])):
            total += int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
    return total
