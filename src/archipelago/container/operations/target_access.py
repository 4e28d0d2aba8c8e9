"""How targets of backups are reached: their repositories, and copies of streamed files beside these."""

import asyncio

from archipelago.api.backups import FolderTarget, RcloneTarget, RestTarget, S3Target, SftpTarget
from archipelago.backups.password import repository_password, ssh_seed
from archipelago.backups.remote.object_proofs import ObjectProofs
from archipelago.backups.remote.objects import ObjectStore
from archipelago.backups.remote.rclone_objects import RcloneObjects
from archipelago.backups.remote.remote_proofs import RemoteProofs
from archipelago.backups.remote.rest_objects import RestObjects, RestPlace
from archipelago.backups.remote.s3_objects import S3Objects
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access, place, secrets_of
from archipelago.backups.restic.launch import launch_here
from archipelago.backups.restic.ssh import private_key
from archipelago.backups.sftp_proofs import SftpProofs
from archipelago.backups.targets import TargetRecord
from archipelago.container.operations.backup_work import BackupWork


async def open_repository(work: BackupWork, record: TargetRecord) -> Repository:
    """Return the repository of a target."""
    password = await asyncio.to_thread(repository_password, work.secrets.key)
    for secret in (password, *secrets_of(record.target, record.secret)):
        await asyncio.to_thread(work.secrets.redactor.learn, secret)
    key = private_key(await asyncio.to_thread(ssh_seed, work.secrets.key))

    async def mark_void(snapshot: str) -> None:
        await work.targets.note(
            record.name, lambda history: history.model_copy(update={"void": (*history.void, snapshot)})
        )

    reached = access(record.target, record.secret, key)
    return Repository(
        reached,
        password,
        place(record.target),
        work.layout.restic_cache,
        work.launch,
        known=record.repository,
        seen=work.seen,
        void=(await work.targets.history(record.name)).void,
        mark_void=mark_void,
    )


async def remote_proofs(work: BackupWork, record: TargetRecord) -> RemoteProofs:
    """Return the copies of streamed files at a target that is no folder."""
    target, where = record.target, place(record.target)
    store: ObjectStore
    match target:
        case SftpTarget():
            key = private_key(await asyncio.to_thread(ssh_seed, work.secrets.key))
            return SftpProofs(target, key, where, work.secrets, launch_here, work.layout.temporary)
        case RestTarget():
            known = work.rest_places.setdefault(record.repository, RestPlace())
            store = RestObjects(target, record.secret, where, known)
        case S3Target():
            store = S3Objects(target, record.secret, where)
        case RcloneTarget():
            environment = access(target, record.secret).environment
            root = f"{target.remote}:{target.path}"
            store = RcloneObjects(root, environment, where, work.layout.temporary)
        case FolderTarget():
            raise TypeError(f"{where} is a folder")
    return ObjectProofs(store, where, work.secrets)
