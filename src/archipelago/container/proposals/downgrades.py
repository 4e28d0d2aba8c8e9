"""Finds where a plan goes back to an older version of an app, which may not be able to read what a newer one wrote."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from packaging.version import Version

from archipelago.container.dependency_resolver.plan import Action, Plan
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import joined, msg


@dataclass(frozen=True, slots=True)
class Downgrade:
    """An app that would become older than its data."""

    app: str
    newest: str
    """Version that is installed, or that left data when it was removed."""
    offered: str

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The warning, in words."""
        return msg(
            "{app} goes back from {newest} to {offered}: an older version may not be able to read the data of "
            "a newer one",
            app=self.app,
            newest=self.newest,
            offered=self.offered,
        )


@dataclass(frozen=True, slots=True)
class Downgrades:
    """Compares plans with what was installed."""

    state: State
    revisions: RevisionStore

    async def find(self, plan: Plan, records: Mapping[str, AppRecord]) -> tuple[Downgrade, ...]:
        """Return the apps that a plan installs or updates to a version older than their data."""
        found = []
        for planned in plan.apps:
            if planned.action not in (Action.INSTALL, Action.UPDATE):
                continue
            newest = await self._newest(planned.app, records)
            if newest is not None and Version(planned.version) < Version(newest):
                found.append(Downgrade(planned.app, newest, planned.version))
        return tuple(found)

    async def _newest(self, app: str, records: Mapping[str, AppRecord]) -> str | None:
        if app in records:
            return records[app].package.manifest.version
        if not await self.state.has_slot(app):
            return None  # no data is left
        versions = (each.configuration.version for each in await self.revisions.history(app))
        return next((version for version in versions if version is not None), None)


def require_none(found: Collection[Downgrade]) -> None:
    """Raise `NodeError` where an app would become older."""
    if found:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            joined([each.text for each in found], "; "),
            hint=msg("'--downgrade' (downgrade: true) does it anyway; make a backup of the data first"),
            data={"downgrades": {each.app: {"newest": each.newest, "offered": each.offered} for each in found}},
        )
