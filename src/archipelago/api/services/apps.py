"""Services about apps. Every method raises `NodeError`; `app` names an installed app, or one of the catalog."""

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Protocol

from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview
from archipelago.api.catalog import BundleView, CatalogEntry
from archipelago.api.chains import ChainReport
from archipelago.api.configuration import ConfigPreview, ConfigRevision, OptionView, SettingChange
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.data import KeptData, RemovalPreview
from archipelago.api.events import Event
from archipelago.api.health import Health
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.api.operations import Operation
from archipelago.api.repairs import RepairPreview
from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.podman_client.exec.terminal import Terminal


class AppChangeService(Protocol):
    """Changes apps: each change is planned, then opens an operation and returns it at once."""

    async def plan(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str], also: tuple[str, ...] = ()
    ) -> Plan: ...
    async def install(
        self,
        app: str,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        *,
        start: bool,
        also: tuple[str, ...] = (),
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation: ...
    async def start(self, app: str) -> Operation: ...
    async def stop(self, app: str, agreed: Collection[str] | None = None) -> Operation: ...
    async def restart(self, app: str) -> Operation: ...
    async def change_preview(self, app: str, change: Change) -> ChangePreview: ...
    async def remove(self, app: str, *, delete_data: bool) -> Operation: ...
    async def update(self, app: str, agreed: str | None = None, *, downgrade: bool = False) -> Operation: ...
    async def configure(
        self,
        app: str,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None = None,
    ) -> Operation: ...
    async def preview(self, app: str, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview: ...


class RemovalService(Protocol):
    """Says what a removal takes with it."""

    async def preview(self, app: str) -> RemovalPreview: ...


class RepairService(Protocol):
    """Repairs apps, as their manifests declare."""

    async def repair(self, app: str, repair: str) -> Operation: ...
    async def repair_preview(self, app: str, repair: str) -> RepairPreview: ...


class RevisionService(Protocol):
    """Knows the configurations that an app has had, and goes back to one."""

    async def history(self, app: str) -> tuple[ConfigRevision, ...]: ...
    async def compare(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]: ...
    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview: ...
    async def roll_back(self, app: str, number: int, agreed: Collection[str] | None = None) -> Operation: ...


class OperationService(Protocol):
    """Knows the work that the node does, and cancels it."""

    async def newest(self, app: str | None, limit: int) -> tuple[Operation, ...]: ...
    async def get(self, operation: str) -> Operation: ...
    async def cancel(self, operation: str) -> Operation: ...
    async def wait(self, operation: str, timeout: float) -> Operation:
        """Return the operation once it has ended, or as it stands after `timeout` seconds."""
        ...


class AppDataService(Protocol):
    """Looks after data that is lost, or was kept."""

    async def start_empty(self, app: str, volumes: tuple[str, ...]) -> None: ...
    async def list_kept(self) -> tuple[KeptData, ...]: ...
    async def restore_kept(self, app: str, kept: str) -> None: ...
    async def delete_kept(self, app: str, kept: str) -> None: ...


class AppReportService(Protocol):
    """Answers questions about installed apps."""

    async def status(self, app: str) -> AppStatus: ...
    async def summaries(self) -> tuple[AppSummary, ...]: ...
    async def health(self, app: str) -> Health: ...
    async def health_history(self, app: str, limit: int) -> tuple[Event, ...]: ...
    async def options(self, app: str) -> dict[str, Scalar]: ...
    async def option_views(self, app: str) -> tuple[OptionView, ...]: ...


class ChainService(Protocol):
    """Asks the program of an app about the chain that it follows."""

    async def report(self, app: str) -> ChainReport: ...


class CatalogService(Protocol):
    """Answers questions about the apps that can be installed."""

    async def entries(self) -> tuple[CatalogEntry, ...]: ...
    async def bundles(self) -> tuple[BundleView, ...]: ...
    async def icon(self, app: str) -> bytes | None: ...
    async def screenshot(self, app: str, name: str) -> bytes | None: ...


class MetricsService(Protocol):
    """Says what an app used over time."""

    async def metrics(self, app: str, span: MetricsSpan) -> MetricsView: ...


class LogService(Protocol):
    """Reads the logs of apps; of all containers where none is named."""

    async def logs(self, app: str, container: str | None, tail: int) -> tuple[LogLine, ...]: ...
    def follow_logs(self, app: str, container: str | None, tail: int) -> AsyncGenerator[tuple[LogLine, ...], None]:
        """Yield the last `tail` lines, then new ones until the app is removed; close it to end it."""
        ...


class ShellService(Protocol):
    """Runs commands in containers; in the first one of the app where none is named."""

    async def execute(
        self, app: str, command: tuple[str, ...], container: str | None, timeout: float
    ) -> ExecResult: ...
    async def terminal(self, app: str, container: str | None, columns: int, rows: int) -> Terminal: ...
    async def attach(
        self, app: str, command: tuple[str, ...], container: str | None, size: tuple[int, int] | None, *, stdin: bool
    ) -> Terminal:
        """Run a command that is typed to; without a size (columns, rows) it has no terminal."""
        ...
