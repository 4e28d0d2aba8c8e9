"""What is kept of those who may log in. Times are seconds since 1970."""

from dataclasses import dataclass

from archipelago.storage.records.permissions import Permission, Role

TOKEN_PREFIX = "arch_"  # noqa: S105 - how tokens start


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A time-based one-time password (RFC 6238), and what helps when its device is lost."""

    sealed: bytes
    """The shared secret, as an age file under the node's key."""
    last_step: int = 0
    """The newest time step of which a code was taken; none up to it is taken again."""
    recovery: tuple[str, ...] = ()
    """SHA-256 of each recovery code that was not used yet."""


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    name: str
    role: Role
    password: str
    """argon2id, in the PHC string format."""
    created_at: float
    factor: SecondFactor | None = None
    version: int = 0
    """Another one after each change of how one logs in. The node never gives a number twice, so an account that is
    made again under the name of a removed one has another version too."""
    marks_from: int = 0
    """Version of the account since which its device marks count."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that a device of somebody's keeps (WebAuthn)."""

    id: str
    """Credential ID, base64url."""
    user: str
    name: str
    public_key: bytes
    """COSE key (RFC 9052)."""
    sign_count: int
    host: str
    """Name by which the page was called (RP ID)."""
    created_at: float
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """A login that goes on."""

    key: str
    """Made from the session's secret (`session_key`): who reads the database cannot take the session over."""
    user: str
    created_at: float
    used_at: float
    origin: str
    agent: str
    version: int
    """Version of the account; the session is good while that is the account's."""


@dataclass(frozen=True, slots=True)
class Token:
    """A login for a program."""

    key: str
    name: str
    permissions: frozenset[Permission]
    created_at: float
    expires_at: float
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class LoginNotice:
    """What the owner of an account is notified of: somebody changed how one logs in."""

    id: int
    user: str
    """Who is notified."""
    action: str
    """Method of the RPC."""
    subject: str
    """Account, token or device that it was about; empty where there is none."""
    by: str
    origin: str
    at: float


@dataclass(frozen=True, slots=True)
class Logins:
    """Everything that is kept of logins, as it was at one moment."""

    users: tuple[User, ...] = ()
    sessions: tuple[Session, ...] = ()
    tokens: tuple[Token, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    notices: tuple[LoginNotice, ...] = ()
