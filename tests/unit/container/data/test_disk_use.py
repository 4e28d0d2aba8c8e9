"""The volumes of apps are counted seldom, one app after the other, and only when somebody wants to know."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.container.data.disk_use import DiskUse
from archipelago.container.data.snapshots.sizes import SnapshotSize, SnapshotUse
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout


@dataclass
class World:
    """Two apps, whose clock and disk the test drives."""

    now: float = 1000.0
    installed: list[str] = field(default_factory=lambda: ["knots", "tor"])
    asked: list[str] = field(default_factory=list)
    broken: str = ""

    def __post_init__(self) -> None:
        namespace: Any = self
        layout = Layout(Path("/data"), Path("/run"))
        self.use = DiskUse(layout, namespace, self.snapshots, lambda: self.installed, lambda: self.now)

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
