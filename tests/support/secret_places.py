"""Where a secret is found."""

import subprocess
import sys

SCAN = """
import os, sys
needles = [line.encode() for line in sys.stdin.read().split()]
longest = max(map(len, needles))
for root in sys.argv[1:]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
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


def holding(texts: list[str], *where: str) -> set[str]:
    """Return the files below some directories that hold one of the texts."""
    command = ["podman", "unshare", sys.executable, "-c", SCAN, *where]
    done = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("\n")) - {""}
