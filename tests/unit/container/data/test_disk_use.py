"""The volumes of apps are counted seldom, and one app after the other."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.container.data.disk_use import DiskUse
from archipelago.container.data.snapshots.sizes import SnapshotSize, SnapshotUse
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.stores.disk_history import DiskHistory


class NoDatabase:
    """Writes nothing down."""

    async def run(self, work: object) -> None: ...
    async def change(self, statement: str, *values: object) -> None: ...


@dataclass
class World:
    """Two apps, whose clock and disk the test drives."""

    now: float = 1000.0
    installed: list[str] = field(default_factory=lambda: ["knots", "tor"])
    asked: list[str] = field(default_factory=list)
    broken: str = ""
    limits: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        namespace: Any = self
        database: Any = NoDatabase()
        self.use = DiskUse(
            Layout(Path("/data"), Path("/run")),
            namespace,
            self.snapshots,
            lambda: self.installed,
            lambda: self.now,
            DiskHistory(database),
            lambda: self.limits,
        )

    async def snapshots(self, app: str, seconds: float) -> SnapshotUse:
        assert app == self.asked[-1] and seconds > 0
        return SnapshotUse(SnapshotSize(7, complete=True), may_share=True)

    async def size(self, path: str, timeout: float, *, gentle: bool) -> tuple[int, bool]:
        app = Path(path).parent.name
        assert Path(path).name == "volumes" and gentle
        self.asked.append(app)
        if app == self.broken:
            raise NodeError(ErrorCode.INTERNAL, "no answer in time")
        return len(self.asked) * 100, True

    async def counted(self) -> dict[str, int]:
        """Return what is known once nothing is counted any more."""
        self.use.of_apps()
        while self.use.counting:
            await asyncio.sleep(0)
        return {app: found.bytes for app, found in self.use.of_apps().items()}


async def test_nothing_is_counted_before_somebody_wants_to_know() -> None:
    world = World()
    running = asyncio.create_task(world.use.run())
    await asyncio.sleep(0)
    assert world.asked == []
    assert world.use.of_apps() == {} and world.use.counting
    assert await world.counted() == {"knots": 100, "tor": 200}
    assert {found.snapshots.size.bytes for found in world.use.of_apps().values()} == {7}
    running.cancel()


async def test_a_count_does_for_ten_minutes() -> None:
    world = World()
    running = asyncio.create_task(world.use.run())
    await world.counted()
    world.now += 599
    for _ in range(20):
        assert await world.counted() == {"knots": 100, "tor": 200}
    world.now += 1
    assert await world.counted() == {"knots": 300, "tor": 400}
    running.cancel()


async def test_apps_come_and_go() -> None:
    world = World()
    running = asyncio.create_task(world.use.run())
    await world.counted()
    world.installed = ["tor", "new"]
    assert await world.counted() == {"tor": 200, "new": 300}
    assert world.asked == ["knots", "tor", "new"]
    running.cancel()


async def test_a_count_that_fails_is_tried_again_later_and_harms_no_other() -> None:
    world = World(broken="knots")
    running = asyncio.create_task(world.use.run())
    assert await world.counted() == {"tor": 200}
    assert await world.counted() == {"tor": 200} and world.asked == ["knots", "tor"]
    world.broken, world.now = "", world.now + 60
    assert await world.counted() == {"knots": 300, "tor": 200}
    running.cancel()


async def test_unasked_an_app_is_counted_once_a_day_and_more_often_where_it_has_a_limit() -> None:
    world = World(limits={"knots": 1000})
    await world.use._count()
    assert world.asked == ["knots", "tor"] and world.use.latest == {"knots": 100, "tor": 200}
    world.now += 599
    await world.use._count()
    assert len(world.asked) == 2
    world.now += 1
    await world.use._count()
    assert world.asked[2:] == ["knots"]
    world.limits = {"knots": 350}
    world.now += 60
    await world.use._count()
    assert world.asked[3:] == ["knots"]
    world.now += 86400
    await world.use._count()
    assert world.asked[4:] == ["knots", "tor"]


async def test_what_was_counted_is_remembered_for_as_long_as_the_app_is_there() -> None:
    world = World()
    await world.use._count()
    (today,) = world.use.history("knots")
    assert today.bytes == 100
    world.installed = ["tor"]
    await world.use._count()
    assert world.use.history("knots") == () and world.use.latest == {"tor": 200}
