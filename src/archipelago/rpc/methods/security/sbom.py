"""Methods about what is in the images of apps."""

from typing import Any

from archipelago.api.security import PackageChange
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.rpc.method import AnyMethod, Method, Params
from archipelago.storage.records.permissions import Permission


class SbomParams(Params):
    """A container of an installed app."""

    app: AppId
    container: Name | None = None
    """Needed where the app has several."""


async def _sbom(engine: Engine, params: SbomParams) -> dict[str, Any]:
    return await engine.sbom(params.app, params.container)


async def _changes(engine: Engine, params: SbomParams) -> tuple[PackageChange, ...]:
    return await engine.sbom_changes(params.app, params.container)


def sbom_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="sbom",
            summary="Return the bill of materials of a container's image (CycloneDX 1.6)",
            params=SbomParams,
            result=dict[str, Any],
            permission=Permission.READ,
            handler=_sbom,
        ),
        Method(
            name="sbom-changes",
            summary="Return which packages the last update of an app brought, took away or changed",
            params=SbomParams,
            result=tuple[PackageChange, ...],
            permission=Permission.READ,
            handler=_changes,
        ),
    )
