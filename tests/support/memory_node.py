"""A small node in memory for the tests of RPC and command line; `serve` is a program that serves it."""

import asyncio
import os
from pathlib import Path

from archipelago.api.services import apps as app_services
from archipelago.api.services import node as node_services
from archipelago.api.services import security as security_services
from archipelago.api.services.registry import Services
from archipelago.network.app_entry import AppEntry
from archipelago.rpc.methods.table import all_methods
from archipelago.rpc.protocol import Dispatcher
from archipelago.rpc.refusals import Refusals
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import TOKEN_PERMISSIONS
from support.memory_services import apps, data, node, security, watched
from support.memory_services.apps import EVIL, NOW
from support.sources import SOCKET

__all__ = ["EVIL", "NOW", "OWNERS", "MemoryNode", "dispatcher_of"]

OWNERS = {os.getuid()}


class MemoryNode:
    """All services in memory, of one set of apps; a test may provide one of its own in the place of another."""

    def __init__(self) -> None:
        self.apps = apps.MemoryApps()
        self.changes = apps.MemoryChanges(self.apps)
        self.limits = apps.MemoryLimits(self.apps)
        self.logs = watched.MemoryLogs(self.apps)
        self.audit = security.MemoryAudit()
        self.login = security.memory_login()
        self.services = Services()
        self._provide_apps()
        self._provide_node()
        self._provide_security()

    def _provide_apps(self) -> None:
        self.services.provide(app_services.AppChangeService, self.changes)
        self.services.provide(app_services.RemovalService, apps.MemoryRemovals(self.apps))
        self.services.provide(app_services.LimitService, self.limits)
        self.services.provide(app_services.RepairService, apps.MemoryRepairs(self.apps))
        self.services.provide(app_services.RevisionService, apps.MemoryRevisions(self.apps))
        self.services.provide(app_services.OperationService, apps.MemoryOperations(self.apps))
        self.services.provide(app_services.AppDataService, data.MemoryData())
        self.services.provide(app_services.SnapshotScheduleService, data.MemorySnapshotSchedules(self.apps))
        self.services.provide(app_services.AutomaticUpdateService, apps.MemoryAutomaticUpdates(self.apps))
        self.services.provide(app_services.SnapshotFileService, data.MemorySnapshotFiles(self.apps))
        self.services.provide(app_services.SnapshotService, data.MemorySnapshots(self.apps))
        self.services.provide(app_services.BackupService, data.MemoryBackups(self.apps))
        self.services.provide(app_services.BackupKeyService, data.MemoryBackupKeys(self.apps))
        self.services.provide(app_services.AppReportService, apps.MemoryReports(self.apps))
        self.services.provide(app_services.CatalogService, apps.MemoryCatalog(self.apps))
        self.services.provide(app_services.ChainService, watched.MemoryChains())
        self.services.provide(app_services.LightningService, watched.MemoryLightning())
        self.services.provide(app_services.MetricsService, watched.MemoryMetrics())
        self.services.provide(app_services.LogService, self.logs)
        self.services.provide(app_services.ShellService, watched.MemoryShells(self.apps))

    def _provide_node(self) -> None:
        self.services.provide(node_services.SystemService, node.MemorySystem(self.apps))
        self.services.provide(node_services.DiskService, node.MemoryDisk())
        self.services.provide(node_services.ResourceService, node.MemoryResources(self.limits))
        self.services.provide(node_services.PowerService, node.MemoryPower())
        self.services.provide(node_services.PreferenceService, node.MemoryPreferences())
        self.services.provide(node_services.SetupService, node.MemorySetup())
        self.services.provide(node_services.DoctorService, node.MemoryDoctor())
        self.services.provide(node_services.EventService, node.MemoryEvents(self.apps))
        self.services.provide(node_services.NoticeService, node.MemoryNotices())
        self.services.provide(node_services.NoticeChannelService, node.MemoryChannels())
        self.services.provide(node_services.LocalAccessService, node.MemoryLocalAccess())
        self.services.provide(node_services.TrustService, node.MemoryTrust())
        self.services.provide(node_services.EndpointService, node.MemoryEndpoints(self.apps))
        self.services.provide(node_services.OnionService, node.MemoryOnions(self.apps))
        self.services.provide(node_services.HostFirewallService, node.MemoryHostFirewall())

    def _provide_security(self) -> None:
        self.services.provide(Login, self.login)
        self.services.provide(
            security_services.AppEntryService, AppEntry(self.login, security.MemorySites(), lambda: None)
        )
        self.services.provide(security_services.AuditService, self.audit)
        self.services.provide(security_services.KeyUnlockService, security.MemoryKey())
        self.services.provide(security_services.KeyService, security.MemoryKey())
        secrets = security.MemorySecrets(self.apps)
        self.services.provide(security_services.AppSecretService, secrets)
        self.services.provide(security_services.SeedWordService, secrets)
        self.services.provide(security_services.SignerService, security.MemorySigners())
        self.services.provide(security_services.SbomService, security.MemorySboms(self.apps))
        self.services.provide(security_services.ConfinementService, security.MemoryConfinement(self.apps))

    async def headers(self) -> dict[str, str]:
        """Return headers that may do whatever a token may."""
        made = await self.login.tokens.make("test", TOKEN_PERMISSIONS, 1, SOCKET)
        return {"Authorization": f"Bearer {made.secret}"}


def dispatcher_of(services: Services) -> Dispatcher:
    """Return what answers all methods by these services."""
    return Dispatcher(services, all_methods(), Refusals(services.of(security_services.AuditService).record))


async def serve(unix_socket: Path) -> None:
    """Serve on a unix socket and on a free port, which is printed, until the program is killed."""
    from archipelago.rpc.server.server import RpcServer

    server = RpcServer(MemoryNode().services, OWNERS)
    await server.start(unix_socket, 0)
    print(server.port, flush=True)
    await asyncio.Event().wait()
