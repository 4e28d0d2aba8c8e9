"""What the reconciler knows of an app goes with the app."""

import asyncio
import gc
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from archipelago.api.health import Health, HealthState
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.namespace.client import Target
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.security.secrets.secret import Secret


class Secrets(dict[str, Secret]):
    """Secrets of a probe, whose end can be seen."""


async def nothing(*_: object, **__: object) -> tuple[()]:
    return ()


def reconciler() -> Reconciler:
    """Return the reconciler of a node on which nothing is installed and nothing runs."""
    client = cast(Any, SimpleNamespace(containers=SimpleNamespace(list=nothing)))
    namespace = cast(Any, SimpleNamespace(remove=nothing))
    nobody = cast(Any, None)
    return Reconciler(client, namespace, nobody, nobody, "node", "/files", Path("/run"), nobody, nobody, str, nobody)


async def test_the_secrets_of_a_probe_go_with_the_keeper_of_their_app() -> None:
    made, secrets = reconciler(), Secrets(rpc=Secret("Kx4vXQ0mWq7mM1yB2nT9uA5c", "1"))
    seen = weakref.ref(secrets)
    watched = Watched("knots", "main", "knots-main", Target(1, "10.89.0.2"), None, secrets)
    made.look_again("knots")
    await made._probed(watched, Health(state=HealthState.HEALTHY))
    async with asyncio.timeout(5):
        await made.changed.until(lambda: made.is_gone("knots"))
    await made._probed(watched, Health(state=HealthState.HEALTHY))  # a probe that was under way meanwhile
    del watched, secrets
    gc.collect()
    assert seen() is None
    await made.close()
