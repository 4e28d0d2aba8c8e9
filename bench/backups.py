"""Backups: their throughput against plain restic on the same data, and a whole node on a bare machine.

A real daemon process, real Podman and the distribution's restic; the data is random, so compression saves nothing.
Run it with `scripts/bench backups`.
"""

import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from daemon import Daemon
from graph import PROBED, manifest
from report import Figure, limited, plain, report, size

from archipelago.container.images.recipe import REPOSITORY

MB = 1_000_000
APPS = size(10, 1)
ALL = size(1000, 4)
"""MB in all apps, and in the app whose backup is timed."""
ROUNDS = size(5, 1, "BENCH_ROUNDS")
PARTS = os.environ.get("BENCH_PARTS", "throughput,bare").split(",")
LARGE = "large"
FILE = 5
"""MB in each file, at most."""
NICE = "5"
"""Of what the node starts for backups (`backups/programs/launcher`): apps come first."""
_MOUNT = "    mounts: [{volume: data, path: /data}]\n"
_VOLUME = "volumes:\n  data: {data: files}\n"
_FILL = 'cd "$1"; for n in $(seq "$2"); do head -c "$3" /dev/urandom > "$n"; done; chown --reference=. -- *'
_PASSWORD = "a password of the benchmark"


def catalog(apps: list[str]) -> Path:
    """Write a catalog of apps that have files."""
    folder = Path(tempfile.mkdtemp(prefix="bench-catalog-"))
    for app in apps:
        (folder / app).mkdir()
        (folder / app / "manifest.yml").write_text(manifest(app, health=PROBED + _MOUNT) + _VOLUME)
    return folder


def inside(*words: str, **environment: str) -> None:
    """Run a command as root of the namespace."""
    subprocess.run(["podman", "unshare", *words], check=True, stdout=subprocess.DEVNULL, env=os.environ | environment)


def volume(daemon: Daemon, app: str) -> Path:
    """Return the files of an app."""
    return daemon.root / "apps" / app / "volumes" / "data"


def fill(daemon: Daemon, app: str, megabytes: int) -> None:
    """Give an app files."""
    count = max(1, megabytes // FILE)
    inside("sh", "-euc", _FILL, "sh", str(volume(daemon, app)), str(count), str(megabytes * MB // count))


def restic(repository: Path, *words: str) -> None:
    """Run plain restic with a cache of its own, as nice to other programs as the node's."""
    cache = str(repository.with_name("cache"))
    inside(
        *("nice", "-n", NICE, "restic"),
        "--quiet",
        *words,
        RESTIC_REPOSITORY=str(repository),
        RESTIC_PASSWORD=_PASSWORD,
        RESTIC_CACHE_DIR=cache,
    )


def images(apps: list[str]) -> list[str]:
    """Return the images of apps, which a bare machine would have to make."""
    command = ["podman", "image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    names = tuple(f"{REPOSITORY}/{app}-" for app in apps)
    return sorted({image for image, name in (line.split() for line in listed) if name.startswith(names)})


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long something took."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def processor(daemon: Daemon) -> float:
    """Return the seconds of processor time that this program's children, the daemon and its children have taken."""
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    here = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + here.ru_utime + here.ru_stime


async def throughput(daemon: Daemon, base: Path) -> None:
    """Back up the same files to new repositories, in turn."""
    times: dict[str, list[float]] = {"plain restic": [], "Archipelago": []}
    work: dict[str, list[float]] = {"plain restic": [], "Archipelago": []}
    for number in range(ROUNDS):
        bare, ours, name = base / f"plain-{number}", base / f"ours-{number}", f"t{number}"
        restic(bare, "init", "--repository-version", "2")
        target = {"kind": "folder", "path": str(ours)}
        await daemon.call("backup-target-add", target=name, settings=target, scheduled=False)
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "plain restic": lambda: asyncio.to_thread(restic, bare, "backup", str(volume(daemon, LARGE))),  # noqa: B023
            "Archipelago": lambda: daemon.operate("backup-now", app=LARGE, target=name),  # noqa: B023
        }
        for peer in sorted(works, reverse=number % 2 == 1):
            before = processor(daemon)
            times[peer].append(await seconds(works[peer]))
            work[peer].append(processor(daemon) - before)
        await daemon.call("backup-target-remove", target=name)
        for path in (bare, ours):
            inside("rm", "-rf", str(path))
    medians = {peer: statistics.median(found) for peer, found in times.items()}
    ratio = statistics.median(
        peer / node for peer, node in zip(times["plain restic"], times["Archipelago"], strict=True)
    )
    what = f"backup of {ALL:,} MB, from the call until it is done"
    ours, plainly = (statistics.median(work[peer]) for peer in ("Archipelago", "plain restic"))
    report(
        Figure(what, ALL / medians["Archipelago"], "MB/s", "plain restic", ratio, "≥ 0.95 x", ratio >= 0.95),
        plain("processor time of that, of the node and restic", ours, "s", ("plain restic", plainly)),
    )


async def whole_node(first: Daemon, apps: list[str], base: Path) -> None:
    """Back up all apps, and have them back on a node that has nothing."""
    settings = {"kind": "folder", "path": str(base / "usb")}
    await first.call("backup-target-add", target="usb", settings=settings, scheduled=False)
    for app in apps:
        await first.operate("backup-now", app=app, target="usb")
    words = await first.call("key-phrase")
    await first.stop()
    for command in (("rm", "-af"), ("network", "prune", "-f"), ("rmi", "-f", *images(apps))):
        subprocess.run(["podman", *command], check=True, stdout=subprocess.DEVNULL)
    bare = Daemon("bare", {})
    began = time.perf_counter()
    await bare.start()
    await bare.call("key-restore", words=words)
    await bare.call("backup-target-add", target="usb", settings=settings, scheduled=False)
    environment = {**os.environ, "ARCHIPELAGO_SOCKET": str(bare.runtime / "archipelago.sock")}
    command = [sys.executable, "-m", "archipelago.cli", "backup", "restore-all", "--yes"]
    await asyncio.to_thread(subprocess.run, command, env=environment, check=True, capture_output=True)
    taken = time.perf_counter() - began
    found = {each["app"]: each for each in await bare.call("container-list")}
    assert sorted(found) == sorted(apps), found
    for app in apps:
        inside("test", "-s", str(volume(bare, app) / "1"))
    copied = await seconds(lambda: asyncio.to_thread(inside, "cp", "-r", str(bare.root / "apps"), str(base / "copy")))
    await bare.stop()
    report(
        limited(
            f"{len(apps)} apps with {ALL:,} MB on a bare machine, from words and disk until all run",
            taken,
            "s",
            ("cp -r of the same", copied),
            at_most=300,
        )
    )


async def main() -> None:
    """Measure and print."""
    root = Path(os.environ["ARCHIPELAGO_ROOT"])
    folders = [str(root / name) for name in ("backups", "first", "bare")]
    inside("rm", "-rf", *folders)  # of one that was broken off; files are those of users of apps
    try:
        await measure(root / "backups")
    finally:
        inside("rm", "-rf", *folders)


async def measure(base: Path) -> None:
    """Measure what is asked for; what is written goes into a folder, and into those of two nodes beside it."""
    base.mkdir(parents=True)
    apps = [f"a{number}" for number in range(APPS)] if "bare" in PARTS else []
    daemon = Daemon("first", dict.fromkeys([LARGE, *apps], ()))
    shutil.rmtree(daemon.catalog)
    daemon.catalog = catalog([LARGE, *apps])
    await daemon.start()
    await daemon.install_all()
    if "throughput" in PARTS:
        fill(daemon, LARGE, ALL)
        await throughput(daemon, base)
    if "bare" not in PARTS:
        await daemon.stop()
        return
    await daemon.operate("container-remove", app=LARGE)
    for app in apps:
        fill(daemon, app, ALL // len(apps))
    await whole_node(daemon, apps, base)


if __name__ == "__main__":
    asyncio.run(main())
