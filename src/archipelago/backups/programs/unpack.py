"""Makes of what restic has restored what a snapshot of an app looks like; a small program of its own (see the package).

It is root of the user namespace. No link is followed: what an app once wrote is between the names that it walks.

Its argument is one order as JSON: `folder` (what was restored), `databases` (volume -> lists of names, which are in
`node/sqlite` and go to their places), `shift` (added to each user and group id of the volumes, since the app has other
ids here), `ids` (first and number of the ids then).
"""

import contextlib
import json
import os
import stat
import sys

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def main() -> None:
    """Put the databases into their places, and give the files to the app's users of today."""
    order = json.loads(sys.argv[1])
    top = os.open(order["folder"], _OPEN)
    for volume, databases in order["databases"].items():
        for names in databases:
            _place(top, ["node", "sqlite", volume, *names], ["volumes", volume, *names])
    if order["shift"]:
        first, number = order["ids"]
        with contextlib.suppress(FileNotFoundError):
            _shift(os.open("volumes", _OPEN, dir_fd=top), order["shift"], range(first, first + number))


def _place(top: int, source: list, target: list) -> None:  # type: ignore[type-arg]
    with _opened(top, source[:-1]) as old, _opened(top, target[:-1]) as new:
        for companion in ("-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target[-1] + companion, dir_fd=new)  # of another moment: it would damage the copy
        os.rename(source[-1], target[-1], src_dir_fd=old, dst_dir_fd=new)


@contextlib.contextmanager
def _opened(top: int, names: list):  # type: ignore[no-untyped-def, type-arg]
    directory = os.dup(top)
    try:
        for name in names:
            inner = os.open(name, _OPEN, dir_fd=directory)
            os.close(directory)
            directory = inner
        yield directory
    finally:
        os.close(directory)


def _shift(volumes: int, by: int, known: range) -> None:
    def moved(number: int) -> int:
        return number + by if number in known else number

    for _, directories, files, descriptor in os.fwalk(".", dir_fd=volumes, follow_symlinks=False):
        for name in (*directories, *files):
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            os.chown(name, moved(found.st_uid), moved(found.st_gid), dir_fd=descriptor, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o6000:
                # chown(2) has dropped them.
                os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=descriptor)


if __name__ == "__main__":
    main()
