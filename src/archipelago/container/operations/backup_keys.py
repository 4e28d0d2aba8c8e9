"""What opens backups: passwords of repositories, the node's key for SSH, and the recovery kit."""

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago import __version__
from archipelago.api.backups import (
    FolderTarget,
    KitTarget,
    RcloneTarget,
    RecoveryKit,
    RepositoryPassword,
    RestTarget,
    S3Target,
    SftpTarget,
    SshIntroduction,
)
from archipelago.backups.host_keys import introduce
from archipelago.backups.password import repository_password, ssh_seed
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import place
from archipelago.backups.restic.ssh import public_key
from archipelago.backups.targets import TargetRecord
from archipelago.container.operations.backup_work import BackupWork
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

SHORTEST_PASSWORD = 12


@dataclass(frozen=True, slots=True)
class BackupKeys:
    """Answers the methods about keys and passwords of backups. Raises `NodeError`."""

    work: BackupWork
    host: Callable[[], str]
    """Name of this machine."""

    async def introduce(self, host: str, port: int) -> SshIntroduction:
        """Ask a machine for its host key."""
        return await introduce(host, port, await self._ssh_seed())

    async def passwords(self, target: str) -> tuple[RepositoryPassword, ...]:
        """Return which passwords open the repository of a target."""
        async with self.work.turn(target):
            return await (await self._repository(target)).passwords()

    async def add_password(self, target: str, password: str, label: str) -> None:
        """Have another password open the repository of a target too."""
        if len(password) < SHORTEST_PASSWORD or password != password.strip():
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg(
                    "a password has at least {shortest} characters, none of them a space at an end",
                    shortest=SHORTEST_PASSWORD,
                ),
                hint=msg("take some words that nobody would guess together"),
            )
        await asyncio.to_thread(self.work.secrets.redactor.learn, password)
        async with self.work.turn(target):
            await (await self._repository(target)).add_password(password, label)

    async def remove_password(self, target: str, password: str) -> None:
        """Have a password, by the start of its id, open the repository no longer."""
        async with self.work.turn(target):
            repository = await self._repository(target)
            found = [each for each in await repository.passwords() if each.id.startswith(password)]
            if len(found) != 1:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("{target} has no password {password}", target=target, password=password),
                    hint=msg("'archipelago backup password-list' shows them"),
                )
            if found[0].node:
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    msg("this is the password of the node itself"),
                    hint=msg("without it, the node could neither write nor restore backups"),
                )
            await repository.remove_password(found[0].id)

    async def kit(self) -> RecoveryKit:
        """Return what an owner prints, to get everything back by; there are no secrets in it."""
        targets = self.work.targets
        return RecoveryKit(
            node=self.host(),
            at=datetime.now(UTC),
            version=__version__,
            targets=tuple([_kit_target(await targets.get(name)) for name in await targets.names()]),
            ssh_key=public_key(await self._ssh_seed()),
        )

    async def password(self) -> str:
        """Return the password of the node's repositories."""
        return await asyncio.to_thread(repository_password, self.work.secrets.key)

    async def _ssh_seed(self) -> str:
        return await asyncio.to_thread(ssh_seed, self.work.secrets.key)

    async def _repository(self, target: str) -> Repository:
        repository = await self.work.repository(await self.work.targets.get(target))
        await repository.open()
        return repository


def _kit_target(record: TargetRecord) -> KitTarget:
    user, words = "", list[str]()
    match record.target:
        case FolderTarget(path=path):
            words = ["--folder", path]
        case RestTarget(url=url, user=user):
            words = ["--rest", url, *(["--user", user, "--secret"] if user else [])]
        case S3Target(url=url, access_key=user):
            words = ["--s3", url, "--user", user, "--secret"]
        case SftpTarget(user=user, host=host, port=port, path=path):
            words = ["--sftp", f"{user}@{host}:{path}", *(["--port", str(port)] if port != 22 else [])]
        case RcloneTarget(remote=remote, path=path):
            words = ["--rclone", f"{remote}:{path}", "--rclone-config", "FILE"]
    return KitTarget(
        name=record.name,
        kind=record.target.kind,
        place=place(record.target),
        user=user,
        repository=record.repository,
        command=shlex.join(("archipelago", "backup", "add", record.name, *words)),
    )
