"""Methods that install, run and watch apps."""

from typing import Annotated

from pydantic import Field

from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview
from archipelago.api.configuration import ConfigPreview, OptionView
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.data import RemovalPreview
from archipelago.api.events import Event
from archipelago.api.health import Health
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.api.operations import Operation
from archipelago.api.services import Engine
from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.rpc.params import Agreed, Choices, Command, Flag, Options, Tail
from archipelago.storage.records.permissions import Permission


class AppParams(Params):
    """One app."""

    app: AppId
    """Id of the app."""


class PlanParams(AppParams):
    """What would be installed."""

    options: Options = Field(default_factory=dict)
    """Options that the owner sets, by name."""
    choices: Choices = Field(default_factory=dict)
    """App that shall provide an interface, by interface."""


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
    """Apps of which the caller knows that they restart (`config-preview`); where others would, nothing is changed."""


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


async def _install(engine: Engine, params: InstallParams) -> Operation | Plan:
    if params.dry_run:
        return await engine.plan(params.app, options=params.options, choices=params.choices)
    return await engine.install(
        params.app,
        options=params.options,
        choices=params.choices,
        start=params.start,
        agreed=params.plan,
        downgrade=params.downgrade,
    )


async def _plan(engine: Engine, params: PlanParams) -> Plan:
    return await engine.plan(params.app, options=params.options, choices=params.choices)


async def _start(engine: Engine, params: AppParams) -> Operation:
    return await engine.start_app(params.app)


async def _stop(engine: Engine, params: StopParams) -> Operation:
    return await engine.stop_app(params.app, agreed=params.agreed)


async def _change_preview(engine: Engine, params: ChangePreviewParams) -> ChangePreview:
    return await engine.change_preview(params.app, params.change)


async def _restart(engine: Engine, params: AppParams) -> Operation:
    return await engine.restart(params.app)


async def _remove(engine: Engine, params: RemoveParams) -> Operation:
    return await engine.remove(params.app, delete_data=params.delete_data)


async def _removal(engine: Engine, params: AppParams) -> RemovalPreview:
    return await engine.removal(params.app)


async def _update(engine: Engine, params: UpdateParams) -> Operation:
    return await engine.update(params.app, agreed=params.plan, downgrade=params.downgrade)


async def _config(engine: Engine, params: ConfigParams) -> Operation | dict[str, Scalar]:
    if not params.options and not params.reset:
        return await engine.options(params.app)
    return await engine.configure(params.app, options=params.options or {}, reset=params.reset, agreed=params.agreed)


async def _options(engine: Engine, params: AppParams) -> tuple[OptionView, ...]:
    return await engine.option_views(params.app)


async def _preview(engine: Engine, params: PreviewParams) -> ConfigPreview:
    return await engine.preview(params.app, options=params.options, reset=params.reset)


async def _metrics(engine: Engine, params: MetricsParams) -> MetricsView:
    return await engine.metrics(params.app, params.span)


async def _health_history(engine: Engine, params: HealthHistoryParams) -> tuple[Event, ...]:
    return await engine.health_history(params.app, limit=params.limit)


async def _status(engine: Engine, params: AppParams) -> AppStatus:
    return await engine.status(params.app)


async def _health(engine: Engine, params: AppParams) -> Health:
    return await engine.health(params.app)


async def _list(engine: Engine, _: NoParams) -> tuple[AppSummary, ...]:
    return await engine.list_apps()


async def _logs(engine: Engine, params: LogsParams) -> tuple[LogLine, ...]:
    return await engine.logs(params.app, container=params.container, tail=params.tail)


async def _exec(engine: Engine, params: ExecParams) -> ExecResult:
    return await engine.execute(params.app, params.command, container=params.container, timeout=params.timeout)


def container_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="container-install",
            summary="Install an app with all that it needs, or with dry_run say what that would be",
            params=InstallParams,
            result=Operation | Plan,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_install,
        ),
        Method(
            name="container-start",
            summary="Start an app, and first those that it cannot do without",
            params=AppParams,
            result=Operation,
            permission=Permission.OPERATE,
            mutates=True,
            handler=_start,
        ),
        Method(
            name="container-stop",
            summary="Stop an app, and first those that cannot do without it",
            params=StopParams,
            result=Operation,
            permission=Permission.OPERATE,
            mutates=True,
            handler=_stop,
        ),
        Method(
            name="change-preview",
            summary="Say which apps stop with an app, or go without it while it restarts",
            params=ChangePreviewParams,
            result=ChangePreview,
            permission=Permission.READ,
            handler=_change_preview,
        ),
        Method(
            name="container-restart",
            summary="Restart an app",
            params=AppParams,
            result=Operation,
            permission=Permission.OPERATE,
            mutates=True,
            handler=_restart,
        ),
        Method(
            name="container-remove",
            summary="Remove an app; its data stays unless delete_data is true, and keys to money even then",
            params=RemoveParams,
            result=Operation,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_remove,
        ),
        Method(
            name="removal-preview",
            summary="Say what removing an app would take with it",
            params=AppParams,
            result=RemovalPreview,
            permission=Permission.READ,
            handler=_removal,
        ),
        Method(
            name="container-update",
            summary="Bring an app to the version of the catalog",
            params=UpdateParams,
            result=Operation,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_update,
        ),
        Method(
            name="container-config",
            summary="Change options of an app; without options and reset, return the values in force",
            params=ConfigParams,
            result=Operation | dict[str, Scalar],
            permission=Permission.MANAGE,
            mutates=True,
            handler=_config,
        ),
        Method(
            name="option-list",
            summary="Return the options of an app, installed or not, with their values, limits and words",
            params=AppParams,
            result=tuple[OptionView, ...],
            permission=Permission.READ,
            handler=_options,
        ),
        Method(
            name="config-preview",
            summary="Say what a change of options would do, and which apps restart",
            params=PreviewParams,
            result=ConfigPreview,
            permission=Permission.READ,
            handler=_preview,
        ),
        Method(
            name="container-metrics",
            summary="Return what an app used of processor, memory, disk and network over time",
            params=MetricsParams,
            result=MetricsView,
            permission=Permission.READ,
            handler=_metrics,
        ),
        Method(
            name="container-status",
            summary="Return everything about one app",
            params=AppParams,
            result=AppStatus,
            permission=Permission.READ,
            handler=_status,
        ),
        Method(
            name="container-health",
            summary="Return the health of one app",
            params=AppParams,
            result=Health,
            permission=Permission.READ,
            handler=_health,
        ),
        Method(
            name="health-history",
            summary="Return how the health of an app changed, the newest first",
            params=HealthHistoryParams,
            result=tuple[Event, ...],
            permission=Permission.READ,
            handler=_health_history,
        ),
        Method(
            name="container-list",
            summary="Return a line about each installed app",
            params=NoParams,
            result=tuple[AppSummary, ...],
            permission=Permission.READ,
            handler=_list,
        ),
        Method(
            name="container-logs",
            summary="Return the newest log lines of an app",
            params=LogsParams,
            result=tuple[LogLine, ...],
            permission=Permission.READ,
            handler=_logs,
        ),
        Method(
            name="container-exec",
            summary="Run a command inside a container and return its output",
            params=ExecParams,
            result=ExecResult,
            permission=Permission.EXECUTE,
            recorded=True,
            handler=_exec,
        ),
        Method(
            name="plan",
            summary="Say what installing or updating an app, or other options of one, would do, and why",
            params=PlanParams,
            result=Plan,
            permission=Permission.READ,
            handler=_plan,
        ),
    )
