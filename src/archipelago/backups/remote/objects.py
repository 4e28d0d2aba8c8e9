"""What a storage service does with files beside a repository, however it is reached."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from archipelago.backups.restic.says import failure
from archipelago.errors import NodeError


class StoreRefused(NodeError):
    """A service has answered, and does not do what it was asked for: another way may work."""


def store_refused(where: str, said: str) -> StoreRefused:
    """Return the error for the owner of what a service has refused, as restic's own for the same answer. Pure."""
    found = failure(1, f"Fatal: {said}", where)
    return StoreRefused(found.code, found.message, hint=found.hint, data=found.data)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is there after a file was written."""

    config: bytes | None = field(default=None, repr=False)
    """File of the repository which says which one it is; None where there is no repository."""
    content: bytes | None = field(default=None, repr=False)
    """Of the file that was written, read back."""


class ObjectSession(Protocol):
    """Files at a target, by their paths below the repository, for as long as a connection is held.

    Raises `StoreRefused` where the service refuses, and another `NodeError` where it does not answer.
    """

    async def get(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        ...

    async def put(self, path: str, content: bytes) -> StoredObject:
        """Write a file, in the place of one that is there, and read it back; nothing where there is no repository."""
        ...

    async def paths(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all files in a folder and in those below it; none where there is no folder."""
        ...

    async def delete(self, path: str) -> None:
        """Delete a file; none need be there."""
        ...


class ObjectStore(Protocol):
    """A place for files at a target."""

    def session(self) -> AbstractAsyncContextManager[ObjectSession]:
        """Hold a connection."""
        ...
