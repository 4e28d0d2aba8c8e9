"""Reports on the channels and coins of Lightning nodes, as their programs describe them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import structlog

from archipelago.api.lightning import LightningReport
from archipelago.chains.lightning.facts import LightningFacts
from archipelago.chains.lightning.lnd import PERMISSIONS, examine
from archipelago.chains.lightning.macaroon import baked
from archipelago.container.health_monitor.chain_examiner import converse
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Credentials, Provided
from archipelago.container.namespace.client import Namespace
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.containers import Installed
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.support.texts.text import msg

_FRESH = 10.0
"""Seconds for which an answer serves all who ask."""
_NODE = "node, to read"
"""Whom the node's own macaroon is for; no app has such a name."""


def lightning_door(manifest: AppManifest) -> Provided | None:
    """Return the interface by which an app's LND is asked; None where it has none."""
    return next((each for each in manifest.provides.values() if each.credentials is Credentials.MACAROON), None)


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a run of a container reported, and when it was asked, by the steady clock."""

    run: Watched
    asked: float
    report: LightningReport


@dataclass(frozen=True, slots=True)
class LightningReporter:
    """Asks when somebody wants to know, and never twice in ten seconds."""

    installed: Installed
    reconciler: Reconciler
    namespace: Namespace
    secrets: SecretsManager
    steady: Callable[[], float]
    _known: dict[str, _Answered] = field(default_factory=dict)
    _asking: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def report(self, app: str) -> LightningReport:
        """Return what an app's Lightning node reports; where it does not run, that alone.

        Raises `NodeError` where the app has none that the node can ask.
        """
        door = lightning_door((await self.installed(app)).record.package.manifest)
        if door is None:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{app} is no Lightning node that can be asked", app=app),
                hint=msg("name one that gives its consumers macaroons, such as lnd"),
            )
        async with self._asking[app]:
            run = next((each for each in self.reconciler.probed_runs(app) if each.container == door.container), None)
            if run is None:
                return LightningReport(app=app, at=datetime.now(UTC), running=False)
            known = self._known.get(app)
            if known is None or known.run is not run or self.steady() - known.asked >= _FRESH:
                asked, at = self.steady(), datetime.now(UTC)
                facts = await self._examine(app, run, door)
                known = _Answered(run, asked, LightningReport(app=app, at=at, running=True, **asdict(facts)))
                self._known[app] = known
            return known.report

    async def _examine(self, app: str, run: Watched, door: Provided) -> LightningFacts:
        try:
            macaroon = await asyncio.to_thread(self._macaroon, app, door)
            return await converse(self.namespace, run.target, door.port, examine(macaroon))
        except Exception as error:
            # A mistake of ours is no failure of the page; its text may hold a secret.
            structlog.get_logger("chains").error("LND cannot be examined", app=app, error=type(error).__name__)
            return LightningFacts()

    def _macaroon(self, app: str, door: Provided) -> str:
        root_key = self.secrets.get(app, door.root_key or "")
        if root_key is None:
            raise LookupError("its root key is not made yet")
        made = baked(root_key.reveal(), _NODE, PERMISSIONS)
        self.secrets.redactor.learn(made)
        return made
