"""Removes what an app has written, however deep its directories are in each other."""

import errno
import os
import stat
import subprocess

from archipelago.container.namespace.agent.mounts import destroy_subvolume, make_writable, mounts_at, subvolumes_in
from archipelago.container.namespace.agent.refused import Refused

ENDS_WITH_THIS_THREAD = ("setpriv", "--pdeathsig", "KILL", "--")
"""Prefix of a command that must not outlive the agent, even one that is killed; the thread waits for its end."""
_LONGEST_ERRORS = 4096


def remove(path: str) -> dict:  # type: ignore[type-arg]
    """Remove a directory with all that is in it; no link is followed."""
    destroy_subvolume(path)
    if os.path.lexists(path):
        remove_tree(path)
    return {}


def remove_tree(path: str, directory: int = -1) -> None:
    """Remove a directory, not what is mounted in it; `directory` is the open one in which it is, if any.

    Python's own rmtree() calls itself for each level, and fails at a thousand of them.
    """
    where = f"/proc/self/fd/{directory}/{path}" if directory >= 0 else path
    if not stat.S_ISDIR(os.lstat(where).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    said = _run_removal(where, directory)
    if not said:
        return
    # To rm(1) a subvolume is another file system, as is a disk, which must stay.
    nested = [] if mounts_at(os.path.realpath(where)) else subvolumes_in(where)
    if not nested:
        raise Refused(said)
    make_writable(nested)
    for each in reversed(nested):
        destroy_subvolume(each)
        if os.path.lexists(each):
            _run_removal(each, directory)
    if os.path.lexists(where) and (said := _run_removal(where, directory)):
        raise Refused(said)


def _run_removal(path: str, directory: int) -> str:
    """Return the last error, empty where all is gone."""
    with subprocess.Popen(
        [*ENDS_WITH_THIS_THREAD, "rm", "-rf", "--one-file-system", "--", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[directory] if directory >= 0 else [],
        env={**os.environ, "LC_ALL": "C"},
    ) as process:
        said = b""
        while piece := process.stderr.read1():  # type: ignore[union-attr]
            said = (said + piece)[-_LONGEST_ERRORS:]  # there may be one for each of millions of files
    if process.returncode == 0:
        return ""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].rsplit(": ", 1)[-1] if lines else f"rm ended with {process.returncode}"
