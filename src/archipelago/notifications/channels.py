"""The channels that the owner has set up: adds, changes, tests and removes them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.api.notice_channels import (
    Channel,
    ChannelSettings,
    EmailTarget,
    NtfyTarget,
    Target,
    WebhookTarget,
)
from archipelago.errors import ErrorCode, NodeError
from archipelago.notifications.carrier import Carrier
from archipelago.notifications.message import compose
from archipelago.notifications.senders.sender import SendError
from archipelago.notifications.stored_channels import language_of, least_of, target_of
from archipelago.notifications.stored_texts import stored_text
from archipelago.storage.records.notice_channels import ChannelRecord
from archipelago.storage.stores.notice_channels import NoticeChannels
from archipelago.support.texts.text import msg

_MOST = 10


@dataclass(frozen=True, slots=True)
class ChannelDesk:
    """Implements the service of the RPC."""

    store: NoticeChannels
    carrier: Carrier
    page: Callable[[], str]
    now: Callable[[], float]
    changed: Callable[[], None]
    """Called after a change: what waits is tried again, and what is new is queued."""

    async def list(self) -> tuple[Channel, ...]:
        """Return all channels; one that another version wrote is left out."""
        waiting = await self.store.waiting()
        views = [_view(each, waiting.get(each.id, 0)) for each in await self.store.all()]
        return tuple(each for each in views if each is not None)

    async def save(self, channel: str | None, wanted: ChannelSettings, secret: str | None) -> Channel:
        """Add a channel, or change one.

        None for the secret keeps it, and is refused where the channel would send it to another server; an empty one
        removes it. Raises `NodeError`.
        """
        before = await self._find(channel) if channel is not None else None
        if before is None and len(await self.store.all()) >= _MOST:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("there are {most} channels already", most=_MOST),
                hint=msg("remove one first"),
            )
        sealed = await self._sealed(before, wanted.target, secret)
        record = ChannelRecord(
            id=before.id if before is not None else secrets.token_hex(8),
            name=wanted.name,
            target=wanted.target.model_dump_json(),
            secret=sealed,
            least=wanted.least.value,
            resolved=wanted.resolved,
            language=wanted.language.value,
            created_at=before.created_at if before is not None else self.now(),
            sent_at=before.sent_at if before is not None else None,
        )
        await self.store.save(record)
        self.changed()
        return await self._shown(record.id)

    async def remove(self, channel: str) -> None:
        """Remove a channel, with what waits for it. Raises `NodeError`."""
        if not await self.store.remove(channel):
            raise _unknown(channel)
        self.changed()

    async def test(self, channel: str) -> Channel:
        """Send a test now, and return the channel once it has arrived. Raises `NodeError`."""
        record = await self._find(channel)
        message = compose(secrets.token_hex(16), self.now(), (), (), self.page())
        try:
            await self.carrier.carry(record, message)
        except SendError as error:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("the test has not arrived: {reason}", reason=error.args[0]),
                hint=msg("check the settings of the channel, and the connection of this node to the internet"),
            ) from error
        await self.store.sent(record.id, None, self.now())
        self.changed()
        return await self._shown(record.id)

    async def _sealed(self, before: ChannelRecord | None, target: Target, secret: str | None) -> bytes | None:
        if secret is None:
            if before is None or before.secret is None:
                return None
            old = target_of(before)
            if old is None or _receiver(old) != _receiver(target):
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("the secret of a channel is not sent to another server"),
                    hint=msg("enter the token, password or key again"),
                )
            return before.secret
        if not secret:
            return None
        if isinstance(target, NtfyTarget) and not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("this is no access token of ntfy"),
                hint=msg("copy it again: it starts with 'tk_'"),
            )
        self.carrier.hider.learn(secret)
        return await asyncio.to_thread(self.carrier.sealer.seal, secret)

    async def _find(self, channel: str) -> ChannelRecord:
        found = next((each for each in await self.store.all() if each.id == channel), None)
        if found is None:
            raise _unknown(channel)
        return found

    async def _shown(self, channel: str) -> Channel:
        found = next((each for each in await self.list() if each.id == channel), None)
        if found is None:
            raise _unknown(channel)
        return found


def _receiver(target: Target) -> tuple[object, ...]:
    """Return who gets the secret of a channel."""
    match target:
        case NtfyTarget():
            return (target.kind, target.server)
        case EmailTarget():
            return (target.kind, target.host, target.port, target.security, target.user)
        case WebhookTarget():
            return (target.kind, target.url)


def _view(record: ChannelRecord, waiting: int) -> Channel | None:
    target = target_of(record)
    if target is None:
        return None
    settings = ChannelSettings(
        name=record.name,
        target=target,
        least=least_of(record),
        resolved=record.resolved,
        language=language_of(record),
    )
    return Channel(
        id=record.id,
        settings=settings,
        secret_set=record.secret is not None,
        waiting=waiting,
        sent_at=datetime.fromtimestamp(record.sent_at, UTC) if record.sent_at is not None else None,
        failures=record.failures,
        problem=stored_text(record.failure),
    )


def _unknown(channel: str) -> NodeError:
    return NodeError(
        ErrorCode.INVALID_VALUE,
        msg("there is no channel {channel}", channel=channel),
        hint=msg("'archipelago notify list' shows them"),
    )
