"""Services about keys, secrets, images and the audit log. Every method raises `NodeError`.

Who may log in is `security.login.login.Login` itself: its parts are the services of their methods.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from archipelago.api.apps import ChangePreview
from archipelago.api.operations import Operation
from archipelago.api.security import AppSecurity, ContainerProfiles, PackageChange, SecretView
from archipelago.security.audit.chain import AuditAction, AuditEntry, AuditVerdict
from archipelago.security.keys.node_key import KeyState
from archipelago.security.login.guessing.attempts import Source
from archipelago.storage.records.signers import SignerRule


class AuditService(Protocol):
    """Keeps the audit log."""

    @property
    def public_key(self) -> str:
        """The public key that it is signed with, as PEM."""
        ...

    async def record(self, audited: AuditAction) -> int:
        """Write an entry; return its sequence."""
        ...

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]: ...
    async def lines(self, after: int, limit: int) -> tuple[str, ...]: ...
    async def verify(self) -> AuditVerdict: ...


class KeyUnlockService(Protocol):
    """Brings the node's key back; a locked node has nothing else."""

    async def state(self) -> KeyState: ...
    async def unlock(self, passphrase: str, source: Source) -> None: ...
    async def restore(self, words: str) -> None: ...


class KeyService(Protocol):
    """Keeps the node's key."""

    async def protect(self, passphrase: str, current: str | None) -> None: ...
    async def unprotect(self, current: str) -> None: ...
    async def phrase(self, current: str | None) -> str: ...


class AppSecretService(Protocol):
    """Keeps the secrets of apps."""

    async def secrets(self, app: str) -> tuple[SecretView, ...]: ...
    async def reveal_secret(self, app: str, name: str) -> str: ...
    async def secrets_preview(self, app: str, name: str | None) -> ChangePreview: ...
    async def set_secret(self, app: str, name: str, value: str, agreed: Collection[str] | None = None) -> Operation: ...
    async def rotate_secrets(self, app: str, name: str | None, agreed: Collection[str] | None = None) -> Operation:
        """Replace secrets, all of the app's where none is named."""
        ...


class SeedWordService(Protocol):
    """Has owners show that they have words on paper."""

    async def confirm_words(self, app: str, name: str, words: Mapping[int, str]) -> None:
        """Take some of the words of a secret by their places, which count from 1."""
        ...


class SignerService(Protocol):
    """Decides whom images are taken from."""

    async def rules(self) -> tuple[SignerRule, ...]: ...
    async def accept(self, publisher: str, signer: str) -> None: ...
    async def forget(self, publisher: str) -> None: ...


class SbomService(Protocol):
    """Knows what is in the images of apps; of the first container where none is named."""

    async def document(self, app: str, container: str | None) -> dict[str, Any]: ...
    async def changes(self, app: str, container: str | None) -> tuple[PackageChange, ...]: ...


class ConfinementService(Protocol):
    """Says how apps are confined."""

    async def report(self) -> tuple[AppSecurity, ...]: ...
    def profiles(self, app: str) -> tuple[ContainerProfiles, ...]: ...


class AppEntryService(Protocol):
    """Lets people in to apps that are behind the node's login."""

    def address(self, site: str, state: str, session: str) -> str: ...
