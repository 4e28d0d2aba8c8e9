"""kill -9 at random moments: afterwards what ought to run runs, nothing is orphaned, and the chain is what it was.

Seeded: `CHAOS_SEED` and `CHAOS_ROUNDS` repeat or lengthen a run.
"""

import asyncio
import os
import random
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from archipelago.container.workload.networks import edge_network_name
from support.harness import ROOT, RpcError, TestNode, podman, remove_leftovers, running_node

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "21"))
APPS = ("bitcoin-knots", "electrumx", "nostr-relay", "tor", "specter")
CONFIGURABLE = ("bitcoin-knots", "electrumx", "nostr-relay")
REMOVABLE = ("electrumx", "nostr-relay", "tor", "specter")
SETTLE_TIMEOUT = 400

pytestmark = pytest.mark.timeout(1500)


class Chaos:
    """One seeded run over one node."""

    def __init__(self, node: TestNode, seed: int) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.told: list[str] = []
        self.rounds: Counter[str] = Counter()
        """How often each kind of operation, once begun, was hit by each kind of kill."""

    async def round(self) -> None:
        """Begin something, kill something while it goes on, and have the daemon back.

        Only what was really begun counts; the dice often ask for what is refused.
        """
        actions = (self.install, self.configure, self.stop, self.start, self.restart, self.remove, self.update)
        victims: tuple[Callable[[], Awaitable[None]], ...] = (
            self.kill_daemon,
            self.kill_podman,
            self.kill_conmon,
            self.kill_container,
        )
        action, victim = self.random.choice(actions), self.random.choice(victims)
        app = self.random.choice({self.remove: REMOVABLE, self.configure: CONFIGURABLE}.get(action, APPS))
        self.told.append(f"{action.__name__} {app}, {victim.__name__}")
        try:
            await action(app)
        except RpcError as refused:
            # Refused for a reason that an owner could read: busy, not installed, already there …
            assert refused.data.get("name"), refused
            self.told[-1] += f" ({refused.data['name']})"
            await asyncio.sleep(0.1)  # what is busy gets on meanwhile
            return
        self.rounds[f"{action.__name__}, {victim.__name__}"] += 1
        early = self.random.random() < 0.85
        await asyncio.sleep(self.random.uniform(0, 1.2) if early else self.random.uniform(1.2, 5))
        await victim()

    async def install(self, app: str) -> None:
        """Install an app; bitcoin-knots is always there."""
        await self.node.call("container-install", app=app)

    async def configure(self, app: str) -> None:
        """Change an option, where the app has one that costs nothing."""
        options: dict[str, dict[str, object]] = {
            "bitcoin-knots": {"maxconnections": self.random.randint(4, 100)},
            "electrumx": {"cache": self.random.randint(100, 800)},
            "nostr-relay": {"name": f"Relay {self.random.randint(0, 99)}"},
        }
        await self.node.call("container-config", app=app, options=options[app])

    async def stop(self, app: str) -> None:
        """Stop an app."""
        await self.node.call("container-stop", app=app)

    async def start(self, app: str) -> None:
        """Start an app."""
        await self.node.call("container-start", app=app)

    async def restart(self, app: str) -> None:
        """Restart an app."""
        await self.node.call("container-restart", app=app)

    async def remove(self, app: str) -> None:
        """Remove an app, sometimes with its data."""
        await self.node.call("container-remove", app=app, delete_data=self.random.random() < 0.3)

    async def update(self, app: str) -> None:
        """Offer a new version in the catalog and update to it."""
        assert self.node.apps is not None
        manifest = self.node.apps / app / "manifest.yml"
        text = re.sub(r"(?<=pids: )\d+", str(self.random.randint(100, 600)), manifest.read_text())
        manifest.write_text(text)
        await self.node.call("container-update", app=app)

    async def kill_daemon(self) -> None:
        """kill -9 the daemon, and start the next one."""
        self.node.kill()
        await self.node.start()

    async def kill_podman(self) -> None:
        """kill -9 Podman's API service."""
        self._kill(lambda words: words[1:3] == ["system", "service"] and str(self.node.runtime) in " ".join(words))

    async def kill_conmon(self) -> None:
        """kill -9 the monitor of a random container of this node."""
        # Of this instance alone: the same user may have others.
        mine = f"{ROOT.parent}/"
        self._kill(lambda words: words[0].endswith("conmon") and any(word.startswith(mine) for word in words), one=True)

    async def kill_container(self) -> None:
        """kill -9 the first process of a random container of this node."""
        label = f"label=io.archipelago.node={self.node.node_id()}"
        pids = podman("ps", "--filter", label, "--format", "{{.Pid}}").split()
        if pids:
            # It may have ended by itself meanwhile.
            command = ["podman", "unshare", "kill", "-9", self.random.choice(pids)]
            subprocess.run(command, capture_output=True, timeout=60)

    def _kill(self, matches: Callable[[list[str]], bool], *, one: bool = False) -> None:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode("utf-8", "replace").split("\0")
                if path.stat().st_uid == os.getuid() and matches(words):
                    found.append(int(path.parent.name))
            except OSError:
                continue
        for pid in [self.random.choice(found)] if one and found else found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    async def settle(self) -> None:
        """Wait until no operation runs and every app is what its owner wants."""
        async with asyncio.timeout(SETTLE_TIMEOUT):
            for operation in await self.node.call("operation-list", limit=500):
                await self.node.ended(operation)
            apps = {app["app"]: app["desired"] == "running" for app in await self.node.call("container-list")}
            for app in apps:
                uses = (await self.node.call("container-status", app=app))["uses"]
                providers = [use["app"] for use in uses if not use["optional"]]
                running = apps[app] and all(map(apps.__getitem__, providers))
                # There is no network of Tor that it could connect to.
                up = ("healthy", "syncing") if app == "tor" else ("healthy",)
                await self.node.until(app, *(up if running else ("stopped",)))

    async def tip(self) -> tuple[int, str]:
        """Return height and hash of the chain's tip, with bitcoin-knots running."""
        await self.node.done(await self.node.call("container-start", app="bitcoin-knots"))
        height = await self.node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount")
        best = await self.node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getbestblockhash")
        return int(height), best.strip()


async def test_nothing_is_lost_or_orphaned_whatever_is_killed_whenever() -> None:
    remove_leftovers()
    # So that the latest kill comes while an update waits whether the new version stays up.
    async with running_node("chaos", environment={"ARCHIPELAGO_SOAK": "5"}) as node:
        chaos = Chaos(node, SEED)
        await node.install("bitcoin-knots", options={"network": "regtest"})
        for app in REMOVABLE:
            await node.install(app)
        await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "-generate", "10")
        # bitcoind writes blocks to its index once an hour and when it ends; what a kill loses before, peers bring back.
        await node.done(await node.call("container-restart", app="bitcoin-knots"))
        tip = await chaos.tip()
        try:
            while chaos.rounds.total() < ROUNDS:
                await chaos.round()
            await chaos.settle()
            assert await chaos.tip() == tip
            await chaos.settle()  # what needs bitcoin-knots, which may have been stopped, comes back with it
            await require_nothing_orphaned(node)
            await node.stop()
            await node.start()
            await chaos.settle()
            assert await chaos.tip() == tip, "bitcoind opens its data directory clean, at the same tip"
            assert (await node.call("audit-verify"))["faults"] == []
        except BaseException:
            print("\n".join(chaos.told), await report(node), sep="\n")
            raise
        print(f"{chaos.rounds.total()} operations hit:", *sorted(chaos.rounds.items()), sep="\n  ")


async def require_nothing_orphaned(node: TestNode) -> None:
    """Compare what Podman has with what is installed."""
    apps = {app["app"]: app for app in await node.call("container-list")}
    label = f"label=io.archipelago.node={node.node_id()}"
    containers = set(podman("ps", "-a", "--filter", label, "--format", "{{.Names}}").split())
    expected = {f"archipelago-{app}--main" for app in apps}
    stopped = {f"archipelago-{app}--main" for app, found in apps.items() if found["state"] == "stopped"}
    assert expected - stopped <= containers <= expected
    needed = {f"archipelago-{app}" for app in apps}
    for app in apps:
        status = await node.call("container-status", app=app)
        for provider in {use["app"] for use in status["uses"]}:
            used = {use["interface"] for use in status["uses"] if use["app"] == provider}
            needed.add(edge_network_name(app, provider, used))
    present = {f"archipelago-{app}" for app in apps if apps[app]["state"] != "stopped"}
    until = asyncio.get_running_loop().time() + 30  # a network goes a moment after the last container has left it
    while not present <= (networks := networks_of(label)) <= needed:
        assert present <= networks, (present, networks)
        assert asyncio.get_running_loop().time() < until, sorted(networks - needed)
        await asyncio.sleep(0.2)
    assert not list((node.root / "tmp" / "builds").glob("build-*"))


async def report(node: TestNode) -> str:
    """Return what the node and Podman say of the apps, and the daemon's last words."""
    parts = [podman("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}")]
    try:
        for app in await node.call("container-list"):
            status = await node.call("container-status", app=app["app"])
            parts.append(f"{app['app']} wanted {app['desired']}: {status['health']}")
        running = await node.call("operation-list", limit=20)
        parts += [f"{each['id']} {each['kind']} {each['app']} {each['state']}" for each in running]
    except (OSError, RpcError, aiohttp.ClientError) as error:
        parts.append(f"the node does not answer: {error}")
    return "\n".join([*parts, node.log()])


def networks_of(label: str) -> set[str]:
    """Return the names of the node's networks."""
    return set(podman("network", "ls", "--filter", label, "--format", "{{.Name}}").split())
