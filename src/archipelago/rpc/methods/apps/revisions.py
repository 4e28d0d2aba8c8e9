"""Methods about the configurations that an app has had."""

from archipelago.api.configuration import ConfigPreview, ConfigRevision, SettingChange
from archipelago.api.operations import Operation
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import AnyMethod, Method, Params
from archipelago.rpc.params import Agreed, Number
from archipelago.storage.records.permissions import Permission


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
    """Apps of which the caller knows that they restart (`rollback-preview`); where others would, nothing is changed."""


async def _history(engine: Engine, params: HistoryParams) -> tuple[ConfigRevision, ...]:
    return await engine.config_history(params.app)


async def _compare(engine: Engine, params: CompareParams) -> tuple[SettingChange, ...]:
    return await engine.config_changes(params.app, params.before, params.after)


async def _roll_back(engine: Engine, params: RollBackParams) -> Operation:
    return await engine.roll_back(params.app, params.number, agreed=params.agreed)


async def _preview(engine: Engine, params: RollBackPreviewParams) -> ConfigPreview:
    return await engine.preview_roll_back(params.app, params.number)


def revision_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="config-history",
            summary="Return the configurations that an app has had, the newest first",
            params=HistoryParams,
            result=tuple[ConfigRevision, ...],
            permission=Permission.READ,
            handler=_history,
        ),
        Method(
            name="config-compare",
            summary="Return what is different between two configurations of an app",
            params=CompareParams,
            result=tuple[SettingChange, ...],
            permission=Permission.READ,
            handler=_compare,
        ),
        Method(
            name="rollback-preview",
            summary="Say what going back to a configuration would do, and which apps restart",
            params=RollBackPreviewParams,
            result=ConfigPreview,
            permission=Permission.READ,
            handler=_preview,
        ),
        Method(
            name="config-rollback",
            summary="Set the options of an app as they were; its version and its providers stay",
            params=RollBackParams,
            result=Operation,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_roll_back,
        ),
    )
