"""The scenes of which pictures are taken: a calm day, and everything that may be different."""

from dataclasses import replace
from datetime import timedelta

from archipelago.api.backups import AppBackupView
from archipelago.api.chains import ChainPeers, ChainReport
from archipelago.api.data import ContestedStateView
from archipelago.api.health import HealthState, Sync
from archipelago.api.lightning import LightningChannels, LightningFees, LightningReport
from archipelago.api.operations import Operation, OperationKind, Step
from archipelago.api.security import SecretView
from archipelago.api.system import (
    OwnLimitsView,
    PauseCause,
    PausedApp,
    SetupStep,
    Severity,
    SnapshotsDisk,
)
from archipelago.chains.facts import ChainPhase
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.text import msg
from support.stage import backups
from support.stage.notices import CAUSES, CHANNELS, MANY_NOTICES, notice
from support.stage.players import GIB
from support.stage.scene import KNOTS, NOW, OFFERED, STORY, SYSTEM, Scene, resources_of


def operation(
    number: int, app: str, kind: OperationKind, state: OperationState, *, percent: float = 100, minutes: int = 5
) -> Operation:
    """Return an operation that started so many minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    steps = (
        Step(name=f"build image of {app}", state=OperationState.DONE, percent=100),
        Step(name=f"start {app}", state=state, percent=percent, detail="healthy" if percent == 100 else ""),
    )
    return Operation(
        id=f"op-{number}",
        kind=kind,
        app=app,
        state=state,
        percent=percent,
        steps=steps,
        created_at=at,
        updated_at=at + timedelta(seconds=40),
    )


LATELY = (
    operation(4, "mempool", OperationKind.UPDATE, OperationState.DONE, minutes=42),
    operation(3, "bitcoin-knots", OperationKind.CONFIGURE, OperationState.DONE, minutes=190),
    operation(2, "home-assistant", OperationKind.RESTART, OperationState.CANCELLED, minutes=1500),
    operation(1, "lnbits", OperationKind.INSTALL, OperationState.DONE, minutes=4000),
)
CALM = Scene(operations=LATELY)
SYNC = Sync(
    chain="main",
    height=27_804,
    headers=926_411,
    percent=3.1,
    initial_block_download=True,
    seconds_left=61 * 3600,
    peers=9,
    tip_at=NOW - timedelta(days=6000),
)

SYNC_REPORT = ChainReport(
    app="bitcoin-knots",
    at=NOW,
    running=True,
    phase=ChainPhase.BLOCKS,
    height=SYNC.height,
    headers=SYNC.headers,
    percent=SYNC.percent,
    blocks_per_hour=9_420,
    seconds_left=SYNC.seconds_left,
    peers=ChainPeers(inbound=0, outbound=9, over_tor=9),
    disk_bytes=6 * GIB,
    pruned=False,
)


LONG = "An app whose name is as long as a name of an app is allowed to be"[:64]
UNBROKEN = "Rechtsschutzversicherungsgesellschaftenverzeichnisdienstprogramm"
"""A name of 64 letters without a space."""
LONGEST = {
    "bitcoin-knots": LONG,
    "electrumx": UNBROKEN,
    "lnd": LONG,
    "tor": UNBROKEN,
    "specter": UNBROKEN,
    "btcpay": LONG,
}
PHRASE = (
    "meadow harbour anchor copper violin summer glacier pepper orchard walnut candle marble "
    "ribbon saddle thunder velvet willow basket cactus dolphin engine fabric garlic helmet"
)
LIGHTNING = LightningReport(
    app="lnd",
    at=NOW,
    running=True,
    alias="harbour",
    synced_to_chain=True,
    synced_to_graph=False,
    peers=7,
    channels=LightningChannels(active=5, inactive=1, pending=1),
    can_send=2_914_380,
    can_receive=1_608_212,
    pending=500_000,
    onchain=412_907,
    onchain_unconfirmed=21_000,
    fees=LightningFees(day=12, week=81, month=1_274),
)
SEED = SecretView(name="seed", created_at=NOW - timedelta(hours=2), permanent=True, words=24)
NOBODY: dict[str, object] = {"set_up": True, "user": None, "role": None, "permissions": [], "second_factor": False}
IDS = tuple(one.app for one in STORY)
BACKING_UP = (
    *(backups.under_way(OperationKind.BACKUP, app, NOW, backups.WRITING, 0, percent=0) for app in ("tor", "lnbits")),
    backups.under_way(OperationKind.BACKUP, "mempool", NOW, backups.WRITING, 2, percent=41),
)
RESTORING = backups.under_way(OperationKind.BACKUP_RESTORE, "mempool", NOW, backups.FETCHING, 0, percent=63)
COMING_BACK = backups.under_way(OperationKind.BACKUP_RESTORE_ALL, "", NOW, backups.COMING_BACK, 3, percent=47)
DISK_WITH_SNAPSHOTS = CALM.disk().model_copy(
    update={
        "apps": tuple(
            one.model_copy(update={"snapshots": SnapshotsDisk(bytes=2 * GIB, counted=True, shares=True)})
            for one in CALM.disk().apps
        )
    }
)
NO_ROOM = msg("the node pauses it: only {free} of the disk are free", free="8 GiB")
SHORT_OF_DISK = resources_of(STORY).model_copy(
    update={
        "memory_of_node": GIB // 2,
        "apps": tuple(
            one.model_copy(
                update={
                    "memory_promised": GIB // 4,
                    "disk_used": (at + 1) * GIB,
                    **({"disk_limit": 9 * GIB, "own": OwnLimitsView(disk=9 * GIB)} if at == 2 else {}),
                }
            )
            for at, one in enumerate(resources_of(STORY).apps)
        ),
        "paused": tuple(
            PausedApp(app=one.app, name=one.name, cause=PauseCause.DISK, reason=NO_ROOM) for one in STORY[-1:]
        ),
        "pause_order": tuple(one.app for one in reversed(STORY)),
    }
)
COPIED = msg(
    "the state in the volume '{volume}' may not be run: {why}",
    volume="channels",
    why=msg("it is in another directory than before, so it may be a copy"),
)
CONTESTED = ContestedStateView(volume="channels", what=COPIED, remedy="archipelago data claim lnd", evidence="5f3a")
COPY_RUNS = backups.under_way(
    OperationKind.SNAPSHOT_LOOK, "electrumx", NOW, ("image of electrumx", "run a copy of electrumx"), 1, percent=0
)
COPY_RUNS = COPY_RUNS.model_copy(
    update={
        "steps": (
            COPY_RUNS.steps[0],
            Step(
                name=COPY_RUNS.steps[1].name,
                state=OperationState.RUNNING,
                detail=msg(
                    "{verdict}; the copy runs for {minutes} min, and is reached from this machine alone, at {pages}",
                    verdict=msg("it came up in {seconds} s", seconds="4"),
                    minutes=10,
                    pages="http://127.93.24.187:41873",
                ),
            ),
        ),
        "updated_at": NOW - timedelta(minutes=2),
    }
)
RESTORED = operation(9, "mempool", OperationKind.BACKUP_RESTORE, OperationState.DONE, minutes=60 * 24 * 9)
SCENES = {
    "login": replace(CALM, more={"login-status": NOBODY}),
    "new": replace(CALM, apps=(), setup=(), more={"login-status": {**NOBODY, "set_up": False}}),
    "setup": replace(CALM, apps=(), setup=(SetupStep.PHRASE,)),
    "calm": CALM,
    "first-start": replace(CALM, apps=(), setup=(), more={"key-phrase": PHRASE}),
    "first-start-reach": replace(CALM, apps=(KNOTS,), setup=(SetupStep.PHRASE, SetupStep.NETWORK)),
    "first-start-apps": replace(CALM, apps=(KNOTS,), setup=(SetupStep.PHRASE, SetupStep.NETWORK, SetupStep.REACH)),
    "long": replace(
        CALM,
        apps=tuple(replace(one, name=LONGEST.get(one.app, one.name)) for one in STORY),
        offered=tuple(replace(one, name=LONGEST.get(one.app, one.name)) for one in OFFERED),
    ),
    "syncing": replace(CALM, more={"chain-report": SYNC_REPORT})
    .with_app("bitcoin-knots", state=HealthState.SYNCING, chain=SYNC)
    .with_app("electrumx", state=HealthState.WAITING, reason="waits for bitcoin-knots"),
    "trouble": replace(
        CALM.with_app("mempool", state=HealthState.FAILED, reason="exit code 1")
        .with_app("home-assistant", state=HealthState.STOPPED)
        .with_app("lnbits", state=HealthState.STARTING, reason="does not answer yet"),
        notices=(notice(1, Severity.WARNING, "the clock is not synchronised", "logins by code may fail"),),
    ),
    "coming": replace(
        CALM,
        operations=(
            operation(5, "btcpay", OperationKind.INSTALL, OperationState.RUNNING, percent=64, minutes=2),
            *LATELY,
        ),
    ),
    "empty": Scene(apps=(), operations=()),
    "many": Scene(
        apps=tuple(
            replace(
                STORY[at % len(STORY)],
                app=f"app-{at}",
                name=LONG if at == 7 else f"App {at}",
                uses={"x": f"app-{at // 4}"} if at > 3 else {},
                drawing=("blocks", "bolt", "house", "wallet", "bag", "search")[at % 6],
                chain=None,
                follows_chain=False,
            )
            for at in range(60)
        ),
        notices=MANY_NOTICES,
        operations=LATELY,
    ),
    "no-backups": replace(CALM, setup=(SetupStep.NETWORK,), more={"backup-targets": (), "backup-ssh": backups.SSH}),
    "first-backup": replace(
        CALM,
        more={
            "backup-targets": (backups.target("usb", (AppBackupView(app=one.app) for one in STORY), NOW, checked=None),)
        },
    ),
    "backing-up": replace(CALM, operations=(*BACKING_UP, *LATELY)),
    "coming-back": replace(CALM, operations=(COMING_BACK, *LATELY)),
    "backup-trouble": replace(CALM, more={"backup-targets": backups.troubled(IDS, NOW)}),
    "restoring": replace(CALM, operations=(RESTORING, *LATELY)),
    "snapshots": replace(CALM, more={"system-disk": DISK_WITH_SNAPSHOTS}),
    "running-copy": replace(CALM, operations=(COPY_RUNS, *LATELY)),
    "paused": replace(
        CALM.with_app("home-assistant", state=HealthState.WAITING, reason=NO_ROOM),
        system=SYSTEM.model_copy(update={"disk_free": 8 * GIB}),
        more={"system-resources": SHORT_OF_DISK},
    ),
    "contested": replace(
        CALM.with_app("lnd", state=HealthState.FAILED, reason=COPIED, needs_owner=True),
        more={"data-contested": [CONTESTED]},
    ),
    "lightning": replace(
        CALM.with_app("lnd", lightning=True),
        more={"lightning-report": LIGHTNING, "secret-list": [SEED], "secret-show": PHRASE},
    ),
    "restored": replace(CALM, operations=(RESTORED, *LATELY)),
    "notices": replace(CALM, notices=CAUSES, more={"notice-channel-list": CHANNELS}),
    "failed": replace(
        CALM,
        apps=tuple(replace(one, state=HealthState.FAILED, reason="exit code 137", chain=None) for one in STORY),
        more={"chain-report": ChainReport(app="bitcoin-knots", at=NOW, running=False)},
    ),
}
