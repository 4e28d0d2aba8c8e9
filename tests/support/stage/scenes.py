"""The scenes of which pictures are taken: a calm day, and everything that may be different."""

from dataclasses import replace
from datetime import timedelta

from archipelago.api.health import HealthState, Sync
from archipelago.api.operations import Operation, OperationKind, Step
from archipelago.api.system import Notice, NoticeKind, SetupStep, Severity
from archipelago.storage.records.operations import OperationState
from support.stage.scene import NOW, STORY, Scene


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


def notice(number: int, level: Severity, text: str, detail: str = "") -> Notice:
    """Return a finding of the doctor's."""
    return Notice(
        id=f"finding {number}",
        said=f"{number}",
        level=level,
        kind=NoticeKind.FINDING,
        text=text,
        detail=detail,
        mend="set it up",
    )


MANY_NOTICES = tuple(
    notice(at, (Severity.ERROR, Severity.WARNING, Severity.NOTE)[at % 3], f"something that was found, number {at}")
    for at in range(40)
)
LONG = "An app whose name is as long as a name of an app is allowed to be"[:64]
NOBODY: dict[str, object] = {"set_up": True, "user": None, "role": None, "permissions": [], "second_factor": False}
SCENES = {
    "login": replace(CALM, more={"login-status": NOBODY}),
    "new": replace(CALM, apps=(), setup=(), more={"login-status": {**NOBODY, "set_up": False}}),
    "setup": replace(CALM, apps=(), setup=(SetupStep.PHRASE,)),
    "calm": CALM,
    "syncing": CALM.with_app("bitcoin-knots", state=HealthState.SYNCING, chain=SYNC).with_app(
        "electrumx", state=HealthState.WAITING, reason="waits for bitcoin-knots"
    ),
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
            )
            for at in range(60)
        ),
        notices=MANY_NOTICES,
        operations=LATELY,
    ),
    "failed": replace(
        CALM,
        apps=tuple(replace(one, state=HealthState.FAILED, reason="exit code 137", chain=None) for one in STORY),
    ),
}
