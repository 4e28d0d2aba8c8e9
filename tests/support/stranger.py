"""Looks at files as a user of the host to whom nothing belongs.

A process with user and group ids of the service user's own subordinate ones, no further groups and no capability has
the rights of `nobody`: what the kernel lets it read, it lets everybody read. So no root is needed.
"""

import subprocess
import sys
from pathlib import Path

IDS = str(1 + 200 * 65536 + 7)
"""Of an app that is not there, in the service user's namespace."""
_LOOK = """
import os, socket, stat, sys
for path in sys.stdin.buffer.read().split(b"\\0"):
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode) or not path:
            continue
        if stat.S_ISSOCK(mode):
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(path)
            what = b"calls"
        elif stat.S_ISDIR(mode):
            os.listdir(path)
            what = b"lists"
        elif stat.S_ISREG(mode):
            os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW))
            what = b"reads"
        else:
            continue
        sys.stdout.buffer.write(what + b" " + path + b"\\0")
    except OSError:
        pass
"""


def as_stranger(program: str, *arguments: str, input: bytes = b"") -> bytes:
    """Run a Python program as the stranger; return what it prints."""
    stranger = ("setpriv", "--reuid", IDS, "--regid", IDS, "--clear-groups", "--no-new-privs")
    command = ("podman", "unshare", *stranger, sys.executable, "-I", "-c", program, *arguments)
    done = subprocess.run(command, input=input, capture_output=True, cwd="/", timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def open_to_strangers(*roots: Path) -> set[str]:
    """Return what the stranger can do below directories: `reads PATH`, `lists PATH`, `calls PATH` (of a socket)."""
    find = ("podman", "unshare", "find", *map(str, roots), "-print0")
    names = subprocess.run(find, capture_output=True, cwd="/", timeout=100).stdout
    assert names.count(b"\0") > len(roots), "there is something to look at"
    return {found.decode() for found in as_stranger(_LOOK, input=names).split(b"\0") if found}
