"""Carries a message to a channel."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from archipelago.api.notice_channels import EmailTarget, NtfyTarget, WebhookTarget
from archipelago.notifications.message import Item, OwnerMessage
from archipelago.notifications.senders.email import send_email
from archipelago.notifications.senders.http import send_ntfy, send_webhook
from archipelago.notifications.senders.sender import SendError, Trust
from archipelago.notifications.stored_channels import language_of, target_of
from archipelago.notifications.wording import worded
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.records.notice_channels import ChannelRecord
from archipelago.support.texts.text import msg
from archipelago.support.texts.translation import read_translations


class SecretHider(Protocol):
    """Removes secrets from texts (`security.secrets.redactor`)."""

    def learn(self, value: str) -> None:
        """Hide a value from now on."""
        ...

    def redact(self, text: str) -> str:
        """Return a text without secrets."""
        ...


@dataclass(frozen=True, slots=True)
class Carrier:
    """Opens the secret of a channel and sends by it."""

    sealer: Sealer
    hider: SecretHider
    trust: Trust = field(default=ssl.create_default_context)

    async def carry(self, channel: ChannelRecord, message: OwnerMessage) -> None:
        """Send a message once. Raises `SendError` and `NodeError`."""
        secret = await asyncio.to_thread(self._secret, channel)
        language = language_of(channel)
        translations = await asyncio.to_thread(read_translations, language)
        clean = worded(self._without_secrets(message), language, translations)
        match target_of(channel):
            case NtfyTarget() as target:
                await send_ntfy(target, secret, clean, self.trust)
            case EmailTarget() as target:
                await send_email(target, secret, clean, self.trust)
            case WebhookTarget() as target:
                await send_webhook(target, secret, clean, self.trust)
            case None:
                raise SendError(msg("this version of the node does not know such a channel"))

    def _without_secrets(self, message: OwnerMessage) -> OwnerMessage:
        def item(one: Item) -> Item:
            texts = {"app": one.app, "text": one.text, "consequence": one.consequence}
            return one.model_copy(update={name: self.hider.redact(text) for name, text in texts.items()})

        return message.model_copy(update={"items": tuple(map(item, message.items))})

    def _secret(self, channel: ChannelRecord) -> str | None:
        if channel.secret is None:
            return None
        secret = self.sealer.unseal(channel.secret)
        self.hider.learn(secret)
        return secret
