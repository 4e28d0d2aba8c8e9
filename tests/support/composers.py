"""A composer as the node has it, whose Podman is never asked."""

from collections.abc import Callable
from pathlib import Path

from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.desired.composer import Composer
from archipelago.container.images.recipe import BuildTools
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Aside
from archipelago.security.secrets.manager import SecretsManager

GIB = 1024**3
FACTS = HostFacts(Architecture.AMD64, memory=16 * GIB, cores=4, free_disk=100 * GIB)


def composer_in(folder: Path, aside: Aside, free_disk: Callable[[], int]) -> Composer:
    """Return a composer."""
    client = PodmanClient(PodmanService(folder / "podman.sock", folder / "podman.log"))  # never asked
    tools = BuildTools("uv", Architecture.AMD64)
    images = ImageStore(client, folder / "builds", folder / "downloads", tools, None, None)  # type: ignore[arg-type]
    secrets = SecretsManager(folder / "kept", folder / "node.key")
    site = Site("n", str(folder), "/run/files", FACTS, ControlGroup())
    return Composer(site, secrets, images, aside, free_disk=free_disk, reserved_ports=frozenset())
