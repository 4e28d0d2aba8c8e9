"""Makes the networks that workloads need, joins running containers to them, and sweeps those that nobody needs."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import replace

from archipelago.container.labels import NODE
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import AlreadyExists, Conflict, NotFound
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.podman_client.spec import ContainerSpec, NetworkSpec
from archipelago.container.workload import ContainerWorkload


class NetworkKeeper:
    """The only writer of this node's networks."""

    def __init__(self, client: PodmanClient, node_id: str) -> None:
        self._client = client
        self._node_id = node_id
        self._known: dict[str, NetworkSpec | None] = {}
        self._change = asyncio.Lock()

    def forget(self) -> None:
        """Look anew which networks there are, before the next one is needed."""
        self._known.clear()

    async def ensure(self, specs: Iterable[NetworkSpec]) -> None:
        """Make sure that the networks exist, as they ought to be."""
        missing = [spec for spec in specs if self._known.get(spec.name) != spec]
        if missing:
            async with self._change:
                if not self._known:
                    found = await self._client.networks.list(labels={NODE: self._node_id})
                    self._known = {network.name: None for network in found}
                await asyncio.gather(*(self._ensure_one(spec) for spec in missing))

    async def _ensure_one(self, spec: NetworkSpec) -> None:
        if spec.name in self._known and self._known[spec.name] is None:
            found = await self._client.networks.inspect(spec.name)
            if (found.internal, found.isolate) != (spec.internal, spec.isolate):
                # Its containers were removed first: this setting is part of their hash.
                await self._client.networks.remove(spec.name, force=True)
                del self._known[spec.name]
        if spec.name not in self._known:
            try:
                await self._client.networks.create(spec)
            except AlreadyExists:
                pass  # made before a crash, and not yet listed
        self._known[spec.name] = spec

    def attach(self, wanted: ContainerWorkload) -> ContainerSpec:
        """Return the container's spec with the networks that it joins."""
        return replace(wanted.spec, networks=dict(wanted.attachments))

    async def reattach(
        self, specs: Collection[NetworkSpec], wanted: ContainerWorkload, found: ContainerSummary
    ) -> bool:
        """Join an existing container to the networks that it lacks, and take it off those that it should not see.

        Return whether it was taken off any, which may leave a network that nobody needs.
        """
        lacking = set(wanted.attachments) - set(found.networks)
        surplus = set(found.networks) - set(wanted.attachments)
        if lacking:
            await self.ensure(specs)
        for name in sorted(lacking):
            try:
                await self._client.networks.connect(name, found.name, aliases=wanted.attachments[name].aliases)
            except Conflict:
                pass  # joined since the container was looked at
            except NotFound:
                self.forget()
                raise
        for name in sorted(surplus):
            try:
                await self._client.networks.disconnect(name, found.name, force=True)
            except NotFound:
                pass
        return bool(surplus)

    async def sweep(self, needed: Collection[str]) -> None:
        """Remove this node's networks that no workload needs and no container is on."""
        async with self._change:
            for network in await self._client.networks.list(labels={NODE: self._node_id}):
                if network.name in needed:
                    continue
                try:
                    await self._client.networks.remove(network.name)
                except Conflict:
                    continue  # a container still leaves; the sweep after it will do
                self._known.pop(network.name, None)
