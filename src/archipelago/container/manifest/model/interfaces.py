"""Parts of the manifest about other apps: interfaces that an app provides and requires, and what conflicts with it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from archipelago.chains.chain import InterfaceRole
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import (
    AppId,
    Key,
    Name,
    Port,
    Scalar,
    ShortText,
    VersionRange,
    VersionText,
)


class Credentials(StrEnum):
    """What a provider hands each consumer of an interface."""

    NONE = "none"
    """Nothing: whoever reaches the port may use it."""
    RPCAUTH = "rpcauth"
    """A user and password of the consumer's own; the provider only knows the salted hash (Bitcoin Core rpcauth)."""
    MACAROON = "macaroon"
    """A macaroon (LND), which allows what the consumer lists in `permissions` and nothing else."""

    @property
    def configured(self) -> bool:
        """Whether the provider's configuration names its consumers, so that it restarts for a new one."""
        return self is Credentials.RPCAUTH


Permission = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,40}:[a-z]{1,40}$")]
"""What a macaroon of LND allows: `info:read`, `invoices:write` (`lncli listpermissions`)."""


class Provided(Part):
    """An interface that the app offers to others."""

    version: VersionText | None = None
    """Version of the interface; the app's own version where it is left out."""
    container: Name
    """Container that serves it."""
    port: Port
    """Port inside that container."""
    accepts: tuple[Key, ...] = ()
    """Options of this app that a consumer may demand a value of."""
    credentials: Credentials = Credentials.NONE
    """What each consumer gets to identify itself with."""
    root_key: Key | None = None
    """Secret that is the root key of its macaroons; needed with `credentials: macaroon`, and only there."""
    exports: dict[Key, Annotated[str, StringConstraints(max_length=1000)]] = Field(default={})
    """Further values for consumers, one line each; templates over this app's options and the `exports` of what it
    requires."""

    @model_validator(mode="after")
    def _has_a_root_key(self) -> Self:
        if (self.credentials is Credentials.MACAROON) != (self.root_key is not None):
            raise ValueError("'root_key' belongs to 'credentials: macaroon'")
        return self


class Wait(StrEnum):
    """What a dependent waits for before it starts."""

    STARTED = "started"
    """The provider's container runs."""
    SERVING = "serving"
    """The provider answers, be it still syncing."""
    HEALTHY = "healthy"
    """The provider is healthy (a chain daemon: synchronised)."""


class Required(Part):
    """An interface that the app needs from another app."""

    version: VersionRange = ""
    """Versions of the interface that will do, such as `>=25,<31`; empty for any."""
    demands: dict[Key, Scalar] = Field(default={})
    """Options of the provider that must have these values, such as `txindex: true`."""
    optional: bool = False
    """Whether the app runs without it; it is used when a provider is installed."""
    default: AppId | None = None
    """Provider that is proposed when none is installed."""
    wait: Wait = Wait.HEALTHY
    """State of the provider for which the start of this app waits."""
    role: InterfaceRole = InterfaceRole.READ
    """What the app may do with the interface, where the provider gives each consumer a login (`credentials`)."""
    permissions: Annotated[tuple[Permission, ...], Field(max_length=40)] = ()
    """What the app may do with the interface, where the provider gives each consumer a macaroon."""


class Conflict(Part):
    """An app or interface that cannot be installed beside this one."""

    app: AppId | None = None
    """App that is in the way."""
    interface: Name | None = None
    """Interface whose providers are in the way."""
    because: ShortText
    """Reason, shown to the owner."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.app is None) == (self.interface is None):
            raise ValueError("give either 'app' or 'interface', and not both")
        return self
