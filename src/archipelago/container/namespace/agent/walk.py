"""Walks through what an app has written, however deep its directories are in each other."""

import errno
import os
import stat


def walk_tree(path: str):  # type: ignore[no-untyped-def]
    """Yield each path below a directory with its lstat(2), a directory before what is in it; no link is followed.

    None stands for the lstat of what is so deep that no path leads to it. What goes meanwhile is left out. os.walk()
    would call itself for each level up to Python 3.11, and fail at a thousand of them.
    """
    waiting = [path]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                try:
                    found = os.lstat(entry.path)
                except OSError as error:
                    if error.errno == errno.ENAMETOOLONG:
                        yield entry.path, None
                    continue
                yield entry.path, found
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(entry.path)
