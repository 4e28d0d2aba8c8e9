"""What the agent is asked to make: directories and files that users of the namespace own. Plain values."""

import base64
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PassageRequest:
    """A directory of ours, mode 0710, through which one group of the namespace may come."""

    path: str
    gid: int

    @property
    def words(self) -> dict[str, Any]:
        """The request to the agent."""
        return {"do": "passage", "path": self.path, "gid": self.gid}


@dataclass(frozen=True, slots=True)
class DirectoryRequest:
    """A directory in one that is there; what is in it stays as it is."""

    path: str
    uid: int
    gid: int

    @property
    def words(self) -> dict[str, Any]:
        """The request to the agent."""
        return {"do": "directory", "path": self.path, "uid": self.uid, "gid": self.gid}


@dataclass(frozen=True, slots=True)
class VolumeRequest(DirectoryRequest):
    """A directory that may become the source of snapshots."""

    @property
    def words(self) -> dict[str, Any]:
        """The request to the agent."""
        return {"do": "volume", "path": self.path, "uid": self.uid, "gid": self.gid}


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file that is written atomically, in a directory that is there."""

    path: str
    content: bytes
    uid: int
    gid: int
    mode: int

    @property
    def words(self) -> dict[str, Any]:
        """The request to the agent."""
        content = base64.b64encode(self.content).decode()
        owner = {"uid": self.uid, "gid": self.gid, "mode": self.mode}
        return {"do": "file", "path": self.path, "content": content, **owner}


@dataclass(frozen=True, slots=True)
class DivisionRequest:
    """A volume as a directory of parts, through which one group may come; what was in it becomes `part`."""

    path: str
    part: str
    gid: int

    @property
    def words(self) -> dict[str, Any]:
        """The request to the agent."""
        return {"do": "divide", "path": self.path, "part": self.part, "gid": self.gid}


OwnedPath = PassageRequest | DirectoryRequest | FileRequest | DivisionRequest
