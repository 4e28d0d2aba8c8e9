"""Random histories of nodes that have money: what an owner and bad luck do, and what must hold after each step."""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from archipelago.backups.contents import sources
from archipelago.backups.lease_tags import claim_tags, claims_of
from archipelago.container.data.channel_lease import judge
from archipelago.container.data.data_classes import AppendProofVolume, app_volumes, restorable_volumes
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.operations.snapshots import refuse_one_way
from archipelago.errors import NodeError
from archipelago.storage.records.leases import Claim
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.records.volumes import Mark
from support.fund_disks import (
    CHANNELS,
    FORGETFUL,
    KEYS,
    LIGHTNING,
    WALLET,
    Cut,
    Data,
    Disk,
    Hands,
    Snapshot,
    Volume,
    cuts,
    machine,
)

_MOST_NODES = 4


class Broken(AssertionError):
    """Money is lost."""


@dataclass
class Target:
    """What is at a target of backups: tags of snapshots, and what of the app is in each."""

    tags: list[dict[str, str]] = field(default_factory=list)
    backups: list[tuple[AppManifest, dict[str, Data]]] = field(default_factory=list)
    reachable: bool = True

    def claims(self) -> set[Claim]:
        """Return the claims of the channels."""
        found: set[Claim] = set()
        for each in self.tags:
            found |= claims_of(each.items()).get(CHANNELS, set())
        return found


@dataclass
class World:
    """Some nodes, two targets, and what is true, which no node knows."""

    dice: random.Random
    hands: Hands
    manifests: tuple[AppManifest, AppManifest]
    nodes: list[Disk] = field(default_factory=list)
    targets: list[Target] = field(default_factory=lambda: [Target(), Target()])
    newest: dict[str, int] = field(default_factory=dict)
    """Of each channels or keys: the newest version that was ever written."""
    refused: int = 0
    """Starts that would have lost money, and were refused."""
    ran: int = 0
    allowed: dict[str, Disk] = field(default_factory=dict)
    """Of channels: the disk on which the owner allowed a start last, and said that no other one ever runs them."""
    story: list[str] = field(default_factory=list)

    # --- what happens -------------------------------------------------------------------------------------------------

    def install(self, disk: Disk) -> None:
        if disk.record is None:
            disk.record = self.hands.record(self.manifests[0], disk)

    def start(self, disk: Disk) -> None:
        """Start the app, as the node does by itself."""
        if disk.record is None or disk.running or not self._owner_would_start(disk):
            return
        self.hands.finish(disk)
        if not self.hands.make_volumes(disk):
            return
        self._sight(disk)
        if not self.hands.may_hold(disk):
            self.refused += not self._is_true(disk)
            return
        claimed = self.hands.hold(disk)
        disk.running = True
        self._write(disk)
        self._tell(disk, claimed)

    def work(self, disk: Disk) -> None:
        if disk.running:
            self._write(disk)

    def mark(self, disk: Disk) -> None:
        """Have targets know of the newest state, as after each change of a streamed file."""
        if disk.running and self._goes_on(disk):
            self._tell(disk, self.hands.hold(disk))

    def stop(self, disk: Disk) -> None:
        disk.running = False

    def snapshot(self, disk: Disk) -> None:
        if disk.record is not None and disk.going_back is None:
            disk.running = False
            self.hands.snapshot(disk, SnapshotKind.MANUAL)
            self.hands.thin_out(disk)

    def update(self, disk: Disk) -> None:
        """Update the app to the other version, which may be bad: then it writes, and goes back where it may."""
        if disk.record is None or disk.going_back is not None:
            return
        now = disk.record.package.manifest
        other = self.manifests[now is self.manifests[0]]
        leads_back = self.hands.leads_back(disk, other)
        disk.running = False
        source = self.hands.snapshot(disk, SnapshotKind.BEFORE_UPDATE, other) if leads_back else None
        disk.record = self.hands.record(other, disk)
        self.start(disk)
        if source is not None and self.dice.random() < 0.5:
            disk.running = False
            self.hands.go_back(disk, source, SnapshotKind.REJECTED)
        self.hands.thin_out(disk)

    def roll_back(self, disk: Disk) -> None:
        """Go back to a snapshot that the owner chose."""
        if disk.record is None or not disk.snapshots or disk.going_back is not None:
            return
        chosen = self.dice.choice(disk.snapshots)
        try:
            refuse_one_way(disk.record, chosen.record)
        except NodeError:
            return
        disk.running = False
        consumed = chosen.kind is SnapshotKind.BEFORE_RESTORE
        source = chosen if consumed else self.hands.cloned(disk, chosen)
        self.hands.go_back(disk, source, SnapshotKind.BEFORE_RESTORE)

    def back_up(self, disk: Disk) -> None:
        target = self.dice.choice(self.targets)
        if disk.record is None or not target.reachable or disk.going_back is not None:
            return
        seen = disk.seen()
        tags: dict[str, str] = {}
        if seen is not None and seen.beside is not None and self._goes_on(disk):
            claimed = self.hands.hold(disk)
            tags = claim_tags({CHANNELS: claimed} if claimed is not None else {})
        manifest = disk.record.package.manifest
        wanted = [each.volume.name for each in sources(app_volumes(disk.record))]
        self.hands.step()
        found = {name: data for name in wanted if name in disk.volumes and (data := disk.volumes[name].data)}
        target.backups.append((manifest, found))
        target.tags.append(tags)

    def restore(self, disk: Disk) -> None:
        """Put the app back to a backup; one that is not installed stays stopped where it has channels."""
        target = self.dice.choice(self.targets)
        if not target.reachable or not target.backups or disk.going_back is not None:
            return
        manifest, found = self.dice.choice(target.backups)
        fetched = {name: Volume(Mark(self.hands.fresh(), None), data) for name, data in found.items()}
        then = self.hands.record(manifest, disk)
        fresh = disk.record is None
        if disk.record is not None:
            try:
                refuse_one_way(disk.record, then)
            except NodeError:
                return
        disk.running, disk.record = False, disk.record or then
        if fresh:
            for each in app_volumes(then):
                if isinstance(each, AppendProofVolume) and each.name in fetched and each.name not in disk.volumes:
                    disk.volumes[each.name] = fetched[each.name]
        restorable = {each.name for each in restorable_volumes(then)}
        kept = {name: each for name, each in fetched.items() if name in restorable}
        source = Snapshot(f"t{self.hands.fresh()}", 0, SnapshotKind.BACKUP, then, kept, frozenset(kept))
        disk.snapshots.append(source)
        self.hands.go_back(disk, source, SnapshotKind.BEFORE_RESTORE)

    def second_node(self, disk: Disk) -> None:
        """Bring up a bare machine with the words and a target."""
        if len(self.nodes) < _MOST_NODES and self._remembers():
            bare = Disk(machine(self.hands.fresh()))
            self.nodes.append(bare)
            self.restore(bare)

    def clone(self, disk: Disk) -> None:
        """Copy the whole disk into another machine."""
        if len(self.nodes) < _MOST_NODES:
            twin = copy.deepcopy(disk)
            twin.machine, twin.running = machine(self.hands.fresh()), False
            self.nodes.append(twin)

    def put_image_back(self, disk: Disk) -> None:
        """Make an image of the disk, go on for a while, and put the image back into the same machine."""
        image = copy.deepcopy(disk)
        image.running = False
        for _ in range(3):
            self.dice.choice((self.start, self.work, self.mark, self.back_up))(disk)
        self._replace(disk, image)
        self._lost(disk)

    def reinstall(self, disk: Disk) -> None:
        """Install the system again, with the folders of apps and without the database."""
        new = replace(disk, ledger=type(disk.ledger)(), marks={}, record=None, running=False, going_back=None)
        if disk.going_back is None and self._remembers():
            self._replace(disk, new)

    def move_directory(self, disk: Disk) -> None:
        """Copy the channels to another directory, with what is beside them, and use the copy."""
        if (found := disk.volumes.get(CHANNELS)) is not None and not disk.running:
            disk.volumes[CHANNELS] = Volume(Mark(self.hands.fresh(), None), found.data)

    def put_copy_back(self, disk: Disk) -> None:
        """Copy the channels by hand, go on for a while, and put the copy back, with what is beside it or alone."""
        saved, beside = copy.deepcopy(disk.volumes.get(CHANNELS)), disk.beside
        for _ in range(3):
            self.dice.choice((self.start, self.work, self.mark))(disk)
        if saved is not None and saved.data is not None and disk.volumes.get(CHANNELS) is not None:
            disk.running, saved.mark = False, Mark(self.hands.fresh(), None)
            disk.volumes[CHANNELS] = saved
            disk.beside = self.dice.choice((beside, disk.beside))

    def remove(self, disk: Disk) -> None:
        if disk.record is not None and disk.going_back is None:
            self.hands.remove(disk, data=self.dice.random() < 0.5)

    def bring_kept_back(self, disk: Disk) -> None:
        if disk.record is None and disk.kept:
            kept = self.dice.choice(disk.kept)
            if all(name not in disk.volumes or disk.volumes[name].data is None for name in kept.volumes):
                self.hands.restore_kept(disk, kept)

    def unplug(self, disk: Disk) -> None:
        target = self.dice.choice(self.targets)
        target.reachable = not target.reachable

    def crash(self, disk: Disk) -> None:
        disk.running = False

    def allow(self, disk: Disk) -> None:
        """The owner allows a start, and says the truth: this is the newest state, and nothing else runs it."""
        seen = disk.seen()
        if disk.record is None or seen is None or judge(seen).allows or disk.going_back is not None:
            return
        if self._is_true(disk) and not any(each.running for each in self.nodes):
            self.hands.grant(disk)
            if disk.lineage is not None:
                self.allowed[disk.lineage] = disk
            self.start(disk)

    # --- what must hold -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise `Broken` where money is lost."""
        running = [each for each in self.nodes if each.running]
        for each in running:
            if not self._is_true(each):
                raise Broken("a Lightning node runs on older channel state", self.story)
        lineages = [each.lineage for each in running if each.lineage is not None]
        if len(set(lineages)) != len(lineages):
            raise Broken("two nodes run on one state", self.story)
        there = self._copies()
        for name, version in self.newest.items():
            if name.startswith("k") and Data(name, version) not in there:
                raise Broken(f"the wallet {name} has no copy of its newest keys", self.story)

    def _is_true(self, disk: Disk) -> bool:
        """Return whether what is in the volume is the newest state, and nobody else runs it."""
        found = disk.volumes.get(CHANNELS)
        if found is None or found.data is None:
            return True
        others = any(each is not disk and each.running and each.lineage == found.data.name for each in self.nodes)
        return not others and found.data.version == self.newest[found.data.name]

    def _owner_would_start(self, disk: Disk) -> bool:
        """Return whether a start is within what the lease promises.

        What the owner said when he allowed a start, that no other machine ever runs the state, is broken by nobody
        but him; and an image that is put back into its machine is found out by a target alone.
        """
        kept = self.allowed.get(disk.lineage or "", disk) is disk
        if (self._is_true(disk) and kept) or disk.beside is None or disk.machine.isdisjoint(disk.beside.machine):
            return True
        if disk.volumes[CHANNELS].mark != disk.beside.directory:
            return True
        own = disk.ledger.own(disk.beside.claim.state)
        known = {claim for target in self.targets if target.reachable for claim in target.claims()}
        return any(each.state == disk.beside.claim.state and own and each.epoch > own.epoch for each in known)

    def _remembers(self) -> bool:
        """Return whether all versions say the same of their data: else a new database does not know what one said."""
        return self.manifests is not FORGETFUL

    def _replace(self, old: Disk, new: Disk) -> None:
        self.nodes = [new if each is old else each for each in self.nodes]
        self.allowed = {name: new if each is old else each for name, each in self.allowed.items()}

    # --- parts of what happens ----------------------------------------------------------------------------------------

    def _write(self, disk: Disk) -> None:
        self.ran += 1
        for name, kind in ((CHANNELS, "c"), (KEYS, "k")):
            if (volume := disk.volumes.get(name)) is None:
                continue
            if volume.data is None:
                volume.data = Data(f"{kind}{self.hands.fresh()}", 0)
            version = max(self.newest.get(volume.data.name, 0), volume.data.version) + 1
            volume.data = Data(volume.data.name, version)
            self.newest[volume.data.name] = version
        if (proof := disk.volumes.get("proof")) is not None:
            proof.data = Data("proof", disk.volumes[CHANNELS].data.version)  # type: ignore[union-attr]
        self.check()

    def _sight(self, disk: Disk) -> None:
        for target in self.targets:
            if target.reachable:
                disk.ledger = disk.ledger.with_sighted(target.claims())

    def _goes_on(self, disk: Disk) -> bool:
        """Look at the targets, and stop an app whose state somebody else has claimed."""
        self._sight(disk)
        if not self.hands.may_hold(disk):
            disk.running = False
            return False
        return True

    def _tell(self, disk: Disk, claimed: Claim | None) -> None:
        for target in self.targets:
            if claimed is not None and target.reachable:
                self.hands.step()
                target.tags.append(claim_tags({CHANNELS: claimed}))

    def _copies(self) -> set[Data]:
        found = {each.data for disk in self.nodes for each in disk.every() if each.data is not None}
        return found | {data for target in self.targets for _, held in target.backups for data in held.values()}

    def _lost(self, disk: Disk) -> None:
        """Take what a disk that is gone had alone for lost: no rule can bring that back."""
        there = self._copies()
        for each in disk.every():
            if each.data is not None and each.data.name.startswith("k") and each.data not in there:
                left = [one.version for one in there if one.name == each.data.name]
                if left:
                    self.newest[each.data.name] = max(left)
                else:
                    self.newest.pop(each.data.name, None)


_COMMON = ("start", "start", "start", "work", "work", "mark", "stop", "install", "back_up", "back_up", "crash", "allow")
_RARE = (
    *("snapshot", "update", "roll_back", "restore", "second_node", "clone", "put_image_back", "reinstall"),
    *("move_directory", "put_copy_back", "remove", "bring_kept_back", "unplug"),
)

_EVENTS = (*_COMMON * 4, *_RARE)


def history(seed: int, **controls: bool) -> World:
    """Live through one history; raises `Broken` where money is lost in it. `controls` are those of `Hands`."""
    dice = random.Random(seed)
    numbers = iter(range(1, 1_000_000))
    hands = Hands(cuts(dice, 0.03), lambda: next(numbers), **controls)
    manifests = dice.choices((LIGHTNING, FORGETFUL, WALLET), (5, 2, 3))[0]
    world = World(dice, hands, manifests, [Disk(machine(0))])
    world.nodes[0].record = hands.record(manifests[0], world.nodes[0])
    for _ in range(dice.randint(20, 100)):
        disk = dice.choice(world.nodes)
        name = dice.choice(_EVENTS)
        world.story.append(f"{name} {world.nodes.index(disk)}")
        event: Callable[[Disk], None] = getattr(world, name)
        try:
            event(disk)
        except Cut:
            world.story.append("the power went")
            disk.running = False
            if dice.random() < 0.5:
                hands.step = lambda: None
                hands.finish(disk)
                hands.step = cuts(dice, 0.03)
        world.check()
    return world
