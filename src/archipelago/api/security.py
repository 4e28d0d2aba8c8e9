"""What leaves the node about its key, secrets and images, and about how apps are confined."""

from dataclasses import dataclass
from datetime import datetime

from archipelago.container.dependency_resolver.rating import Rating
from archipelago.container.manifest.model.app import Egress
from archipelago.security.keys.node_key import KeyState
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class KeyStatus(View):
    """How the node's key is kept."""

    state: KeyState


class PackageChange(View):
    """A package of an image that an update brought, took away or changed."""

    ecosystem: str
    """`deb`, `apk`, `pypi` or `npm`."""
    name: str
    before: str | None
    """Version until the update; null for one that is new."""
    after: str | None
    """Version since; null for one that is gone."""


class SecretView(View):
    """A secret of an app, without its value."""

    name: str
    """As in the manifest; `edge.<interface>.<consumer>` is the login of a consumer."""
    created_at: datetime
    """When it was made, set or rotated."""
    permanent: bool = False
    """Whether it is never replaced: it opens what the app has."""
    words: int | None = None
    """Number of words that it is made of, which open money and which its owner needs on paper; null for others."""
    confirmed: bool = False
    """Whether he has shown that he has them (`secret-confirm`)."""


@dataclass(frozen=True, slots=True)
class UnconfirmedWords:
    """A secret that opens money, and of which nobody has shown that its words are on paper."""

    app: str
    name: str
    """Name of the app."""
    secret: str
    words: int


class SignerView(View):
    """Whose images are taken of a publisher."""

    publisher: str
    """A registry, or registry and first part of the repository: `ghcr.io/acme`."""
    signer: str
    """SHA-256 of the public key; `unsigned`; or `any`, where some signature must be there."""
    since: datetime


class Enforcement(Translatable, View):
    """One protection of a container."""

    container: str
    what: Prose
    enforced: bool
    detail: Prose = ""
    """What was found in the kernel for a container that runs; why it is not enforced."""


class Peer(View):
    """Another app, and what may be opened between the two."""

    app: str
    interface: str
    port: int


class ImageOrigin(View):
    """Where the image of a container comes from."""

    container: str
    image: str
    signer: str
    """SHA-256 of the key that signed it; `unsigned`; or `this node`, which built it."""
    packages: int | None
    """Packages in its bill of materials (`sbom`); null where there is none yet."""


class AppSecurity(View):
    """How one app is confined."""

    app: str
    rating: Rating
    enforcement: tuple[Enforcement, ...]
    egress: Egress
    reaches: tuple[Peer, ...]
    """Apps that it may open connections to."""
    reached_by: tuple[Peer, ...]
    """Apps that may open connections to it."""
    published: tuple[str, ...]
    """Addresses of the host that lead to it."""
    images: tuple[ImageOrigin, ...]


class ContainerProfiles(View):
    """Profiles of one container for the host's administrator to load."""

    container: str
    apparmor_name: str
    apparmor: str
    selinux_name: str
    selinux: str
    seccomp: str
    """The profile that is applied already, for reading."""


class AppEntrance(View):
    """The way into an app that is behind the node's login."""

    address: str
    """With a code that works once, for a minute, in the browser that asked for it. All of it is secret."""
