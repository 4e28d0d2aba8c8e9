"""What is on the disks of a small world of nodes, and how the pure rules of the node move it."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from archipelago.container.data.channel_lease import claim, evidence, judge, may_run
from archipelago.container.data.data_classes import NeverRestoreVolume, app_volumes, restorable_volumes
from archipelago.container.data.identity import judge as judge_volume
from archipelago.container.data.kept import keepsake_of
from archipelago.container.data.snapshots.retention import Aged, expired
from archipelago.container.data.snapshots.swap import MoveAside, VolumePlaces, next_move
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import Reversible
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.way_back import way_back
from archipelago.container.namespace.found import Found
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.leases import BoundLease, Claim, ClaimLedger, LeaseSeen
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.records.volumes import Mark, StrictestClass, with_declared
from support.app_manifests import app

CHANNELS, KEYS = "channels", "keys"
_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def _lightning(version: str) -> AppManifest:
    volumes = {
        CHANNELS: {"data": "never-restore", "funds": True, "exclusive": True},
        KEYS: {"data": "files", "funds": True},
        "proof": {"data": "append-proof", "funds": True},
        "graph": {"data": "rebuildable"},
    }
    return app("node", version=version, volumes=volumes)


def _forgetful() -> AppManifest:
    """Return a version that takes the channels for files, and the keys for worthless."""
    return app("node", version="2", volumes={CHANNELS: {"data": "files"}, KEYS: {"data": "files"}})


def _wallet(version: str) -> AppManifest:
    return app("node", version=version, volumes={KEYS: {"data": "files", "funds": True}})


LIGHTNING = (_lightning("1"), _lightning("2"))
FORGETFUL = (_lightning("1"), _forgetful())
WALLET = (_wallet("1"), _wallet("2"))


class Cut(Exception):
    """The power went."""


@dataclass(frozen=True)
class Data:
    """What is in a volume: what was written last under an identity that nothing gives twice."""

    name: str
    version: int


@dataclass
class Volume:
    """A directory: which one it is, and what is in it."""

    mark: Mark
    data: Data | None = None


@dataclass
class Snapshot:
    """What of an app is in a snapshot."""

    name: str
    number: int
    kind: SnapshotKind
    record: AppRecord
    volumes: dict[str, Volume]
    had: frozenset[str] = frozenset()
    """Those that were in it at first."""


@dataclass
class Kept:
    """What outlived a removal."""

    volumes: dict[str, Volume]
    beside: BoundLease | None


@dataclass
class Disk:
    """All that one node has on its disk; a copy of it is `copy.deepcopy`."""

    machine: frozenset[str]
    record: AppRecord | None = None
    volumes: dict[str, Volume] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    beside: BoundLease | None = None
    ledger: ClaimLedger = field(default_factory=ClaimLedger)
    strictest: dict[str, StrictestClass] = field(default_factory=dict)
    """The strictest that any version has said of each volume."""
    snapshots: list[Snapshot] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    running: bool = False
    going_back: tuple[str, Snapshot] | None = None
    """Names of what a restore, which was cut off, puts back and where what was there goes."""

    def seen(self) -> LeaseSeen | None:
        """Return what says whether the app may run on its channels."""
        found = self.volumes.get(CHANNELS)
        if found is None:
            return None
        return LeaseSeen(found.data is None, found.mark, self.machine, self.beside, self.ledger)

    @property
    def lineage(self) -> str | None:
        """Which channels these are."""
        found = self.volumes.get(CHANNELS)
        return found.data.name if found is not None and found.data is not None else None

    def every(self) -> Iterator[Volume]:
        """Yield all volumes, wherever they are."""
        yield from self.volumes.values()
        for volumes in (*(each.volumes for each in self.snapshots), *(each.volumes for each in self.kept)):
            yield from volumes.values()


@dataclass
class Hands:
    """Does to a disk what the node does; `step` raises `Cut` where the power goes, and `fresh` gives numbers once."""

    step: Callable[[], None]
    fresh: Callable[[], int]
    always_starts: bool = False
    """The control: no lease."""
    forgets_keys: bool = False
    """The control: a removal that does not know of keys to money in snapshots."""
    forgets_classes: bool = False
    """The control: what earlier versions said of the data does not count."""

    def record(self, manifest: AppManifest, disk: Disk) -> AppRecord:
        """Return an installed app; what it says of its volumes is remembered."""
        disk.strictest = with_declared({} if self.forgets_classes else disk.strictest, manifest.volumes)
        package = AppPackage(manifest, manifest.version)
        return AppRecord("node", package, Desired.RUNNING, 0, strictest=disk.strictest)

    def make_volumes(self, disk: Disk) -> bool:
        """Have the volumes that the app needs; return whether it may run with them."""
        assert disk.record is not None
        for name in disk.record.package.manifest.volumes:
            found, known = disk.volumes.get(name), disk.marks.get(name)
            look = Found(found.mark, found.data is None, False) if found is not None else None
            if not judge_volume(known, look).usable:
                return False
            if found is None:
                found = disk.volumes[name] = Volume(Mark(self.fresh(), None))
            disk.marks[name] = found.mark
        return True

    def may_hold(self, disk: Disk) -> bool:
        """Return whether the lease lets the app run."""
        seen = disk.seen()
        return seen is None or self.always_starts or not self._has_state(disk) or may_run(seen)

    def hold(self, disk: Disk) -> Claim | None:
        """Claim the channels, which may be run."""
        if (seen := disk.seen()) is None or not self._has_state(disk):
            return None
        steps = claim(seen, f"s{self.fresh()}", f"n{self.fresh()}")
        self.step()
        disk.ledger = steps.first
        self.step()
        disk.beside = steps.beside
        self.step()
        disk.ledger = steps.last
        self.step()
        return steps.beside.claim

    def grant(self, disk: Disk) -> None:
        """The owner allows what speaks against a start."""
        seen = disk.seen()
        assert seen is not None and not judge(seen).allows
        disk.ledger = replace(disk.ledger, granted=evidence(seen))

    def snapshot(self, disk: Disk, kind: SnapshotKind, *others: AppManifest) -> Snapshot:
        """Take a snapshot of an app that is stopped."""
        assert disk.record is not None
        volumes = restorable_volumes(disk.record, *others)
        copies = {each.name: self._copied(disk.volumes[each.name]) for each in volumes if each.name in disk.volumes}
        self.step()
        made = Snapshot(f"t{self.fresh()}", self._number(disk), kind, disk.record, copies, frozenset(copies))
        disk.snapshots.append(made)
        return made

    def go_back(self, disk: Disk, source: Snapshot, kind: SnapshotKind) -> None:
        """Put an app back to a snapshot, which it consumes; a cut leaves it half done, and `finish` goes on."""
        assert disk.record is not None
        may_move = restorable_volumes(disk.record, source.record.package.manifest)
        had = frozenset(each.name for each in may_move if each.name in disk.volumes)
        aside = Snapshot(f"t{self.fresh()}", self._number(disk), kind, disk.record, {}, had)
        disk.snapshots.append(aside)
        disk.going_back = (source.name, aside)
        self.finish(disk)

    def cloned(self, disk: Disk, source: Snapshot) -> Snapshot:
        """Copy a snapshot that stays when an app goes back to it."""
        volumes = {name: self._copied(each) for name, each in source.volumes.items()}
        copy = replace(source, name=f"t{self.fresh()}", number=0, volumes=volumes, had=frozenset(volumes))
        self.step()
        disk.snapshots.append(copy)
        return copy

    def finish(self, disk: Disk) -> None:
        """Go on with what puts an app back."""
        if disk.going_back is None:
            return
        assert disk.record is not None
        name, aside = disk.going_back
        source = next(each for each in disk.snapshots if each.name == name)
        then = source.record.package.manifest
        may_move = {each.name for each in restorable_volumes(disk.record, then)}
        wanted = may_move & source.had
        while True:
            self.step()
            places = VolumePlaces(set(disk.volumes), set(aside.volumes), set(source.volumes))
            move = next_move(wanted, places.used - may_move, places)
            if move is None:
                break
            origin, target = (disk, aside) if isinstance(move, MoveAside) else (source, disk)
            target.volumes[move.volume] = origin.volumes.pop(move.volume)
        disk.marks |= {name: disk.volumes[name].mark for name in may_move if name in disk.volumes}
        disk.record, disk.going_back = replace(source.record, strictest=disk.strictest), None
        disk.snapshots.remove(source)
        self.thin_out(disk)

    def thin_out(self, disk: Disk) -> None:
        """Delete the snapshots that retention does not keep."""
        gone = expired(Aged(each.name, _TIME, each.kind, each.number) for each in disk.snapshots)
        disk.snapshots = [each for each in disk.snapshots if each.name not in gone]

    def remove(self, disk: Disk, *, data: bool) -> None:
        """Remove the app, with its data or without."""
        assert disk.record is not None
        funds = {name for name, each in disk.strictest.items() if each.funds}
        keepsake = keepsake_of(disk.record.package.manifest).with_volumes(funds, _TIME)
        disk.record, disk.running = None, False
        if not data:
            return
        self.step()
        held = [name for name in keepsake.volumes if (at := disk.volumes.get(name)) is not None and at.data is not None]
        if held:
            beside = disk.beside if CHANNELS in held else None
            disk.kept.append(Kept({name: disk.volumes.pop(name) for name in held}, beside))
        # Snapshots that were moved aside with keys to money are kept as well (`keep_snapshots`).
        for each in disk.snapshots:
            if each.kind.is_moved and self._has_keys(disk, each.volumes) and not self.forgets_keys:
                disk.kept.append(Kept(each.volumes, None))
        disk.volumes, disk.marks, disk.snapshots, disk.beside = {}, {}, [], None

    def restore_kept(self, disk: Disk, kept: Kept) -> None:
        """Bring back what outlived a removal, where nothing else is."""
        disk.kept.remove(kept)
        disk.beside = kept.beside or disk.beside
        disk.volumes |= kept.volumes

    def leads_back(self, disk: Disk, other: AppManifest) -> bool:
        """Return whether an update to another version may be undone."""
        assert disk.record is not None
        if way_back(disk.record.package.manifest, other) is Reversible.NO:
            return False
        return not any(isinstance(each, NeverRestoreVolume) for each in app_volumes(disk.record, other))

    def _has_state(self, disk: Disk) -> bool:
        assert disk.record is not None
        return any(isinstance(each, NeverRestoreVolume) for each in app_volumes(disk.record))

    def _has_keys(self, disk: Disk, volumes: Iterable[str]) -> bool:
        return any((known := disk.strictest.get(name)) is not None and known.funds for name in volumes)

    def _copied(self, volume: Volume) -> Volume:
        return Volume(Mark(self.fresh(), None), volume.data)

    def _number(self, disk: Disk) -> int:
        return max((each.number for each in disk.snapshots), default=0) + 1


def machine(number: int) -> frozenset[str]:
    """Return what distinguishes a machine."""
    return frozenset({f"m{number}"})


def cuts(dice: random.Random, share: float) -> Callable[[], None]:
    """Return a step at which the power goes now and then."""

    def step() -> None:
        if dice.random() < share:
            raise Cut

    return step
