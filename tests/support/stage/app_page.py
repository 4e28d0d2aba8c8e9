"""What the page of one app asks for: its options, its past, what it takes of the machine, and what it writes."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from archipelago.api.automatic_updates import UpdateHoursView
from archipelago.api.configuration import ConfigPreview, ConfigRevision, OptionKind, OptionView, SettingChange
from archipelago.api.containers import LogLine
from archipelago.api.data import RemovalPreview, VolumeView
from archipelago.api.events import Event
from archipelago.api.health import HealthState
from archipelago.api.metrics import MetricsPoint, MetricsSpan, MetricsView
from archipelago.api.operations import Operation, OperationKind, Step
from archipelago.api.security import AppSecurity, Enforcement, ImageOrigin, Peer, SecretView
from archipelago.api.snapshots import (
    EntryKind,
    RestorePreview,
    SnapshotEntry,
    SnapshotFolderView,
    SnapshotPreview,
    SnapshotSchedulesView,
    SnapshotScheduleView,
    SnapshotView,
)
from archipelago.container.manifest.model.app import Egress
from archipelago.storage.records.operations import OperationState
from archipelago.storage.records.snapshot_schedules import Cadence
from archipelago.storage.records.snapshots import SnapshotKind
from support.stage.players import GIB, Player

Ask = Callable[[dict[str, Any]], Any]
_POINTS = 120
CONFINED = ("bitcoin-knots", "electrumx")
OPTIONS = (
    OptionView(
        name="network",
        kind=OptionKind.CHOICE,
        label="Chain",
        help="Each chain has data of its own.",
        default="mainnet",
        value="mainnet",
        choices=("mainnet", "testnet4", "signet", "regtest"),
    ),
    OptionView(
        name="prune",
        kind=OptionKind.INT,
        label="Space for blocks",
        help="With `0`, all blocks are kept.",
        default=0,
        value=0,
        demanded_by=("electrumx",),
        minimum=0,
        maximum=1_000_000,
        unit="MB",
    ),
    OptionView(
        name="mempool",
        kind=OptionKind.INT,
        label="Memory for waiting transactions",
        default=300,
        value=500,
        set_by_owner=True,
        minimum=5,
        maximum=10_000,
        unit="MB",
    ),
    OptionView(
        name="listen",
        kind=OptionKind.BOOL,
        label="Let other nodes connect",
        help="Your node then serves blocks to others, through Tor only.",
        default=True,
        value=True,
    ),
    OptionView(name="name", kind=OptionKind.STRING, label="Name of the node", default="", value="", advanced=True),
)


def answers(player: Callable[[str], Player], now: datetime) -> dict[str, Ask]:
    """Return what a node answers about each of its apps; `player` finds an app by its id."""

    def reaches(app: str) -> tuple[Peer, ...]:
        return tuple(Peer(app=one, interface=name, port=8332) for name, one in player(app).uses.items())

    return {
        "config-history": lambda _: [_revision(number, now) for number in (3, 2, 1)],
        "config-preview": lambda given: ConfigPreview(
            changes=tuple(
                SettingChange(what=name, before=500, after=value) for name, value in given["options"].items()
            ),
            restarts=(given["app"],),
        ),
        "snapshot-list": lambda _: _snapshots(now),
        "snapshot-schedules": lambda _: SnapshotSchedulesView(
            node=SnapshotScheduleView(every=Cadence.OFF, keep_hourly=24, keep_daily=7, keep_weekly=4),
            apps=(
                SnapshotScheduleView(
                    app="electrumx",
                    every=Cadence.DAILY,
                    keep_hourly=0,
                    keep_daily=7,
                    keep_weekly=4,
                    own=True,
                    next=now + timedelta(hours=9),
                ),
                SnapshotScheduleView(
                    app="bitcoin-knots", every=Cadence.OFF, keep_hourly=24, keep_daily=7, keep_weekly=4
                ),
            ),
        ),
        "update-hours": lambda _: UpdateHoursView(from_hour=4, to_hour=7, now=now),
        "snapshot-files": lambda given: _folder(given.get("path", "volumes"), now),
        "snapshot-preview": lambda given: SnapshotPreview(
            app=given["app"],
            size=3 * GIB,
            seconds=52,
            free=500 * GIB,
            missing=0,
            remarks=("electrumx stops while 3.0 GiB of its data are copied, about 52 s; 497.0 GiB are free after it",),
        ),
        "undo-preview": lambda given: RestorePreview(
            apps=(given["app"],),
            snapshot="2026-11-27T08-40-00.000Z",
            at=now - timedelta(days=2),
            version="29.1",
            version_now="29.2",
            remarks=("what electrumx wrote since 2026-11-27 08:40 UTC is not there any more",),
        ),
        "health-history": lambda given: _health(given["app"], now),
        "container-metrics": lambda given: _metrics(MetricsSpan(given.get("span", "hour")), now),
        "secret-list": lambda _: [SecretView(name="rpc_password", created_at=now - timedelta(days=90))],
        "security-report": lambda _: [_security(app, reaches(app), player(app)) for app in CONFINED],
        "removal-preview": lambda given: RemovalPreview(
            app=given["app"], volumes=(VolumeView(name="data", size=712 * GIB),), secrets=1
        ),
    }


def _revision(number: int, now: datetime) -> ConfigRevision:
    return ConfigRevision(
        number=number,
        at=now - timedelta(days=9 * (4 - number)),
        why="installed" if number == 1 else "changed by owner",
        version="29.2",
        options={},
        choices={},
    )


def _snapshots(now: datetime) -> list[SnapshotView]:
    kinds = {
        1: SnapshotKind.MANUAL,
        2: SnapshotKind.BEFORE_UPDATE,
        5: SnapshotKind.BEFORE_RESTORE,
        9: SnapshotKind.REJECTED,
    }
    return [
        SnapshotView(
            name=f"2026-11-{29 - days:02}T08-40-00.000Z",
            kind=kind,
            at=now - timedelta(days=days),
            version="29.2" if days == 1 else "29.1",
            size=(712 - days) * GIB,
            funds=kind is SnapshotKind.REJECTED,
            undoes_update=kind is SnapshotKind.BEFORE_UPDATE,
        )
        for days, kind in kinds.items()
    ]


def _folder(path: str, now: datetime) -> SnapshotFolderView:
    names = ("data",) if path == "volumes" else ("hist", "meta", "COIN", "server.log", "utxo")
    return SnapshotFolderView(
        path=path,
        entries=tuple(
            SnapshotEntry(
                name=name,
                kind=EntryKind.FOLDER if name.islower() and "." not in name else EntryKind.FILE,
                size=12 * 1024**2,
                modified=now - timedelta(days=2),
            )
            for name in names
        ),
        more=False,
        complete=True,
    )


def _health(app: str, now: datetime) -> list[Event]:
    """The last day: a restart in the morning, and a spell in which it did not answer."""
    changes = (
        (2, HealthState.HEALTHY, ""),
        (2.2, HealthState.UNHEALTHY, "no answer at port 50001 within 10 s"),
        (11, HealthState.HEALTHY, ""),
        (11.1, HealthState.STARTING, ""),
        (30, HealthState.HEALTHY, ""),
    )
    return [
        Event(
            revision=100 - at,
            at=now - timedelta(hours=hours),
            kind="health",
            app=app,
            message=f"{app}: {reason}" if reason else app,
            data={"state": state.value},
        )
        for at, (hours, state, reason) in enumerate(changes)
    ]


def _metrics(span: MetricsSpan, now: datetime) -> MetricsView:
    step = 30.0 if span is MetricsSpan.HOUR else 720.0
    points = []
    for at in range(_POINTS):
        wave = math.sin(at / 9) + 0.5 * math.sin(at / 2.3)
        burst = 3.0 if 70 <= at < 78 else 1.0
        points.append(
            MetricsPoint(
                at=now - timedelta(seconds=step * (_POINTS - 1 - at)),
                cpu=burst * (0.09 + 0.03 * wave),
                memory=int(GIB * (0.55 + 0.001 * at)),
                disk_read=burst * 60_000 * (1.6 + wave),
                disk_written=25_000 * (1.6 + wave),
                received=burst * 9_000 * (1.6 + wave),
                sent=14_000 * (1.6 + wave),
            )
        )
    return MetricsView(step=step, points=tuple(points))


def _security(app: str, reaches: tuple[Peer, ...], player: Player) -> AppSecurity:
    what = (
        "no rights of root",
        "file system is read-only",
        "no new privileges",
        "system calls are filtered",
        "memory is limited",
        "network of its own",
    )
    return AppSecurity(
        app=app,
        rating=player.rating,
        enforcement=tuple(Enforcement(container="main", what=each, enforced=True) for each in what),
        egress=Egress.NONE,
        reaches=reaches,
        reached_by=(Peer(app="mempool", interface="electrum", port=50001),),
        published=(),
        images=(ImageOrigin(container="main", image="localhost/app:1", signer="this node", packages=214),),
    )


def operation(app: str, kind: OperationKind, now: datetime) -> Operation:
    """Return an operation that ended well a minute after it started."""
    return Operation(
        id=f"{kind.value}-{app}",
        kind=kind,
        app=app,
        state=OperationState.DONE,
        percent=100,
        steps=(Step(name=f"{kind.value} {app}", state=OperationState.DONE),),
        created_at=now - timedelta(hours=11),
        updated_at=now - timedelta(hours=11, minutes=-1),
    )


def log_of(app: str, now: datetime) -> list[LogLine]:
    """Return the last lines of an app's log."""
    texts = (
        "INFO:Controller:ElectrumX server starting",
        "INFO:DB:height: 926,405",
        "INFO:BlockProcessor:our height: 926,406 daemon: 926,411 UTXOs 612MB hist 40MB",
        "DEBUG:SessionManager:session 4711 sent blockchain.headers.subscribe",
        "WARNING:Daemon:disconnected, retrying in 0.25 s",
        "ERROR:Daemon:cannot reach http://bitcoin-rpc:8332/: Connection refused",
        "INFO:Daemon:connection restored",
        *(f"INFO:BlockProcessor:processed block {height:,}" for height in range(926_407, 926_412)),
    )
    times = (now - timedelta(seconds=40 * (len(texts) - at)) for at in range(len(texts)))
    return [LogLine(container="main", stream="stderr", at=at, text=text) for at, text in zip(times, texts, strict=True)]
