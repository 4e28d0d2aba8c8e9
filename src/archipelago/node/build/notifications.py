"""Builds what sends notices to the owner."""

from archipelago.network.local_access import LocalAccess
from archipelago.node.build.storage import Storage
from archipelago.notifications.carrier import Carrier
from archipelago.notifications.channels import ChannelDesk
from archipelago.notifications.courier import Courier
from archipelago.notifications.notifier import Notifier
from archipelago.notifications.watcher import Watcher
from archipelago.storage.stores.notice_channels import NoticeChannels


def build_notifier(storage: Storage, local_access: LocalAccess) -> Notifier:
    """Return it; it starts once there are notices."""
    store = NoticeChannels(storage.database)
    carrier = Carrier(storage.secrets, storage.secrets.redactor)

    async def changed(what: str) -> None:
        await storage.state.record("notice", None, what)

    def page() -> str:
        return next((f"https://{each}:{storage.config.port}/" for each in local_access.addresses), "")

    courier = Courier(store, carrier, storage.clocks, changed)
    watcher = Watcher(store, page, storage.clocks, courier.wake)

    def wake() -> None:
        watcher.wake()
        courier.wake()

    return Notifier(ChannelDesk(store, carrier, page, storage.clocks.now, wake), watcher, courier)
