"""A small program that prints the package databases of an image as JSON: path -> content, in base64.

It runs as root of the service user's user namespace (`podman unshare`), where Podman can mount an image, and is started
with `python -I -c`. An image is untrusted: no link is followed, what is no regular file is left alone, and sizes are
bounded.
"""

import base64
import json
import os
import stat
import subprocess
import sys

_LARGEST_FILE = 16 << 20
_LARGEST_SUM = 64 << 20
"""The daemon has all of it in memory, more than once."""
_DEEPEST = 60
_MOST_FILES = 200_000
_MOST_FOUND = 20_000
_SKIPPED = ("proc", "sys", "dev")
INCOMPLETE = ""
"""What stands among the paths where not all of an image was read; no file has an empty path."""


def main() -> None:
    """Print the databases of the image that is the only argument."""
    image = sys.argv[1]
    mount = subprocess.run(["podman", "image", "mount", image], capture_output=True, text=True, check=True)
    try:
        json.dump(_collect(mount.stdout.strip()), sys.stdout)
    finally:
        subprocess.run(["podman", "image", "unmount", image], capture_output=True, check=False)


def _collect(root: str) -> dict:  # type: ignore[type-arg]
    found: dict[str, str] = {}
    seen = size = 0
    complete = True
    for folder, folders, names, descriptor in os.fwalk(root, follow_symlinks=False):
        # Deeper than that lies no database, and the walk has a descriptor open for each level.
        if folder.count("/") - root.count("/") >= _DEEPEST:
            complete = complete and not folders
            folders.clear()
        inner = os.path.relpath(folder, root)
        if inner == ".":
            folders[:] = [name for name in folders if name not in _SKIPPED]
        seen += len(names)
        if seen > _MOST_FILES or len(found) > _MOST_FOUND:
            complete = False
            break
        for name in names:
            path = f"{inner}/{name}".removeprefix("./")
            if not _is_database(path):
                continue
            content = _read(name, descriptor)
            if content is None:
                continue
            if len(content) > _LARGEST_FILE or size + len(content) > _LARGEST_SUM:
                complete = False
                continue
            size += len(content)
            found[path] = base64.b64encode(content).decode()
    return found if complete else {**found, INCOMPLETE: ""}


def _is_database(path: str) -> bool:
    if path in ("lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/dpkg/status"):
        return True
    if path.startswith("var/lib/dpkg/status.d/") and not path.endswith(".md5sums"):
        return True
    parts = path.split("/")
    if parts[-1] == "METADATA" and len(parts) > 1 and parts[-2].endswith(".dist-info"):
        return True
    # node_modules/name/package.json, node_modules/@scope/name/package.json, and none of what lies deeper in a package
    return parts[-1] == "package.json" and (
        parts[-3:-2] == ["node_modules"] or (parts[-4:-3] == ["node_modules"] and parts[-3].startswith("@"))
    )


def _read(name: str, folder: int) -> "bytes | None":
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        return file.read(_LARGEST_FILE + 1)


if __name__ == "__main__":
    main()
