"""Backups of a node: where they go, what was proved of them, and how far one is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from archipelago.api.backups import (
    AppBackupView,
    BackupPreview,
    BackupView,
    FolderTarget,
    KitTarget,
    LeftOutVolume,
    ProofView,
    RecoveryKit,
    RepositoryPassword,
    RestoredVolume,
    RestTarget,
    SshIntroduction,
    TargetView,
    VolumeWay,
)
from archipelago.api.operations import Operation, OperationKind, Step
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.text import msg
from support.stage.players import GIB

USB = FolderTarget(kind="folder", path="/media/usb/archipelago")
FRIEND = RestTarget(kind="rest", url="https://backup.example.com:8000/node", user="node")
MIB = 1024**2
SSH = SshIntroduction(
    host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFj2kq0v8c1uQ4b3oX7Zr5yTn9LwHs6DgKmEaPiVxBcN",
    fingerprint="SHA256:Hq0v8c1uQ4b3oX7Zr5yTn9LwHs6DgKmEaPiVxBcNf2k",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq0v8c1uQ4b3oX7Zr5yTn9LwHs6DgKmEaPiVxBcNfj2 archipelago",
)
"""What a machine with SSH says of itself."""


def proof(at: datetime, problem: str = "") -> ProofView:
    """Return what a drill found."""
    return ProofView(at=at, passed=not problem, seconds=94, files=31_204, databases=3, problem=problem)


def app_on(app: str, now: datetime, *, hours: float = 15, days: float = 2, **more: Any) -> AppBackupView:
    """Return the backups of an app: made so many hours ago, and proved so many days ago."""
    at = now - timedelta(days=days)
    ordinary = {"newest": now - timedelta(hours=hours), "proved": at, "proof": proof(at)}
    return AppBackupView(app=app, **{**ordinary, **more})


def target(name: str, apps: Iterable[AppBackupView], now: datetime, **more: Any) -> TargetView:
    """Return a target with backups of apps."""
    settings = FRIEND if name == "friend" else USB
    place = settings.url if isinstance(settings, RestTarget) else settings.path
    ordinary: dict[str, Any] = {
        "kind": settings.kind,
        "place": place,
        "settings": settings,
        "repository": "6f1c9a4e0b7d5283" * 4,
        "scheduled": True,
        "checked": now - timedelta(days=3),
        "free": 412 * GIB if settings is USB else None,
    }
    return TargetView(name=name, apps=tuple(apps), **{**ordinary, **more})


def answers(apps: tuple[str, ...], now: datetime) -> dict[str, Any]:
    """Return what a node says of backups where all is well."""
    return {
        "backup-targets": (
            target("usb", (app_on(app, now, days=2 + at % 3) for at, app in enumerate(apps)), now),
            target("friend", (app_on(app, now, hours=14, days=9) for app in apps), now),
        ),
        "backup-list": lambda given: listed((*apps, "btcpay"), now),
        "backup-kit": kit(now),
        "backup-password-list": [
            RepositoryPassword(id="6f1c9a4e", label="archipelago", created=now - timedelta(days=200), node=True),
            RepositoryPassword(id="0b7d5283", label="safe at the bank", created=now - timedelta(days=30), node=False),
        ],
        "backup-preview": lambda given: preview(given["app"], given["backup"] or "0", now),
    }


def listed(apps: tuple[str, ...], now: datetime) -> tuple[BackupView, ...]:
    """Return the backups of apps: the last days, and some from before."""
    hours = (15.4, 39.2, 63.4, 66, 87.3, 24 * 11 + 1, 24 * 32 + 2, 24 * 61 + 2)
    return tuple(
        BackupView(
            id=f"{place:02x}{at:02x}9a4e0b7d5283",
            app=app,
            version="29.2" if each < 100 else "29.1",
            at=now - timedelta(hours=each, minutes=7 * place),
        )
        for at, each in enumerate(hours)
        for place, app in enumerate(apps)
    )


def preview(app: str, backup: str, now: datetime) -> BackupPreview:
    """Return what restoring a backup would do; that of LND installs it again."""
    lightning = app in {"lnd", "btcpay"}
    return BackupPreview(
        app=app,
        backup=backup,
        at=now - timedelta(hours=15),
        version="29.2",
        version_now=None if app == "btcpay" else "29.2",
        size=1_300 * MIB,
        files=31_204,
        free=1205 * GIB,
        volumes=(
            RestoredVolume(name="data", way=VolumeWay.SQLITE),
            RestoredVolume(name="wallets", way=VolumeWay.STOPPED),
        ),
        left_out=(
            LeftOutVolume(name="channels", data="never-restore")
            if lightning
            else LeftOutVolume(name="blocks", data="rebuildable"),
        ),
        stays_stopped=app == "btcpay",
    )


def kit(now: datetime) -> RecoveryKit:
    """Return what an owner prints."""
    repository = "6f1c9a4e0b7d5283" * 4
    rest = f"archipelago backup add friend --rest {FRIEND.url} --user node --secret"
    return RecoveryKit(
        node="archipelago",
        at=now,
        version="0.9.0",
        targets=(
            KitTarget(
                name="usb",
                kind="folder",
                place=USB.path,
                user="",
                repository=repository,
                command=f"archipelago backup add usb --folder {USB.path}",
            ),
            KitTarget(name="friend", kind="rest", place=FRIEND.url, user="node", repository=repository, command=rest),
        ),
        ssh_key=SSH.public_key,
    )


def troubled(apps: tuple[str, ...], now: datetime) -> tuple[TargetView, ...]:
    """Return targets of which one is gone, and the other has a backup that cannot be restored."""
    broken = proof(now - timedelta(days=1), msg("a database is missing in volume {volume}", volume="data"))
    gone = msg("there is no repository at {where} any more", where=USB.path)
    return (
        target("usb", (app_on(app, now, hours=80, overdue=True) for app in apps), now, problem=gone),
        target(
            "friend",
            (app_on("lnd", now, proof=broken) if app == "lnd" else app_on(app, now) for app in apps),
            now,
            scheduled=False,
            checked=None,
        ),
    )


def under_way(
    kind: OperationKind, app: str, now: datetime, steps: tuple[str, ...], at: int, *, percent: float
) -> Operation:
    """Return work on a backup that moves bytes in its step `at`; with 0 per cent it waits."""
    total = 6 * GIB
    return Operation(
        id=f"{kind.value}-{app}",
        kind=kind,
        app=app,
        state=OperationState.RUNNING,
        percent=percent,
        steps=tuple(
            Step(name=name, state=OperationState.DONE, percent=100)
            if place < at
            else Step(
                name=name,
                state=OperationState.RUNNING,
                percent=percent,
                bytes_done=int(total * percent / 100) if percent else None,
                bytes_total=total if percent else None,
                detail="" if percent else msg("waits for another backup"),
            )
            if place == at
            else Step(name=name)
            for place, name in enumerate(steps)
        ),
        created_at=now - timedelta(minutes=3),
        updated_at=now - timedelta(seconds=1),
    )


WRITING = ("reach the target", "copy its databases", "write the backup")
COMING_BACK = (
    "read what the backups say",
    *(f"restore {app}" for app in ("bitcoin-knots", "electrumx", "lnd", "mempool", "btcpay")),
)
FETCHING = ("fetch the backup", "get the image of mempool", "put mempool back", "start mempool")
