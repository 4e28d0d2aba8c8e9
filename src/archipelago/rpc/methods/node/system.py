"""Methods about the node and its host."""

from typing import Annotated

from pydantic import Field

from archipelago.api.events import Event
from archipelago.api.services import Engine
from archipelago.api.system import Finding, PowerAction, Resources, SetupProgress, SetupStep, SystemInfo
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.rpc.params import Flag, Revision
from archipelago.storage.records.permissions import Permission


class EventsParams(Params):
    """Which events are read."""

    revision: Revision
    """Revision of the newest event that the caller has seen."""
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 200
    """How many: those that come next, or the newest ones; the oldest of them first."""
    newest: Flag = False
    """The newest ones, and not those that come next."""


class SetupParams(Params):
    """What is done."""

    step: SetupStep


class PowerParams(Params):
    """How it ends."""

    action: PowerAction


async def _resources(engine: Engine, _: NoParams) -> Resources:
    return await engine.resources()


async def _power(engine: Engine, params: PowerParams) -> None:
    await engine.power(params.action)


async def _info(engine: Engine, _: NoParams) -> SystemInfo:
    return await engine.system()


async def _setup_status(engine: Engine, _: NoParams) -> SetupProgress:
    return await engine.setup_progress()


async def _setup_done(engine: Engine, params: SetupParams) -> SetupProgress:
    return await engine.setup_done(params.step)


async def _doctor(engine: Engine, _: NoParams) -> tuple[Finding, ...]:
    return await engine.doctor()


async def _events(engine: Engine, params: EventsParams) -> tuple[Event, ...]:
    return await engine.events_since(params.revision, limit=params.limit, newest=params.newest)


def system_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="system-info",
            summary="Return facts of node and host",
            params=NoParams,
            result=SystemInfo,
            permission=Permission.READ,
            handler=_info,
        ),
        Method(
            name="system-resources",
            summary="Say what each app may take of the host, and takes now",
            params=NoParams,
            result=Resources,
            permission=Permission.READ,
            handler=_resources,
        ),
        Method(
            name="system-power",
            summary="Restart or stop the node, or the machine; apps are stopped in order before it ends",
            params=PowerParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_power,
        ),
        Method(
            name="setup-status",
            summary="Say what the owner has done of setting the node up",
            params=NoParams,
            result=SetupProgress,
            permission=Permission.READ,
            handler=_setup_status,
        ),
        Method(
            name="setup-done",
            summary="Note that the owner has done a step of setting the node up",
            params=SetupParams,
            result=SetupProgress,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_setup_done,
        ),
        Method(
            name="doctor",
            summary="Examine host and node; say what is wrong, why it matters and how to fix it",
            params=NoParams,
            result=tuple[Finding, ...],
            permission=Permission.READ,
            handler=_doctor,
        ),
        Method(
            name="events-since",
            summary="Return what changed after a revision",
            params=EventsParams,
            result=tuple[Event, ...],
            permission=Permission.READ,
            handler=_events,
        ),
    )
