"""Methods about the apps that can be installed."""

from archipelago.api.catalog import CatalogEntry
from archipelago.api.services import Engine
from archipelago.rpc.method import AnyMethod, Method, NoParams
from archipelago.storage.records.permissions import Permission


async def _list(engine: Engine, _: NoParams) -> tuple[CatalogEntry, ...]:
    return await engine.catalog()


def catalog_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="catalog-list",
            summary="Return the apps that can be installed",
            params=NoParams,
            result=tuple[CatalogEntry, ...],
            permission=Permission.READ,
            handler=_list,
        ),
    )
