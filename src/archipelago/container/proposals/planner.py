"""Plans what an owner asks for: resolves it, and refuses what the files on the disk rule out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archipelago.catalog.source import Catalog, CatalogSource
from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.plan import Plan, Request
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.installed_apps import Records, not_installed
from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.package import AppPackage
from archipelago.container.proposals.bound_updates import with_bound_update, without_help
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.proposals.proposal import Proposal, require_packages
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.stores.state import State


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes proposals, and changes nothing. Raises `NodeError`.

    Each resolves its request once, and once more for each app whose versions bind an update.
    """

    state: State
    catalog: CatalogSource
    composer: Composer
    disk_rules: DiskRules
    desired: Callable[[], DesiredState]

    async def plan(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str], also: tuple[str, ...] = ()
    ) -> Proposal:
        """Return the plan of installing or updating an app, with all that it brings; reads the options' texts.

        `also` are further apps to be installed; those that are installed already stay as they are.
        """
        catalog = await self.catalog.read()
        given = self.composer.check_options(catalog.package(app).manifest, options, ())
        records = await self.state.load_apps()
        if app in records:
            request = Request(update=(app,), install=also, choices=choices, options={app: given})
        else:
            request = Request(install=(app, *also), choices=choices, options={app: given})
        return await self._first(records, request, catalog, app)

    async def plan_update(self, app: str) -> Proposal:
        """Return the plan of bringing an installed app to the version of the catalog."""
        catalog = await self.catalog.read()
        return await self._first(await self.state.load_apps(), Request(update=(app,)), catalog, app)

    async def plan_again(self, records: Records, request: Request, app: str) -> Proposal:
        """Return the plan of a request as it is now, within the turn that carries it out (`Changes`).

        The turn checks the disk, and the options were read when the operation was opened.
        """
        return await self._propose(records, request, await self.catalog.read(), app)

    async def settle(self, records: Records, app: str) -> Proposal:
        """Return the plan of what is installed with other options of an app, for which it may need further apps."""
        catalog = await self.catalog.read()
        plan = await self.composer.settle(records, catalog)
        return Proposal.of(plan, catalog.packages, records[app].options, app)

    async def packages(self, agreed: Mapping[str, str]) -> dict[str, AppPackage]:
        """Return the packages of these apps, in their order; BUSY where one has another digest by now."""
        catalog = await self.catalog.read()
        found = {app: catalog.package(app) for app in agreed}
        require_packages(found, agreed)
        return found

    async def installed(self, app: str) -> AppRecord:
        """Return the record of an app. Raises `NodeError` NOT_INSTALLED, or UNKNOWN_APP with the nearest names."""
        records = await self.state.load_apps()
        if app not in records:
            (await self.catalog.read()).package(app)
            raise not_installed(app)
        return records[app]

    async def require_disk(self, plan: Plan, packages: Mapping[str, AppPackage]) -> None:
        """Raise `NodeError` where a plan sets options that the files of an app rule out."""
        manifests = {name: package.manifest for name, package in packages.items()}
        await self.disk_rules.require(plan, manifests, self.desired().plan)

    async def _first(self, records: Records, request: Request, catalog: Catalog, app: str) -> Proposal:
        proposal = await self._propose(records, request, catalog, app)
        kept = {name: record.package for name, record in records.items()}
        await self.require_disk(proposal.plan, {**kept, **proposal.packages})
        return proposal

    async def _propose(self, records: Records, request: Request, catalog: Catalog, app: str) -> Proposal:
        for wanted in (app, *request.install):
            if wanted not in records or wanted in request.update:
                catalog.package(wanted)  # raises what is wrong with it
        plan = await self._resolved(records, request, catalog)
        return Proposal.of(plan, catalog.packages, request.options.get(app, {}), app, *request.install)

    async def _resolved(self, records: Records, request: Request, catalog: Catalog) -> Plan:
        """Return the plan of a request; it takes those updates along without which versions do not go together."""
        first: ResolutionError | None = None
        while True:
            try:
                return await self.composer.plan(records, request, catalog)
            except ResolutionError as refusal:
                first = first or refusal
                wider = with_bound_update(request, refusal, records, catalog.packages)
                if wider is not None:
                    request = wider
                elif request.install and request.along:
                    raise without_help(first, refusal, request.along) from refusal
                else:
                    raise
