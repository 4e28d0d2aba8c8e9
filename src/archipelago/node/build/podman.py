"""The second layer of a node: Podman, and what this host is able to do."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from archipelago.api.metrics import Measure
from archipelago.config import NodeConfig
from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.namespace.client import Namespace
from archipelago.container.networks.firewall import Firewall
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.container.podman_client.service import PodmanService
from archipelago.performance import host
from archipelago.performance.enforcement import not_enforced
from archipelago.performance.metrics import not_counted
from archipelago.storage.file_modes import close_podmans


@dataclass(frozen=True, slots=True)
class PodmanHost:
    """A host on which Podman runs."""

    client: PodmanClient
    namespace: Namespace
    firewall: Firewall
    info: PodmanInfo
    cgroup: ControlGroup
    facts: HostFacts
    not_counted: tuple[Measure, ...]
    """What cannot be measured here."""
    not_enforced: tuple[str, ...]
    """What this host cannot enforce, in words for the owner."""


async def open_podman(config: NodeConfig, closing: AsyncExitStack) -> PodmanHost:
    """Start Podman's service and look at the host; `closing` stops it. Raises `NodeError` or `PodmanError`."""
    log = structlog.get_logger("node")
    podman = PodmanService(config.podman_socket, log=config.layout.podman_log)
    client = PodmanClient(podman)
    namespace = Namespace((config.root, config.runtime), on_log=lambda text: log.warning(text))
    closing.push_async_callback(podman.stop)
    await podman.start()
    closing.push_async_callback(client.close)
    closing.push_async_callback(namespace.close)
    info = await client.info()
    await asyncio.to_thread(close_podmans, Path(info.graph_root), Path(info.run_root))
    cgroup = await asyncio.to_thread(host.read_control_group, config.cgroup)
    firewall = Firewall(namespace, host.own_addresses)
    await firewall.probe()
    return PodmanHost(
        client,
        namespace,
        firewall,
        info,
        cgroup,
        facts=await asyncio.to_thread(host.read_host_facts, config.root),
        not_counted=not_counted(cgroup),
        not_enforced=not_enforced(info, cgroup, firewall.obstacle),
    )
