"""Starts one container with all that confines it: against the same container started bare over Podman's API.

Both from a container that is not there, in turn, on networks and images that are there, until the same probe has been
answered; the median of the rounds is printed. Ours includes the database, the user namespace, the profile of system
calls and the firewall. Run it with `scripts/bench start`.
"""

import asyncio
import os
import shutil
import statistics
from dataclasses import replace
from pathlib import Path

from bring_up import LABEL, SLEEP, port, started_and_probed, timed
from graph import PROBED, write_catalog
from plant import plant
from report import aimed, report, size

from archipelago.api.health import HealthState
from archipelago.config import NodeConfig
from archipelago.container.podman_client.spec import ContainerSpec, NetworkAttachment, NetworkSpec
from archipelago.node.node import Node
from archipelago.node.power import Power
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.records.apps import AppRecord, Desired

ROUNDS = size(15, 1, "BENCH_ROUNDS")
APP, BARE, NETWORK = "a1", "bare-box", "bare-net"


async def main() -> None:
    """Measure and print."""
    base = Path(os.environ["ARCHIPELAGO_ROOT"]) / "bench"
    runtime = Path(os.environ["ARCHIPELAGO_RUNTIME"]) / "bench"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    config = NodeConfig(base, runtime, write_catalog({APP: ()}, PROBED), port())
    secrets = SecretsManager(base / "apps", base / "node.key")
    node = await Node(config, secrets, Power(obeyed=False)).start()
    client, reconciler = node.parts.podman.client, node.parts.apps.reconciler
    package = (await node.parts.apps.catalog.read()).packages[APP]
    plant(config.layout, [package])
    image = await node.parts.apps.images.ensure(package, "main", lambda _: None)
    record = AppRecord(
        app=APP, package=package, desired=Desired.RUNNING, slot=await node.parts.storage.state.take_slot(APP)
    )
    await client.networks.create(NetworkSpec(NETWORK, labels=LABEL))
    name = f"archipelago-{APP}--main"

    async def wish(desired: Desired) -> None:
        await node.parts.storage.state.save((replace(record, desired=desired),), message="bench")
        await node.parts.apps.parts.changes.apply()

    async def ours() -> None:
        await wish(Desired.RUNNING)
        await reconciler.changed.until(lambda: reconciler.health(APP).state is HealthState.HEALTHY)

    async def down() -> None:
        await wish(Desired.STOPPED)
        await reconciler.changed.until(lambda: reconciler.is_down(APP))
        await client.containers.remove(name, force=True, timeout=0)

    async def bare() -> None:
        networks = {NETWORK: NetworkAttachment()}
        spec = ContainerSpec(BARE, image, entrypoint=SLEEP, labels=LABEL, networks=networks, init=True)
        await client.containers.create(spec)
        await started_and_probed(client, BARE)

    figures: dict[str, list[float]] = {"bare": [], "Archipelago": []}
    await ours()  # once unmeasured: the first use of an image with new ids copies its layer
    await down()
    for _ in range(ROUNDS):
        figures["bare"].append(await timed(bare))
        await client.containers.remove(BARE, force=True, timeout=0)
        figures["Archipelago"].append(await timed(ours))
        await down()
    await client.networks.remove(NETWORK, force=True)
    await node.close()
    medians = {peer: statistics.median(values) for peer, values in figures.items()}
    bare_start = ("the same bare over Podman's API", medians["bare"] * 1000)
    taken = medians["Archipelago"] * 1000
    report(aimed("one container, from nothing to healthy", taken, "ms", bare_start, ratio_at_most=1.15))


if __name__ == "__main__":
    asyncio.run(main())
