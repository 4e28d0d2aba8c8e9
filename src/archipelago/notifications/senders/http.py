"""Sends messages by HTTP: to ntfy (https://docs.ntfy.sh/publish/#publish-as-json) and to webhooks."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from archipelago.api.notice_channels import NtfyTarget, WebhookTarget
from archipelago.api.system import Severity
from archipelago.notifications.message import ItemState
from archipelago.notifications.senders.sender import TIMEOUT, SendError, Trust
from archipelago.notifications.wording import WordedMessage
from archipelago.support.connections.connection_words import connection_words
from archipelago.support.connections.outward import ForbiddenAddress, permitted
from archipelago.support.connections.outward_http import OutwardResolver
from archipelago.support.texts.text import msg

_PRIORITIES = {Severity.ERROR: 5, Severity.WARNING: 4}
_TAGS = {Severity.ERROR: "rotating_light", Severity.WARNING: "warning"}
_NTFY_LONGEST = 3800
"""Bytes: of a message with more than 4096 of them ntfy makes a file."""
SIGNATURE = "X-Archipelago-Signature"


async def send_ntfy(target: NtfyTarget, secret: str | None, message: WordedMessage, trust: Trust) -> None:
    """Publish a message. Raises `SendError`."""
    items, level, page = message.message.items, message.message.level, message.message.page
    resolved = bool(items) and all(item.state is ItemState.RESOLVED for item in items)
    content: dict[str, Any] = {
        "topic": target.topic,
        "title": message.title,
        "message": message.text.encode()[:_NTFY_LONGEST].decode(errors="ignore"),
        "priority": _PRIORITIES.get(level, 3),
        "tags": ["white_check_mark" if resolved else _TAGS.get(level, "information_source")],
    }
    if page:
        content["click"] = page
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    await _post(target.server, json.dumps(content).encode(), headers, trust)


async def send_webhook(target: WebhookTarget, secret: str | None, message: WordedMessage, trust: Trust) -> None:
    """Post a message as JSON; with a secret, signed over the body. Raises `SendError`.

    Beside the texts in the language of the channel stands what they were made of, for receivers that are programs.
    """
    content = {
        **message.message.model_dump(mode="json"),
        "level": message.message.level.value,
        "language": message.language.value,
        "title": message.title,
        "items": [
            {**each.item.model_dump(mode="json"), "text": each.text, "consequence": each.consequence}
            for each in message.items
        ],
    }
    body = json.dumps(content).encode()
    headers = {"Idempotency-Key": message.message.id}
    if secret:
        headers[SIGNATURE] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    await _post(target.url, body, headers, trust)


async def _post(url: str, body: bytes, headers: Mapping[str, str], trust: Trust) -> None:
    context = await asyncio.to_thread(trust)
    parts = urlsplit(url)
    try:
        # aiohttp asks no resolver about a host that is written as an address.
        await permitted(parts.hostname or "", parts.port or 443)
        # No proxy of the environment: it would look up names itself.
        connector = aiohttp.TCPConnector(resolver=OutwardResolver(), ssl=context, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "User-Agent": "archipelago", **headers},
                allow_redirects=False,
            ) as response,
        ):
            status = response.status
    except ForbiddenAddress as error:
        raise SendError(error.args[0]) from error
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise SendError(msg("the server cannot be reached: {reason}", reason=connection_words(error))) from error
    if not 200 <= status < 300:
        raise SendError(msg("the server answered with status {status}", status=status))
