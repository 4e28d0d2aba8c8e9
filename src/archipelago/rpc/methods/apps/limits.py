"""The method that changes what an app may take of the host; `system-resources` says what that is."""

from typing import Annotated, Literal

from pydantic import Field

from archipelago.api.services.apps import LimitService
from archipelago.api.services.node import ResourceService
from archipelago.api.system import AppResources
from archipelago.rpc.method import Family
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.rpc.params import Count
from archipelago.storage.records.permissions import Permission

family = Family()

_Weight = Annotated[int, Field(strict=True, ge=1, le=10_000)]
_Limit = Literal["memory", "cpu", "cpu_weight", "io_weight", "pids", "disk"]


class LimitsParams(AppParams):
    """What an app may take; what is left out stays as it is."""

    memory: Annotated[int, Field(strict=True, ge=1, le=1 << 50)] | None = None
    """Bytes, all its containers together; likewise the others."""
    cpu: Annotated[float, Field(gt=0, le=1024)] | None = None
    """Cores."""
    cpu_weight: _Weight | None = None
    """Its share of busy processors against other apps, from 1 to 10000; 100 is usual."""
    io_weight: _Weight | None = None
    """Its share of a busy disk, likewise."""
    pids: Annotated[int, Field(strict=True, ge=1, le=4_000_000)] | None = None
    """Processes and threads."""
    disk: Count | None = None
    """Bytes of its volumes, 0 for no limit: beyond it the app is paused, unless money depends on it."""
    reset: Annotated[tuple[_Limit, ...], Field(max_length=6)] = ()
    """Names of limits that follow from the manifest again."""


@family.method(
    "container-limits",
    "Change what an app may take of the host, at once and without a restart",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _change(limits: LimitService, host: ResourceService, params: LimitsParams) -> AppResources:
    given = params.model_dump(exclude={"app", "reset"}, exclude_none=True)
    await limits.change(params.app, given, params.reset)
    return host.of_app(params.app)
