"""The fourth layer of a node: what leads to it and its apps, and what looks after the host."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.config import NodeConfig
from archipelago.container.manifest.site_names import Doors
from archipelago.container.operations.seed_words import SeedWords
from archipelago.container.reports.link_traffic import LinkTraffic
from archipelago.network.drivers.caddy.caddy_driver import CaddyDriver
from archipelago.network.drivers.caddy.caddy_process import Caddy, find_caddy
from archipelago.network.drivers.caddy.guarded_pipes import ClosedDoors, GuardedPipes
from archipelago.network.drivers.loopback import LoopbackDriver
from archipelago.network.drivers.mdns import MdnsDriver
from archipelago.network.local_access import LocalAccess
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.tls import server_contexts
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.node.build.apps import Apps
from archipelago.node.build.notifications import build_notifier
from archipelago.node.build.onions import build_onions
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.node.resource_guard import ResourceGuard
from archipelago.notifications.notifier import Notifier
from archipelago.performance import host
from archipelago.performance.forecast import DiskForecast
from archipelago.performance.metrics import Metrics
from archipelago.performance.system_history import SystemHistory
from archipelago.security.keys.certificates import Certificates
from archipelago.support.connections.descriptors import limit, shares
from archipelago.support.host_names import host_label


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a node."""

    storage: Storage
    podman: PodmanHost
    apps: Apps
    local_access: LocalAccess
    sites: SiteKeeper
    pipes: GuardedPipes
    onions: OnionKeeper
    metrics: Metrics
    links: LinkTraffic
    history: SystemHistory
    forecast: DiskForecast
    notifier: Notifier
    guard: ResourceGuard
    seed_words: SeedWords


def build_parts(storage: Storage, podman: PodmanHost, apps: Apps) -> Parts:
    """Build what is left."""
    config, reconciler = storage.config, apps.reconciler
    certificates = Certificates(config.layout.tls, storage.secrets, platform.node(), now=lambda: datetime.now(UTC))
    contexts = server_contexts(host_label(platform.node()))
    driver = LoopbackDriver(shares(limit()).apps, contexts)
    caddy = Caddy(config.layout.caddy, config.layout.caddy_log, find_caddy())
    pipes = GuardedPipes(config.layout.caddy, shares(limit()).guarded)
    sites = SiteKeeper(
        (pipes, CaddyDriver(caddy, certificates), ClosedDoors(pipes), MdnsDriver()),
        doors_of(config),
        lambda: reconciler.desired,
        reconciler.changed,
        storage.seed,
    )
    local_access = LocalAccess(
        storage.state,
        certificates,
        platform.node(),
        config.port,
        host.own_addresses,
        has_password=lambda: storage.login.setup_code is None,
        routes=RouteKeeper((driver,), lambda: reconciler.desired, reconciler.changed),
        trust=TrustFiles(certificates, doors_of(config)),
        sites=sites,
        contexts=contexts,
    )
    links = LinkTraffic(reconciler, storage.clocks.steady)
    notifier = build_notifier(storage, local_access)
    guard = ResourceGuard(
        apps.pauses,
        reconciler,
        apps.disk_use,
        config.root,
        storage.clocks.steady,
        storage.state.record_all,
        storage.audit.record,
        apps.trials.end_for_room,
    )
    return Parts(
        storage,
        podman,
        apps,
        local_access,
        sites,
        pipes,
        build_onions(storage, podman, apps, sites),
        Metrics(),
        links,
        SystemHistory(),
        DiskForecast(),
        notifier,
        guard,
        SeedWords(
            storage.secrets,
            lambda: reconciler.desired.apps,
            lambda app, what: storage.state.record("notice", app, what),
            storage.clocks.steady,
        ),
    )


def doors_of(config: NodeConfig) -> Doors:
    """Return where browsers come in to apps."""
    return Doors(config.http_port, config.https_port, host_label(platform.node()), config.port)
