"""What leaves the node about logins; nothing here is a secret but what is named so."""

from datetime import UTC, datetime

from archipelago.storage.records.permissions import Permission, Role
from archipelago.support.view import View


def moment(seconds: float) -> datetime:
    """Return a moment that is given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


class LoginStatus(View):
    """Who the caller is, and what he may do."""

    set_up: bool
    """Whether the node has an owner's password; without one nobody can log in."""
    user: str | None
    """The account that is logged in, `owner` on the node's own socket; null for nobody."""
    role: Role | None
    permissions: tuple[Permission, ...]
    second_factor: bool
    """Whether the account has a second factor."""


class Entered(LoginStatus):
    """Who has just logged in."""

    session: str | None
    """Secret of the session that started, to be sent as `Authorization: Bearer`; null where none is needed.

    It belongs in web storage, never in a cookie or an address.
    """
    device: str | None
    """Mark of the device, to be sent as `Archipelago-Device` by who is not logged in.

    Guesses of unknown clients do not delay a login with it. It opens nothing, and belongs in web storage.
    """
    confirmation: str | None
    """As from `login-confirm`, for the password was shown just now."""


class Confirmation(View):
    """Proof that whoever is logged in has shown his password, or a passkey, a moment ago."""

    confirmation: str
    """To be sent as `Archipelago-Confirmation`, with the same session. It belongs in memory, in no storage."""
    seconds: int
    """How long it is good, unless the account is changed."""


class UserView(View):
    """An account."""

    name: str
    role: Role
    created_at: datetime
    second_factor: bool


class PasskeyView(View):
    """A key that a device of somebody's keeps."""

    id: str
    user: str
    name: str
    host: str
    """Name of this node for which it is good."""
    created_at: datetime
    used_at: datetime | None


class SessionView(View):
    """A login that goes on."""

    id: str
    user: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    """When it ends unless it is used before; never later than the longest life of a session."""
    origin: str
    agent: str
    """What the browser calls itself."""
    current: bool
    """Whether it is the caller's own."""


class TokenView(View):
    """A login for a program."""

    id: str
    name: str
    permissions: tuple[Permission, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewToken(View):
    """A token that was just made."""

    secret: str
    """The token itself, shown this once."""
    token: TokenView


class NewSecondFactor(View):
    """A second factor that waits to be confirmed by a first code."""

    secret: str
    """For an authenticator that cannot read the QR code."""
    uri: str
    qr: str
    """The URI as a QR code, an SVG image."""


class RecoveryCodes(View):
    """Each replaces the second factor once; shown this once."""

    codes: tuple[str, ...]


class AccountNotice(View):
    """Somebody changed how one logs in, or was shown what only the owner may see."""

    id: int
    action: str
    """Method of the RPC that was called."""
    subject: str
    """Account, token or device that it was about; empty where there is none."""
    by: str
    """Who called it."""
    origin: str
    """From where."""
    at: datetime
