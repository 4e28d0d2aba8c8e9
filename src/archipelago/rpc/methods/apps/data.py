"""Methods about data of apps that is lost, or outlived the removal of its app."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.data import ContestedStateView, KeptData, StreamView
from archipelago.api.services.apps import AppDataService
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission

family = Family()


class StartEmptyParams(AppParams):
    """What is given up."""

    volumes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    """The volumes that are lost, all of them: where others are lost by now, nothing is changed."""


class ClaimParams(AppParams):
    """What its owner has seen, and takes the risk of."""

    evidence: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(min_length=1, max_length=20)]
    """Of each state, as `data-contested` returns it: where something else speaks against it by now, nothing changes."""


class StreamsParams(Params):
    """Whose files."""

    app: AppId | None = None
    """All apps without it."""


class KeptParams(AppParams):
    """What was kept."""

    kept: Annotated[str, StringConstraints(pattern=r"^[0-9TZ.-]+$", max_length=40)]
    """Its name, as `data-list` tells it."""


@family.method(
    "data-start-empty",
    "Give up volumes of an app that are lost: it starts with new, empty ones in their place",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _start_empty(data: AppDataService, params: StartEmptyParams) -> None:
    await data.start_empty(params.app, params.volumes)


@family.method(
    "data-contested",
    "Return why an app does not start on its state: there may be a newer one, or it may run elsewhere",
    permission=Permission.READ,
)
async def _contested(data: AppDataService, params: AppParams) -> tuple[ContestedStateView, ...]:
    return await data.contested(params.app)


@family.method(
    "data-claim",
    "Have an app run on its state although it may not be the newest, or run elsewhere: that would lose money",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _claim(data: AppDataService, params: ClaimParams) -> None:
    await data.claim(params.app, params.evidence)


@family.method(
    "data-streams",
    "Return where the newest copies of files are that prove claims to money, of an app or of all",
    permission=Permission.READ,
)
async def _streams(data: AppDataService, params: StreamsParams) -> tuple[StreamView, ...]:
    return await data.streams(params.app)


@family.method(
    "data-list",
    "List the data with keys to money that was kept when its app was removed with its data",
    permission=Permission.READ,
)
async def _list(data: AppDataService) -> tuple[KeptData, ...]:
    return await data.list_kept()


@family.method(
    "data-restore",
    "Put kept data back, where its app finds it when it is installed",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _restore(data: AppDataService, params: KeptParams) -> None:
    await data.restore_kept(params.app, params.kept)


@family.method("data-delete", "Delete kept data forever", permission=Permission.MANAGE, mutates=True, confirms=True)
async def _delete(data: AppDataService, params: KeptParams) -> None:
    await data.delete_kept(params.app, params.kept)
