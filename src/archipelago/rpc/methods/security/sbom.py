"""Methods about what is in the images of apps."""

from typing import Any

from archipelago.api.security import PackageChange
from archipelago.api.services.security import SbomService
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


class SbomParams(Params):
    """A container of an installed app."""

    app: AppId
    container: Name | None = None
    """Needed where the app has several."""


@family.method(
    "sbom", "Return the bill of materials of a container's image (CycloneDX 1.6)", permission=Permission.READ
)
async def _sbom(sboms: SbomService, params: SbomParams) -> dict[str, Any]:
    return await sboms.document(params.app, params.container)


@family.method(
    "sbom-changes",
    "Return which packages the last update of an app brought, took away or changed",
    permission=Permission.READ,
)
async def _changes(sboms: SbomService, params: SbomParams) -> tuple[PackageChange, ...]:
    return await sboms.changes(params.app, params.container)
