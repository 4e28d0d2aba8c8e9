"""Methods about the channels by which the node sends notices to its owner."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from archipelago.api.notice_channels import Channel, ChannelSettings
from archipelago.api.services.node import NoticeChannelService
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import secret_text
from archipelago.storage.records.permissions import Permission

family = Family()

ChannelId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ChannelParams(Params):
    """A channel."""

    id: ChannelId
    """As the list shows it."""


class SaveParams(Params):
    """A channel as it will be."""

    id: ChannelId | None = None
    """The channel that is changed; null adds one."""
    settings: ChannelSettings
    secret: Annotated[SecretStr, Field(max_length=1024)] | None = None
    """Token (ntfy), password (e-mail) or key of the signature (webhook). Null keeps it, an empty one removes it."""


@family.method("notice-channel-list", "List the channels by which notices are sent", permission=Permission.ADMINISTER)
async def _list(channels: NoticeChannelService) -> tuple[Channel, ...]:
    return await channels.list()


@family.method(
    "notice-channel-set",
    "Add or change a channel by which notices are sent",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _save(channels: NoticeChannelService, params: SaveParams) -> Channel:
    return await channels.save(params.id, params.settings, secret_text(params.secret))


@family.method(
    "notice-channel-remove",
    "Remove a channel, with the messages that wait for it",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _remove(channels: NoticeChannelService, params: ChannelParams) -> None:
    await channels.remove(params.id)


@family.method(
    "notice-channel-test",
    "Send a test by a channel, and return once it has arrived",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _test(channels: NoticeChannelService, params: ChannelParams) -> Channel:
    return await channels.test(params.id)
