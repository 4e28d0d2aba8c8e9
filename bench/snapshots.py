"""Snapshots: for how much longer an update stops an app because its data is copied, and how soon one is looked into.

Real Podman, and real disks of Btrfs and XFS in files. The app writes down when it is asked to end and when it starts,
by the clock of the kernel; its volume has few megabytes first, and then many. The same update of an app that says that
there is no way back copies nothing: what is left is the time that the copy costs. The control is the same update on the
disk of this machine, where every byte is copied unless it can share blocks too. Run it with `scripts/bench snapshots`.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from report import Figure, limited, plain, report, size

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))
from support.app_user import as_owner_of  # noqa: E402
from support.harness import ROOT, TestNode, remove_leftovers  # noqa: E402
from support.kept_archives import FOLDER  # noqa: E402
from support.tiny_apps import write_app  # noqa: E402

DISKS = dict((("Btrfs", "ARCHIPELAGO_BTRFS_DISK"), ("XFS", "ARCHIPELAGO_XFS_DISK"))[: size(2, 1)])
FEW, MANY = 1, size(300, 4)
"""MB in the volume."""
SIZES = (FEW, MANY)[: size(2, 1)]
FILES = 20
ROUNDS = size(5, 1, "BENCH_ROUNDS")
LOOKS = size(5, 1, "BENCH_ROUNDS")
COPIED, LEFT = "copied", "left"
"""Apps whose update copies data, and does not."""
_SCRIPT = (
    "read up rest < /proc/uptime; echo START $up; trap 'read up rest < /proc/uptime; echo STOP $up; exit 0' TERM; "
    f"busybox httpd -p 8000 -h /data; while :; do busybox sleep {size(1, 20) / 100}; done"
)
_HEALTH = (
    "mounts: [{volume: data, path: /data}]\n    "
    "health: {probe: {type: tcp, port: 8000}, interval: 1s, start_timeout: 100s}"
)
_FILL = 'for n in $(seq "$1"); do head -c "$2" /dev/urandom > "$n"; done'


@dataclass
class Scene:
    """A node with both apps on one disk."""

    node: TestNode
    versions: dict[str, int] = field(default_factory=lambda: {COPIED: 0, LEFT: 0})

    def offer(self, app: str) -> None:
        """Offer the next version of an app."""
        self.versions[app] += 1
        more = "volumes: {data: {data: files}}" + ('\nreversible: "no"' if app == LEFT else "")
        version = f"1.{self.versions[app]}"
        command = f'[sh, -c, "{_SCRIPT}", {version!r}]'  # of the same command, the container would run on
        assert self.node.apps is not None
        write_app(self.node.apps, app, command=command, health=_HEALTH, more=more, version=version, grace="10s")

    async def fill(self, app: str, megabytes: int) -> None:
        """Give an app's volume that much."""
        volume = self.node.root / "apps" / app / "volumes" / "data"
        words = ("sh", "-euc", _FILL, "sh", str(FILES), str(megabytes * 1_000_000 // FILES))
        await asyncio.to_thread(as_owner_of, volume, *words)
        await asyncio.to_thread(os.sync)  # what is still to be written would be a part of the copy

    async def downtime(self, app: str) -> float:
        """Update an app; return the milliseconds from its end to its next start."""
        self.offer(app)
        await self.node.done(await self.node.call("container-update", app=app))
        log = (self.node.root / "apps" / app / "logs" / "main.log").read_text().splitlines()
        times = [line.split()[-2:] for line in log if "START" in line or "STOP" in line]
        (stop, ended), (start, started) = times[-2:]
        assert (stop, start) == ("STOP", "START"), times
        return 1000 * (float(started) - float(ended))

    async def extra(self) -> tuple[float, float]:
        """Return how much longer an update with a copy stops an app, and how long one without does; milliseconds."""
        found: dict[str, list[float]] = {COPIED: [], LEFT: []}
        for number in range(ROUNDS):
            for app in sorted(found, reverse=number % 2 == 1):
                found[app].append(await self.downtime(app))
        without = statistics.median(found[LEFT])
        return max(0.0, statistics.median(found[COPIED]) - without), without


async def measure(scene: Scene, disk: str, sizes: tuple[int, ...], *, control: bool) -> None:
    """Report what a copy costs on one disk."""
    for app in (COPIED, LEFT):
        scene.offer(app)
        await scene.node.install(app)
    for megabytes in sizes:
        for app in (COPIED, LEFT):
            await scene.fill(app, megabytes)
        extra, without = await scene.extra()
        what, peer = f"an update stops an app longer, {disk}, {megabytes} MB", ("the update without a copy", without)
        report(
            plain(f"control: {what}", extra, "ms", peer) if control else limited(what, extra, "ms", peer, at_most=100)
        )
    if not control:
        await look(scene, disk)


async def look(scene: Scene, disk: str) -> None:
    """Report how soon a snapshot is looked into: one of its files, and a running copy of the app."""
    node, files, copies = scene.node, [], []
    await node.done(await node.call("snapshot-take", app=COPIED))
    name = (await node.call("snapshot-list", app=COPIED))[0]["name"]
    where = {"app": COPIED, "snapshot": name}
    for _ in range(LOOKS):
        began = time.perf_counter()
        await node.call("snapshot-files", **where, path="volumes/data")
        await node.call("snapshot-file", **where, path="volumes/data/1")
        files.append(time.perf_counter() - began)
        began = time.perf_counter()
        operation = await node.call("snapshot-look", **where, minutes=1)
        while not any("min" in step["detail"] for step in operation["steps"]):
            assert operation["state"] == "running", operation
            operation = await node.call("operation-get", id=operation["id"])
        copies.append(time.perf_counter() - began)
        await node.ended(await node.call("operation-cancel", id=operation["id"]))
    took = statistics.median(files)
    report(
        limited(
            f"look into a file of a snapshot, {disk}",
            took,
            "s",
            ("a running copy", statistics.median(copies)),
            at_most=5,
        ),
        Figure(
            f"a running copy of a snapshot with {MANY} MB, {disk}",
            statistics.median(copies),
            "s",
            "a file of it",
            statistics.median(copies) / took,
            "≤ 5 s",
            statistics.median(copies) <= 5,
        ),
    )


async def on(disk: str, place: Path, sizes: tuple[int, ...], folder: Path, *, control: bool = False) -> None:
    """Measure on one disk."""
    (folder / "catalog").mkdir()
    archives = {} if FOLDER in os.environ else {FOLDER: str(folder / "archives")}
    environment = {"ARCHIPELAGO_SOAK": "0", **archives}
    node = TestNode("snapshots", apps=folder / "catalog", disk=place, environment=environment)
    try:
        await node.start()
        await measure(Scene(node), disk, sizes, control=control)
    finally:
        node.kill()
        await node.destroy()


async def main() -> None:
    """Measure and print."""
    remove_leftovers()
    ROOT.mkdir(parents=True, exist_ok=True)
    places = {disk: os.environ.get(variable, "") for disk, variable in DISKS.items()}
    if not all(places.values()):
        raise SystemExit("there is no Btrfs or no XFS here, on which snapshots take a moment")
    for disk, place in places.items():
        with tempfile.TemporaryDirectory(dir=ROOT) as name:
            await on(disk, Path(place), SIZES, Path(name))
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        await on("every byte copied", ROOT, (MANY,), Path(name), control=True)


if __name__ == "__main__":
    asyncio.run(main())
