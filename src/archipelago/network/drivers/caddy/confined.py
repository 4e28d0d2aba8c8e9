"""A small program that becomes Caddy, in a place where there is nothing else.

`confined.py FOLDER PROGRAM ARGUMENT…` makes a user and a mount namespace, in whose root are PROGRAM, at `/program`, and
FOLDER, at its own path, and no other file of the host; then it runs PROGRAM there, without a capability and unable to
get one. From there, no process of another user namespace can be traced, nor its files be opened through /proc.

It prints the process id of PROGRAM, which is no child of whoever called, and so may outlive him.

It imports nothing of this project: it starts fast, and runs with `python -I`.
"""

import ctypes
import os
import resource
import sys
from pathlib import Path

_NEW_NAMESPACES = 0x00020000 | 0x10000000 | 0x08000000
"""CLONE_NEWNS, CLONE_NEWUSER and CLONE_NEWIPC of unshare(2)."""
_BIND, _PRIVATE, _DETACH = 0x1000, 0x4000 | 0x40000, 2
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _AGAIN = 0x1, 0x2, 0x4, 0x8, 0x20
_NO_NEW_PRIVILEGES = 38
_PROGRAM = "/program"
_MOST_DESCRIPTORS = 16384


def main() -> None:
    """Have another process confined and become the program; say which, once it has, and end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            _become()
        except OSError as error:
            raise SystemExit(str(error)) from error
    os.close(writer)
    # It is closed by execve(2), and by an end before.
    os.read(reader, 1)
    if os.waitpid(child, os.WNOHANG) != (0, 0):
        raise SystemExit(1)
    print(child)


def _become() -> None:
    folder, program, *arguments = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(_NEW_NAMESPACES), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _arrange(libc, folder, program)
    _limit()
    _check(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    # The user is not root in its namespace either, so execve(2) takes all capabilities away.
    os.execve(_PROGRAM, [program, *arguments], dict(os.environ))  # noqa: S606 # it becomes the program


def _arrange(libc: ctypes.CDLL, folder: str, program: str) -> None:
    def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
        words = [word.encode() if word is not None else None for word in (source, target, kind)]
        _check(libc.mount(*words, flags, data.encode() if data is not None else None), f"mount {target}")

    mount("none", "/", None, _PRIVATE)
    # A root of its own is mounted over the folder, which is opened first: it is in the new root under its own path.
    inside, binary = os.open(folder, os.O_PATH | os.O_DIRECTORY), os.open(program, os.O_PATH)
    mount("none", folder, "tmpfs", _NO_SUID | _NO_DEVICES, "size=64k,mode=0700")
    place, file = Path(folder + folder), Path(folder + _PROGRAM)
    place.mkdir(parents=True, mode=0o700)
    file.touch(0o700)
    mount(f"/proc/self/fd/{inside}", str(place), None, _BIND)
    mount(f"/proc/self/fd/{binary}", str(file), None, _BIND)
    os.close(inside)
    os.close(binary)
    os.chdir(folder)
    _check(libc.pivot_root(b".", b"."), "pivot_root")
    _check(libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")
    mount("none", "/", None, _AGAIN | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def _limit() -> None:
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise SystemExit(f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
