"""How restic reaches a target. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from archipelago.api.backups import FolderTarget, RestTarget, S3Target


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """What restic gets by its environment, which the kernel shows to nobody else."""

    repository: str = field(repr=False)
    """Its address, maybe with a password in it."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def access(target: FolderTarget | RestTarget | S3Target, secret: str) -> RepositoryAccess:
    """Return how restic reaches a target; `secret` is what goes with its login."""
    match target:
        case FolderTarget():
            return RepositoryAccess(target.path)
        case S3Target():
            environment = {"AWS_ACCESS_KEY_ID": target.access_key, "AWS_SECRET_ACCESS_KEY": secret}
            return RepositoryAccess(f"s3:{target.url}", environment)
        case RestTarget():
            parts = urlsplit(target.url)
            login = f"{quote(target.user, safe='')}:{quote(secret, safe='')}@" if target.user else ""
            url = parts._replace(netloc=login + parts.netloc).geturl()
            return RepositoryAccess(f"rest:{url}")


def place(target: FolderTarget | RestTarget | S3Target) -> str:
    """Return where a target is, without secrets."""
    return target.path if isinstance(target, FolderTarget) else target.url
