"""Brings the 12-app graph up and down: Archipelago, Podman's API called bare and in parallel, and podman-compose.

Up is an app for Archipelago and for the bare API once the same probe has been answered in it.

All three in one run, interleaved, with the same image; the median of the rounds is printed, and ratios.
Run it with `scripts/bench bring_up`.
"""

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import yaml
from graph import EDGES, PROBE, PROBED, write_catalog
from plant import plant
from report import Figure, aimed, limited, plain, report, size

from archipelago.api.health import HealthState
from archipelago.config import NodeConfig
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.spec import ContainerSpec, NetworkAttachment, NetworkSpec
from archipelago.node.node import Node
from archipelago.node.power import Power
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.records.apps import AppRecord, Desired

ROUNDS = size(5, 1, "BENCH_ROUNDS")
LABEL = {"io.archipelago.bench": "1"}
SLEEP = ("/usr/bin/busybox", "sleep", "100000")


def port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    """Return seconds that some work takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def started_and_probed(client: PodmanClient, name: str) -> None:
    """Start a container, and have it answer the probe of the apps."""
    await client.containers.start(name)
    answer = await client.containers.exec(name, PROBE)
    if answer.exit_code != 0:
        raise SystemExit(f"{name} does not answer: {answer}")


def require_running(count: int, peer: str) -> None:
    """Make sure that what was timed was done."""
    command = ["podman", "ps", "--filter", "status=running", "--format", "{{.Names}} {{.Networks}}"]
    running = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(running) != count:
        raise SystemExit(f"{peer}: {len(running)} containers run instead of {count}: {running}")


class Archipelago:
    """A whole node, from its database to its keepers."""

    def __init__(self, node: Node, records: tuple[AppRecord, ...]) -> None:
        self.node = node
        self.records = records

    async def up(self) -> None:
        """Install the records and wait until every app is healthy."""
        await self.node.parts.storage.state.save(self.records, message="bench")
        await self.node.parts.apps.parts.changes.apply()
        reconciler = self.node.parts.apps.reconciler
        await reconciler.changed.until(
            lambda: all(reconciler.health(app).state is HealthState.HEALTHY for app in EDGES)
        )

    async def down(self) -> None:
        """Remove the records and wait until nothing is left."""
        await self.node.parts.storage.state.save((), remove=tuple(EDGES), message="bench")
        await self.node.parts.apps.parts.changes.apply()
        reconciler = self.node.parts.apps.reconciler
        await reconciler.changed.until(lambda: all(reconciler.is_gone(app) for app in EDGES))

    async def no_op(self) -> None:
        """Compare everything, and find that nothing is to be done."""
        self.node.parts.apps.reconciler.apply(self.node.parts.apps.reconciler.desired)
        await self.node.parts.apps.reconciler.settled(EDGES)


class Bare:
    """The least that any program must ask of Podman's API, as much at once as it takes."""

    def __init__(self, client: PodmanClient, image: str) -> None:
        self.client = client
        self.image = image
        self.networks = [f"bare-net-{app}" for app in EDGES]
        self.networks += [f"bare-net-{app}-{each}" for app, needed in EDGES.items() for each in needed]

    def spec(self, app: str) -> ContainerSpec:
        """Return the container of one app, on all its networks."""
        mine = [f"bare-net-{app}", *(f"bare-net-{app}-{each}" for each in EDGES[app])]
        mine += [f"bare-net-{other}-{app}" for other, needed in EDGES.items() if app in needed]
        networks = {name: NetworkAttachment(aliases=(app,)) for name in mine}
        return ContainerSpec(
            name=f"bare-box-{app}", image=self.image, entrypoint=SLEEP, labels=LABEL, networks=networks, init=True
        )

    async def up(self) -> None:
        """Create networks, then containers, then start and probe each."""
        await asyncio.gather(*(self.client.networks.create(NetworkSpec(name, labels=LABEL)) for name in self.networks))
        await asyncio.gather(*(self.client.containers.create(self.spec(app)) for app in EDGES))
        await asyncio.gather(*(started_and_probed(self.client, f"bare-box-{app}") for app in EDGES))

    async def list_all(self) -> None:
        """Ask for all containers and networks, as whoever compares must."""
        await asyncio.gather(self.client.containers.list(), self.client.networks.list())

    async def down(self) -> None:
        """Remove containers, then networks."""
        await asyncio.gather(
            *(self.client.containers.remove(f"bare-box-{app}", force=True, timeout=0) for app in EDGES)
        )
        await asyncio.gather(*(self.client.networks.remove(name, force=True) for name in self.networks))


class Compose:
    """podman-compose with the same graph."""

    def __init__(self, folder: Path, image: str) -> None:
        self.file = folder / "compose.yml"
        services, networks = {}, {}
        for app, needed in EDGES.items():
            mine = [f"net-{app}", *(f"net-{app}-{each}" for each in needed)]
            mine += [f"net-{other}-{app}" for other, others in EDGES.items() if app in others]
            networks |= {name: {"internal": True} for name in mine}
            services[app] = {"image": image, "entrypoint": list(SLEEP), "networks": mine, "init": True}
            services[app] |= {"depends_on": list(needed)} if needed else {}
        self.file.write_text(yaml.safe_dump({"services": services, "networks": networks}))

    async def _run(self, *words: str) -> None:
        command = [sys.executable, "-m", "podman_compose", "-f", str(self.file), "-p", "bench", *words]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(errors.decode()[-500:])

    async def up(self) -> None:
        """Bring it up."""
        await self._run("up", "-d")

    async def down(self) -> None:
        """Bring it down."""
        await self._run("down", "-t", "0")


async def main() -> None:
    """Measure and print."""
    base = Path(os.environ["ARCHIPELAGO_ROOT"]) / "bench"
    runtime = Path(os.environ["ARCHIPELAGO_RUNTIME"]) / "bench"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    secrets = SecretsManager(base / "apps", base / "node.key")
    config = NodeConfig(base, runtime, write_catalog(health=PROBED), port())
    node = await Node(config, secrets, Power(obeyed=False)).start()
    packages = (await node.parts.apps.catalog.read()).packages
    if not plant(config.layout, packages.values()):
        await node.parts.apps.images.ensure(packages["a1"], "main", lambda _: None)
        plant(config.layout, packages.values())
    images = {
        app: await node.parts.apps.images.ensure(package, "main", lambda _: None) for app, package in packages.items()
    }
    records = []
    for app in EDGES:
        slot = await node.parts.storage.state.take_slot(app)
        records.append(AppRecord(app=app, package=packages[app], desired=Desired.RUNNING, slot=slot))
    records = [replace(record, choices={f"{each}-service": each for each in EDGES[record.app]}) for record in records]
    ours = Archipelago(node, tuple(records))
    bare = Bare(node.parts.podman.client, images["a1"])
    compose = Compose(base, images["a1"])
    figures: dict[str, list[float]] = {}
    await ours.up()  # once unmeasured: the first use of an image with new ids copies its layer
    await ours.down()
    for _ in range(ROUNDS):
        for name, peer in (("bare API", bare), ("Archipelago", ours), ("podman-compose", compose)):
            figures.setdefault(f"{name} up", []).append(await timed(peer.up))
            require_running(len(EDGES), name)
            if peer is ours:
                await ours.no_op()  # once unmeasured: what followed from the bring-up is over
                figures.setdefault("no-op", []).append(await timed(ours.no_op))
                figures.setdefault("list", []).append(await timed(bare.list_all))
            figures.setdefault(f"{name} down", []).append(await timed(peer.down))
            require_running(0, name)
    await node.close()
    report(*found({name: 1000 * statistics.median(values) for name, values in figures.items()}))


def found(taken: dict[str, float]) -> list[Figure]:
    """Return what medians, in milliseconds, say of each step."""
    apps, up, down = f"{len(EDGES)} apps", taken["Archipelago up"], taken["Archipelago down"]
    bare, compose = "the bare API", "podman-compose"
    return [
        aimed(f"{apps} up", up, "ms", (bare, taken["bare API up"]), ratio_at_most=1.1),
        aimed(f"{apps} up, against a peer", up, "ms", (compose, taken["podman-compose up"]), ratio_at_most=0.167),
        aimed(f"{apps} down", down, "ms", (bare, taken["bare API down"]), ratio_at_most=1.05),
        plain(f"{apps} down, against a peer", down, "ms", (compose, taken["podman-compose down"])),
        limited("no-op reconcile", taken["no-op"], "ms", ("a list of all over the API", taken["list"]), at_most=20),
    ]


if __name__ == "__main__":
    asyncio.run(main())
