"""What the agent finds in the place of a volume."""

from dataclasses import dataclass

from archipelago.storage.records.volumes import Mark


@dataclass(frozen=True, slots=True)
class Found:
    """What is in the place of a volume."""

    mark: Mark
    empty: bool
    """Nothing is in it, or nothing but what mkfs(8) made."""
    foreign: bool
    """What is in it belongs to none of the app's user ids."""
    owner: int = 0
    """User id of the directory, in the service user's namespace."""
    chown: str = ""
    """`UID:GID` as the host counts, which the files should have."""
    read_only: bool = False
