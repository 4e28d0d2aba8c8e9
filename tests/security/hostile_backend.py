"""A build backend that looks for everything that it should not reach, and tells of it in the wheel that it makes.

It is packed into a source distribution by test_hostile_python; `attack.json` beside it says where to look.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

TARGETS: dict[str, Any] = json.loads(Path(__file__).with_name("attack.json").read_text())
LOOK = 200_000
"""Files at most that are opened in the search for canaries."""


def readable() -> list[str]:
    """Return which of the files that were named can be read."""
    found = []
    for path in TARGETS["files"]:
        with contextlib.suppress(OSError):
            found.append(f"{path}: {len(Path(path).read_bytes())}")
    return found


def canaries() -> list[str]:
    """Return where on this file system the canary is, read through every folder that opens."""
    canary, found = TARGETS["canary"].encode(), []
    looked = 0
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if folder != "/" or name not in ("proc", "sys", "dev")]
        for name in files:
            path = Path(folder, name)
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size < 100_000 and path != Path(__file__).with_name("attack.json"):
                    looked += 1
                    if canary in path.read_bytes() and looked < LOOK:
                        found.append(str(path))
    return found


def sockets() -> list[str]:
    """Return which sockets answer."""
    found = []
    for path in TARGETS["sockets"]:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            probe.connect(path)
            found.append(path)
    for host, port in TARGETS["ports"]:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            found.append(f"{host}:{port}")
    return found


def names() -> list[str]:
    """Return which names can be looked up."""
    found = []
    for name in TARGETS["names"]:
        with contextlib.suppress(OSError):
            found.append(str(socket.getaddrinfo(name, 443)[0][4]))
    return found


def processes() -> list[str]:
    """Return commands and environments of others that can be seen."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                content = (directory / part).read_bytes()
                found += [sign for sign in TARGETS["signs"] if sign.encode() in content]
    return found


def written() -> list[str]:
    """Return where something could be written that is no place of a build."""
    found = []
    for folder in TARGETS["folders"]:
        path = Path(folder, "written-by-a-build")
        with contextlib.suppress(OSError):
            path.write_text("x")
            found.append(str(path))
    return found


def survive() -> None:
    """Leave a process behind that nobody waits for and that no signal to the group reaches."""
    code = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
    nothing = subprocess.DEVNULL
    subprocess.run([sys.executable, "-c", code, TARGETS["mark"]], stdin=nothing, stdout=nothing, stderr=nothing)


def build_wheel(folder: str, config: object = None, metadata: object = None) -> str:
    """Attack, then make a wheel, or what `out` says."""
    survive()
    report = {
        "done": True,
        "uid_map": Path("/proc/self/uid_map").read_text().split(),
        **{probe.__name__: probe() for probe in (readable, canaries, sockets, names, processes, written)},
    }
    name, version = TARGETS["name"], "1.0"
    filename = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, TARGETS.get("filename", filename)), "w") as archive:
        archive.writestr(f"{name}/report.json", json.dumps(report))
        for path, content in TARGETS.get("members", {}).items():
            archive.writestr(path, content)
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    for place, target in TARGETS.get("links", {}).items():
        Path(folder, place).symlink_to(target)
    return filename
