"""Services about what an app shows of itself, in memory."""

import asyncio
from collections.abc import AsyncGenerator

from archipelago.api.chains import ChainBlock, ChainFees, ChainMempool, ChainPeers, ChainReport
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.lightning import LightningChannels, LightningFees, LightningReport
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.chains.facts import ChainPhase
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.errors import ErrorCode, NodeError
from support.memory_services.apps import EVIL, NOW, MemoryApps


class MemoryMetrics:
    async def metrics(self, app: str, span: MetricsSpan) -> MetricsView:
        return MetricsView(step=10, points=())


class MemoryLogs:
    """Has two lines of each app."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps
        self.flood = False
        """Whether logs that are followed never end."""

    async def logs(self, app: str, container: str | None, tail: int) -> tuple[LogLine, ...]:
        self._apps.require(app)
        lines = (
            LogLine(container="main", stream="stdout", at=NOW, text="first"),
            LogLine(container="main", stream="stderr", at=NOW, text=EVIL),
        )
        return lines[-tail:] if tail else ()

    async def follow_logs(
        self, app: str, container: str | None, tail: int
    ) -> AsyncGenerator[tuple[LogLine, ...], None]:
        for line in await self.logs(app, container, tail):
            yield (line,)
        while self.flood:
            yield (LogLine(container="main", stream="stdout", at=NOW, text="x" * 100_000),)
            await asyncio.sleep(0)


class MemoryChains:
    """Has one chain, in the middle of its download."""

    async def report(self, app: str) -> ChainReport:
        return ChainReport(
            app=app,
            at=NOW,
            running=True,
            phase=ChainPhase.BLOCKS,
            height=5,
            headers=10,
            percent=50.0,
            blocks_per_hour=1200,
            seconds_left=7200,
            blocks=(ChainBlock(height=5, time=NOW, transactions=3, weight_share=0.25),),
            peers=ChainPeers(inbound=1, outbound=8, over_tor=2),
            mempool=ChainMempool(transactions=7, bytes=2048),
            fees=ChainFees(unit="sat/vB", next_block=12.5, day=1.0),
            disk_bytes=3 << 30,
            pruned=False,
        )


class MemoryLightning:
    """Has one channel, and coins."""

    async def report(self, app: str) -> LightningReport:
        return LightningReport(
            app=app,
            at=NOW,
            running=True,
            alias=f"node {EVIL}",
            synced_to_chain=True,
            synced_to_graph=False,
            peers=3,
            channels=LightningChannels(active=1, inactive=0, pending=2),
            can_send=690_000,
            can_receive=290_000,
            pending=0,
            onchain=9_000_000,
            onchain_unconfirmed=0,
            fees=LightningFees(day=1, week=12, month=1234),
        )


class MemoryShells:
    """Runs no command that is typed to."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def execute(self, app: str, command: tuple[str, ...], container: str | None, timeout: float) -> ExecResult:
        self._apps.require(app)
        return ExecResult(exit_code=7 if command[0] == "fail" else 0, stdout=" ".join(command) + "\n", stderr="note\n")

    async def terminal(self, app: str, container: str | None, columns: int, rows: int) -> Terminal:
        raise NodeError(ErrorCode.NOT_RUNNING, EVIL)

    async def attach(
        self, app: str, command: tuple[str, ...], container: str | None, size: tuple[int, int] | None, *, stdin: bool
    ) -> Terminal:
        raise NodeError(ErrorCode.NOT_RUNNING, EVIL)
