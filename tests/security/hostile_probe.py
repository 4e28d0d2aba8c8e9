"""Runs as a command of a build, and tries to get at what is not its own; what it finds out goes to `/report.json`."""

import ctypes
import json
import os
import socket
import sys

_FILES = 40_000
_LARGEST = 1 << 20
_SYSTEM_CALLS = {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "keyctl": 250, "bpf": 321, "chroot": 161}
"""Numbers of x86-64; other architectures are asked through the C library alone."""


def connect(address: object, family: int = socket.AF_INET) -> str:
    """Return `open`, or why not."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(address)
        except OSError as error:
            return type(error).__name__
    return "open"


def canaries(mark: bytes, *roots: str) -> list[str]:
    """Return the readable files that hold a mark."""
    found = []
    seen = 0
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                seen += 1
                if seen > _FILES or not os.path.isfile(path):
                    continue
                try:
                    with open(path, "rb") as file:
                        if mark in file.read(_LARGEST):
                            found.append(path)
                except OSError:
                    continue
    return found


def attempt(path: str) -> str:
    """Return whether something can be written there."""
    try:
        with open(path, "w") as file:
            file.write("1")
    except OSError as error:
        return type(error).__name__
    return "written"


def make_device() -> str:
    """Try to make a device node of the first disk."""
    try:
        os.mknod("/disk", 0o060600, os.makedev(8, 0))
    except OSError as error:
        return type(error).__name__
    return "made"


def calls() -> dict[str, str]:
    """Make system calls that a build has no use for."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = {}
    for name, number in _SYSTEM_CALLS.items() if os.uname().machine == "x86_64" else ():
        argument = 0x10000000 if name == "unshare" else 0
        done = (
            libc.syscall(number, argument, b"/", b"/", 0, 0)
            if name == "mount"
            else libc.syscall(number, argument, 0, 0)
        )
        found[name] = "done" if done == 0 else os.strerror(ctypes.get_errno())
    return found


def main() -> None:
    """Try everything. Arguments: the ports and sockets to knock at, as JSON."""
    given = json.loads(sys.argv[1])
    with open("/proc/self/status") as file:
        status = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    with open("/proc/self/uid_map") as file:
        uid_map = file.read().split()
    # Opened first: where a new user namespace is granted, nothing can be opened in it.
    with open("/report.json", "w") as output:
        report = {
            "tcp": {f"{host}:{port}": connect((host, port)) for host, port in given["tcp"]},
            "unix": {path: connect(path, socket.AF_UNIX) for path in given["unix"]},
            "canaries": canaries(b"CAN" + b"ARY-", "/"),
            "paths": [path for path in given["paths"] if os.path.exists(path)],
            "written": {path: attempt(path) for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger")},
            "device": make_device(),
            "calls": calls(),
            "status": {key: status[key] for key in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")},
            "uid_map": uid_map,
            "environment": dict(os.environ),
        }
        json.dump(report, output)


main()
