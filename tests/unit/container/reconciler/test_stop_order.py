"""The order in which the containers of an app stop."""

from datetime import UTC, datetime, timedelta

from archipelago.container.podman_client.labels import PLACE
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.stop_order import stop_order

_START = datetime(2026, 1, 1, tzinfo=UTC)


def container(name: str, *, place: int | None = None, started: int | None = None) -> ContainerSummary:
    """Return a container that was started so many seconds after another one."""
    return ContainerSummary(
        id=name,
        name=name,
        state=ContainerState.RUNNING,
        image="",
        image_id="",
        labels={} if place is None else {PLACE: str(place)},
        pid=1,
        exit_code=0,
        created_at=None,
        started_at=None if started is None else _START + timedelta(seconds=started),
        exited_at=None,
        networks=(),
    )


def names(*containers: ContainerSummary) -> list[str]:
    return [each.name for each in stop_order(containers)]


def test_the_last_one_that_starts_stops_first() -> None:
    assert names(*(container(str(place), place=place) for place in (2, 0, 10, 1))) == ["10", "2", "1", "0"]


def test_a_container_that_was_restarted_alone_keeps_its_place() -> None:
    db, web = container("db", place=0, started=100), container("web", place=1, started=1)
    assert names(db, web) == ["web", "db"]


def test_those_of_an_earlier_version_go_by_when_they_were_started() -> None:
    db, web, none = container("db", started=1), container("web", place=0, started=5), container("never")
    assert names(none, db, web) == ["web", "db", "never"]
