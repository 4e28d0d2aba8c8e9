"""Sets the firewall of each container before its first process runs, and again when its networks change."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import structlog

from archipelago.container.namespace.client import Namespace
from archipelago.container.workload.firewall_rules import Reach, Subnet, Wire, ruleset
from archipelago.errors import NodeError
from archipelago.support.process import is_alive

_SAMPLE_NETWORKS = {"own": Subnet(IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"))}
_SAMPLE_NETWORKS["wire"] = Subnet(IPv4Network("10.0.1.0/24"), IPv4Address("10.0.1.1"))
_SAMPLES = (
    Reach("own", (Wire("wire", (80,), (81,)),), ("a-name-longer-than-one-comparison",)),
    Reach("own", internet=True),
)
_SHORT_ID = 12


class Firewall:
    """Loads rules into the network namespaces of containers."""

    def __init__(self, namespace: Namespace, host_addresses: Callable[[], tuple[IPv4Address, ...]]) -> None:
        self._namespace = namespace
        self._host_addresses = host_addresses
        self._loaded: dict[str, tuple[int, str]] = {}
        self.obstacle = ""
        """Why this host cannot carry it out; empty where it can."""

    async def probe(self) -> None:
        """Find out, where it has no effect, whether this host takes such rules."""
        self.obstacle = ""
        try:
            for sample in _SAMPLES:
                await self._namespace.firewall(0, ruleset(sample, _SAMPLE_NETWORKS, (IPv4Address("10.0.2.1"),)))
        except NodeError as error:
            self.obstacle = str(error)
            structlog.get_logger("firewall").warning("not enforced on this host", why=self.obstacle)

    async def guard(
        self,
        name: str,
        identity: str,
        pid: int,
        reach: Reach,
        subnets: Mapping[str, Subnet],
        others: Collection[IPv4Network],
    ) -> None:
        """Bring the rules of a container, of which `pid` is the first process, up to date. Raises `NodeError`.

        `subnets` are those of its networks, `others` those of all apps.
        """
        if self.obstacle:
            return
        host = await asyncio.to_thread(self._host_addresses) if reach.internet else ()
        # By its own name the node asks its name server whether it answers.
        rules = ruleset(replace(reach, names=(*reach.names, identity[:_SHORT_ID])), subnets, host, others)
        if self._loaded.get(name) != (pid, rules):
            try:
                await self._namespace.firewall(pid, rules)
            except NodeError:
                if await asyncio.to_thread(is_alive, pid):
                    raise
                return  # it ended meanwhile, which is for others to notice and to explain
            self._loaded[name] = (pid, rules)

    def forget(self, name: str) -> None:
        """Take note that a container has ended."""
        self._loaded.pop(name, None)
