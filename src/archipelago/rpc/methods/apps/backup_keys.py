"""Methods about what opens backups: passwords, the key for SSH, the recovery kit."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from archipelago.api.backups import Port, RecoveryKit, RecoverySecrets, RepositoryPassword, SshHost, SshIntroduction
from archipelago.api.services.apps import BackupKeyService
from archipelago.api.services.security import KeyService
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.apps.backups import TargetParams
from archipelago.rpc.methods.security.keys import CurrentParams
from archipelago.rpc.params import secret_text
from archipelago.storage.records.permissions import Permission

family = Family()


class IntroduceParams(Params):
    """A machine with an SSH server."""

    host: SshHost
    port: Port = 22


class AddPasswordParams(TargetParams):
    """A new password of a repository."""

    password: Annotated[SecretStr, Field(max_length=1024)]
    """At least 12 characters."""
    label: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")] = "owner"
    """Whose it is."""


class RemovePasswordParams(TargetParams):
    """A password of a repository."""

    password: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4,64}$")]
    """Start of its id."""


@family.method(
    "backup-ssh",
    "Ask a machine for its host key, to agree to before it becomes a target; and return the node's key for it",
    permission=Permission.ADMINISTER,
)
async def _introduce(keys: BackupKeyService, params: IntroduceParams) -> SshIntroduction:
    return await keys.introduce(params.host, params.port)


@family.method("backup-password-list", "List the passwords that open a repository", permission=Permission.ADMINISTER)
async def _passwords(keys: BackupKeyService, params: TargetParams) -> tuple[RepositoryPassword, ...]:
    return await keys.passwords(params.target)


@family.method(
    "backup-password-add",
    "Have another password open a repository too, beside the node's own",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _add(keys: BackupKeyService, params: AddPasswordParams) -> None:
    await keys.add_password(params.target, params.password.get_secret_value(), params.label)


@family.method(
    "backup-password-remove",
    "Have a password open a repository no longer",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _remove(keys: BackupKeyService, params: RemovePasswordParams) -> None:
    await keys.remove_password(params.target, params.password)


@family.method(
    "backup-kit",
    "Return the recovery kit: what an owner prints to get everything back by, without secrets",
    permission=Permission.ADMINISTER,
)
async def _kit(keys: BackupKeyService) -> RecoveryKit:
    return await keys.kit()


@family.method(
    "backup-kit-secrets",
    "Return the secrets of the recovery kit: the 24 words (BIP 39) and the password of the repositories",
    permission=Permission.ADMINISTER,
    recorded=True,
    confirms=True,
    tells=True,
)
async def _secrets(node_key: KeyService, keys: BackupKeyService, params: CurrentParams) -> RecoverySecrets:
    words = await node_key.phrase(secret_text(params.current))
    return RecoverySecrets(words=words, password=await keys.password())
