"""Facts of the host, read from /proc and /sys (proc(5)). Blocking, but in memory."""

import os
import platform
import shutil
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path

from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.manifest.model.app import Architecture
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.ports import first_port
from archipelago.support.texts.text import msg

_MACHINES = {
    "x86_64": Architecture.AMD64,
    "amd64": Architecture.AMD64,
    "aarch64": Architecture.ARM64,
    "arm64": Architecture.ARM64,
}


def memory() -> tuple[int, int]:
    """Return total and available memory, in bytes. Raises `NodeError`."""
    fields = {}
    for line in _read("/proc/meminfo").split("\n"):
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            fields[name] = int(words[0]) * 1024
    if "MemTotal" not in fields:
        raise _unreadable("/proc/meminfo", "there is no MemTotal in it")
    return fields["MemTotal"], fields.get("MemAvailable", fields.get("MemFree", 0))


def memory_pressure() -> float | None:
    """Return the percentage of the last ten seconds in which some program waited for memory; None where unknown.

    It is `some avg10` of the kernel's pressure stall information, which not every kernel has
    (https://docs.kernel.org/accounting/psi.html).
    """
    try:
        words = Path("/proc/pressure/memory").read_text().split()
        return float(next(word for word in words if word.startswith("avg10=")).removeprefix("avg10="))
    except (OSError, StopIteration, ValueError):
        return None


def processors() -> tuple[float, float]:
    """Return the seconds that all processors have worked since the host started, and could have. Raises `NodeError`.

    What a processor waits for a disk is no work; guests are counted among the users (proc(5), /proc/stat).
    """
    words = _read("/proc/stat").split("\n", 1)[0].split()
    try:
        user, nice, system, idle, waiting, *others = map(int, words[1:9])
    except ValueError as error:
        raise _unreadable("/proc/stat", str(error)) from error
    busy = user + nice + system + sum(others)
    tick = os.sysconf("SC_CLK_TCK")
    return busy / tick, (busy + idle + waiting) / tick


def load() -> float:
    """Return the load average of the last minute; 0 where the host does not say."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def disk(path: Path) -> tuple[int, int]:
    """Return total and free bytes of the file system that holds `path`."""
    usage = shutil.disk_usage(path)
    return usage.total, usage.free


def temperature() -> float | None:
    """Return degrees Celsius of the hottest part that has a sensor (thermal zones of sysfs); None without any."""
    found = []
    for zone in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue  # some sensors answer only while their part is awake
    return max(found, default=None)


def own_addresses() -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses of this host but loopback's, in order.

    Raises `NodeError` rather than leave one out: rules that keep apps off the host are made of them.
    """
    file = "/proc/net/fib_trie"
    try:
        lines = _read(file).split("\n")
        local = (before.split()[-1] for before, line in pairwise(lines) if line.split()[-2:] == ["host", "LOCAL"])
        return tuple(sorted({address for address in map(IPv4Address, local) if not address.is_loopback}))
    except (ValueError, IndexError) as error:
        raise _unreadable(file, str(error)) from error


def static_shell() -> str:
    """Return the path of a busybox that needs no library, so that it runs in any container."""
    # Alpine's own busybox is linked dynamically; its package busybox-static has another name.
    alpine = Path("/bin/busybox.static")
    return str(alpine if alpine.exists() else Path("/bin/busybox"))


def read_control_group(parent: str) -> ControlGroup:
    """Return what is delegated below `parent`, a path of the cgroup2 file system such as `/archipelago`, or empty."""
    if not parent:
        return ControlGroup()
    try:
        controllers = Path(f"/sys/fs/cgroup{parent}/cgroup.subtree_control").read_text().split()
    except OSError:
        return ControlGroup()
    return ControlGroup(parent, frozenset(controllers))


def _read(file: str) -> str:
    try:
        return Path(file).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error


def _unreadable(file: str, why: str) -> NodeError:
    return NodeError(
        ErrorCode.INTERNAL,
        msg("{file} does not say what it should: {why}", file=file, why=why),
        hint=msg("look whether proc(5) is mounted in full, and report the file's content"),
    )


def read_host_facts(data_root: Path) -> HostFacts:
    """Return the facts on which plans and workloads depend. Raises `NodeError` on an unknown CPU architecture."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("this host's CPU architecture, {machine}, is not supported", machine=machine),
            hint=msg("use an x86_64 or ARM64 machine"),
        )
    total, _ = memory()
    cores = len(os.sched_getaffinity(0))
    return HostFacts(
        architecture=_MACHINES[machine],
        memory=total,
        cores=cores,
        free_disk=disk(data_root)[1],
        first_port=first_port(),
    )
