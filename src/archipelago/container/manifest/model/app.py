"""The manifest, version 1: what an app says of itself.

One pydantic model, whose parts are in the modules of this folder, is the source of the JSON Schema, of the reference
page and of every check. It holds values only; `loader` reads YAML into it and explains what is wrong, with line and
column.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.data import Reversible
from archipelago.container.manifest.model.domain import BitcoinMetadata, LightningMetadata, Web5Metadata
from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.container.manifest.model.interfaces import Conflict, Provided, Required
from archipelago.container.manifest.model.on_disk import DiskRule, Repair, Volume
from archipelago.container.manifest.model.onions import Onions
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import (
    AppId,
    Bytes,
    Key,
    LongText,
    Name,
    Scalar,
    ShortText,
    VersionText,
)
from archipelago.container.manifest.model.settings import GeneratedSecret, Option, OptionRule


class Category(StrEnum):
    """Shelf of the store on which an app stands."""

    BITCOIN = "bitcoin"
    LIGHTNING = "lightning"
    WALLET = "wallet"
    NOSTR = "nostr"
    WEB5 = "web5"
    MESH = "mesh"
    NETWORK = "network"
    HOME = "home"
    FILES = "files"
    FINANCE = "finance"
    DEVELOPMENT = "development"
    OTHER = "other"


class Architecture(StrEnum):
    """CPU architecture, by its OCI name."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class Egress(StrEnum):
    """What an app may reach outside the node."""

    NONE = "none"
    """Nothing."""
    TOR = "tor"
    """The internet through Tor only; there is no direct route."""
    DIRECT = "direct"
    """The internet, but neither the local network nor the host itself."""
    LAN = "lan"
    """The internet and the machines of the local network, but not the host itself."""

    @property
    def is_direct(self) -> bool:
        """Whether there is a route to the outside."""
        return self in (Egress.DIRECT, Egress.LAN)

    @property
    def rank(self) -> int:
        """Place among all, from 0: whoever has a higher one reaches more."""
        return tuple(Egress).index(self)


class Host(Part):
    """The least host on which the app makes sense."""

    memory: Bytes = 0
    """Memory of the host, in bytes or as `2GiB`."""
    disk: Bytes = 0
    """Free disk at installation, in bytes or as `10GB`."""


class Variant(Part):
    """What the app may reach, and needs for that, while its owner has set options so."""

    when: dict[Key, Scalar] = Field(min_length=1, max_length=10)
    """Options and the values that they all have; none that a dependent may demand (`accepts`)."""
    egress: Egress
    """What it may reach then, instead of the `egress` of the app, and never more; `tor` needs `tor-socks` here."""
    requires: dict[Name, Required] = Field(default={}, max_length=20)
    """Interfaces that it needs then besides those of the app's own `requires`, by interface."""


class AppManifest(Part):
    """The whole manifest of one app (`apps/<id>/manifest.yml`)."""

    manifest: Literal[1]
    """Version of the manifest format."""
    id: AppId
    """Name of the app in commands and on disk; the same as the name of its folder."""
    name: ShortText
    """Name shown to the owner."""
    version: VersionText
    """Version of the app (PEP 440)."""
    summary: ShortText
    """One line for the store's list."""
    description: LongText
    """What the app does, for the store's page: paragraphs, points (`- …`) and code spans of Markdown, and no HTML."""
    category: Category
    """Shelf of the store on which it stands."""
    license: ShortText
    """SPDX licence expression."""
    website: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$", max_length=300)] | None = None
    """Home page."""
    source: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$", max_length=300)] | None = None
    """Where its source code lies."""
    release_notes: LongText | None = None
    """What is new in this version, in the same Markdown as the description. It is shown before an update, which may
    come from any older version: what the owner has to do himself belongs here for as long as that is so."""
    reversible: Reversible | None = None
    """Whether the version before can take over again after an update to this one: `until-first-write` unless it says
    otherwise, and `no` where a volume is `never-restore`."""
    architectures: tuple[Architecture, ...] = (Architecture.AMD64, Architecture.ARM64)
    """CPU architectures on which it runs."""
    host: Host = Host()
    """The least host on which it makes sense."""
    egress: Egress = Egress.NONE
    """What it may reach outside the node; `tor` needs `tor-socks` in `requires`."""
    options: dict[Key, Option] = Field(default={}, max_length=100)
    """What the owner may set, by name."""
    rules: tuple[OptionRule, ...] = ()
    """Rules between options."""
    disk_rules: tuple[DiskRule, ...] = Field(default=(), max_length=50)
    """Rules about options and what is on disk already."""
    repairs: dict[Key, Repair] = Field(default={}, max_length=20)
    """Repairs that the owner can run when the app does not come up, by name."""
    secrets: dict[Key, GeneratedSecret] = Field(default={}, max_length=50)
    """Secrets that the node makes for it, by name."""
    volumes: dict[Name, Volume] = Field(default={}, max_length=20)
    """Directories that outlive its containers, by name."""
    disk_limit: Bytes | None = None
    """Most that all its volumes may take, in bytes or as `20GB`: an app that grows beyond it is paused, unless money
    depends on it. The owner may set another limit."""
    containers: dict[Name, Container] = Field(min_length=1, max_length=20)
    """What runs, by name."""
    provides: dict[Name, Provided] = Field(default={}, max_length=20)
    """Interfaces that it offers to other apps, by interface."""
    requires: dict[Name, Required] = Field(default={}, max_length=20)
    """Interfaces that it needs from other apps, by interface."""
    variants: tuple[Variant, ...] = Field(default=(), max_length=10)
    """What is otherwise while options have certain values; the first that applies counts."""
    conflicts: tuple[Conflict, ...] = ()
    """What cannot be installed beside it."""
    leases: tuple[Name, ...] = ()
    """Things of which there is one on a node (`lightning-keys`).

    Two apps that hold the same one are never installed together.
    """
    endpoints: dict[Name, Endpoint] = Field(default={}, max_length=20)
    """Ports that people or other machines reach, by name."""
    onions: Onions | None = None
    """For a Tor: how it publishes the onion services of the node."""
    bitcoin: BitcoinMetadata | None = None
    """What it has to do with a Bitcoin chain."""
    lightning: LightningMetadata | None = None
    """What it has to do with Lightning."""
    web5: Web5Metadata | None = None
    """What it has to do with Nostr, DIDs and web nodes."""
