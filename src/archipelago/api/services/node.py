"""Services about the node and its host. Every method raises `NodeError`."""

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Protocol

from archipelago.api.apps import EndpointStatus
from archipelago.api.events import Event
from archipelago.api.metrics import MetricsSpan
from archipelago.api.notice_channels import Channel, ChannelSettings
from archipelago.api.onions import OnionKey, OnionsView
from archipelago.api.preferences import Preferences
from archipelago.api.system import (
    AppResources,
    DiskReport,
    Finding,
    FirewallView,
    Later,
    LocalAccessView,
    Notice,
    PowerAction,
    Resources,
    SetupProgress,
    SetupStep,
    SystemHistoryView,
    SystemInfo,
)
from archipelago.api.trust import PublicFile, TrustGuide
from archipelago.container.manifest.exposure import OnionAccess


class SystemService(Protocol):
    """States facts of node and host."""

    async def info(self) -> SystemInfo: ...
    async def history(self, span: MetricsSpan) -> SystemHistoryView: ...


class DiskService(Protocol):
    """Knows what the data of apps takes on the disk."""

    async def report(self) -> DiskReport: ...


class ResourceService(Protocol):
    """Says how the host is shared out among the apps."""

    def resources(self) -> Resources: ...
    def of_app(self, app: str) -> AppResources: ...


class PowerService(Protocol):
    """Ends the node, or the machine."""

    def ask(self, action: PowerAction) -> None: ...


class SetupService(Protocol):
    """Remembers what the owner has done of setting the node up."""

    async def progress(self) -> SetupProgress: ...
    async def done(self, step: SetupStep) -> SetupProgress: ...


class DoctorService(Protocol):
    """Examines host and node."""

    async def examine(self) -> tuple[Finding, ...]: ...


class EventService(Protocol):
    """Knows what has changed."""

    @property
    def revision(self) -> int:
        """Revision of the newest event."""
        ...

    async def since(self, revision: int, limit: int, *, newest: bool) -> tuple[Event, ...]: ...
    def follow(self, since: int) -> AsyncGenerator[Event, None]:
        """Yield all events after revision `since` for ever, without gaps."""
        ...


class PreferenceService(Protocol):
    """Remembers how accounts like the page; an account is known by its name."""

    async def of(self, user: str) -> Preferences: ...
    async def change(self, user: str, changes: Mapping[str, tuple[str, ...]]) -> Preferences: ...


class NoticeService(Protocol):
    """Shows what needs the owner, and hides what he has seen."""

    async def list(self, *, examine: bool) -> tuple[Notice, ...]: ...
    async def hide(self, notice: str, said: str | None, *, mute: bool) -> None: ...
    async def remind(self, notice: str, said: str | None, later: Later) -> None: ...
    async def show(self, notice: str) -> None: ...


class NoticeChannelService(Protocol):
    """Sends notices to where the owner is."""

    async def list(self) -> tuple[Channel, ...]: ...
    async def save(self, channel: str | None, wanted: ChannelSettings, secret: str | None) -> Channel: ...
    async def remove(self, channel: str) -> None: ...
    async def test(self, channel: str) -> Channel: ...


class LocalAccessService(Protocol):
    """Decides where the node listens beyond loopback."""

    async def view(self) -> LocalAccessView: ...
    async def listen(self, wanted: Collection[str]) -> LocalAccessView: ...


class TrustService(Protocol):
    """Helps devices to trust the node's certificate authority."""

    @property
    def https_port(self) -> int:
        """Port at which browsers show whether they trust it."""
        ...

    async def trust(self) -> TrustGuide: ...
    async def public_files(self) -> tuple[PublicFile, ...]:
        """Return what anybody may have without a login. Raises `NodeError`."""
        ...


class EndpointService(Protocol):
    """Opens endpoints of apps to the local network, and closes them."""

    async def switch(self, app: str, endpoint: str, *, opened: bool) -> EndpointStatus: ...


class OnionService(Protocol):
    """Has endpoints of apps reached through Tor, or not, and hands out the keys of their clients."""

    async def switch(self, app: str, endpoint: str, access: OnionAccess) -> EndpointStatus: ...
    async def key(self, app: str, endpoint: str) -> OnionKey: ...
    async def renew_key(self, app: str, endpoint: str) -> OnionKey: ...
    async def switch_node(self, *, on: bool) -> OnionsView: ...
    async def node_key(self, *, new: bool) -> OnionKey: ...
    async def view(self) -> OnionsView: ...


class HostFirewallService(Protocol):
    """Proposes rules for the firewall of the host."""

    async def rules(self, ssh_port: int | None) -> FirewallView: ...
