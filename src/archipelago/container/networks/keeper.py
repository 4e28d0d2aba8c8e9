"""Makes the networks that workloads need, joins running containers to them, and sweeps those that nobody needs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import AlreadyExists, NotFound, PodmanConflict
from archipelago.container.podman_client.labels import NODE
from archipelago.container.podman_client.models import NetworkDetails
from archipelago.container.podman_client.spec import ContainerSpec, NetworkSpec
from archipelago.container.workload.firewall_rules import Subnet
from archipelago.container.workload.workload import ContainerWorkload


class NetworkKeeper:
    """The only writer of this node's networks."""

    def __init__(self, client: PodmanClient, node_id: str) -> None:
        self._client = client
        self._node_id = node_id
        self._stale = True
        """Whether what is known may have changed."""
        self._known: dict[str, NetworkSpec | NetworkDetails] = {}
        """By name, as each was made or compared here, or as Podman lists it."""
        self._subnets: dict[str, Subnet] = {}
        self._change = asyncio.Lock()

    def forget(self) -> None:
        """Look again which networks there are, before the next one is needed."""
        # Only marked: one may be being made.
        self._stale = True

    async def ensure(self, specs: Iterable[NetworkSpec]) -> None:
        """Make sure that the networks exist, as they should be."""
        specs = tuple(specs)
        if not self._stale and all(self._known.get(spec.name) == spec for spec in specs):
            return
        async with self._change:
            if self._stale:
                await self._look()
            missing = [spec for spec in specs if self._known.get(spec.name) != spec]
            await asyncio.gather(*(self._ensure_one(spec) for spec in missing))

    async def _look(self) -> None:
        self._stale = False  # before it is looked: what is marked meanwhile is looked at once more
        try:
            found = await self._client.networks.list(labels={NODE: self._node_id})
        except BaseException:
            self._stale = True
            raise
        self._known = {network.name: network for network in found}
        self._subnets = {network.name: _subnet(network) for network in found if network.subnets}

    async def _ensure_one(self, spec: NetworkSpec) -> None:
        found = self._known.get(spec.name)
        if found is not None and (found.internal, found.isolate) != (spec.internal, spec.isolate):
            # Its containers were removed first: this setting is part of their hash.
            with contextlib.suppress(NotFound):
                await self._client.networks.remove(spec.name, force=True)
            self._known.pop(spec.name, None)
            self._subnets.pop(spec.name, None)
        if spec.name not in self._known:
            try:
                made = await self._client.networks.create(spec)
            except AlreadyExists:
                made = await self._taken(spec)
            self._subnets[spec.name] = _subnet(made)
        self._known[spec.name] = spec

    async def _taken(self, spec: NetworkSpec) -> NetworkDetails:
        """Return the network that has a name already: made before a crash and not yet listed, or of a former node.

        One that leads elsewhere is replaced. Raises `PodmanConflict` where a container is on it, whosever that is.
        """
        found = await self._client.networks.inspect(spec.name)
        if (found.internal, found.isolate) == (spec.internal, spec.isolate):
            return found
        await self._client.networks.remove(spec.name)
        return await self._client.networks.create(spec)

    async def subnets(self, specs: Iterable[NetworkSpec]) -> Mapping[str, Subnet]:
        """Return the addresses of networks, which are made where they are not there."""
        specs = tuple(specs)
        await self.ensure(specs)
        return {spec.name: self._subnets[spec.name] for spec in specs}

    @property
    def all_subnets(self) -> frozenset[IPv4Network]:
        """The addresses of all networks of this node, as far as they have been looked at."""
        return frozenset(subnet.addresses for subnet in self._subnets.values())

    @property
    def names(self) -> Mapping[IPv4Network, str]:
        """The networks of this node by their addresses, as far as they have been looked at."""
        return {subnet.addresses: name for name, subnet in self._subnets.items()}

    def attach(self, wanted: ContainerWorkload) -> ContainerSpec:
        """Return the container's spec with the networks that it joins."""
        return replace(wanted.spec, networks=dict(wanted.attachments))

    async def reattach(
        self,
        specs: Collection[NetworkSpec],
        wanted: ContainerWorkload,
        join: Collection[str],
        leave: Collection[str],
        may_leave: Callable[[], Awaitable[bool]],
    ) -> bool:
        """Join an existing container to networks that it lacks, and take it off others that it should not see.

        Return whether it was taken off any, which may leave a network that nobody needs. A running one that is alone in
        having networks must stay on all of them for now (`may_leave`, asked before each): Podman 4 takes the namespace
        in which they lie away from under it together with the first that it leaves.
        """
        if join:
            await self.ensure(specs)
        for name in sorted(join):
            try:
                await self._client.networks.connect(name, wanted.name, aliases=wanted.attachments[name].aliases)
            except PodmanConflict:
                pass  # joined since the container was looked at
            except NotFound:
                self.forget()
                raise
        left = False
        for name in sorted(leave):
            if not await may_leave():
                break
            left = True
            try:
                await self._client.networks.disconnect(name, wanted.name, force=True)
            except NotFound:
                pass
        return left

    async def sweep(self, needed: Callable[[], Collection[str]], occupied: Collection[str]) -> bool:
        """Remove this node's networks that no workload needs and no container is on; `needed` is asked for each.

        Return whether some that no workload needs stay, since a container is on them. `occupied` are the networks that
        containers were just seen on: Podman looks at all containers to refuse one.
        """
        async with self._change:
            left = False
            for network in await self._client.networks.list(labels={NODE: self._node_id}):
                # An app may have come since: nobody is on its network yet.
                if network.name in needed():
                    continue
                if network.name in occupied:
                    left = True
                    continue
                # Before it goes: whoever needs it from now on waits for this turn, and makes it again.
                self._known.pop(network.name, None)
                self._subnets.pop(network.name, None)
                try:
                    await self._client.networks.remove(network.name)
                except PodmanConflict:
                    self._stale = left = True  # a container still leaves; the sweep after it will do
            return left


def _subnet(network: NetworkDetails) -> Subnet:
    """Return the IPv4 addresses of a network; ours have no others."""
    pairs = zip(network.subnets, network.gateways, strict=True)
    return next(
        Subnet(addresses, gateway)
        for addresses, gateway in pairs
        if isinstance(addresses, IPv4Network) and isinstance(gateway, IPv4Address)
    )
