"""What keeps the onion services of a node."""

from archipelago.container.reconciler.seen import is_running
from archipelago.network.drivers.socket_pipes import SocketPipes
from archipelago.network.drivers.tor.tor_control import RunningTor, TorControl
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.onions.services import TorApp
from archipelago.network.site_keeper import SiteKeeper
from archipelago.node.build.apps import Apps
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage

_PIPE_MODE = 0o666
"""Tor, which leads clients to a socket, is another user of this host; nobody else passes through its folder."""
_PIPES = 256


def build_onions(storage: Storage, podman: PodmanHost, apps: Apps, sites: SiteKeeper) -> OnionKeeper:
    """Build it; nothing of it runs by itself."""
    reconciler, layout = apps.reconciler, storage.config.layout

    async def running(tor: TorApp) -> RunningTor | None:
        found = (await reconciler.observer.look()).of(tor.app).get(tor.container)
        if found is None or not is_running(found) or not found.pid:
            return None
        return RunningTor(found.pid, tor.onions.control_port, layout.app(tor.app).volume(tor.onions.cookie))

    return OnionKeeper(
        storage.state,
        storage.secrets,
        TorControl(podman.namespace),
        running,
        sites,
        SocketPipes(_PIPE_MODE, _PIPES),
        layout.onions,
        lambda: reconciler.desired,
        lambda app: reconciler.health(app).state,
        reconciler.changed,
        storage.config.port,
        storage.seed,
    )
