"""A node that runs: starts its parts and stops them in order."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self

import structlog

from archipelago import __version__
from archipelago.api.services.node import NoticeService
from archipelago.api.services.registry import Services
from archipelago.config import NodeConfig
from archipelago.errors import NodeError
from archipelago.network.local_access import Front
from archipelago.node.build.apps import build_apps
from archipelago.node.build.parts import Parts, build_parts
from archipelago.node.build.podman import open_podman
from archipelago.node.build.services import build_services
from archipelago.node.build.storage import open_storage
from archipelago.node.chores import Chores, ended
from archipelago.node.power import Power
from archipelago.security.audit.chain import NODE, AuditAction, Outcome
from archipelago.security.secrets.manager import SecretsManager

_HALT_TIMEOUT = 3600.0
"""Longest orderly shutdown, in seconds: a chain daemon may need half an hour to flush, after the apps that use it."""


class Node:
    """Starts, halts and closes the parts. `services` and `parts` are there once it has started."""

    services: Services
    parts: Parts

    def __init__(self, config: NodeConfig, secrets: SecretsManager, power: Power) -> None:
        self._config = config
        self._secrets = secrets
        self._power = power
        self._started = time.monotonic()
        self._closing = AsyncExitStack()
        self._log = structlog.get_logger("node")

    async def start(self) -> Self:
        """Open the database, adopt the containers that run, and start to keep what is installed."""
        storage = await open_storage(self._config, self._secrets, self._closing)
        podman = await open_podman(self._config, self._closing)
        apps = await build_apps(storage, podman, self._closing)
        self.parts = build_parts(storage, podman, apps)
        self.services = build_services(self.parts, self._power, self._started)
        # First what is installed, then what is there: a container of an app not known yet would be taken for an orphan.
        await apps.reconciler.prepare(await storage.runs.all())
        await apps.downloads.open()
        await self.parts.guard.look()
        await apps.snapshots.sweep()
        await apps.trials.sweep()
        await apps.runner.suspend()
        await apps.parts.changes.apply()
        await apps.volumes.adopt(tuple(each.workload for each in apps.reconciler.desired.apps.values()))
        apps.reconciler.start()
        await apps.runner.resume()
        await storage.state.prune()
        # Not a chore: an app may write its proof of money once more while it ends.
        self._closing.push_async_callback(ended, asyncio.create_task(apps.streams.run()))
        self._chores = Chores(self.parts)
        self._chores.start()
        self._closing.push_async_callback(self._chores.stop)
        self.parts.notifier.start(lambda: self.services.of(NoticeService).list(examine=False))
        self._closing.push_async_callback(self.parts.notifier.close)
        await self._note("node-start", {"version": __version__})
        return self

    async def open_local_access(self, front: Front, on_named: Callable[[frozenset[str]], None]) -> None:
        """Be reachable from the local network and through Tor as the owner decided.

        `front` has the node's page listen, and `on_named` receives the onion names by which it is called.
        """
        self._closing.push_async_callback(self.parts.local_access.close)
        self._closing.push_async_callback(self.parts.onions.close)
        self.parts.onions.on_named = on_named
        await self.parts.onions.prepare()
        try:
            await self.parts.local_access.open(front)
        finally:
            self.parts.onions.start()

    async def halt(self) -> None:
        """Stop all apps in reverse order; they come back at the next start, since they are still wanted."""
        reconciler = self.parts.apps.reconciler
        await self._note("node-stop", {})
        # First: what an operation has fetched that goes on at the next start, nobody else needs until then.
        await self._chores.stop()
        await self.parts.notifier.close()  # that apps stop now is no news
        await self.parts.apps.operations.close()
        desired = reconciler.desired
        reconciler.apply(replace(desired, halted=True))
        async with asyncio.timeout(_HALT_TIMEOUT):
            await reconciler.changed.until(lambda: all(map(reconciler.is_down, desired.apps)))
        await self.parts.local_access.halt()

    async def close(self) -> None:
        """Close everything that was started, last things first; containers stay as they are."""
        await self._closing.aclose()

    def running_apps(self) -> tuple[str, ...]:
        """Return the apps that are not down yet."""
        reconciler = self.parts.apps.reconciler
        return tuple(app for app in reconciler.desired.apps if not reconciler.is_down(app))

    async def wait_for_change(self) -> None:
        """Return at the next change of any app."""
        seen = False

        def first() -> bool:
            nonlocal seen
            seen, before = True, seen
            return before

        await self.parts.apps.reconciler.changed.until(first)

    async def _note(self, action: str, subject: Mapping[str, str]) -> None:
        """Write down what the node does by itself; a full disk does not keep it from that."""
        audited = AuditAction(who=NODE, origin="", action=action, subject=dict(subject), outcome=Outcome.DONE)
        try:
            await self.parts.storage.audit.record(audited)
        except NodeError as error:
            self._log.warning("not in the audit log", action=action, error=str(error))
