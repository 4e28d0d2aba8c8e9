"""Tarballs of npm packages and lock files, as values."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, target: str = "") -> tarfile.TarInfo:
    """Return a header."""
    found = tarfile.TarInfo(name)
    found.type, found.mode, found.linkname = kind, mode, target
    return found


def tarball_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a compressed tar file with these members."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=format) as archive:
        for header, content in members:
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return gzip.compress(output.getvalue(), mtime=0)


def package_of(name: str, version: str = "1.0.0", files: Mapping[str, bytes] | None = None) -> bytes:
    """Return the tarball of a package."""
    description = json.dumps({"name": name, "version": version}).encode()
    content = {"package.json": description, **(files or {})}
    return tarball_of((member(f"package/{path}"), data) for path, data in content.items())


def integrity(tarball: bytes) -> str:
    """Return the hash as a lock file has it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"


def lock_of(entries: Mapping[str, Mapping[str, Any]], **root: Any) -> bytes:
    """Return a package-lock.json."""
    return json.dumps({"lockfileVersion": 3, "packages": {"": root, **entries}}).encode()


def entry_of(tarball: bytes, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """Return the entry of a package."""
    return {"version": version, "integrity": integrity(tarball), **more}
