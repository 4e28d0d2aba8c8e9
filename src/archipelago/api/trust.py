"""How devices come to trust the node's certificate authority."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class TrustDevice(StrEnum):
    """A kind of device, or a browser with certificates of its own."""

    IOS = "ios"
    ANDROID = "android"
    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"
    FIREFOX = "firefox"


class TrustSteps(Translatable, View):
    """What one does on a device."""

    device: TrustDevice
    name: str
    """What people call it."""
    file: str
    """Name of the file that it needs, which is below `/certificate/`."""
    steps: tuple[Prose, ...]
    """In order; `**` is around what is read on the device, and a grave accent around what is typed."""


class TrustGuide(View):
    """The authority of a node, and how devices come to trust it."""

    name: str
    """What devices call the authority."""
    fingerprint: str
    """SHA-256 of its certificate, as devices show it."""
    thumbprint: str
    """SHA-1 of it, which Windows shows when it asks."""
    valid_until: datetime
    pages: tuple[str, ...]
    """Where devices of the local network find the guide and the files without a login; none where the node does not
    listen there."""
    https_port: int
    """At which every name and address of the node shows a certificate that no browser has an exception for."""
    devices: tuple[TrustSteps, ...]


@dataclass(frozen=True, slots=True)
class PublicFile:
    """What anybody gets from the node without a login."""

    path: str
    kind: str
    """Media type."""
    body: bytes
    language: str = ""
    """Of a page: it is at `path` for browsers that prefer it, and at `path/language` for all."""
    by_https: bool = False
    """Whether it is at the doors of Caddy with TLS too, to browsers that trust the node."""
    policy: str = "default-src 'none'; frame-ancestors 'none'"
    """Content Security Policy; `{host}` in it is the host that was asked."""
