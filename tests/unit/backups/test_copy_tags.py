"""Which notes are read for the newest copies: the dates are not trusted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.copy_tags import copy_tags, newest_notes
from archipelago.backups.restic.says import ResticSnapshot

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def note(name: str, days: int, installation: str = "", **numbers: int) -> ResticSnapshot:
    tags = copy_tags(installation, numbers) if installation else {}
    return ResticSnapshot(name, NOW + timedelta(days=days), tags)


@given(st.lists(st.integers(-9000, 9000), min_size=1, max_size=60))
def test_whatever_the_clock_said_the_highest_number_of_an_installation_is_read(days: list[int]) -> None:
    notes = [note(f"n{number}", day, "1", proof=number) for number, day in enumerate(days)]
    found = newest_notes(notes)
    assert notes[-1].id in found and len(found) <= 12


def test_each_volume_and_each_installation_is_read_and_the_work_is_bounded() -> None:
    future = [note(f"f{number}", 5000 + number, "1", proof=number) for number in range(30)]
    real = [note("p", 2, "1", proof=40, keys=1), note("k", 1, "1", proof=39, keys=2), note("again", 3, "2", proof=1)]
    assert set(newest_notes([*future, *real])) == {"f29", "f28", "f27", "p", "k", "again"}
    assert newest_notes([note("a", 1), note("b", 2)]) == ("b", "a"), "those without tags go by their dates"
    assert len(newest_notes([note(f"i{number}", 0, f"i{number}", proof=1) for number in range(99)])) == 12
    broken = ResticSnapshot("x", NOW, {"copy.proof": "many", "copy.": "1", "lease.proof": "1"})
    assert newest_notes([broken]) == ("x",)
