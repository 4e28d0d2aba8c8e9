"""The switchboard: builds every part, hands each what it needs, starts and stops them in order."""

import asyncio
import os
import platform
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import structlog

from archipelago import __version__
from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview, EndpointStatus
from archipelago.api.catalog import CatalogEntry
from archipelago.api.configuration import ConfigPreview, ConfigRevision, OptionView, SettingChange
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.data import RemovalPreview
from archipelago.api.events import Event, event_view, event_views
from archipelago.api.health import Health
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.api.operations import Operation
from archipelago.api.repairs import RepairPreview
from archipelago.api.security import AppSecurity, ContainerProfiles, PackageChange, SecretView
from archipelago.api.system import (
    Finding,
    FirewallView,
    LocalAccessView,
    Notice,
    PowerAction,
    Resources,
    SetupProgress,
    SetupStep,
    SignerView,
    SystemInfo,
)
from archipelago.catalog.local import LocalCatalog
from archipelago.config import NodeConfig
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.volumes import AppData
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.state import DesiredApp
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.pruner import ImagePruner
from archipelago.container.images.recipe import DEFAULT_INDEX, DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR, BuildTools
from archipelago.container.images.store import ImageStore, find_uv
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.namespace.client import Namespace
from archipelago.container.networks.firewall import Firewall
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.data import DataService
from archipelago.container.operations.lifecycle import Lifecycle
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.orchestrator import Orchestrator
from archipelago.container.operations.repairs import Repairs
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.apps import Reporter
from archipelago.container.reports.notice_desk import NoticeDesk, Sources
from archipelago.container.reports.notices import Disk
from archipelago.container.reports.removal import RemovalReporter
from archipelago.container.reports.security import SecurityReporter
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.templates.workers import TemplateWorkers
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.drivers.loopback import LoopbackDriver
from archipelago.network.local_access import Front, LocalAccess
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.tls import server_contexts
from archipelago.node.power import Power
from archipelago.performance import host
from archipelago.performance.doctor import Doctor, worst_first
from archipelago.performance.enforcement import not_enforced
from archipelago.performance.forecast import DiskForecast
from archipelago.performance.metrics import STEP, Metrics, Usage, not_counted
from archipelago.performance.resources import resources
from archipelago.security.audit.chain import NODE, AuditEntry, AuditVerdict, Deed, Outcome
from archipelago.security.audit.log import AuditLog
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.security.keys.certificates import Certificates
from archipelago.security.keys.node_key import KeyState
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import host_clocks
from archipelago.security.sbom.store import SbomStore
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.database import Database
from archipelago.storage.event_bus import EventBus
from archipelago.storage.file_modes import close_podmans, make_folders
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.hidden_notices import HiddenNotices
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.runs import RunStore
from archipelago.storage.stores.signers import SignerStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.connections.descriptors import limit, shares

_HOUSEKEEPING = 60.0
_SETUP = "setup-done"
_HEALTH = "health"
_HALT_TIMEOUT = 1800.0
"""Longest orderly shutdown: a chain daemon may need many minutes to flush."""


class Node:
    """A running node; implements `container.engine.Engine` for the RPC."""

    def __init__(self, config: NodeConfig, secrets_manager: SecretsManager, power: Power) -> None:
        self._config = config
        self._power = power
        self._clocks = host_clocks()
        self._started = time.monotonic()
        self._log = structlog.get_logger("node")
        layout = config.layout
        self._closing = AsyncExitStack()
        self._bus = EventBus()
        self._database = Database(config.database)
        self._state = State(self._database, self._bus.publish)
        self._runs = RunStore(self._database)
        self._catalog = LocalCatalog(config.apps)
        self._secrets = secrets_manager
        self.login = Login(
            AccountStore(self._database),
            self._secrets,
            self._clocks,
            lifetimes=config.sessions,
            port=config.port,
            hider=self._secrets.redactor,
            on_notice=self._say_notice,
        )
        self._audit = AuditLog(layout.audit_log, layout.identity_key, now=lambda: datetime.now(UTC))
        self._image_verifier = ImageVerifier(
            RegistryClient(Path.home()), SignerStore(self._database), self._audit.record
        )
        self._podman = PodmanService(config.podman_socket, log=layout.podman_log)
        self._client = PodmanClient(self._podman)
        self._namespace = Namespace((config.root, config.runtime), on_log=lambda text: self._log.warning(text))

    async def start(self) -> Self:
        """Open the database, adopt the containers that run, and begin to keep what is installed."""
        config, layout = self._config, self._config.layout
        await asyncio.to_thread(make_folders, layout)
        self._closing.push_async_callback(self._database.close)
        await self._audit.open()
        await self._database.open()
        await self._state.open()
        await self.login.open()
        self._node_id = await self._state.fact("node-id", lambda: secrets.token_hex(8))
        self._closing.push_async_callback(self._podman.stop)
        await self._podman.start()
        self._closing.push_async_callback(self._client.close)
        self._closing.push_async_callback(self._namespace.close)
        info = await self._client.info()
        self._podman_version = info.version
        await asyncio.to_thread(close_podmans, Path(info.graph_root), Path(info.run_root))
        cgroup = await asyncio.to_thread(host.read_control_group, config.cgroup)
        firewall = Firewall(self._namespace, host.own_addresses)
        await firewall.probe()
        self._not_counted = not_counted(cgroup)
        self._not_enforced = not_enforced(info, cgroup, firewall.obstacle)
        facts = await asyncio.to_thread(host.read_host_facts, config.root)
        self._images = ImageStore(
            self._client,
            layout.builds,
            layout.downloads,
            _build_tools(facts),
            self._image_verifier,
            BuiltImages(layout.images, layout.identity_key),
            config.trusted_root,
            cgroup,
        )
        await self._images.clean()
        site = Site(self._node_id, str(layout.apps), str(layout.files), facts, cgroup, host.static_shell())
        reserved = frozenset({config.port})
        workers = self._template_workers()
        self._composer = Composer(
            site,
            self._secrets,
            self._images,
            workers,
            free_disk=lambda: host.disk(config.root)[1],
            reserved_ports=reserved,
        )
        marks = VolumeMarks(self._database)
        self._volumes = VolumeKeeper(self._namespace, marks)
        self._reconciler = Reconciler(
            self._client,
            self._namespace,
            firewall,
            self._volumes,
            self._node_id,
            str(layout.files),
            Path(info.run_root),
            self._image_id,
            self._rebuild,
            self._secrets.redactor.redact,
            self._record_health,
        )
        self._operations = Operations(self._state, self._secrets.redactor.redact)
        kept = KeptStore(layout, self._namespace)
        data = AppData(layout, self._namespace, self._secrets, self._state, marks, kept)
        self._inventory = ImageInventory(self._images, SbomStore(layout.apps))
        app_secrets = AppSecrets(self._secrets)
        pruner = ImagePruner(self._images, self._state, lambda: host.disk(config.root)[1])
        renderer = Renderer(workers)
        repairs = Repairs(self._reconciler, renderer, lambda: datetime.now(UTC))
        lifecycle = Lifecycle(
            self._state,
            self._catalog,
            self._composer,
            self._images,
            pruner,
            self._reconciler,
            self._operations,
            data,
            app_secrets,
            self._inventory,
            DiskRules(renderer, self._namespace, layout.apps),
            repairs,
        )
        self._orchestrator = Orchestrator(
            self._state,
            self._catalog,
            self._composer,
            self._reconciler,
            self._operations,
            lifecycle,
            app_secrets,
            RevisionStore(self._database),
            data,
            repairs,
        )
        self.data = DataService(
            self._volumes, kept, data, self._operations, lambda: self._reconciler.desired, self._reconciler.look_again
        )
        certificates = Certificates(layout.tls, self._secrets, platform.node(), now=lambda: datetime.now(UTC))
        contexts = server_contexts()
        driver = LoopbackDriver(shares(limit()).apps, contexts)
        self._local_access = LocalAccess(
            self._state,
            certificates,
            platform.node(),
            config.port,
            host.own_addresses,
            has_password=lambda: self.login.setup_code is None,
            routes=RouteKeeper((driver,), lambda: self._reconciler.desired, self._reconciler.changed),
            contexts=contexts,
        )
        self._reporter = Reporter(
            self._state,
            self._catalog,
            self._reconciler,
            self._operations,
            self._client,
            self._secrets.redactor.redact,
            self._not_enforced,
            self._volumes,
            lambda: self._local_access.addresses,
        )
        self._removals = RemovalReporter(self._reconciler, data, self._secrets)
        self._security = SecurityReporter(self._reconciler, firewall, self._inventory, cgroup)
        self._metrics = Metrics()
        self._forecast = DiskForecast()
        self._doctor = Doctor(config, info, self._not_enforced)
        self._notices = NoticeDesk(
            Sources(
                apps=self._reporter.summaries,
                catalog=self._reporter.entries,
                operations=lambda count: self._operations.newest(None, count),
                disk=self._disk,
                examine=self.doctor,
            ),
            HiddenNotices(self._database),
            self._clocks.steady,
        )
        # First what is installed, then what is there: a container of an app not known yet would be taken for an orphan.
        self._closing.push_async_callback(self._reconciler.close)
        self._closing.push_async_callback(self._operations.close)
        await self._reconciler.prepare(await self._runs.all())
        await self._orchestrator.apply()
        await self._volumes.adopt(tuple(each.workload for each in self._reconciler.desired.apps.values()))
        self._reconciler.start()
        await self._orchestrator.resume()
        await self._state.prune()
        self._chores = [asyncio.create_task(chore) for chore in (self._keep_house(), self._measure(), pruner.run())]
        self._closing.push_async_callback(self._end_chores)
        await self._note("node-start", {"version": __version__})
        return self

    def _template_workers(self) -> TemplateWorkers:
        workers = TemplateWorkers()
        self._closing.push_async_callback(asyncio.to_thread, workers.close)
        return workers

    async def halt(self) -> None:
        """Stop all apps in reverse order; they come back at the next start, since they are still wanted."""
        await self._note("node-stop", {})
        # First: what an operation has fetched that goes on at the next start, nobody else needs until then.
        await self._end_chores()
        await self._operations.close()
        desired = self._reconciler.desired
        self._reconciler.apply(replace(desired, halted=True))
        async with asyncio.timeout(_HALT_TIMEOUT):
            await self._reconciler.changed.until(lambda: all(map(self._reconciler.is_down, desired.apps)))

    async def _note(self, action: str, subject: Mapping[str, str]) -> None:
        """Write down what the node does by itself; a full disk does not keep it from that."""
        try:
            await self._audit.record(
                Deed(who=NODE, origin="", action=action, subject=dict(subject), outcome=Outcome.DONE)
            )
        except NodeError as error:
            self._log.warning("not in the audit log", action=action, error=str(error))

    async def _end_chores(self) -> None:
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    async def close(self) -> None:
        """Let go of everything that was begun, last things first; containers stay as they are."""
        await self._closing.aclose()

    def running_apps(self) -> tuple[str, ...]:
        """Return the apps that are not down yet."""
        return tuple(app for app in self._reconciler.desired.apps if not self._reconciler.is_down(app))

    async def wait_for_change(self) -> None:
        """Return at the next change of any app."""
        seen = False

        def first() -> bool:
            nonlocal seen
            seen, before = True, seen
            return before

        await self._reconciler.changed.until(first)

    async def _keep_house(self) -> None:
        """Do what is due now and then."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            try:
                await self.login.note_use()
                await self._local_access.renew()
                await self._audit.drop_old_refusals()
                await self._state.prune()  # an app whose health comes and goes writes an event each time
            except NodeError as error:
                self._log.warning("a chore is not done", error=str(error))
            except Exception:  # it is a mistake of ours, and the chores must go on nevertheless
                self._log.exception("a chore is not done")

    async def _measure(self) -> None:
        """Sample what apps use, for ever."""
        while True:
            apps = self._reconciler.desired.apps
            names = {each.name: app for app, found in apps.items() for each in found.workload.containers}
            try:
                found: dict[str, Usage] = {}
                for each in await self._client.containers.stats() if apps else ():
                    if (app := names.get(each.name)) is not None:
                        found[app] = found.get(app, Usage()) + Usage(
                            each.cpu_nanos, each.memory, each.block_in, each.block_out, each.net_in, each.net_out
                        )
                self._metrics.add(self._clocks.steady(), found, apps)
                self._forecast.add(self._clocks.steady(), (await asyncio.to_thread(host.disk, self._config.root))[1])
            except (PodmanError, OSError) as error:
                self._log.debug("no sample is taken", error=str(error))
            await asyncio.sleep(STEP)

    async def _image_id(self, app: DesiredApp, container: str) -> str | None:
        return await self._images.image_id(app.record.package, container)

    async def _rebuild(self, app: DesiredApp, container: str) -> str:
        await self._images.ensure(app.record.package, container, lambda _: None)
        image = await self._image_id(app, container)
        if image is None:
            raise NodeError(ErrorCode.IMAGE, f"the image of {app.record.app} was removed while it was brought back")
        return image

    async def _say_notice(self) -> None:
        """Have pages that are open look at their notices; what is in them is for some alone."""
        await self._state.record("notice", None, "how somebody logs in has changed")

    async def _record_health(self, app: str, health: Health) -> None:
        text = f"{app} is {health.state}" + (f": {health.reason}" if health.reason else "")
        await self._state.record(_HEALTH, app, text, {"state": health.state.value})
        await self._runs.keep(app, self._reconciler.remember(app))

    # --- Engine: changes ----------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Revision of the newest event."""
        return self._state.revision

    async def install(
        self,
        app: str,
        *,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        start: bool,
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation:
        """Install an app with all that it needs."""
        return await self._orchestrator.install(app, options, choices, start=start, agreed=agreed, downgrade=downgrade)

    async def start_app(self, app: str) -> Operation:
        """Start an app, and those that it cannot do without."""
        return await self._orchestrator.start(app)

    async def stop_app(self, app: str, *, agreed: tuple[str, ...] | None = None) -> Operation:
        """Stop an app, and first those that cannot do without it."""
        return await self._orchestrator.stop(app, agreed)

    async def change_preview(self, app: str, change: Change) -> ChangePreview:
        """Return what stopping or restarting an app does to others."""
        return await self._orchestrator.change_preview(app, change)

    async def restart(self, app: str) -> Operation:
        """Restart an app."""
        return await self._orchestrator.restart(app)

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        """Remove an app."""
        return await self._orchestrator.remove(app, delete_data=delete_data)

    async def update(self, app: str, *, agreed: str | None = None, downgrade: bool = False) -> Operation:
        """Bring an app to the version of the catalog."""
        return await self._orchestrator.update(app, agreed, downgrade=downgrade)

    async def repair(self, app: str, repair: str) -> Operation:
        """Carry out a repair that an app declares."""
        return await self._orchestrator.repair(app, repair)

    async def repair_preview(self, app: str, repair: str) -> RepairPreview:
        """Return what a repair would do."""
        return await self._orchestrator.repair_preview(app, repair)

    async def configure(
        self,
        app: str,
        *,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: tuple[str, ...] | None = None,
    ) -> Operation:
        """Change options of an app."""
        return await self._orchestrator.configure(app, options, reset, agreed)

    async def cancel(self, operation: str) -> Operation:
        """Cancel an operation."""
        return await self._orchestrator.cancel(operation)

    async def record(self, deed: Deed) -> int:
        """Write an entry to the audit log."""
        return await self._audit.record(deed)

    # --- Engine: key and secrets --------------------------------------------------------------------------------------

    async def key_state(self) -> KeyState:
        """Return how the node's key is kept."""
        return await asyncio.to_thread(self._secrets.key.state)

    async def unlock(self, passphrase: str, source: Source) -> None:
        """Unlock the node's key, which it is already."""

    async def protect_key(self, passphrase: str, current: str | None) -> None:
        """Wrap the node's key by a passphrase."""
        await asyncio.to_thread(self._secrets.key.protect, passphrase, current)

    async def unprotect_key(self, current: str) -> None:
        """Keep the node's key in a file."""
        await asyncio.to_thread(self._secrets.key.unprotect, current)

    async def key_phrase(self, current: str | None) -> str:
        """Return the words that bring the node's key back."""
        return await asyncio.to_thread(self._secrets.key.phrase, current)

    async def restore_key(self, words: str) -> None:
        """Bring the node's key back where there is none yet."""
        await asyncio.to_thread(self._secrets.key.restore, words)

    async def secrets(self, app: str) -> tuple[SecretView, ...]:
        """List the secrets of an app."""
        return await self._orchestrator.secrets(app)

    async def reveal_secret(self, app: str, name: str) -> str:
        """Return a secret of an app."""
        return await self._orchestrator.reveal_secret(app, name)

    async def set_secret(self, app: str, name: str, value: str) -> Operation:
        """Give a secret of an app another value."""
        return await self._orchestrator.set_secret(app, name, value)

    async def rotate_secrets(self, app: str, name: str | None) -> Operation:
        """Replace secrets of an app."""
        return await self._orchestrator.rotate_secrets(app, name)

    # --- Engine: the local network ------------------------------------------------------------------------------------

    async def open_local_access(self, front: Front) -> None:
        """Be reachable from the local network as the owner decided; `front` has the node's page listen."""
        self._closing.push_async_callback(self._local_access.close)
        await self._local_access.open(front)

    async def local_access(self) -> LocalAccessView:
        """Return whether the node is reachable from the local network."""
        return await self._local_access.view()

    async def listen(self, addresses: Sequence[str]) -> LocalAccessView:
        """Listen on these addresses, and on no others but loopback."""
        return await self._local_access.listen(addresses)

    async def open_endpoint(self, app: str, endpoint: str, *, opened: bool) -> EndpointStatus:
        """Open an endpoint of an app to the local network, or close it; once this returns, it is so."""
        await self._orchestrator.set_open(app, endpoint, opened=opened)
        await self._local_access.apply_routes()
        return await self._reporter.endpoint(app, endpoint)

    async def host_firewall(self, ssh_port: int | None) -> FirewallView:
        """Return the rules for the firewall of the host."""
        rules = await self._local_access.firewall(ssh_port)
        try:
            await self._namespace.firewall(0, rules)
        except NodeError as error:
            return FirewallView(rules=rules, problem=str(error))
        return FirewallView(rules=rules)

    # --- Engine: signers ----------------------------------------------------------------------------------------------

    async def signers(self) -> tuple[SignerView, ...]:
        """Return whom this node takes images from."""
        return tuple(
            SignerView(publisher=rule.publisher, signer=rule.signer, since=datetime.fromtimestamp(rule.since, UTC))
            for rule in await self._image_verifier.rules()
        )

    async def accept_signer(self, publisher: str, signer: str) -> None:
        """Take images of a publisher from a signer from now on."""
        await self._image_verifier.accept(publisher, signer)

    async def forget_signer(self, publisher: str) -> None:
        """Forget whom images of a publisher came from."""
        await self._image_verifier.forget(publisher)

    async def sbom(self, app: str, container: str | None) -> dict[str, Any]:
        """Return the bill of materials of a container's image."""
        return await self._inventory.document(app, await self._reporter.container(app, container))

    async def sbom_changes(self, app: str, container: str | None) -> tuple[PackageChange, ...]:
        """Return what the last update changed in a container's image."""
        return await self._inventory.changes(app, await self._reporter.container(app, container))

    # --- Engine: configurations ---------------------------------------------------------------------------------------

    async def config_history(self, app: str) -> tuple[ConfigRevision, ...]:
        """Return the configurations that an app has had."""
        return await self._orchestrator.history(app)

    async def config_changes(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]:
        """Return what is different between two of them."""
        return await self._orchestrator.compare(app, before, after)

    async def roll_back(self, app: str, number: int, *, agreed: tuple[str, ...] | None = None) -> Operation:
        """Set the options of an app as they were."""
        return await self._orchestrator.roll_back(app, number, agreed)

    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview:
        """Return what going back to a configuration would do."""
        return await self._orchestrator.preview_roll_back(app, number)

    # --- Engine: how apps are held ------------------------------------------------------------------------------------

    async def security_report(self) -> tuple[AppSecurity, ...]:
        """Return how each installed app is held."""
        return await self._security.report()

    async def security_profiles(self, app: str) -> tuple[ContainerProfiles, ...]:
        """Return the profiles of an app's containers."""
        return self._security.profiles(app)

    # --- Engine: questions --------------------------------------------------------------------------------------------

    async def plan(self, app: str, *, options: Mapping[str, object], choices: Mapping[str, str]) -> Plan:
        """Return what installing or updating the app would do."""
        return await self._orchestrator.plan(app, options, choices)

    async def options(self, app: str) -> dict[str, Scalar]:
        """Return the options in force."""
        return await self._reporter.options(app)

    async def terminal(self, app: str, *, container: str | None, columns: int, rows: int) -> Terminal:
        """Open a terminal in a container."""
        return await self._reporter.terminal(app, container, columns, rows)

    async def attach(
        self,
        app: str,
        command: tuple[str, ...],
        *,
        container: str | None,
        size: tuple[int, int] | None,
        stdin: bool,
    ) -> Terminal:
        """Run a command that is typed to in a container."""
        return await self._reporter.attach(app, command, container, size, stdin=stdin)

    async def health_history(self, app: str, *, limit: int) -> tuple[Event, ...]:
        """Return the newest changes of an app's health."""
        await self._reporter.health(app)
        return tuple(map(event_view, await self._state.newest_events(app, _HEALTH, limit)))

    async def metrics(self, app: str, span: MetricsSpan) -> MetricsView:
        """Return what an app used over time."""
        await self._reporter.health(app)
        found = self._metrics.history(app, span, self._clocks.now() - self._clocks.steady())
        return found.model_copy(update={"not_counted": self._not_counted})

    async def option_views(self, app: str) -> tuple[OptionView, ...]:
        """Return the options of an app, installed or not, as a form needs them."""
        return await self._reporter.option_views(app)

    async def preview(self, app: str, *, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview:
        """Return what a change of options would do."""
        return await self._orchestrator.preview(app, options, reset)

    async def status(self, app: str) -> AppStatus:
        """Return everything about an app."""
        return await self._reporter.status(app)

    async def health(self, app: str) -> Health:
        """Return the health of an app."""
        return await self._reporter.health(app)

    async def audit_entries(self, *, limit: int) -> tuple[AuditEntry, ...]:
        """Return the newest entries of the audit log."""
        return await self._audit.newest(limit)

    async def audit_lines(self, *, after: int, limit: int) -> tuple[str, ...]:
        """Return lines of the audit log."""
        return await self._audit.lines(after, limit)

    async def audit_verdict(self) -> AuditVerdict:
        """Check the audit log."""
        return await self._audit.verify()

    def audit_key(self) -> str:
        """Return the public key that the audit log is signed with."""
        return self._audit.public_key

    async def list_apps(self) -> tuple[AppSummary, ...]:
        """Return a line about each app."""
        return await self._reporter.summaries()

    async def catalog(self) -> tuple[CatalogEntry, ...]:
        """Return the catalog."""
        return await self._reporter.entries()

    async def icon(self, app: str) -> bytes | None:
        """Return the icon of an app."""
        return await self._reporter.icon(app)

    async def removal(self, app: str) -> RemovalPreview:
        """Return what a removal would take with it."""
        return await self._removals.preview(await self._reporter.installed(app))

    async def resources(self) -> Resources:
        """Return how the host is shared out among the apps."""
        apps = [found.record for found in self._reconciler.desired.apps.values()]
        return resources(
            self._composer.host,
            ((record.package.manifest, record.desired) for record in apps),
            self._metrics.newest(),
            self._not_counted,
            self._not_enforced,
        )

    async def power(self, action: PowerAction) -> None:
        """End the node, or the machine."""
        self._power.ask(action)

    async def operations(self, *, app: str | None, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations."""
        return await self._operations.newest(app, limit)

    async def operation(self, operation: str) -> Operation:
        """Return one operation."""
        return await self._operations.get(operation)

    async def wait_operation(self, operation: str, *, timeout: float) -> Operation:
        """Return the operation once it has ended, or as it stands after `timeout` seconds."""
        return await self._operations.wait(operation, timeout)

    async def logs(self, app: str, *, container: str | None, tail: int) -> tuple[LogLine, ...]:
        """Return the last log lines."""
        return await self._reporter.logs(app, container, tail)

    def follow_logs(self, app: str, *, container: str | None, tail: int) -> AsyncGenerator[tuple[LogLine, ...], None]:
        """Yield log lines as they come."""
        return self._reporter.follow_logs(app, container, tail)

    async def execute(self, app: str, command: tuple[str, ...], *, container: str | None, timeout: float) -> ExecResult:
        """Run a command inside a container."""
        return await self._reporter.execute(app, command, container, timeout)

    async def events_since(self, revision: int, *, limit: int, newest: bool = False) -> tuple[Event, ...]:
        """Return events after a revision."""
        return tuple(map(event_view, await self._state.events_since(revision, limit, newest=newest)))

    def follow_events(self, since: int | None) -> AsyncGenerator[Event, None]:
        """Yield events for ever."""
        return event_views(self._bus.follow(self.revision if since is None else since, self._state.events_since))

    async def notices(self, *, examine: bool) -> tuple[Notice, ...]:
        """Return what needs the owner."""
        return await self._notices.list(examine=examine)

    async def hide_notice(self, notice: str, said: str | None, *, mute: bool) -> None:
        """Put a notice aside."""
        await self._notices.hide(notice, said, mute=mute)
        await self._state.record("notice", None, "a notice was hidden")

    async def show_notice(self, notice: str) -> None:
        """Bring a notice back."""
        await self._notices.show(notice)
        await self._state.record("notice", None, "a notice is shown again")

    async def _disk(self) -> Disk:
        total, free = await asyncio.to_thread(host.disk, self._config.root)
        return Disk(total, free, self._forecast.seconds_left())

    async def setup_progress(self) -> SetupProgress:
        """Return what the owner has done of setting the node up."""
        done = (await self._state.fact(_SETUP, str)).split()
        return SetupProgress(done=tuple(step for step in SetupStep if step.value in done))

    async def setup_done(self, step: SetupStep) -> SetupProgress:
        """Note that the owner has done a step."""
        done = {*(await self.setup_progress()).done, step}
        await self._state.set_fact(_SETUP, " ".join(sorted(each.value for each in done)))
        return await self.setup_progress()

    async def system(self) -> SystemInfo:
        """Return facts of node and host."""
        total, available = await asyncio.to_thread(host.memory)
        disk_total, disk_free = await asyncio.to_thread(host.disk, self._config.root)
        facts = self._composer.host
        return SystemInfo(
            version=__version__,
            node_id=self._node_id,
            revision=self.revision,
            architecture=facts.architecture.value,
            kernel=platform.release(),
            memory=total,
            memory_available=available,
            cores=facts.cores,
            load=host.load(),
            disk_total=disk_total,
            disk_free=disk_free,
            disk_full_in=self._forecast.seconds_left(),
            temperature=await asyncio.to_thread(host.temperature),
            podman=self._podman_version,
            data_root=str(self._config.root),
            uptime=round(time.monotonic() - self._started, 1),
            power=self._power.actions,
            not_enforced=self._not_enforced,
        )

    async def doctor(self) -> tuple[Finding, ...]:
        """Examine host and node."""
        found = await asyncio.to_thread(self._doctor.examine, await self._local_access.outlook())
        workloads = (each.workload for each in self._reconciler.desired.apps.values())
        return worst_first((*found, *await self._volumes.findings(workloads)))


def _build_tools(facts: HostFacts) -> BuildTools:
    return BuildTools(
        uv=find_uv(),
        architecture=facts.architecture,
        mirror=os.environ.get("ARCHIPELAGO_DEBIAN_MIRROR", DEFAULT_MIRROR),
        security_mirror=os.environ.get("ARCHIPELAGO_DEBIAN_SECURITY_MIRROR", DEFAULT_SECURITY_MIRROR),
        python_index=os.environ.get("ARCHIPELAGO_PYTHON_INDEX", DEFAULT_INDEX),
    )
