"""kill -9 at random moments: afterwards what ought to run runs, nothing is orphaned, and the chain is what it was.

`make test` kills once during each kind of operation with each kind of kill (28 rounds), at moments and with apps that
one seed says. That finds what breaks often. What takes a rare moment is found by `make chaos`, which goes on for as
many rounds as `CHAOS_ROUNDS` says (112), with Specter as well. `CHAOS_SEED` has other moments and other apps.
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
from typing import Any

import aiohttp
import pytest

from archipelago.container.workload.networks import edge_network_name
from support.harness import ROOT, RpcError, TestNode, podman, remove_leftovers, running_node

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "28"))
SEED = int(os.environ.get("CHAOS_SEED", "21"))
CONFIGURABLE = ("bitcoin-knots", "electrumx", "nostr-relay")
REMOVABLE = ("electrumx", "nostr-relay", "tor", *(("specter",) if "CHAOS_ROUNDS" in os.environ else ()))
"""Specter takes ten seconds of a processor for each start, and starts whenever bitcoind does."""
APPS = ("bitcoin-knots", *REMOVABLE)
SETTLE_TIMEOUT = 400
ENDED = ("done", "failed", "cancelled")
Action = Callable[[str], Awaitable[None]]
Kill = Callable[[], Awaitable[None]]

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [pytest.mark.timeout(1000 + 20 * ROUNDS), pytest.mark.long, pytest.mark.lane(1), pytest.mark.waits]


class Chaos:
    """One seeded run over one node."""

    def __init__(self, node: TestNode, seed: int) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.told: list[str] = []
        self.rounds: Counter[str] = Counter()
        """How often each kind of operation, once begun, was hit by each kind of kill."""
        first = self.install, self.configure, self.stop, self.start
        self.actions: tuple[Action, ...] = (*first, self.restart, self.remove, self.update)
        self.kills: tuple[Kill, ...] = (self.kill_daemon, self.kill_podman, self.kill_conmon, self.kill_container)
        self.due: list[tuple[Action, Kill]] = []
        """What comes next, the last one first; each pair once before one comes again."""

    async def round(self) -> None:
        """Begin something, kill something while it goes on, and have the daemon back. Only what was begun counts."""
        if not self.due:
            self.due = [(action, kill) for action in self.actions for kill in self.kills]
            self.random.shuffle(self.due)
        (action, kill), app = await self._possible()
        self.due.remove((action, kill))
        self.told.append(f"{action.__name__} {app}, {kill.__name__}")
        try:
            await action(app)
        except RpcError as refused:
            # Refused for a reason that an owner could read: busy, because of another app …
            assert refused.data.get("name"), refused
            self.told[-1] += f" ({refused.data['name']})"
            self.due.insert(0, (action, kill))
            await self._one_ends()
            return
        self.rounds[f"{action.__name__}, {kill.__name__}"] += 1
        early = self.random.random() < 0.85
        await asyncio.sleep(self.random.uniform(0, 1.2) if early else self.random.uniform(1.2, 5))
        await kill()

    async def _possible(self) -> tuple[tuple[Action, Kill], str]:
        """Return the first of what is due that makes sense for an app, and the app; make it so where there is none."""
        while True:
            wanted = {each["app"]: str(each["desired"]) for each in await self.node.call("container-list")}
            for action, kill in reversed(self.due):
                if apps := self._fit(action, wanted):
                    return (action, kill), self.random.choice(apps)
            action, _ = self.due[-1]
            before = {self.install: self.remove, self.start: self.stop, self.remove: self.install}
            other = before.get(action, self.start)
            try:
                await other(self.random.choice(self._fit(other, wanted)))
            except RpcError as refused:
                assert refused.data.get("name"), refused
            await self._one_ends()

    def _fit(self, action: Action, wanted: dict[str, str]) -> list[str]:
        """Return the apps with which an action begins something, by what their owner wants of those installed."""
        if action == self.install:
            return [app for app in APPS if app not in wanted]
        among = {self.remove: REMOVABLE, self.configure: CONFIGURABLE}.get(action, APPS)
        state = {self.start: "stopped", self.stop: "running", self.restart: "running"}.get(action)
        return [app for app in among if app in wanted and state in (None, wanted[app])]

    async def _one_ends(self) -> None:
        """Wait until one of the operations that go on has ended."""
        going = [each for each in await self.node.call("operation-list", limit=20) if each["state"] not in ENDED]
        if going:
            await self.node.ended(going[-1])

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
            while True:
                revision = (await self.node.call("system-info"))["revision"]
                apps = {app["app"]: app for app in await self.node.call("container-list")}
                if all(self._is_settled(app, apps) for app in apps):
                    return
                await self.node.next_event(revision)

    @staticmethod
    def _is_settled(app: str, apps: dict[str, Any]) -> bool:
        needed = [app, *(use["app"] for use in apps[app]["uses"] if not use["optional"])]
        if any(apps[each]["desired"] != "running" for each in needed):
            return bool(apps[app]["state"] == "stopped")
        # There is no network of Tor that it could connect to.
        return apps[app]["state"] in (("healthy", "syncing") if app == "tor" else ("healthy",))

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
        for app in REMOVABLE[:2]:
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
            every = {f"{action.__name__}, {kill.__name__}" for action in chaos.actions for kill in chaos.kills}
            assert len(every) > ROUNDS or set(chaos.rounds) == every
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
    until = asyncio.get_running_loop().time() + 200  # a network goes a moment after the last container has left it
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
