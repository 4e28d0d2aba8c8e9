"""Methods about the configurations that an app has had."""

from typing import Annotated

from pydantic import Field

from archipelago.api.configuration import ConfigPreview, ConfigRevision, SettingChange
from archipelago.api.operations import Operation
from archipelago.api.services.apps import RevisionService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Agreed, Number
from archipelago.storage.records.permissions import Permission

family = Family()


class HistoryParams(Params):
    """An app, be it installed or not."""

    app: AppId


class CompareParams(HistoryParams):
    """Two revisions of an app."""

    before: Number
    after: Number


class RollBackPreviewParams(HistoryParams):
    """Where one would go back to."""

    number: Number


class RollBackParams(RollBackPreviewParams):
    """Where to go back to."""

    agreed: Agreed | None = None
    """Apps of which the caller knows that they restart or are installed (`rollback-preview`); where there would be
    others, nothing is changed."""
    plan: Annotated[str, Field(max_length=64)] | None = None
    """What the preview said of what is installed (`plan`); if it has changed since, nothing is changed."""


@family.method(
    "config-history", "Return the configurations that an app has had, the newest first", permission=Permission.READ
)
async def _history(revisions: RevisionService, params: HistoryParams) -> tuple[ConfigRevision, ...]:
    return await revisions.history(params.app)


@family.method(
    "config-compare", "Return what is different between two configurations of an app", permission=Permission.READ
)
async def _compare(revisions: RevisionService, params: CompareParams) -> tuple[SettingChange, ...]:
    return await revisions.compare(params.app, params.before, params.after)


@family.method(
    "rollback-preview",
    "Say what going back to a configuration would do, and which apps restart",
    permission=Permission.READ,
)
async def _preview(revisions: RevisionService, params: RollBackPreviewParams) -> ConfigPreview:
    return await revisions.preview_roll_back(params.app, params.number)


@family.method(
    "config-rollback",
    "Set the options of an app as they were; its version and its providers stay",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _roll_back(revisions: RevisionService, params: RollBackParams) -> Operation:
    return await revisions.roll_back(params.app, params.number, params.agreed, params.plan)
