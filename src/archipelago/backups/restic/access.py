"""How restic reaches a target. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from archipelago.api.backups import BackupTarget, FolderTarget, RcloneTarget, RestTarget, S3Target, SftpTarget
from archipelago.backups.restic import rclone, ssh


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """What restic gets by its environment, which the kernel shows to nobody else."""

    repository: str = field(repr=False)
    """Its address, maybe with a password in it."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    """Where its files are, if they are on this machine."""
    options: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of which the options say the names (`Order.files`)."""
    log: str = ""
    """The one of them that gets errors (`Order.log`)."""


def access(target: BackupTarget, secret: str, ssh_key: str = "") -> RepositoryAccess:
    """Return how restic reaches a target; `secret` is what goes with its login, and `ssh_key` the node's key for SSH.

    Raises `NodeError` where the secret is not what such a target needs.
    """
    match target:
        case FolderTarget():
            return RepositoryAccess(target.path, folder=Path(target.path))
        case S3Target():
            environment = {"AWS_ACCESS_KEY_ID": target.access_key, "AWS_SECRET_ACCESS_KEY": secret}
            return RepositoryAccess(f"s3:{target.url}", environment)
        case RestTarget():
            parts = urlsplit(target.url)
            login = f"{quote(target.user, safe='')}:{quote(secret, safe='')}@" if target.user else ""
            url = parts._replace(netloc=login + parts.netloc).geturl()
            return RepositoryAccess(f"rest:{url}")
        case SftpTarget():
            options = ("-o", f"sftp.command={ssh.command(target)}")
            # Only the path counts: the command knows the rest.
            files = ssh.files(target, ssh_key)
            return RepositoryAccess(f"sftp:target:{target.path}", options=options, files=files, log=ssh.LOG)
        case RcloneTarget():
            told = rclone.environment(secret, target.remote)
            return RepositoryAccess(f"rclone:{target.remote}:{target.path}", told)


def secrets_of(target: BackupTarget, secret: str) -> tuple[str, ...]:
    """Return what no log may show of what goes with the login of a target. Raises `NodeError` as `access` does."""
    if isinstance(target, RcloneTarget):
        return rclone.secrets_in(rclone.environment(secret, target.remote))
    return (secret,) if secret else ()


def place(target: BackupTarget) -> str:
    """Return where a target is, without secrets."""
    match target:
        case FolderTarget():
            return target.path
        case SftpTarget():
            folder = target.path if target.path.startswith("/") else f"/~/{target.path}"
            return f"sftp://{target.user}@{target.host}:{target.port}{folder}"
        case RcloneTarget():
            return f"rclone:{target.remote}:{target.path}"
        case _:
            return target.url
