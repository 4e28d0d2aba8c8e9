"""Where the node sends notices to: ntfy, e-mail or a webhook."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from archipelago.api.system import Severity
from archipelago.support.connections.outward import is_local, literal, may_connect
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.texts.translation import Language
from archipelago.support.view import View

_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")


def _check_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError(msg("expected the name or the address of a server"))
    address = literal(host)
    if address is not None and not may_connect(address, loopback=True):
        raise ValueError(msg("the node does not connect to {address}", address=address))
    return host


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(msg("expected a URL, such as https://example.com/")) from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(msg("expected a URL, such as https://example.com/"))
    if parts.username is not None or parts.fragment:
        raise ValueError(msg("the URL must have no login and no fragment"))
    _check_host(host)
    if parts.scheme == "http" and not is_local(host):
        raise ValueError(msg("without TLS (http) only an address of the local network is allowed; write https"))
    return url


def _check_mailbox(text: str) -> str:
    _check_host(text.rpartition("@")[2])
    return text


Url = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2000}$"), AfterValidator(_check_url)]
Host = Annotated[str, StringConstraints(max_length=253), AfterValidator(_check_host)]
Mailbox = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^@]{1,253}$"),
    AfterValidator(_check_mailbox),
]


class MailSecurity(StrEnum):
    """How a connection to a mail server is encrypted; there is none without."""

    TLS = "tls"
    """From the start (port 465)."""
    STARTTLS = "starttls"
    """After a request (port 587)."""


class NtfyTarget(View):
    """A topic of an ntfy server; the secret is an access token."""

    kind: Literal["ntfy"]
    server: Url = "https://ntfy.sh"
    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class EmailTarget(View):
    """A mailbox; the secret is the password of the account that sends."""

    kind: Literal["email"]
    host: Host
    """Of the server that sends (SMTP)."""
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 465
    security: MailSecurity = MailSecurity.TLS
    user: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")] = ""
    """Empty where the server asks for no login."""
    sender: Mailbox
    to: Mailbox


class WebhookTarget(View):
    """A URL that gets a POST with JSON; the secret is a key for its signature (HMAC-SHA256)."""

    kind: Literal["webhook"]
    url: Url


Target = Annotated[NtfyTarget | EmailTarget | WebhookTarget, Field(discriminator="kind")]


class Least(StrEnum):
    """The level from which notices are sent."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def severity(self) -> Severity:
        """The same as a level of notices."""
        return Severity(self.value)


class ChannelSettings(View):
    """What the owner decides about a channel."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    target: Target
    least: Least = Least.WARNING
    resolved: bool = True
    """Whether it also says that a problem is gone."""
    language: Language = Language.EN
    """Of the messages; what has no translation is in English."""


class Channel(Translatable, View):
    """One channel, and how it works."""

    id: str
    settings: ChannelSettings
    secret_set: bool
    """Whether it has a secret, which the node never shows."""
    waiting: int
    """Messages that have not arrived yet."""
    sent_at: datetime | None = None
    """When one arrived last."""
    failures: int = 0
    """Attempts that failed since then."""
    problem: Prose = ""
    """Why the last one failed."""
