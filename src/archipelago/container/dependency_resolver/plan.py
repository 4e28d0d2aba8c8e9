"""What would be done for a request, and why: the value that the owner confirms and the orchestrator carries out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import Field

from archipelago.chains.chain import InterfaceRole
from archipelago.container.dependency_resolver.rating import Rating
from archipelago.container.manifest.build_facts import BuildFacts
from archipelago.container.manifest.model.app import AppManifest, Architecture, Egress
from archipelago.container.manifest.model.data import DataClass, Reversible
from archipelago.container.manifest.model.endpoints import Access, EndpointKind, Protocol
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Port, Scalar
from archipelago.container.manifest.variants import in_force
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View

_EMPTY: Mapping[Any, Any] = MappingProxyType({})


# --- what goes in ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An app that is on the node, with what the owner and earlier plans decided for it."""

    manifest: AppManifest
    options: Mapping[Key, Scalar] = field(default_factory=lambda: _EMPTY)
    """Options that the owner set; neither defaults nor demands."""
    choices: Mapping[Name, AppId] = field(default_factory=lambda: _EMPTY)
    """Provider to which each required interface is bound (`Plan.choices` of the plan that was carried out)."""
    ports: Mapping[Name, Port] = field(default_factory=lambda: _EMPTY)
    """Host port that each endpoint was given."""
    running: bool = True
    """Whether its owner wants it to run."""
    memory: int | None = None
    """Bytes that the owner lets it take, whatever its manifest says."""

    @property
    def in_force(self) -> AppManifest:
        """Its manifest, as it is while it has these options."""
        return in_force(self.manifest, self.options)


@dataclass(frozen=True, slots=True)
class Request:
    """What the owner asks for; an empty request settles again what is installed, and changes nothing that holds."""

    install: tuple[AppId, ...] = ()
    remove: tuple[AppId, ...] = ()
    update: tuple[AppId, ...] = ()
    choices: Mapping[Name, AppId] = field(default_factory=lambda: _EMPTY)
    """Provider that the owner wants for an interface.

    It binds the apps that this request installs or updates and those that come with them; where the request names no
    such app, it re-binds every installed one. Apps bound to an app that the request removes follow it as well.
    """
    options: Mapping[AppId, Mapping[Key, Scalar]] = field(default_factory=lambda: _EMPTY)
    """Options that the owner sets, merged over those that he set before."""
    along: frozenset[AppId] = frozenset()
    """Those of `update` that nobody asked for: the others do not go together with the versions that are installed."""


# --- what comes out --------------------------------------------------------------------------------------------------


class Action(StrEnum):
    """What happens to an app."""

    INSTALL = "install"
    REUSE = "reuse"
    RESTART = "restart"
    UPDATE = "update"
    REMOVE = "remove"


class FetchKind(StrEnum):
    """How an image gets onto the node."""

    DOWNLOAD = "download"
    BUILD = "build"


class Edge(View):
    """A consumer's use of an interface of its provider."""

    consumer: AppId
    interface: Name
    provider: AppId
    wait: Wait
    optional: bool = False
    role: InterfaceRole = InterfaceRole.READ
    gates: bool = True
    """Whether the consumer's start waits for the provider; false where an optional edge would close a cycle."""


DEMAND_BY = "demand by "
"""How the origin of an option's value starts that dependents demand; their ids follow, with ", " between them."""


class PlannedApp(Translatable, View):
    """One app of a plan."""

    app: AppId
    name: str
    version: str
    action: Action
    because: tuple[Prose, ...] = ()
    """Sentences that say why the app is there, and why it is restarted."""
    options: dict[Key, Scalar] = Field(default={})
    """Effective value of every option."""
    option_origins: dict[Key, str] = Field(default={})
    """Where each value comes from: `owner`, `default` or `demand by <app>, <app>`."""
    edges: tuple[Edge, ...] = ()
    """Interfaces of other apps that it uses."""
    way_back: Reversible | None = None
    """Whether the version before can take over again; null where it is no update."""
    release_notes: str | None = None
    """What is new in the version, as its author says (Markdown, like a description); null where it is no update."""


class Fetch(View):
    """An image that must be downloaded or built."""

    app: AppId
    container: Name
    kind: FetchKind
    source: str
    """Image reference, or the kind of recipe."""
    signed: bool = False
    """Whether a signature is asked for before it is downloaded; what is built here needs none."""
    build: BuildFacts | None = None
    """What building it executes, and what it is made of; null where it is downloaded."""


class AskedEndpoint(View):
    """A port that opens."""

    app: AppId
    endpoint: Name
    kind: EndpointKind
    protocol: Protocol
    port: Port
    """Port on the host, after clashes are settled."""
    access: tuple[Access, ...]
    label: str | None = None
    behind_login: bool = False
    """Whether browsers get there through the node's login alone, and no program by the port."""


class HostMinimum(View):
    """The least host for the apps of a plan, in bytes."""

    memory: int = 0
    disk: int = 0


class Asks(View):
    """What newly installed and updated apps ask of the owner."""

    fetches: tuple[Fetch, ...] = ()
    disk: int = 0
    """Bytes that their volumes are expected to take."""
    data: dict[AppId, dict[Name, DataClass]] = Field(default={})
    """What each of their volumes holds, by its name."""
    memory: int = 0
    """Bytes, the sum of their containers' limits."""
    egress: dict[AppId, Egress] = Field(default={})
    """Apps that reach outside the node."""
    endpoints: tuple[AskedEndpoint, ...] = ()
    capabilities: dict[AppId, tuple[str, ...]] = Field(default={})
    devices: dict[AppId, tuple[str, ...]] = Field(default={})
    ratings: dict[AppId, Rating] = Field(default={})
    """How little each of them asks for."""
    host: HostMinimum = HostMinimum()
    architectures: tuple[Architecture, ...] = tuple(Architecture)
    """Architectures on which all of them run."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports of this host at which programs will find them."""
        return tuple(asked.port for asked in self.endpoints if not asked.behind_login)


class Plan(Translatable, View):
    """What is to be done, in order, and why."""

    apps: tuple[PlannedApp, ...] = ()
    """Apps that are there in the end, in start order (providers first), then those that go, dependents first."""
    edges: tuple[Edge, ...] = ()
    ports: dict[str, Port] = Field(default={})
    """Host port of each `app/endpoint`."""
    asks: Asks = Asks()
    alternatives: dict[Name, tuple[AppId, ...]] = Field(default={})
    """For each interface in use, the other apps that could provide it."""
    warnings: tuple[Prose, ...] = ()
    interrupts: tuple[AppId, ...] = ()
    """Apps that run on, and miss what they use while others restart."""
    obstacles: tuple[Prose, ...] = ()
    """What stands in the way at this moment, such as a port that another program has: it would be refused."""
    digest: str = ""
    """What stands for all of this, packages included: given back with the installation, it must be the same then."""

    @property
    def carried_out(self) -> "Plan":
        """What is in force once this plan has been carried out: what an empty request would then be answered with.

        What only an owner who decides wants to know is left out: reasons, warnings, what it asks for.
        """
        apps = tuple(
            planned.model_copy(update={"action": Action.REUSE, "because": (), "way_back": None, "release_notes": None})
            for planned in self.apps
            if planned.action is not Action.REMOVE
        )
        return Plan(apps=apps, edges=self.edges, ports=self.ports)

    def planned(self, app: AppId) -> PlannedApp | None:
        """Return one app of the plan, or None."""
        return next((planned for planned in self.apps if planned.app == app), None)

    def choices(self, app: AppId) -> dict[Name, AppId]:
        """Return what an app is bound to: to be kept in `InstalledApp.choices`."""
        return {edge.interface: edge.provider for edge in self.edges if edge.consumer == app}

    def endpoint_ports(self, app: AppId) -> dict[Name, Port]:
        """Return the host ports of an app's endpoints: to be kept in `InstalledApp.ports`."""
        prefix = f"{app}/"
        return {key.removeprefix(prefix): port for key, port in self.ports.items() if key.startswith(prefix)}
