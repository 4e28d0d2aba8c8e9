"""Methods that install, run and watch apps."""

from typing import Annotated

from pydantic import Field

from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview
from archipelago.api.automatic_updates import AutomaticUpdateView, Hour, UpdateHoursView
from archipelago.api.configuration import ConfigPreview, OptionView
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.data import RemovalPreview
from archipelago.api.events import Event
from archipelago.api.health import Health
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.api.operations import Operation
from archipelago.api.services.apps import (
    AppChangeService,
    AppReportService,
    AutomaticUpdateService,
    LogService,
    MetricsService,
    RemovalService,
    ShellService,
)
from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Agreed, Also, Choices, Command, Flag, Options, Tail
from archipelago.storage.records.permissions import Permission

family = Family()


class AppParams(Params):
    """One app."""

    app: AppId
    """Id of the app."""


class PlanParams(AppParams):
    """What would be installed."""

    options: Options = Field(default_factory=dict)
    """Options that the owner sets, by name."""
    choices: Choices = Field(default_factory=dict)
    """App that should provide an interface, by interface."""
    also: Also = ()
    """Further apps that are installed in the same plan, such as those of a bundle."""


class InstallParams(PlanParams):
    """What is installed."""

    start: Flag = True
    """Whether the app starts once it is installed."""
    dry_run: Flag = False
    """Answer with the plan and change nothing."""
    plan: Annotated[str, Field(max_length=64)] | None = None
    """Digest of the plan that was agreed to; if it has changed since, nothing is installed."""
    downgrade: Flag = False
    """Whether a version may be installed that is older than the one that left the app's data."""


class StopParams(AppParams):
    """What is stopped."""

    agreed: Agreed | None = None
    """Apps of which the caller knows that they stop as well (`change-preview`); where others would, nothing stops."""


class ChangePreviewParams(AppParams):
    """What would be done with which app."""

    change: Change
    """To stop it, or to restart it."""


class UpdateParams(AppParams):
    """What is updated."""

    plan: Annotated[str, Field(max_length=64)] | None = None
    """Digest of the plan that was agreed to; if it has changed since, nothing is updated."""
    downgrade: Flag = False
    """Whether the version of the catalog may be older than the installed one."""


class UpdateHoursParams(Params):
    """From when on, and until when; an end before the start is of the next morning."""

    from_hour: Hour
    to_hour: Hour


class AutomaticParams(AppParams):
    """Of which app, and whether."""

    on: Flag
    """Whether its updates are installed by themselves."""


class RemoveParams(AppParams):
    """What is removed."""

    delete_data: Flag = False
    """Whether its data is deleted as well; volumes with keys to money are kept (`data-list`)."""


class ConfigParams(AppParams):
    """What is configured; without `options` and `reset` the values in force are read."""

    options: Options | None = None
    """Options to set, by name."""
    reset: Annotated[tuple[Key, ...], Field(max_length=200)] = ()
    """Options that go back to their defaults."""
    agreed: Agreed | None = None
    """Apps of which the caller knows that they restart or are installed (`config-preview`); where there
    would be others, nothing is changed."""
    plan: Annotated[str, Field(max_length=64)] | None = None
    """What the preview said of what is installed (`plan`); if it has changed since, nothing is changed."""


class PreviewParams(AppParams):
    """What would be configured."""

    options: Options = Field(default_factory=dict)
    """Options that would be set, by name."""
    reset: Annotated[tuple[Key, ...], Field(max_length=200)] = ()
    """Options that would go back to their defaults."""


class MetricsParams(AppParams):
    """Whose use of the host, and how far back."""

    span: MetricsSpan = MetricsSpan.HOUR
    """An hour in fine steps, or a day in coarse ones."""


class HealthHistoryParams(AppParams):
    """Whose history."""

    limit: Annotated[int, Field(strict=True, ge=1, le=200)] = 50
    """How many changes, the newest ones."""


class LogsParams(AppParams):
    """Which log is read."""

    container: Name | None = None
    """One container of the app; all of them when left out."""
    tail: Tail = 100
    """Number of lines, the newest ones."""


class ExecParams(AppParams):
    """What is run."""

    command: Command
    """Program and arguments; no shell is involved."""
    container: Name | None = None
    """Container to run it in; the app's first one when left out."""
    timeout: Annotated[float, Field(strict=True, gt=0, le=3600)] = 60
    """Seconds until the command is killed."""


@family.method(
    "container-install",
    "Install an app with all that it needs, or with dry_run say what that would be",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _install(changes: AppChangeService, params: InstallParams) -> Operation | Plan:
    if params.dry_run:
        return await changes.plan(params.app, params.options, params.choices, params.also)
    return await changes.install(
        params.app,
        params.options,
        params.choices,
        start=params.start,
        also=params.also,
        agreed=params.plan,
        downgrade=params.downgrade,
    )


@family.method(
    "container-start",
    "Start an app, and first those that it cannot do without",
    permission=Permission.OPERATE,
    mutates=True,
)
async def _start(changes: AppChangeService, params: AppParams) -> Operation:
    return await changes.start(params.app)


@family.method(
    "container-stop",
    "Stop an app, and first those that cannot do without it",
    permission=Permission.OPERATE,
    mutates=True,
)
async def _stop(changes: AppChangeService, params: StopParams) -> Operation:
    return await changes.stop(params.app, params.agreed)


@family.method(
    "change-preview", "Say which apps stop with an app, or go without it while it restarts", permission=Permission.READ
)
async def _change_preview(changes: AppChangeService, params: ChangePreviewParams) -> ChangePreview:
    return await changes.change_preview(params.app, params.change)


@family.method("container-restart", "Restart an app", permission=Permission.OPERATE, mutates=True)
async def _restart(changes: AppChangeService, params: AppParams) -> Operation:
    return await changes.restart(params.app)


@family.method(
    "container-remove",
    "Remove an app; its data stays unless delete_data is true, and keys to money even then",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _remove(changes: AppChangeService, params: RemoveParams) -> Operation:
    return await changes.remove(params.app, delete_data=params.delete_data)


@family.method("removal-preview", "Say what removing an app would take with it", permission=Permission.READ)
async def _removal(removals: RemovalService, params: AppParams) -> RemovalPreview:
    return await removals.preview(params.app)


@family.method(
    "container-update", "Bring an app to the version of the catalog", permission=Permission.MANAGE, mutates=True
)
async def _update(changes: AppChangeService, params: UpdateParams) -> Operation:
    return await changes.update(params.app, params.plan, downgrade=params.downgrade)


@family.method(
    "update-automatic",
    "Have updates of an app installed by themselves, at night, as far as they ask for nothing new; or no longer",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _automatic(updates: AutomaticUpdateService, params: AutomaticParams) -> AutomaticUpdateView:
    return await updates.set(params.app, on=params.on)


@family.method(
    "update-hours", "Return the hours in which updates are installed by themselves", permission=Permission.READ
)
async def _update_hours(updates: AutomaticUpdateService) -> UpdateHoursView:
    return await updates.hours()


@family.method(
    "update-hours-set",
    "Choose the hours of the local time in which updates are installed by themselves, of all apps",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _set_update_hours(updates: AutomaticUpdateService, params: UpdateHoursParams) -> UpdateHoursView:
    return await updates.set_hours(params.from_hour, params.to_hour)


@family.method(
    "container-config",
    "Change options of an app; without options and reset, return the values in force",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _config(
    reports: AppReportService, changes: AppChangeService, params: ConfigParams
) -> Operation | dict[str, Scalar]:
    if not params.options and not params.reset:
        return await reports.options(params.app)
    return await changes.configure(params.app, params.options or {}, params.reset, params.agreed, params.plan)


@family.method(
    "option-list",
    "Return the options of an app, installed or not, with their values, limits and words",
    permission=Permission.READ,
)
async def _options(reports: AppReportService, params: AppParams) -> tuple[OptionView, ...]:
    return await reports.option_views(params.app)


@family.method(
    "config-preview", "Say what a change of options would do, and which apps restart", permission=Permission.READ
)
async def _preview(changes: AppChangeService, params: PreviewParams) -> ConfigPreview:
    return await changes.preview(params.app, params.options, params.reset)


@family.method(
    "container-metrics",
    "Return what an app used of processor, memory, disk and network over time",
    permission=Permission.READ,
)
async def _metrics(metrics: MetricsService, params: MetricsParams) -> MetricsView:
    return await metrics.metrics(params.app, params.span)


@family.method("container-status", "Return everything about one app", permission=Permission.READ)
async def _status(reports: AppReportService, params: AppParams) -> AppStatus:
    return await reports.status(params.app)


@family.method("container-health", "Return the health of one app", permission=Permission.READ)
async def _health(reports: AppReportService, params: AppParams) -> Health:
    return await reports.health(params.app)


@family.method(
    "health-history", "Return how the health of an app changed, the newest first", permission=Permission.READ
)
async def _health_history(reports: AppReportService, params: HealthHistoryParams) -> tuple[Event, ...]:
    return await reports.health_history(params.app, params.limit)


@family.method("container-list", "Return a line about each installed app", permission=Permission.READ)
async def _list(reports: AppReportService) -> tuple[AppSummary, ...]:
    return await reports.summaries()


@family.method("container-logs", "Return the newest log lines of an app", permission=Permission.READ)
async def _logs(logs: LogService, params: LogsParams) -> tuple[LogLine, ...]:
    return await logs.logs(params.app, params.container, params.tail)


@family.method(
    "container-exec",
    "Run a command inside a container and return its output",
    permission=Permission.EXECUTE,
    recorded=True,
)
async def _exec(shells: ShellService, params: ExecParams) -> ExecResult:
    return await shells.execute(params.app, params.command, params.container, params.timeout)


@family.method(
    "plan",
    "Say what installing or updating an app, or other options of one, would do, and why",
    permission=Permission.READ,
)
async def _plan(changes: AppChangeService, params: PlanParams) -> Plan:
    return await changes.plan(params.app, params.options, params.choices, params.also)
