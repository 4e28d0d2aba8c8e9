"""Work in a volume as its app itself: files of others, if only for a moment, make the node stop the app."""

from pathlib import Path

from support.harness import podman

_AS_OWNER = 'cd "$1"; shift; exec setpriv --reuid "$(stat -c %u .)" --regid "$(stat -c %g .)" --clear-groups "$@"'


def as_owner_of(volume: Path, *command: str) -> str:
    """Run a command in a volume, as the user whose it is; return what it prints."""
    return podman("unshare", "sh", "-euc", _AS_OWNER, "sh", str(volume), *command)
