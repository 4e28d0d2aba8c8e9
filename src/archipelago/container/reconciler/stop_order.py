"""In which order the containers of an app stop: by what each was made with, whatever is known of the app now. Pure."""

from collections.abc import Iterable

from archipelago.container.podman_client.labels import PLACE
from archipelago.container.podman_client.models import ContainerSummary


def stop_order(found: Iterable[ContainerSummary]) -> list[ContainerSummary]:
    """Return containers of one app in the order in which they stop: the last one that starts comes first.

    One that an earlier version of the node made does not have its place; then all go by when they were started.
    """
    containers = list(found)
    places = [_place(each) for each in containers]
    if any(place is None for place in places):
        return sorted(containers, key=_started, reverse=True)
    return sorted(containers, key=lambda each: _place(each) or 0, reverse=True)


def _started(container: ContainerSummary) -> float:
    return container.started_at.timestamp() if container.started_at is not None else 0.0


def _place(container: ContainerSummary) -> int | None:
    text = container.labels.get(PLACE, "")
    return int(text) if text.isascii() and text.isdigit() else None
