"""Backups of apps with data of six kinds that write all the time, made while what makes them is killed.

Each backup is then restored in a drill: restic compares each file, databases are checked, dumps are loaded by the
servers of the apps, and the app comes up without network. It does so only if every row is whole that it had
acknowledged before the backup was asked for (`tests/fixtures/writing_apps/writer.py`). The control is a plain copy of
SQLite's files at such moments. `BENCH_BACKUPS` says how many (300 take hours), `BENCH_APPS` of which apps; run it with
`make backups-proof`. Backups are made and restored in turns: what was proved until then is reported also where it ends
early.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from report import SMOKE, Figure, plain, report, size

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))
from support.harness import ROOT, TestNode, podman, remove_leftovers  # noqa: E402
from support.kept_archives import FOLDER  # noqa: E402
from support.writing_apps import set_floor, write_writing_app  # noqa: E402

BACKUPS = size(300, 2, "BENCH_BACKUPS")
TURN = size(50, 2)
"""How many are made before they are restored."""
CONTROLS = size(30, 1)
_MORE = ("sqlite-2", "sqlite-3", "files-2", "lmdb-2")
EACH = ("sqlite-1", "files-1", "lmdb-1", "postgres-1", "mariadb-1", "command-1")
APPS = EACH[:1] if SMOKE else tuple(os.environ.get("BENCH_APPS", " ".join(EACH + _MORE)).split())
PAUSE = size(1, 20) / 100
"""Seconds between two changes of the data of an app."""
VICTIMS = ("", "restic", "daemon", "", "agent")
"""What is killed while a backup is made, one after the other."""
WRITER = TESTS / "fixtures" / "writing_apps" / "writer.py"


@dataclass
class Proof:
    """A node with apps that write, and what was found out."""

    node: TestNode
    made: int = 0
    failed: list[str] = field(default_factory=list)
    """Of backups that failed though nothing was killed."""
    problems: dict[str, str] = field(default_factory=dict)
    """Id of a backup that was restored -> why it did not come up, or nothing."""
    restoring: float = 0.0
    """Seconds of all drills."""
    whole: list[bool] = field(default_factory=list)
    """Of each plain copy, whether it was."""
    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(filter(None, VICTIMS), 0))
    took: list[float] = field(default_factory=list)

    async def back_up(self, app: str, victim: str) -> None:
        """Back an app up; where that failed since something was killed, again without."""
        set_floor(app)
        started = time.monotonic()
        operation = await self.node.call("backup-now", app=app, target="disk")
        if victim:
            await asyncio.sleep(random.uniform(0.0, median(self.took or [1.0])))  # a kill comes at any moment
            await self._kill(victim)
        ended = await self.node.ended(await self.node.call("operation-get", id=operation["id"]))
        if ended["state"] != "done":
            if victim:
                await self.back_up(app, "")
            else:
                self.failed.append(f"{app}: {ended['error']}")
                print(f"a backup failed: {self.failed[-1]}", flush=True)
            return
        if not victim:
            self.took.append(time.monotonic() - started)
        self.made += 1

    async def _kill(self, victim: str) -> None:
        self.kills[victim] += 1
        if victim == "daemon":
            self.node.kill()
            await self.node.start()
            return
        assert self.node.process is not None
        words = ("restic", "backup") if victim == "restic" else ("unshare", "python")
        for pid in _below(self.node.process.pid):
            if all(word in _command(pid) for word in words):
                os.kill(pid, signal.SIGKILL)

    async def restored(self, backup: dict[str, Any]) -> str:
        """Restore a backup in a drill; return why it did not come up, or nothing."""
        operation = await self.node.call("backup-drill", app=backup["app"], target="disk", backup=backup["id"])
        ended = await self.node.ended(operation)
        (target,) = await self.node.call("backup-targets")
        proof = next(each["proof"] for each in target["apps"] if each["app"] == backup["app"])
        if ended["state"] == "done" and proof["passed"] and proof["started"]:
            return ""
        return str(ended["error"] or proof)


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(each) for each in path.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def control(node: TestNode, app: str, folder: Path) -> bool:
    """Return whether a plain copy of an app that writes is whole."""
    set_floor(app)
    volumes, copy = node.root / "apps" / app / "volumes", folder / app
    # What goes away meanwhile, such as a journal, is left out, as by any plain copy.
    subprocess.run(["podman", "unshare", "cp", "-a", str(volumes), str(copy)], capture_output=True)
    environment = {**os.environ, "WRITER_ROOT": str(copy)}
    command = ["podman", "unshare", sys.executable, "-I", str(WRITER), "sqlite", "check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    podman("unshare", "rm", "-rf", str(copy))
    print(f"a plain copy: {done.stderr.strip() or 'whole'}", flush=True)
    return done.returncode == 0


async def main() -> None:
    """Make backups, restore all of them, and print."""
    remove_leftovers()
    ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        folder = Path(name)
        (folder / "catalog").mkdir()
        (folder / "disk").mkdir()
        environment = {} if FOLDER in os.environ else {FOLDER: str(folder / "archives")}
        node = TestNode("proof", apps=folder / "catalog", environment=environment)
        try:
            await node.start()
            await _prove(Proof(node), folder)
        finally:
            node.kill()
            await node.destroy()


async def _prove(proof: Proof, folder: Path) -> None:
    node = proof.node
    for app in APPS:
        write_writing_app(folder / "catalog", app, app.partition("-")[0], pause=PAUSE)
        await node.install(app)
    settings = {"kind": "folder", "path": str(folder / "disk")}
    await node.call("backup-target-add", target="disk", settings=settings, scheduled=False)
    try:
        for first in range(0, BACKUPS, TURN):
            await _make(proof, range(first, min(first + TURN, BACKUPS)))
            if first == 0:
                await _copy_plainly(proof, folder)
            await _restore(proof)
    finally:
        if proof.problems:
            _report(proof)


async def _make(proof: Proof, numbers: range) -> None:
    """Make backups of the apps in turn, while they run."""
    for app in APPS:
        await proof.node.done(await proof.node.call("container-start", app=app))
    for number in numbers:
        # Another one in each round of the apps.
        victim = VICTIMS[(number + number // len(APPS)) % len(VICTIMS)]
        await proof.back_up(APPS[number % len(APPS)], victim)
        print(f"{proof.made} backups", flush=True)


async def _copy_plainly(proof: Proof, folder: Path) -> None:
    copied = [app for app in APPS if app.startswith("sqlite")]
    for number in range(CONTROLS if copied else 0):
        app = copied[number % len(copied)]
        proof.whole.append(await asyncio.to_thread(control, proof.node, app, folder))


async def _restore(proof: Proof) -> None:
    """Restore what was not restored yet, while the apps are stopped."""
    for app in APPS:
        await proof.node.done(await proof.node.call("container-stop", app=app))
    for backup in await proof.node.call("backup-list", target="disk"):
        if backup["id"] in proof.problems:
            continue
        started = time.monotonic()
        problem = await proof.restored(backup)
        proof.restoring += time.monotonic() - started
        proof.problems[backup["id"]] = problem
        print(f"restored {backup['app']} of {backup['at']}: {problem or 'came up'}", flush=True)


def _report(proof: Proof) -> None:
    drilled, good = len(proof.problems), sum(not problem for problem in proof.problems.values())
    kills = ", ".join(f"{count} of {victim}" for victim, count in proof.kills.items())
    report(
        Figure(
            # A daemon that is killed once restic is done makes the backup again.
            f"{drilled} backups of {len(APPS)} apps that write: whole and healthy",
            good,
            "",
            "all",
            good / drilled,
            "all",
            good == drilled >= proof.made and not proof.failed,
        ),
        plain(f"kill -9 meanwhile ({kills})", sum(proof.kills.values()), "", ("backups", drilled)),
    )
    if proof.took:
        report(plain("one backup, median", median(proof.took), "s", ("one drill, mean", proof.restoring / drilled)))
    if copies := len(proof.whole):
        whole = sum(proof.whole)
        verdict = None if SMOKE else whole < copies
        report(
            Figure("control, plain copies of SQLite: whole", whole, "", "copies", whole / copies, "not all", verdict)
        )


if __name__ == "__main__":
    asyncio.run(main())
