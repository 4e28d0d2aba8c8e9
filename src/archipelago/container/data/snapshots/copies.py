"""Copies volumes by the best method that works when it is tried."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from archipelago.container.data.snapshots.files import free_bytes, make_parent
from archipelago.container.data.snapshots.methods import Candidate, CopyMethod, plan_copies
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import AppFolder


class VolumeCopies:
    """Makes copies of volumes of apps that are stopped."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._log = structlog.get_logger("snapshots")

    async def means(self, folder: AppFolder) -> dict[str, Any]:
        """Return what the disk of an app can do, for `plan_copies`."""
        await asyncio.to_thread(make_parent, folder)
        free = await asyncio.to_thread(free_bytes, folder)
        return {"clones": await self._namespace.can_clone(str(folder.snapshots)), "free": free}

    async def copy_by(self, folder: AppFolder, source: str, target: str, ways: Sequence[CopyMethod]) -> str:
        """Copy a volume of an app by the first method that works, and return it.

        Raises `NodeError` of the last one, and DISK_FULL where that is a plain copy that does not fit.
        """
        *better, last = ways
        for method in better:
            try:
                await self._namespace.copy(source, target, method)
                return method
            except NodeError as error:
                if error.code is ErrorCode.DISK_FULL:
                    raise
                self._log.info("a volume is copied in another way", volume=source, not_by=method, why=error.message)
                await self._namespace.remove(target)
        if better and last is CopyMethod.COPY:
            await self._require_room(folder, source)
        await self._namespace.copy(source, target, last)
        return last

    async def _require_room(self, folder: AppFolder, source: str) -> None:
        """Raise `NodeError` where the disk has no room for a plain copy, of which the plan knew nothing."""
        app, free = folder.path.name, await asyncio.to_thread(free_bytes, folder)
        survey = replace(await self._namespace.survey(source), subvolume=False)
        plan = plan_copies([Candidate(source, survey)], (), clones=False, free=free)
        plan.require_whole(app)
        plan.require_room(app)
