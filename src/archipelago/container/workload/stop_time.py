"""How long a container gets to end in good order. Pure."""

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container, Stop

CHAIN_GRACE = 1800.0
"""Seconds that a Bitcoin node gets at least, whatever its manifest says: it writes its whole cache at the end, and one
that is killed before has to check the chain again from where it was written last."""


def stop_of(manifest: AppManifest, container: Container) -> Stop:
    """Return how a container of an app ends."""
    if manifest.bitcoin is None or manifest.bitcoin.role != "node" or container.stop.grace >= CHAIN_GRACE:
        return container.stop
    return container.stop.model_copy(update={"grace": CHAIN_GRACE})
