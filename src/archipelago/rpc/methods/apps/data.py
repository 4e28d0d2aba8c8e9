"""Methods about data of apps that is lost, or outlived the removal of its app."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.data import KeptData
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import Name
from archipelago.rpc.method import AnyMethod, Method, NoParams
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission


class StartEmptyParams(AppParams):
    """What is given up."""

    volumes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    """The volumes that are lost, all of them: where others are lost by now, nothing is changed."""


class KeptParams(AppParams):
    """What was kept."""

    kept: Annotated[str, StringConstraints(pattern=r"^[0-9TZ.-]+$", max_length=40)]
    """Its name, as `data-list` tells it."""


async def _start_empty(engine: Engine, params: StartEmptyParams) -> None:
    await engine.data.start_empty(params.app, params.volumes)


async def _list(engine: Engine, _: NoParams) -> tuple[KeptData, ...]:
    return await engine.data.list_kept()


async def _restore(engine: Engine, params: KeptParams) -> None:
    await engine.data.restore_kept(params.app, params.kept)


async def _delete(engine: Engine, params: KeptParams) -> None:
    await engine.data.delete_kept(params.app, params.kept)


def data_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="data-start-empty",
            summary="Give up volumes of an app that are lost: it starts with new, empty ones in their place",
            params=StartEmptyParams,
            result=None,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_start_empty,
        ),
        Method(
            name="data-list",
            summary="List the data with keys to money that was kept when its app was removed with its data",
            params=NoParams,
            result=tuple[KeptData, ...],
            permission=Permission.READ,
            handler=_list,
        ),
        Method(
            name="data-restore",
            summary="Put kept data back, where its app finds it when it is installed",
            params=KeptParams,
            result=None,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_restore,
        ),
        Method(
            name="data-delete",
            summary="Delete kept data forever",
            params=KeptParams,
            result=None,
            permission=Permission.MANAGE,
            mutates=True,
            confirms=True,
            handler=_delete,
        ),
    )
