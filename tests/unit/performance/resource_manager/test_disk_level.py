"""How short the disk is, on disks of all sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.performance.resource_manager.disk_level import DiskLevel, disk_level, entered_below, left_at

GIB = 1024**3
SHORT = [level for level in DiskLevel if level is not DiskLevel.PLENTY]
sizes = st.integers(64 * 1024**2, 64 * 1024**4)


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [
        (16 * GIB, 2.5 * GIB, DiskLevel.PLENTY),
        (16 * GIB, 2.3 * GIB, DiskLevel.LITTLE),
        (16 * GIB, 1.2 * GIB, DiskLevel.SCARCE),
        (16 * GIB, 0.4 * GIB, DiskLevel.CRITICAL),
        (2048 * GIB, 31 * GIB, DiskLevel.PLENTY),  # 1.5 %
        (2048 * GIB, 29 * GIB, DiskLevel.LITTLE),
        (2048 * GIB, 9 * GIB, DiskLevel.SCARCE),
        (2048 * GIB, 3 * GIB, DiskLevel.CRITICAL),
    ],
)
def test_shares_count_on_a_card_and_bytes_on_a_large_disk(total: int, free: float, level: DiskLevel) -> None:
    assert disk_level(int(free), total) is level


@given(sizes, st.floats(0, 1), st.floats(0, 1), st.sampled_from(DiskLevel))
def test_less_space_is_never_a_better_level(total: int, one: float, other: float, before: DiskLevel) -> None:
    less, more = sorted((int(one * total), int(other * total)))
    assert disk_level(less, total, before) >= disk_level(more, total, before) >= disk_level(more, total)


@given(sizes, st.sampled_from(SHORT), st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=20))
def test_a_level_does_not_flap_around_its_mark(total: int, level: DiskLevel, places: list[float]) -> None:
    """Whatever the free space does between the two marks of a level, the level is entered or left at most once."""
    low, high = entered_below(level, total), left_at(level, total)
    for start in (DiskLevel.PLENTY, level):
        now, inside = start, []
        for place in places:
            now = disk_level(low + int(place * (high - low)), total, now)
            inside.append(now >= level)
        assert inside == [start >= level] * len(inside)
