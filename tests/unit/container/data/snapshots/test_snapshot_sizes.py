"""Each snapshot is counted once, all of them together not for long, and again once it has changed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.container.data.snapshots.sizes import SnapshotSize, SnapshotSizes
from archipelago.storage.layout import Layout

WHOLE, PART, NOTHING = SnapshotSize(100, True), SnapshotSize(40, False), SnapshotSize(0, False)


@dataclass
class World:
    """A disk on which each count takes three seconds, and those of `slow` snapshots do not end."""

    now: float = 0.0
    slow: set[str] = field(default_factory=set)
    asked: list[tuple[str, float]] = field(default_factory=list)
    changing: str = ""
    """The snapshot that is changed while it is counted."""

    def __post_init__(self) -> None:
        namespace: Any = self
        self.sizes = SnapshotSizes(Layout(Path("/data"), Path("/run")), namespace, lambda: self.now)

    async def size(self, path: str, timeout: float, *, gentle: bool) -> tuple[int, bool]:
        name = Path(path).name
        self.asked.append((name, timeout))
        self.now += 3
        if name == self.changing:
            self.sizes.forget("app", name)
        return (40, False) if name in self.slow else (100, True)


async def test_what_is_not_counted_in_time_says_so_and_is_counted_the_next_time() -> None:
    world = World()
    assert await world.sizes.of("app", ("3", "2", "1"), 5) == {"3": WHOLE, "2": WHOLE, "1": NOTHING}
    assert world.asked == [("3", 5), ("2", 2)]
    assert await world.sizes.of("app", ("3", "2", "1"), 5) == dict.fromkeys("321", WHOLE)
    assert world.asked[2:] == [("1", 5)]


async def test_what_was_counted_in_part_or_has_changed_is_counted_again() -> None:
    world = World(slow={"1"})
    for _ in range(2):
        assert await world.sizes.of("app", ("1",), 5) == {"1": PART}
    world.slow.clear()
    assert await world.sizes.of("app", ("1",), 5) == {"1": WHOLE}
    world.sizes.forget("app", "1")
    await world.sizes.of("app", ("1",), 5)
    await world.sizes.of("other", ("1",), 5)
    assert len(world.asked) == 5


async def test_a_count_of_what_changes_meanwhile_is_not_remembered() -> None:
    world = World(changing="1")
    for _ in range(2):
        await world.sizes.of("app", ("1",), 5)
    world.changing = ""
    for _ in range(2):
        await world.sizes.of("app", ("1",), 5)
    assert len(world.asked) == 3
