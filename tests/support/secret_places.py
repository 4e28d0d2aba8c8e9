"""Where a secret is found."""

import subprocess
import sys
from pathlib import Path

SCAN = """
import os, sys
needles = [line.encode() for line in sys.stdin.read().split()]
longest = max(map(len, needles))
since = os.stat(sys.argv[1]).st_ctime_ns
for root in sys.argv[2:]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
                if os.stat(path).st_ctime_ns < since:
                    continue
                file = open(path, "rb")
            except FileNotFoundError:  # those who work there meanwhile have removed it
                continue
            with file:
                rest = b""
                while part := file.read(1 << 20):
                    text = rest + part
                    for needle in needles:
                        if needle in text:
                            print(path)
                    rest = text[-longest:]
"""
"""Prints the files below some directories that hold one of the texts of its input, read as root of the namespace."""


def holding(texts: list[str], *where: str, since: Path) -> set[str]:
    """Return the files below some directories that hold one of the texts.

    `since` is a file from before the texts existed. Files that are older cannot hold them, and are not read: those are
    all images that other tests left.
    """
    command = ["podman", "unshare", sys.executable, "-c", SCAN, str(since), *where]
    done = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("\n")) - {""}
