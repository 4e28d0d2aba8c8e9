"""Backups of apps with data of six kinds that write all the time, made while what makes them is killed.

Each backup is then restored in a drill: restic compares each file, databases are checked, dumps are loaded by the
servers of the apps, and the app comes up without network. It does so only if every row is whole that it had
acknowledged before the backup was asked for (`tests/fixtures/writing_apps/writer.py`). The control is a plain copy of
SQLite's files at such moments. `BENCH_BACKUPS` says how many (300 take hours), `BENCH_APPS` of which apps; run it with
`make backups-proof`.
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
CONTROLS = size(30, 1)
_MORE = ("sqlite-2", "sqlite-3", "files-2", "lmdb-2")
EACH = ("sqlite-1", "files-1", "lmdb-1", "postgres-1", "mariadb-1", "command-1")
APPS = EACH[:1] if SMOKE else tuple(os.environ.get("BENCH_APPS", " ".join(EACH + _MORE)).split())
VICTIMS = ("", "restic", "daemon", "", "agent")
"""What is killed while a backup is made, one after the other."""
WRITER = TESTS / "fixtures" / "writing_apps" / "writer.py"


@dataclass
class Proof:
    """A node with apps that write, and what was found out."""

    node: TestNode
    made: int = 0
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
            if not victim:
                raise SystemExit(f"a backup of {app} failed: {ended['error']}")
            await self.back_up(app, "")
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
        write_writing_app(folder / "catalog", app, app.partition("-")[0])
        await node.install(app)
    settings = {"kind": "folder", "path": str(folder / "disk")}
    await node.call("backup-target-add", target="disk", settings=settings, scheduled=False)
    for number in range(BACKUPS):
        # Another one in each round of the apps.
        victim = VICTIMS[(number + number // len(APPS)) % len(VICTIMS)]
        await proof.back_up(APPS[number % len(APPS)], victim)
        print(f"{proof.made} backups", flush=True)
    copied = [app for app in APPS if app.startswith("sqlite")]
    whole = sum([await asyncio.to_thread(control, node, copied[n % len(copied)], folder) for n in range(CONTROLS)])
    for app in APPS:
        await node.done(await node.call("container-stop", app=app))
    backups = await node.call("backup-list", target="disk")
    problems = []
    started = time.monotonic()
    for backup in backups:
        if problem := await proof.restored(backup):
            problems.append(problem)
        print(f"restored {backup['app']} of {backup['at']}: {problem or 'came up'}", flush=True)
    seconds, good = time.monotonic() - started, len(backups) - len(problems)
    kills = ", ".join(f"{count} of {victim}" for victim, count in proof.kills.items())
    report(
        Figure(
            # A daemon that is killed once restic is done makes the backup again.
            f"{len(backups)} backups of {len(APPS)} apps that write: whole and healthy",
            good,
            "",
            "all",
            good / len(backups),
            "all",
            good == len(backups) >= proof.made,
        ),
        plain(f"kill -9 meanwhile ({kills})", sum(proof.kills.values()), "", ("backups", len(backups))),
        plain("one backup, median", median(proof.took), "s", ("one drill, mean", seconds / len(backups))),
        Figure(
            "control, plain copies of SQLite: whole",
            whole,
            "",
            "copies",
            whole / CONTROLS,
            "not all",
            None if SMOKE else whole < CONTROLS,
        ),
    )


if __name__ == "__main__":
    asyncio.run(main())
