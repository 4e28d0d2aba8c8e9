"""What the workload of an app is compiled from. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archipelago.chains.chain import Chain, InterfaceRole
from archipelago.chains.registry import CHAINS
from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.security.secrets.secret import Secret
from archipelago.support.values import value


@dataclass(frozen=True, slots=True)
class Site:
    """What is the same for all apps of one node."""

    node_id: str
    data: str
    """Directory on disk below which each app has one of its own."""
    files: str
    """Directory in memory for rendered files, below which each app has one of its own."""
    host: HostFacts
    cgroup: ControlGroup = field(default_factory=ControlGroup)
    shell: str = "/bin/busybox"
    """Statically linked busybox of the host."""
    chains: tuple[Chain, ...] = CHAINS
    onions: str = ""
    """Directory in memory with a socket for each onion service; empty where there is none, as for a scratch copy."""
    seed: str = ""
    """Secret from which the places of what is behind the node's login are made."""


@value
class Binding:
    """An interface that the app uses: who provides it, and how it logs in there."""

    edge: Edge
    provider: AppManifest
    exports: Mapping[str, str] = field(default_factory=dict)
    credential: Secret | None = None


@value
class Consumer:
    """An app that uses one of this app's interfaces."""

    interface: str
    app: str
    credential: Secret | None = None
    role: InterfaceRole = InterfaceRole.READ


@value
class AppInput:
    """Everything that the workload of one app depends on, besides the site."""

    package: AppPackage
    options: Mapping[str, Scalar]
    slot: int
    images: Mapping[str, str]
    ports: Mapping[str, int] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    """All edges that the app is at either end of."""
    downloading: bool = True
    """Whether its chain is downloaded for the first time, as far as is known; what changes by it restarts nothing."""
    memory: int | None = None
    """Bytes that the owner lets it take, whatever its manifest says; likewise."""
