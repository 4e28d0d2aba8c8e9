"""The apps of the guest: Bitcoin Knots, one that does no harm, and those that take all that they can get."""

import shutil
from pathlib import Path

from support.checkout import APPS
from support.tiny_apps import write_app

LIMIT = 64 << 20
"""Bytes that the memory bomb may take."""
_SMALL = "resources: {memory: 64MiB, cpu: 2, pids: 32}"
_DATA = "mounts: [{volume: data, path: /data}]"
_VOLUME = "volumes: {data: {data: files}}"
_BOMB = "while [ ! -e /data/go ]; do busybox sleep 0.2; done; exec busybox tail /dev/zero"
_HOG = "while :; do :; done & while :; do :; done"
_WRITER = "while :; do busybox dd if=/dev/zero of=/data/x bs=1M count=64 conv=fsync 2>/dev/null; done"


def write_guest_apps(folder: Path) -> Path:
    """Write the catalog."""
    shutil.copytree(APPS / "bitcoin-knots", folder / "bitcoin-knots")
    write_app(folder, "quiet", command="[sleep, '100000']", health=_SMALL)
    write_app(folder, "bomb", command=f'[sh, -c, "{_BOMB}"]', health=f"{_SMALL}\n    {_DATA}", more=_VOLUME)
    write_app(folder, "hog", command=f'[sh, -c, "{_HOG}"]', health=_SMALL)
    write_app(folder, "writer", command=f'[sh, -c, "{_WRITER}"]', health=f"{_SMALL}\n    {_DATA}", more=_VOLUME)
    return folder
