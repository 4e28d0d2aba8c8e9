"""Stops containers, each by what it was made with, whatever is known of the app now.

An app that was removed, updated, or whose manifest cannot be read any more, is stopped as it was started. So order and
terms come from the containers themselves: the place in the start order from a label (`stop_order`), grace and signal
from Podman.
"""

import asyncio
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.containers import Stop
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError, PodmanUnavailable
from archipelago.container.podman_client.models import ContainerDetails, ContainerState, ContainerSummary
from archipelago.container.reconciler.observer import Observer
from archipelago.container.reconciler.seen import is_running
from archipelago.container.reconciler.step import PATIENCE
from archipelago.support.process import DEAF, Signaller, is_alive, process_exit, terminate, until_heeding

_POLL = 0.02


@dataclass(frozen=True, slots=True)
class StopTerms:
    """How one container is stopped."""

    grace: float
    """Seconds until it is killed."""
    signal: signal.Signals
    """What asks it to end."""


async def stop_terms(
    client: PodmanClient, found: ContainerSummary, details: ContainerDetails | None, declared: Stop | None = None
) -> StopTerms:
    """Return how a container is stopped, as it was made; `details` are what is known of it already.

    Raises `PodmanUnavailable`; of one that Podman cannot describe, what is `declared` of it now counts, or else the
    manifest's defaults.
    """
    if details is None or details.id != found.id:
        try:
            details = await client.containers.inspect(found.name)
        except PodmanUnavailable:
            raise
        except PodmanError:
            stop = declared or Stop()
            return StopTerms(stop.grace, signal.Signals[stop.signal])
    return StopTerms(float(details.stop_timeout), signal.Signals(details.stop_signal or signal.SIGTERM))


async def stop_container(
    client: PodmanClient,
    observer: Observer,
    app: str,
    found: ContainerSummary,
    details: ContainerDetails | None,
    send: Signaller,
    declared: Stop | None = None,
) -> Mapping[str, ContainerSummary]:
    """Stop a container that runs in its own way; return the app's containers once Podman knows that it is down.

    `details` are those of the run where it is watched. One that Podman cannot stop is ended without it and removed; its
    data lies elsewhere. Raises `PodmanError`.
    """
    # Created by the runtime but not started, its first process only waits, and handles no signal.
    terms = await stop_terms(client, found, details, declared)
    grace = 0.0 if found.state is ContainerState.INITIALIZED else terms.grace
    if grace:
        await until_heeding(found.pid, terms.signal, DEAF)
    # Of a process that ended together with its conmon, Podman would await the end for the whole grace.
    if not found.pid or await asyncio.to_thread(is_alive, found.pid):
        end = asyncio.create_task(process_exit(found.pid))
        try:
            await client.containers.stop(found.name, timeout=round(grace), ignore_missing=True)
        except PodmanUnavailable:
            raise
        except PodmanError:
            # `remove` alone would leave the process behind, and with it the lock on its data. Once the process has
            # ended, its number may be another's.
            if not end.done():
                await terminate(found.pid, grace, send, terms.signal)
        finally:
            end.cancel()
    deadline = time.monotonic() + PATIENCE
    while (left := (shown := await observer.look_at(app)).get(found.name)) is not None and is_running(left):
        if time.monotonic() > deadline:
            await client.containers.remove(found.name, force=True, volumes=False)
        await asyncio.sleep(_POLL)
    return shown
