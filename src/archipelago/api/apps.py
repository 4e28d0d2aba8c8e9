"""What the node says of installed apps."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.containers import ContainerStatus
from archipelago.api.data import LostVolume
from archipelago.api.health import Health, HealthState, Sync
from archipelago.api.repairs import RepairView
from archipelago.container.dependency_resolver.rating import Rating
from archipelago.container.manifest.exposure import KeptIn, OnionAccess
from archipelago.container.manifest.model.app import Category
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.storage.records.apps import Desired
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class EndpointStatus(View):
    """Where an endpoint of an app is reached."""

    name: str
    kind: str
    protocol: str
    address: str
    """`http://127.0.0.2:8080/`, `tcp://127.0.0.2:50001` or `127.0.0.2:8333`; that of `site` for what is behind the
    node's login, and empty where that has no name."""
    local_addresses: tuple[str, ...] = ()
    """Where it is reached from the local network: `https://192.168.1.5:8480/`."""
    site: str | None = None
    """Where a browser on the node opens it, by a name of its own: `http://mempool.localhost:8481/`; null where it is
    not for browsers."""
    local_site: str | None = None
    """The same from the local network, while it is reached from there: `https://mempool-node.local:8443/`."""
    behind_login: bool = False
    """Whether it is a page without a login of its own, which browsers reach by `site` and `local_site` alone: there the
    node asks who they are."""
    open: bool = False
    """Whether it is open to the local network, wherever the node listens there."""
    tor: OnionAccess = OnionAccess.OFF
    """Who reaches it through Tor."""
    onion: str | None = None
    """Where: `http://<56 letters>.onion/`; null where nobody does, or its app does not run."""
    kept_in: KeptIn | None = None
    """Why it cannot be opened; null where it can."""
    label: str | None = None
    interface: str | None = None
    """Interface that it speaks, such as `electrum`: what the app provides at the same port; null for none."""


class Dependency(View):
    """One app that another one uses."""

    interface: str
    app: str
    optional: bool
    traffic: Annotated[float, Field(ge=0)] | None = None
    """Bytes per second that the two exchange, in both directions and by all interfaces together, in the sample of the
    last ten seconds; names that the user looks up are among them. Null while it does not run. Samples are taken while
    somebody looks: after a minute without a look, it is null for two samples."""


class AppStatus(Translatable, View):
    """One installed app, whole."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    summary: str
    desired: Desired
    health: Health
    chain: Sync | None = None
    """Height and progress, for an app that follows a chain."""
    containers: tuple[ContainerStatus, ...]
    endpoints: tuple[EndpointStatus, ...] = ()
    options: dict[str, Scalar] = Field(default={})
    options_set: tuple[str, ...] = ()
    """Names of the options that the owner set himself."""
    uses: tuple[Dependency, ...] = ()
    used_by: tuple[str, ...] = ()
    update_to: str | None = None
    """Newer version in the catalog."""
    release_notes: str | None = None
    """What is new in that version, as its author says (Markdown, like a description)."""
    automatic: AutomaticUpdateView
    """Whether updates are installed by themselves."""
    operation: str | None = None
    """Operation that works on the app now."""
    rating: Rating
    """How little it asks for, by its manifest."""
    not_enforced: tuple[Prose, ...] = ()
    """What was asked for and the host cannot enforce."""
    lost_volumes: tuple[LostVolume, ...] = ()
    """Volumes because of which it does not start."""
    repairs: tuple[RepairView, ...] = ()
    """What its owner may have done where it does not come up."""
    reports_lightning: bool = False
    """Whether it is a Lightning node of which there is a `lightning-report`."""


class AppSummary(Translatable, View):
    """One installed app, in a list."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    desired: Desired
    state: HealthState
    reason: Prose = ""
    percent: float | None = None
    """Progress while it is syncing."""
    chain: Sync | None = None
    """Height and progress, for an app that follows a chain."""
    follows_chain: bool = False
    """Whether it follows a chain; it reports how far it is only while it runs."""
    endpoints: tuple[EndpointStatus, ...] = ()
    operation: str | None = None
    category: Category = Category.OTHER
    """Where the catalog files it."""
    uses: tuple[Dependency, ...] = ()
    """Installed apps that it uses; an app is named once for each of its interfaces."""
    traffic: Annotated[float, Field(ge=0)] | None = None
    """Bytes per second that its containers received and sent on all their networks together, in the sample of the last
    ten seconds; null while it does not run, and before its second sample."""
    funds: bool = False
    """Whether it has keys to money."""
    trouble: Prose = ""
    """What is wrong with it, also while the node is starting it again after that."""


class Change(StrEnum):
    """What is done with an app that runs."""

    STOP = "stop"
    RESTART = "restart"


class ChangePreview(View):
    """What a change of an app does to others."""

    app: str
    stops: tuple[str, ...] = ()
    """Apps that stop before it, since they cannot do without it, in that order; they come back with it."""
    restarts: tuple[str, ...] = ()
    """Apps that may restart as well, since they use its secrets."""
    interrupts: tuple[str, ...]
    """Apps that run on, and miss what they use meanwhile."""
