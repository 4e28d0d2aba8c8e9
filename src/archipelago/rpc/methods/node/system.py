"""Methods about the node and its host."""

from typing import Annotated

from pydantic import Field

from archipelago.api.events import Event
from archipelago.api.metrics import MetricsSpan
from archipelago.api.services.node import (
    DiskService,
    DoctorService,
    EventService,
    PowerService,
    ResourceService,
    SetupService,
    SystemService,
)
from archipelago.api.system import (
    DiskReport,
    Finding,
    PowerAction,
    Resources,
    SetupProgress,
    SetupStep,
    SystemHistoryView,
    SystemInfo,
)
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Flag, Revision
from archipelago.storage.records.permissions import Permission

family = Family()


class EventsParams(Params):
    """Which events are read."""

    revision: Revision
    """Revision of the newest event that the caller has seen."""
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 200
    """How many: those that come next, or the newest ones; the oldest of them first."""
    newest: Flag = False
    """The newest ones, and not those that come next."""


class SystemHistoryParams(Params):
    """How far back."""

    span: MetricsSpan = MetricsSpan.HOUR
    """An hour in fine steps, or a day in coarse ones."""


class SetupParams(Params):
    """What is done."""

    step: SetupStep


class PowerParams(Params):
    """How it ends."""

    action: PowerAction


@family.method("system-info", "Return facts of node and host", permission=Permission.READ)
async def _info(system: SystemService) -> SystemInfo:
    return await system.info()


@family.method(
    "system-history", "Return what the host used of processors, memory and disk over time", permission=Permission.READ
)
async def _history(system: SystemService, params: SystemHistoryParams) -> SystemHistoryView:
    return await system.history(params.span)


@family.method("system-disk", "Return what the data of each app takes on the disk", permission=Permission.READ)
async def _disk(disk: DiskService) -> DiskReport:
    return await disk.report()


@family.method("system-resources", "Say what each app may take of the host, and takes now", permission=Permission.READ)
async def _resources(host: ResourceService) -> Resources:
    return host.resources()


@family.method(
    "system-power",
    "Restart or stop the node, or the machine; apps are stopped in order before it ends",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _power(power: PowerService, params: PowerParams) -> None:
    power.ask(params.action)


@family.method("setup-status", "Say what the owner has done of setting the node up", permission=Permission.READ)
async def _setup_status(setup: SetupService) -> SetupProgress:
    return await setup.progress()


@family.method(
    "setup-done",
    "Note that the owner has done a step of setting the node up",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _setup_done(setup: SetupService, params: SetupParams) -> SetupProgress:
    return await setup.done(params.step)


@family.method(
    "doctor", "Examine host and node; say what is wrong, why it matters and how to fix it", permission=Permission.READ
)
async def _doctor(doctor: DoctorService) -> tuple[Finding, ...]:
    return await doctor.examine()


@family.method("events-since", "Return what changed after a revision", permission=Permission.READ)
async def _events(events: EventService, params: EventsParams) -> tuple[Event, ...]:
    return await events.since(params.revision, params.limit, newest=params.newest)
