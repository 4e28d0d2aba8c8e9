"""Reports on the chains that apps follow, as their programs describe them."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import structlog

from archipelago.api.chains import ChainReport
from archipelago.api.health import Health, HealthState, Sync
from archipelago.chains.facts import ChainFacts, ChainPhase
from archipelago.chains.registry import chain_named
from archipelago.container.health_monitor.chain_examiner import examine_chain
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.namespace.client import Namespace
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.apps import follows_chain
from archipelago.container.reports.containers import Installed
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_FRESH = 10.0
"""Seconds for which an answer serves all who ask."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a run of a container reported, and when it was asked, by the steady clock."""

    run: Watched
    asked: float
    at: datetime
    facts: ChainFacts


class ChainReporter:
    """Asks when somebody wants to know, and never twice in ten seconds."""

    def __init__(
        self,
        installed: Installed,
        reconciler: Reconciler,
        namespace: Namespace,
        steady: Callable[[], float],
    ) -> None:
        self._installed = installed
        self._reconciler = reconciler
        self._namespace = namespace
        self._steady = steady
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[_Known]] = {}

    async def report(self, app: str) -> ChainReport:
        """Return what an app's program reports of its chain; where it does not run, that alone.

        Raises `NodeError` where the app follows no chain.
        """
        found = await self._installed(app)
        if not follows_chain(found.record.package.manifest):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{app} follows no chain", app=app),
                hint=msg("name one whose program reports how far its chain is"),
            )
        self._forget_removed()
        run, probe = self._run(app)
        if run is None or probe is None:
            return ChainReport(app=app, at=datetime.now(UTC), running=False)
        known = self._known.get(app)
        if known is None or known.run is not run or self._steady() - known.asked >= _FRESH:
            known = await self._ask(app, run, probe, known)
        return _report(app, known, self._health(app))

    def _run(self, app: str) -> tuple[Watched | None, ChainProbe | None]:
        for each in self._reconciler.probed_runs(app):
            if each.spec is not None and isinstance(each.spec.probe, ChainProbe):
                return each, each.spec.probe
        return None, None

    def _health(self, app: str) -> Health | None:
        """Return the health of the container whose probe follows the chain, where it has answered."""
        healths = self._reconciler.container_healths(app).values()
        return next((each for each in healths if each.sync is not None), None)

    async def _ask(self, app: str, run: Watched, probe: ChainProbe, before: _Known | None) -> _Known:
        """Ask once for all who want to know now; whoever hangs up takes nothing from the others."""
        task = self._asking.get(app)
        if task is None:
            facts = before.facts if before is not None and before.run is run else ChainFacts()
            task = self._asking[app] = asyncio.create_task(self._examine(app, run, probe, facts))
            task.add_done_callback(lambda _: self._asking.pop(app, None))
        return await asyncio.shield(task)

    async def _examine(self, app: str, run: Watched, probe: ChainProbe, before: ChainFacts) -> _Known:
        asked, at = self._steady(), datetime.now(UTC)
        try:
            password = run.secrets[probe.secret]
            chain = chain_named(probe.chain)
            facts = await examine_chain(self._namespace, run.target, chain, probe, password, before)
        except Exception as error:
            # A mistake of ours is no failure of the page; its text may hold a secret.
            structlog.get_logger("chains").error("chain cannot be examined", app=app, error=type(error).__name__)
            facts = ChainFacts()
        known = self._known[app] = _Known(run, asked, at, facts)
        return known

    def _forget_removed(self) -> None:
        apps = self._reconciler.desired.apps
        self._known = {app: known for app, known in self._known.items() if app in apps}


def _report(app: str, known: _Known, health: Health | None) -> ChainReport:
    found = asdict(known.facts)
    del found["tip"]
    if health is not None and (sync := health.sync) is not None:
        found |= {key: getattr(sync, key) for key in ("blocks_per_hour", "percent_per_hour", "seconds_left")}
        if known.facts.phase is None:  # an app of an earlier version lets its probe ask for no more than this
            found |= {key: getattr(sync, key) for key in ("height", "headers", "percent")}
            found["phase"] = _phase(health.state, sync)
    return ChainReport(app=app, at=known.at, running=True, **found)


def _phase(state: HealthState, sync: Sync) -> ChainPhase:
    if state is HealthState.HEALTHY or not sync.initial_block_download:
        return ChainPhase.DONE
    return ChainPhase.BLOCKS if sync.height else ChainPhase.HEADERS
