"""From a plan to the records that carry it out."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from archipelago.container.dependency_resolver.plan import Action, Plan
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.exposure import kept_switches
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.support.texts.text import msg

PLAN_STEP = msg("write the plan down")
"""Name of the step in which a plan is kept."""


async def planned_records(
    take_slot: Callable[[str], Awaitable[int]],
    plan: Plan,
    records: Records,
    packages: Mapping[str, AppPackage],
    options: Mapping[str, Mapping[str, Scalar]] = MappingProxyType({}),
    stopped: Collection[str] = (),
) -> Records:
    """Return the records of a plan; the images of `packages` are here.

    `options` are what the owner set of new apps, and `stopped` are those that are not to run yet.
    Raises `NodeError` when others have changed so much meanwhile that the plan needs more than these packages.
    """
    found = {}
    for planned in plan.apps:
        name = planned.app
        if planned.action in (Action.INSTALL, Action.UPDATE) and name not in packages:
            raise NodeError(
                ErrorCode.BUSY,
                msg("what is installed was changed meanwhile, so that {name} is needed as well", name=name),
                hint=msg("try again"),
            )
        record = records.get(name)
        if record is None:
            record = AppRecord(
                app=name,
                package=packages[name],
                desired=Desired.STOPPED if name in stopped else Desired.RUNNING,
                slot=await take_slot(name),
                options=dict(options.get(name, {})),
                installed_at=time.time(),
            )
        record = with_package(record, packages.get(name, record.package))
        found[name] = replace(record, choices=plan.choices(name), ports=plan.endpoint_ports(name))
    return found


def with_package(record: AppRecord, package: AppPackage) -> AppRecord:
    """Return the record of an app that has another package from now on."""
    lan = kept_switches(record.lan, record.package.manifest.endpoints, package.manifest.endpoints)
    tor = kept_switches(record.tor, record.package.manifest.endpoints, package.manifest.endpoints)
    return replace(record, package=package, lan=lan, tor=tor)
