"""Members of the tar file with what a build is given: owned by root but for its own folders. Pure."""

import tarfile
from io import BytesIO
from pathlib import PurePosixPath


def folder_member(path: PurePosixPath, owner: int = 0) -> tarfile.TarInfo:
    """Return a folder; `owner` is a user and a group of the container."""
    member = tarfile.TarInfo(str(path))
    member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, 0o755, owner, owner
    return member


def plain_member(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member as root's, which others read, and execute if its owner may. A filter of `TarFile.add`."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def add_file(archive: tarfile.TarFile, path: PurePosixPath, content: bytes) -> None:
    """Add a file that root owns and others read."""
    member = tarfile.TarInfo(str(path))
    member.size, member.mode = len(content), 0o644
    archive.addfile(member, BytesIO(content))


def last_lines(output: str, count: int = 4) -> str:
    """Return the end of what a command of a build said, in one line."""
    return "; ".join([line.strip() for line in output.splitlines() if line.strip()][-count:]) or "it says nothing"
