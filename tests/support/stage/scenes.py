"""The scenes of which pictures are taken: a calm day, and everything that may be different."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from archipelago.api.backups import AppBackupView
from archipelago.api.chains import ChainPeers, ChainReport
from archipelago.api.health import HealthState, Sync
from archipelago.api.notice_channels import (
    Channel,
    ChannelSettings,
    EmailTarget,
    Least,
    NtfyTarget,
    WebhookTarget,
)
from archipelago.api.operations import Operation, OperationKind, Step
from archipelago.api.system import (
    Notice,
    NoticeKind,
    OwnLimitsView,
    PauseCause,
    PausedApp,
    SetupStep,
    Severity,
    SnapshotsDisk,
)
from archipelago.chains.facts import ChainPhase
from archipelago.storage.records.notices import Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.text import msg
from support.stage import backups
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


def notice(number: int, level: Severity, text: str, consequence: str = "") -> Notice:
    """Return a finding of the doctor's."""
    return Notice(
        id=f"finding {number}",
        said=f"{number}",
        level=level,
        kind=NoticeKind.FINDING,
        cause=f"host:check-{number % 25}",
        text=text,
        consequence=consequence,
        mend="set it up",
    )


def of_node(key: str, level: Severity, kind: NoticeKind, cause: str, text: str, **more: Any) -> Notice:
    """Return a notice of any kind."""
    return Notice(id=key, said="0" * 16, level=level, kind=kind, cause=cause, text=text, **more)


CHANNELS = (
    Channel(
        id="0" * 16,
        settings=ChannelSettings(name="My phone", target=NtfyTarget(kind="ntfy", topic="node-5d0f6d3c8a41b7e29c10")),
        secret_set=False,
        waiting=0,
        sent_at=NOW - timedelta(hours=3),
    ),
    Channel(
        id="1" * 16,
        settings=ChannelSettings(
            name="Mail to Maria",
            target=EmailTarget(
                kind="email",
                host="smtp.example.com",
                user="node@example.com",
                sender="node@example.com",
                to="maria@example.com",
            ),
            least=Least.ERROR,
        ),
        secret_set=True,
        waiting=2,
        failures=4,
        problem=msg("the mail server refused with code {code}", code=535),
    ),
    Channel(
        id="2" * 16,
        settings=ChannelSettings(
            name="Home Assistant",
            target=WebhookTarget(kind="webhook", url="https://192.168.1.20:8123/api/webhook/x"),
            least=Least.NOTE,
        ),
        secret_set=True,
        waiting=0,
    ),
)
CAUSES = (
    of_node(
        "app:lnd",
        Severity.ERROR,
        NoticeKind.APP,
        "app:lnd",
        "LND does not run as it should",
        app="lnbits",
        name="Lightning",
        detail="ended with exit code 2 after 4 s",
        consequence="it cannot watch over the money to which it has the keys, and apps that use it do not work",
    ),
    of_node(
        "disk:data",
        Severity.WARNING,
        NoticeKind.DISK,
        "disk",
        "little disk is left",
        consequence="apps stop, and their databases may be damaged, when the disk is full",
    ),
    *(
        of_node(
            f"finding:enforcement-{limit}",
            Severity.WARNING,
            NoticeKind.FINDING,
            "host:enforcement",
            f"not enforced on this host: {limit}",
            consequence="an app can take more than its share",
            mend="set it up",
        )
        for limit in ("limits of disk speed", "AppArmor")
    ),
    of_node(
        f"channel:{'1' * 16}",
        Severity.WARNING,
        NoticeKind.CHANNEL,
        "channels",
        "notices do not arrive by Mail to Maria",
        name="Mail to Maria",
        detail=msg("the mail server refused with code {code}", code=535),
        consequence="you do not hear of problems while you are away from this page",
    ),
    *(
        of_node(
            f"update:{app}",
            Severity.NOTE,
            NoticeKind.UPDATE,
            "updates",
            f"{name} {version} is available",
            app=app,
            name=name,
            version=version,
            consequence="fixes of this version are missing, also those of security problems",
        )
        for app, name, version in (
            ("mempool", "Mempool", "3.3.0"),
            ("electrumx", "ElectrumX", "1.19"),
            ("tor", "Tor", "0.4.9"),
            ("home-assistant", "Home Assistant", "2026.11.3"),
        )
    ),
    of_node(
        "finding:swap",
        Severity.WARNING,
        NoticeKind.FINDING,
        "host:swap",
        "there is no swap",
        hidden=Hiding.MUTED,
    ),
    of_node(
        "finding:clock",
        Severity.WARNING,
        NoticeKind.FINDING,
        "host:clock",
        "the clock is not synchronised",
        hidden=Hiding.REMINDED,
        hidden_until=NOW + timedelta(days=1),
    ),
)
FINDINGS = (
    ("swap", "there is no swap"),
    ("clock", "the clock is not synchronised"),
    *(
        ("enforcement", f"not enforced on this host: {limit}")
        for limit in ("limits of disk speed", "AppArmor", "seccomp")
    ),
    *(("ports", f"port {port} is taken by another program") for port in range(8332, 8340)),
)
MANY_NOTICES = (
    *(
        of_node(
            f"operation:op-{at}",
            Severity.WARNING,
            NoticeKind.OPERATION,
            f"app:app-{at}",
            f"the last operation on App {at} failed (update)",
            app=f"app-{at}",
            name=f"App {at}",
            detail="the image cannot be downloaded: connection timed out",
            consequence=f"App {at} stays as it is; the node does not try again by itself",
        )
        for at in range(14)
    ),
    *(
        of_node(
            f"finding:{check}-{at}",
            Severity.ERROR if check == "clock" else Severity.WARNING,
            NoticeKind.FINDING,
            f"host:{check}",
            text,
            consequence="apps may not work as they should",
            mend="set it up",
        )
        for at, (check, text) in enumerate(FINDINGS)
    ),
    *(
        of_node(
            f"update:app-{at}",
            Severity.NOTE,
            NoticeKind.UPDATE,
            "updates",
            f"App {at} 2.0 is available",
            app=f"app-{at}",
            name=f"App {at}",
            version="2.0",
        )
        for at in range(13)
    ),
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
NOBODY: dict[str, object] = {"set_up": True, "user": None, "role": None, "permissions": [], "second_factor": False}
IDS = tuple(one.app for one in STORY)
BACKING_UP = (
    *(backups.under_way(OperationKind.BACKUP, app, NOW, backups.WRITING, 0, percent=0) for app in ("tor", "lnbits")),
    backups.under_way(OperationKind.BACKUP, "mempool", NOW, backups.WRITING, 2, percent=41),
)
RESTORING = backups.under_way(OperationKind.BACKUP_RESTORE, "mempool", NOW, backups.FETCHING, 0, percent=63)
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
    "backup-trouble": replace(CALM, more={"backup-targets": backups.troubled(IDS, NOW)}),
    "restoring": replace(CALM, operations=(RESTORING, *LATELY)),
    "snapshots": replace(CALM, more={"system-disk": DISK_WITH_SNAPSHOTS}),
    "paused": replace(
        CALM.with_app("home-assistant", state=HealthState.WAITING, reason=NO_ROOM),
        system=SYSTEM.model_copy(update={"disk_free": 8 * GIB}),
        more={"system-resources": SHORT_OF_DISK},
    ),
    "restored": replace(CALM, operations=(RESTORED, *LATELY)),
    "notices": replace(CALM, notices=CAUSES, more={"notice-channel-list": CHANNELS}),
    "failed": replace(
        CALM,
        apps=tuple(replace(one, state=HealthState.FAILED, reason="exit code 137", chain=None) for one in STORY),
        more={"chain-report": ChainReport(app="bitcoin-knots", at=NOW, running=False)},
    ),
}
