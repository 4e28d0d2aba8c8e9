"""Brings up single containers of one app: networks, files, image, firewall, and then their first process."""

import asyncio
from dataclasses import replace

from archipelago.api.health import HealthState
from archipelago.container.desired.state import DesiredApp
from archipelago.container.logs.file import make_ready
from archipelago.container.namespace.owned_paths import FileRequest, PassageRequest
from archipelago.container.podman_client.errors import NotFound, StorageDamaged
from archipelago.container.podman_client.models import ContainerDetails, ContainerSummary
from archipelago.container.reconciler.keeper.healths import Healths
from archipelago.container.reconciler.keeper.repairer import Repairer
from archipelago.container.reconciler.keeper.runs import Runs
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.seen import is_running
from archipelago.container.reconciler.step import Reattach
from archipelago.container.reconciler.wanted import has_company
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg


class Starter:
    """Creates, confines and starts containers, and attaches them to their networks."""

    def __init__(self, tools: Tools, healths: Healths, runs: Runs, repairer: Repairer) -> None:
        self._tools = tools
        self._healths = healths
        self._runs = runs
        self._repairer = repairer

    async def create(self, desired: DesiredApp, wanted: ContainerWorkload) -> None:
        """Create a container and what it needs. Raises `PodmanError` and `NodeError`, `DataMissing` among them."""
        async with FirstError(), asyncio.TaskGroup() as group:
            looked = group.create_task(self._tools.image_id(desired, wanted.container))
            await self._tools.volumes.ensure(desired.workload)
            group.create_task(self._write_files(wanted))
            await self._tools.networks.ensure(desired.workload.networks)
        spec = self._tools.networks.attach(wanted)
        image = looked.result()
        if image is None:
            self._healths.report(wanted.container, HealthState.STARTING, msg("its image is made again"))
            image = await self._tools.rebuild(desired, wanted.container)
        # By its ID: another image may be given the name meanwhile.
        await self._tools.client.containers.create(self._repairer.once(wanted.container, replace(spec, image=image)))

    async def start(self, desired: DesiredApp, wanted: ContainerWorkload, *, created: bool) -> None:
        """Start a container, which was `created` just now or lay there. Raises as `create` does."""
        if not created:
            await self._tools.volumes.ensure(desired.workload)
        self._healths.report(wanted.container, HealthState.STARTING)
        if not created:
            # At each start: they are on a tmpfs, which is empty after a reboot.
            await self._write_files(wanted)
        await self._tools.volumes.hold(desired.workload, desired.record)
        await asyncio.to_thread(make_ready, wanted.log, wanted.spec.log_max_size)
        self._tools.firewall.forget(wanted.name)
        try:
            await self._tools.client.containers.init(wanted.name, ports=wanted.spec.ports)
            details = await self._tools.client.containers.inspect(wanted.name)
            await self.confine(desired, wanted, details)
            await self._tools.client.containers.start(wanted.name)
        except NotFound:
            self._tools.networks.forget()
            raise
        except StorageDamaged:
            # It can never start. The next pass makes another one, and its image again if that is damaged too.
            await self._tools.client.containers.remove(wanted.name, force=True, volumes=False)
            raise
        self._runs.started(wanted.name, details)
        self._repairer.started(wanted.container)
        if (policy := self._healths.policies.get(wanted.container)) is not None:
            self._healths.policies[wanted.container] = policy.started()

    async def confine(self, desired: DesiredApp, wanted: ContainerWorkload, details: ContainerDetails) -> None:
        """Let the container reach and take what it may, before it is on a network where it could reach more."""
        budget = self._tools.desired().container_budget(wanted.app, wanted.container)
        if budget is not None:
            await self._tools.limits.apply(wanted.name, details.pid, budget)
        await self._tools.bridges.announce_changes()
        subnets = await self._tools.networks.subnets(desired.workload.networks)
        others = self._tools.networks.all_subnets
        await self._tools.firewall.guard(wanted.name, details.id, details.pid, wanted.reach, subnets, others)

    async def reattach(
        self, desired: DesiredApp, wanted: ContainerWorkload, found: ContainerSummary, step: Reattach
    ) -> None:
        """Join a container to networks and take it off others. Raises `PodmanError`."""

        async def may_leave() -> bool:
            if not is_running(found):
                return True
            seen = await self._tools.observer.look()  # what kept it company may have stopped since the decision
            return has_company(seen, self._tools.desired(), wanted.app, self._tools.health_of)

        specs = desired.workload.networks
        if await self._tools.networks.reattach(specs, wanted, step.join, step.leave, may_leave):
            self._tools.sweep_soon()

    async def _write_files(self, wanted: ContainerWorkload) -> None:
        passages = (PassageRequest(passage.path, passage.gid) for passage in wanted.passages)
        files = (FileRequest(file.path, file.content.reveal(), file.uid, file.gid, file.mode) for file in wanted.files)
        await self._tools.namespace.make((*passages, *files))
