"""Compiles what is installed into a desired state: resolves, makes missing secrets, and runs the pure compiler."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from archipelago.catalog.source import Catalog
from archipelago.chains.lightning.macaroon import baked
from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Edge, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.desired.app_compiler import AppCompiler
from archipelago.container.desired.installed_apps import Records
from archipelago.container.desired.set_aside import set_aside, unreadable, with_consumers
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Credentials, Provided
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.options import parse_option_text, validate_options
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.inputs import AppInput, Binding, Consumer, Site
from archipelago.container.workload.templates.renderer import Aside, Renderer
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.secret import Secret
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.limits import OwnLimits
from archipelago.support.garbage import little_garbage

_FORESEEN = Secret("not made yet", "not made yet")
"""Stands for the login of an app that is not installed yet."""


class Composer:
    """Turns records into plans and workloads."""

    def __init__(
        self,
        site: Site,
        secrets: SecretsManager,
        images: ImageStore,
        aside: Aside,
        *,
        free_disk: Callable[[], int],
        reserved_ports: frozenset[int],
        downloading: Callable[[str], bool] = lambda _: True,
        limits: Callable[[], Mapping[str, OwnLimits]] = lambda: {},
    ) -> None:
        """Take what plans and workloads depend on; `free_disk()`, in bytes, may block and is asked for each plan.

        `downloading` says of an app whether the first download of its chain goes on, and `limits` are those that the
        owner set, by app.

        `aside` renders the templates that may take long.
        """
        self._site = site
        self._secrets = secrets
        self._images = images
        self.free_disk = free_disk
        self._reserved_ports = reserved_ports
        self._downloading = downloading
        self._limits = limits
        self._compiler = AppCompiler(site, Renderer(aside))

    @property
    def host(self) -> HostFacts:
        """Facts of the host that workloads depend on: those of the start, so that no template changes by itself."""
        return self._site.host

    async def plan(self, records: Records, request: Request, catalog: Catalog | None = None) -> Plan:
        """Resolve a request; without a catalog, only what is installed can be used. Raises `ResolutionError`."""
        manifests = {app: record.package.manifest for app, record in records.items()}
        if catalog is not None:
            manifests = {**manifests, **{app: package.manifest for app, package in catalog.packages.items()}}

        def resolve_here() -> Plan:
            # How much of the disk is free is another matter each time.
            host = replace(self.host, free_disk=self.free_disk())
            with little_garbage():
                installed = _installed(records, self._limits())
                return resolve(manifests, installed, request, host, reserved_ports=self._reserved_ports)

        return await asyncio.to_thread(resolve_here)

    async def compose(self, records: Records, tolerated: Collection[str] = ()) -> DesiredState:
        """Compile everything that is installed. Raises `NodeError` when it does not fit together.

        Of the `tolerated` apps one that cannot be compiled is part of the state with its problem, and no other app
        suffers from it. So is one whose package has a problem.
        """
        return await self.compile(records, await self.settle(records), tolerated)

    async def settle(self, records: Records, catalog: Catalog | None = None) -> Plan:
        """Return the plan of what is installed, for which apps of a catalog may be needed. Raises `ResolutionError`.

        Where that cannot be since the package of an app has a problem, it is left out with all that use it.
        """
        try:
            return await self.plan(records, Request(), catalog)
        except ResolutionError:
            # What it provides may be in the part of its manifest that is not read.
            aside = with_consumers(unreadable(records), records)
            if not aside:
                raise
            left = {app: record for app, record in records.items() if app not in aside}
            if catalog is not None:
                packages = {app: package for app, package in catalog.packages.items() if app not in aside}
                catalog = replace(catalog, packages=packages)
            return await self.plan(left, Request(), catalog)

    async def compile(self, records: Records, plan: Plan, tolerated: Collection[str] = ()) -> DesiredState:
        """Compile everything that is installed by a plan that these records carry out; see `compose`."""
        return await asyncio.to_thread(self._compile_all, records, plan, tolerated, set_aside(records, plan))

    async def foresee(
        self, records: Records, plan: Plan, packages: Mapping[str, AppPackage], tolerated: Collection[str] = ()
    ) -> DesiredState:
        """Compile what is installed by a plan that brings further apps, whose packages these are.

        Nothing is made of those: they have neither secrets nor containers yet, and no user ids.
        """
        new = {app: AppRecord(app, package, Desired.RUNNING, slot=0) for app, package in packages.items()}
        aside = set_aside(records, plan)
        return await asyncio.to_thread(self._compile_all, {**records, **new}, plan, tolerated, aside, frozenset(new))

    def check_options(
        self, manifest: AppManifest, given: Mapping[str, object], reset: tuple[str, ...]
    ) -> dict[str, Scalar]:
        """Return the owner's options with their types; texts are read as the option's type. Raises `OptionError`."""
        read = {
            key: parse_option_text(manifest.options[key], value, key)
            if isinstance(value, str) and key in manifest.options
            else value
            for key, value in given.items()
        }
        # Names that are to be reset must exist as well; their defaults are valid values.
        defaults = {key: manifest.options[key].default if key in manifest.options else None for key in reset}
        validate_options(manifest, {**defaults, **read})
        return validate_options(manifest, read)

    def _compile_all(
        self,
        records: Records,
        plan: Plan,
        tolerated: Collection[str],
        aside: Mapping[str, str],
        foreseen: frozenset[str] = frozenset(),
    ) -> DesiredState:
        with little_garbage():
            return self._compile(records, plan.carried_out, tolerated, aside, foreseen)

    def _compile(
        self,
        records: Records,
        plan: Plan,
        tolerated: Collection[str],
        aside: Mapping[str, str],
        foreseen: frozenset[str],
    ) -> DesiredState:
        credentials = {edge: self._credential(records, edge, foreseen) for edge in plan.edges}
        edges: dict[str, list[Edge]] = {app: [] for app in records}
        for edge in plan.edges:
            for end in {edge.consumer, edge.provider}:
                edges[end].append(edge)
        inputs = {
            app: self._input(record, plan, tuple(edges[app]), credentials, foreseen) for app, record in records.items()
        }
        apps = {}
        for app, given in inputs.items():
            if app in aside or app in foreseen:
                apps[app] = _uncompiled(records[app], aside.get(app, ""))
                continue
            try:
                workload = self._compiler.workload(self._bound(inputs, credentials, app))
                apps[app] = DesiredApp(records[app], workload, given.secrets)
            except NodeError as error:
                if app not in tolerated:
                    raise
                apps[app] = _uncompiled(records[app], str(error))
        return DesiredState(apps, plan)

    def _bound(self, inputs: Mapping[str, AppInput], credentials: Mapping[Edge, Secret | None], app: str) -> AppInput:
        """Return what an app is compiled from, with what it uses. Raises `NodeError`."""
        bindings = []
        for edge in inputs[app].edges:
            if edge.consumer != app:
                continue
            provider = inputs[edge.provider]
            manifest = provider.package.manifest
            if any("requires" in text for text in manifest.provides[edge.interface].exports.values()):
                # No plan has apps that use each other in a circle.
                provider = self._bound(inputs, credentials, edge.provider)
            exported = self._compiler.exports(provider, edge.interface)
            bindings.append(Binding(edge, manifest, exported, credentials[edge]))
        return replace(inputs[app], bindings=tuple(bindings))

    def _input(
        self,
        record: AppRecord,
        plan: Plan,
        edges: tuple[Edge, ...],
        credentials: Mapping[Edge, Secret | None],
        foreseen: frozenset[str],
    ) -> AppInput:
        package, app = replace(record.package, manifest=record.manifest), record.app
        planned = plan.planned(app)
        return AppInput(
            package=package,
            options=planned.options if planned is not None else {},
            slot=record.slot,
            images={name: self._images.reference(package, name) for name in package.manifest.containers},
            ports=plan.endpoint_ports(app),
            consumers=tuple(
                Consumer(edge.interface, edge.consumer, credentials[edge], edge.role)
                for edge in edges
                if edge.provider == app
            ),
            secrets={
                key: self._secrets.ensure(app, key, spec.kind, spec.bytes)
                for key, spec in package.manifest.secrets.items()
                if app not in foreseen
            },
            edges=edges,
            downloading=self._downloading(app),
            memory=self._limits().get(app, OwnLimits()).memory,
        )

    def _credential(self, records: Records, edge: Edge, foreseen: frozenset[str]) -> Secret | None:
        provided = records[edge.provider].package.manifest.provides[edge.interface]
        if provided.credentials is Credentials.NONE:
            return None
        if not foreseen.isdisjoint((edge.consumer, edge.provider)):
            return _FORESEEN
        if provided.credentials is Credentials.MACAROON:
            return self._macaroon(records, edge, provided)
        return self._secrets.ensure_edge(edge.provider, edge.consumer, edge.interface)

    def _macaroon(self, records: Records, edge: Edge, provided: Provided) -> Secret:
        """Return what a consumer gets; it is made of the provider's root key each time, and kept nowhere."""
        assert provided.root_key is not None, "the manifest's check asks for it"
        spec = records[edge.provider].package.manifest.secrets[provided.root_key]
        root_key = self._secrets.ensure(edge.provider, provided.root_key, spec.kind, spec.bytes)
        permissions = records[edge.consumer].manifest.requires[edge.interface].permissions
        text = baked(root_key.reveal(), edge.consumer, permissions)
        self._secrets.redactor.learn(text)
        named = " ".join((root_key.fingerprint, edge.consumer, *sorted(set(permissions))))
        return Secret(text, hashlib.sha256(named.encode()).hexdigest()[:16])


def _uncompiled(record: AppRecord, problem: str) -> DesiredApp:
    return DesiredApp(record, Workload(record.app, (), (), (), (), ""), problem=problem)


def _installed(records: Records, limits: Mapping[str, OwnLimits]) -> dict[str, InstalledApp]:
    return {
        app: InstalledApp(
            record.package.manifest,
            record.options,
            record.choices,
            record.ports,
            record.desired is Desired.RUNNING,
            limits.get(app, OwnLimits()).memory,
        )
        for app, record in records.items()
    }
