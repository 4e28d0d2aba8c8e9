"""Whether there is something at a path: what cannot be looked at is not absent."""

from pathlib import Path

from archipelago.support.private_files import reported


def is_there(path: Path) -> bool:
    """Return whether there is something at a path, a link included. Blocking.

    Raises `NodeError` where that cannot be found out, such as on a disk that fails.
    """
    with reported(path):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True
