"""What Podman runs now, asked for as seldom as possible."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.labels import APP, NODE
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.reconciler.seen import is_running


@dataclass(frozen=True, slots=True)
class Observation:
    """All containers of this node at one moment, by app and by name."""

    apps: Mapping[str, Mapping[str, ContainerSummary]] = field(default_factory=dict)

    def of(self, app: str) -> Mapping[str, ContainerSummary]:
        """Return the containers of one app, by name."""
        return self.apps.get(app, {})

    @property
    def networks(self) -> frozenset[str]:
        """The networks that have a container, whether it runs or not."""
        return frozenset(name for app in self.apps.values() for each in app.values() for name in each.networks)

    def running(self, app: str, name: str | None = None) -> bool:
        """Return whether the named container of the app runs, or any of its containers."""
        return any(is_running(container) for container in self.of(app).values() if name in (None, container.name))


class Observer:
    """Lists the node's containers; questions that arrive together share one call.

    An answer is never older than its question: whoever asks while a list is under way waits for the next one.
    """

    def __init__(self, client: PodmanClient, node_id: str) -> None:
        self._client = client
        self._node_id = node_id
        self._next: asyncio.Task[Observation] | None = None
        self._turn = asyncio.Lock()
        self.last = Observation()

    async def look(self) -> Observation:
        """Return what there is now. Raises `PodmanError`."""
        if self._next is None:
            self._next = asyncio.create_task(self._list())
            # Whoever asked may be gone when it fails, as at the end of the daemon.
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._next)

    async def look_at(self, app: str) -> Mapping[str, ContainerSummary]:
        """Return the containers of one app now, by name. Raises `PodmanError`.

        Podman lists no container that it is busy with: this answer waits for those of the one app alone.
        """
        of_app = {APP: app} if app else {}  # what an orphan lacks cannot be asked for
        found = await self._client.containers.list(labels={NODE: self._node_id, **of_app})
        return {container.name: container for container in found if container.labels.get(APP, "") == app}

    async def _list(self) -> Observation:
        async with self._turn:
            self._next = None  # from here on the list is under way: later questions need a newer one
            found = await self._client.containers.list(labels={NODE: self._node_id})
        apps: dict[str, dict[str, ContainerSummary]] = {}
        for container in found:
            apps.setdefault(container.labels.get(APP, ""), {})[container.name] = container
        self.last = Observation(apps)
        return self.last
