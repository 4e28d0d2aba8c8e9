"""Sees to it that an app with state that is never restored runs only while this node has its lease."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import structlog

from archipelago.container.data.channel_lease import ContestedState, claim, evidence, judge, may_run
from archipelago.container.data.data_classes import NeverRestoreVolume, app_volumes
from archipelago.container.data.keeper import DataMissing
from archipelago.container.data.machine import machine_marks
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.namespace.client import Namespace
from archipelago.container.workload.workload import VolumeDirectory, Workload
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.leases import BoundLease, Claim, LeaseSeen
from archipelago.storage.records.volumes import Mark
from archipelago.storage.stores.leases import LeaseLedgers
from archipelago.support.private_files import reported, write_atomically
from archipelago.support.texts.text import msg

Claims = Mapping[str, Collection[Claim]]
"""By the volume, or the part of one, as `lease_name` names it."""
_log = structlog.get_logger("leases")


class StateContested(DataMissing):
    """Nothing says that this node has the lease of an app's state; nothing was changed."""


async def _nothing_sighted(_: str) -> Claims:
    return {}


async def _down(_: str) -> None: ...


@dataclass(slots=True)
class LeaseKeeper:
    """Claims states, and remembers what others claim. Raises `NodeError`."""

    layout: Layout
    namespace: Namespace
    ledgers: LeaseLedgers
    machine: Callable[[], frozenset[str]] = machine_marks
    sight: Callable[[str], Awaitable[Claims]] = _nothing_sighted
    """Returns the claims of an app at the targets of backups that answer soon."""
    claimed: Callable[[str], None] = lambda _: None
    """Receives each app that has claimed its state for a start, so that targets get to know."""
    changed: Callable[[], None] = lambda: None
    """Called when `stopping` has changed."""
    until_down: Callable[[str], Awaitable[None]] = _down
    """Returns once an app is down."""
    runs: Callable[[str], bool] = lambda _: False
    stopping: dict[str, str] = field(default_factory=dict)
    """Apps that run on a state that somebody else has claimed, until they are down: why. Then `hold` refuses them."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def hold(self, workload: Workload, record: AppRecord) -> None:
        """Claim the states of an app that is about to start. Raises `StateContested` where it must not."""
        if not (states := _states(workload, record)):
            return
        known = await self._look(workload, record, {})
        sighted = {} if known else await self.sight(workload.app)  # what is refused anyway is asked for again and again
        async with self._turn(workload.app):
            seen = {volume: await self._see(workload.app, volume, sighted) for volume in states}
            found = {volume: each for volume, each in seen.items() if each is not None}
            if wrong := _contests(workload.app, found):
                raise StateContested(workload.app, wrong)
            for volume, each in found.items():
                await self._claim(workload.app, lease_name(volume), each)
        self.claimed(workload.app)

    async def advance(self, workload: Workload, record: AppRecord) -> Mapping[str, Claim]:
        """Return the next claims of an app's states, for a target of backups; none of a state without the lease."""
        made: dict[str, Claim] = {}
        async with self._turn(workload.app):
            for volume in _states(workload, record):
                seen = await self._see(workload.app, volume, {})
                if seen is not None and seen.beside is not None and may_run(seen):
                    made[lease_name(volume)] = await self._claim(workload.app, lease_name(volume), seen)
        return made

    async def observe(self, workload: Workload, record: AppRecord, sighted: Claims) -> bool:
        """Take in what is at a target; return whether the app may run on. One that may not is stopped."""
        async with self._turn(workload.app):
            wrong = await self._look(workload, record, sighted)
        if wrong and self.runs(workload.app):
            _log.error("the state of an app is claimed elsewhere", app=workload.app, what=wrong[0].what)
            self.stopping[workload.app] = wrong[0].what
            try:
                self.changed()
                await self.until_down(workload.app)
            finally:
                self.stopping.pop(workload.app, None)
                self.changed()
        return not wrong

    async def report(self, workload: Workload, record: AppRecord) -> tuple[ContestedState, ...]:
        """Return why an app may not run on its states, as far as that is known without asking targets."""
        return await self._look(workload, record, {})

    async def grant(self, workload: Workload, record: AppRecord, agreed: Collection[str]) -> None:
        """Let an app start although something speaks against it, which its owner has seen (`agreed`, evidence)."""
        async with self._turn(workload.app):
            wrong = await self._look(workload, record, {})
            if not wrong or {each.evidence for each in wrong} != set(agreed):
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("what speaks against a start of {app} is not what was agreed to", app=workload.app),
                    hint=msg("look at 'archipelago status {app}', and try again", app=workload.app),
                    data={"app": workload.app, "volumes": [each.volume for each in wrong]},
                )
            for each in wrong:
                ledger = await self.ledgers.read(workload.app, each.volume)
                await self.ledgers.write(workload.app, each.volume, replace(ledger, granted=each.evidence))

    async def forget(self, app: str, volumes: Collection[str]) -> None:
        """Forget the states of volumes that their owner gives up: what comes in their place is a new one."""
        folder = self.layout.app(app).leases

        def work() -> None:
            for path in folder.glob("*.json"):
                if path.name.removesuffix(".json").partition(".")[0] in volumes:
                    path.unlink()

        await asyncio.to_thread(work)

    def _turn(self, app: str) -> asyncio.Lock:
        return self._turns.setdefault(app, asyncio.Lock())

    async def _look(self, workload: Workload, record: AppRecord, sighted: Claims) -> tuple[ContestedState, ...]:
        seen = {volume: await self._see(workload.app, volume, sighted) for volume in _states(workload, record)}
        return _contests(workload.app, {volume: each for volume, each in seen.items() if each is not None})

    async def _see(self, app: str, volume: VolumeDirectory, sighted: Claims) -> LeaseSeen | None:
        """Return all that is known of a state; None where its volume is not there."""
        name = lease_name(volume)
        found = await self.namespace.look(volume.used, volume.uid, volume.gid, IDS_PER_APP)
        if found is None:
            return None
        before = await self.ledgers.read(app, name)
        if (ledger := before.with_sighted(sighted.get(name, ()))) != before:
            await self.ledgers.write(app, name, ledger)
        beside = await asyncio.to_thread(read_lease, self.layout.app(app).lease(name))
        machine = await asyncio.to_thread(self.machine)
        return LeaseSeen(found.empty, found.mark, machine, beside, ledger)

    async def _claim(self, app: str, name: str, seen: LeaseSeen) -> Claim:
        steps = claim(seen, secrets.token_hex(8), secrets.token_hex(8))
        await self.ledgers.write(app, name, steps.first)
        await asyncio.to_thread(write_lease, self.layout.app(app).lease(name), steps.beside)
        await self.ledgers.write(app, name, steps.last)
        return steps.beside.claim


def lease_name(volume: VolumeDirectory) -> str:
    """Return what the state in a volume, or in a part of one, is called."""
    name = PurePath(volume.path).name
    return name if volume.part is None else f"{name}.{volume.part}"


def _states(workload: Workload, record: AppRecord) -> tuple[VolumeDirectory, ...]:
    names = {each.name for each in app_volumes(record) if isinstance(each, NeverRestoreVolume)}
    return tuple(each for each in workload.volumes if PurePath(each.path).name in names)


def _contests(app: str, seen: Mapping[VolumeDirectory, LeaseSeen]) -> tuple[ContestedState, ...]:
    return tuple(
        ContestedState(app, lease_name(volume), judge(each), evidence(each))
        for volume, each in seen.items()
        if not may_run(each)
    )


def read_lease(path: Path) -> BoundLease | None:
    """Return the lease beside a volume; None where there is none that can be read. Blocking."""
    try:
        found = json.loads(path.read_bytes())
        mark = Mark(int(found["inode"]), found["filesystem"])
        return BoundLease(Claim.read(found["claim"]), mark, frozenset(map(str, found["machine"])))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_lease(path: Path, lease: BoundLease) -> None:
    """Write the lease beside a volume, on the disk when this returns. Blocking; raises `NodeError`."""
    value = {
        "claim": lease.claim.text,
        "inode": lease.directory.inode,
        "filesystem": lease.directory.filesystem,
        "machine": sorted(lease.machine),
    }
    with reported(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, f"{json.dumps(value)}\n".encode())
