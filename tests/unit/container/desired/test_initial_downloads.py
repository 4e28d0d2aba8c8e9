"""Which apps have downloaded their chain, as the node remembers it."""

from pathlib import Path

from archipelago.api.health import Health, HealthState, Sync
from archipelago.container.desired.initial_downloads import InitialDownloads
from archipelago.storage.stores.state import State
from support.databases import new_database


def health(*, downloading: bool) -> Health:
    state = HealthState.SYNCING if downloading else HealthState.HEALTHY
    sync = Sync(chain="main", height=1, headers=2, percent=50, initial_block_download=downloading)
    return Health(state=state, sync=sync)


async def test_the_end_of_a_download_is_remembered_until_it_starts_again_or_the_app_is_gone(tmp_path: Path) -> None:
    database = await new_database(tmp_path / "state.db")
    state = State(database, lambda _: None)
    installed = {"knots", "core"}

    async def next_life() -> InitialDownloads:
        made = InitialDownloads(state, lambda: installed)
        await made.open()
        return made

    downloads = await next_life()
    assert downloads.goes_on("knots")
    await downloads.note([("knots", health(downloading=True)), ("tor", Health(state=HealthState.HEALTHY))])
    assert not downloads.changed.is_set()
    await downloads.note([("knots", health(downloading=False)), ("core", health(downloading=False))])
    assert downloads.changed.is_set()

    downloads = await next_life()
    assert not downloads.goes_on("knots")
    await downloads.note([("knots", Health(state=HealthState.STOPPED))])
    assert not downloads.goes_on("knots") and not downloads.changed.is_set()
    await downloads.note([("knots", health(downloading=True))])
    assert downloads.goes_on("knots") and downloads.changed.is_set()

    installed.remove("core")
    await downloads.note([])
    assert (await next_life()).goes_on("core")
    await database.close()
