"""Methods about the apps that can be installed."""

from archipelago.api.catalog import BundleView, CatalogEntry
from archipelago.api.services.apps import CatalogService
from archipelago.rpc.method import Family
from archipelago.storage.records.permissions import Permission

family = Family()


@family.method("catalog-list", "Return the apps that can be installed", permission=Permission.READ)
async def _list(catalog: CatalogService) -> tuple[CatalogEntry, ...]:
    return await catalog.entries()


@family.method(
    "bundle-list",
    "Return the bundles of apps that can be installed in one plan",
    permission=Permission.READ,
)
async def _bundles(catalog: CatalogService) -> tuple[BundleView, ...]:
    return await catalog.bundles()
