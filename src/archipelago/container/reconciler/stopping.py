"""In which order the containers of an app stop, and how: by what each was made with, whatever is known of the app now.

An app that was removed, updated, or whose manifest cannot be read any more, is stopped as it was started. So order and
terms come from the containers themselves: the place in the start order from a label, grace and signal from Podman.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError, PodmanUnavailable
from archipelago.container.podman_client.labels import PLACE
from archipelago.container.podman_client.models import ContainerSummary

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StopTerms:
    """How one container is stopped."""

    grace: float
    """Seconds until it is killed."""
    signal: signal.Signals
    """What asks it to end."""


_DEFAULT = StopTerms(30.0, signal.SIGTERM)


def stop_order(found: Iterable[ContainerSummary]) -> list[ContainerSummary]:
    """Return containers of one app in the order in which they stop: the last one that starts comes first.

    One that an earlier version of the node made does not bear its place; then all go by when they were started.
    """
    containers = list(found)
    places = [_place(each) for each in containers]
    if any(place is None for place in places):
        return sorted(containers, key=lambda each: each.started_at or _NEVER, reverse=True)
    return sorted(containers, key=lambda each: _place(each) or 0, reverse=True)


async def stop_terms(client: PodmanClient, name: str) -> StopTerms:
    """Return how a container is stopped, as it was made.

    Raises `PodmanUnavailable`; of one that Podman cannot tell of, the manifest's defaults are returned.
    """
    try:
        details = await client.containers.inspect(name)
    except PodmanUnavailable:
        raise
    except PodmanError:
        return _DEFAULT
    return StopTerms(float(details.stop_timeout), signal.Signals(details.stop_signal or signal.SIGTERM))


def _place(container: ContainerSummary) -> int | None:
    text = container.labels.get(PLACE, "")
    return int(text) if text.isascii() and text.isdigit() else None
