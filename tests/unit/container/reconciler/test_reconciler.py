"""What the reconciler knows of an app goes with the app."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from archipelago.api.health import Health, HealthState
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.namespace.client import Target
from archipelago.container.podman_client.labels import APP
from archipelago.container.podman_client.models import EventType, PodmanEvent
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.security.secrets.secret import Secret


class Secrets(dict[str, Secret]):
    """Secrets of a probe, whose end can be seen."""


async def nothing(*_: object, **__: object) -> tuple[()]:
    return ()


def reconciler(client: object = None, namespace: object = None) -> Reconciler:
    """Return the reconciler of a node on which nothing is installed and nothing runs."""
    client = cast(Any, client or SimpleNamespace(containers=SimpleNamespace(list=nothing)))
    namespace = cast(Any, namespace or SimpleNamespace(remove=nothing))
    nobody = cast(Any, None)
    return Reconciler(client, namespace, nobody, nobody, "node", "/files", Path("/run"), nobody, nobody, str, nobody)


async def test_the_secrets_of_a_probe_go_with_the_keeper_of_their_app() -> None:
    made, secrets = reconciler(), Secrets(rpc=Secret("Kx4vXQ0mWq7mM1yB2nT9uA5c", "1"))
    seen = weakref.ref(secrets)
    watched = Watched("knots", "main", "knots-main", Target(1, "10.89.0.2"), None, secrets)
    made.look_again("knots")
    await made._probed(watched, Health(state=HealthState.HEALTHY))
    async with asyncio.timeout(20):
        await made.changed.until(lambda: made.is_gone("knots"))
    await made._probed(watched, Health(state=HealthState.HEALTHY))  # a probe that was under way meanwhile
    del watched, secrets
    gc.collect()
    assert seen() is None
    await made.close()


def event(app: str, action: str) -> PodmanEvent:
    return PodmanEvent(EventType.CONTAINER, action, "1f", f"{app}-main", {APP: app}, datetime.now(UTC))


async def test_events_cost_one_look_together_and_those_of_an_app_that_has_gone_none() -> None:
    looks = 0
    cleaned: list[tuple[str, int]] = []
    both = asyncio.Event()

    async def look(**_: object) -> tuple[()]:
        nonlocal looks
        looks += 1
        return ()

    async def clean(path: str) -> None:
        cleaned.append((Path(path).name, looks))
        if len(cleaned) == 2:
            both.set()

    async def events(**_: object) -> AsyncIterator[PodmanEvent]:
        for app, action in (("gone", "died"), ("one", "start"), ("gone", "remove"), ("two", "create"), ("one", "died")):
            yield event(app, action)
        await asyncio.Event().wait()

    podman = SimpleNamespace(
        containers=SimpleNamespace(list=look), networks=SimpleNamespace(list=nothing), stream_events=events
    )
    made = reconciler(podman, SimpleNamespace(remove=clean))
    made.start()
    async with asyncio.timeout(20):
        await both.wait()
        await made.changed.until(lambda: made.is_gone("one") and made.is_gone("two"))
    assert sorted(cleaned) == [("one", 1), ("two", 1)]
    await made.close()
