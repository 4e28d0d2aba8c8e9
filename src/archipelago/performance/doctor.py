"""Examines the host: for each finding what is wrong, why it matters, and the command that mends it."""

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archipelago.config import NodeConfig
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.container.status import Finding, Severity
from archipelago.performance import host

_GIB = 1024**3
_LITTLE_DISK = 5 * _GIB
_LITTLE_MEMORY = _GIB
_IDS_NEEDED = 65536 * 256
_SETUP = "make setup"


@dataclass(frozen=True, slots=True)
class Doctor:
    """A list of small checks, each of which finds nothing, or something with a remedy."""

    config: NodeConfig
    podman: PodmanInfo
    not_enforced: tuple[str, ...]

    def examine(self) -> tuple[Finding, ...]:
        """Run all checks, worst findings first. Blocking."""
        checks: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._podman_version,
            self._rootless,
            self._enforcement,
            self._storage_driver,
            self._subordinate_ids,
            self._disk,
            self._memory,
            self._clock,
            self._tun,
            self._key_file,
        )
        order = list(reversed(Severity))
        return tuple(sorted((found for check in checks for found in check()), key=lambda f: order.index(f.severity)))

    def _podman_version(self) -> Iterator[Finding]:
        version = tuple(int(part) for part in self.podman.version.split("-")[0].split(".")[:2])
        if version < (4, 3):
            yield Finding(
                check="podman-version",
                severity=Severity.ERROR,
                what=f"Podman {self.podman.version} is older than 4.3",
                why="apps may not start, or not be kept apart",
                mend="apt-get install podman, on Debian 12 or newer",
            )
        else:
            yield Finding(check="podman-version", severity=Severity.OK, what=f"Podman {self.podman.version}")

    def _rootless(self) -> Iterator[Finding]:
        if self.podman.rootless:
            yield Finding(check="rootless", severity=Severity.OK, what="containers run without root's rights")
        else:
            yield Finding(
                check="rootless",
                severity=Severity.ERROR,
                what="Podman runs as root",
                why="an app that breaks out of its container would own the host",
                mend="start the node with 'make run', which uses a user of its own",
            )

    def _enforcement(self) -> Iterator[Finding]:
        for what in self.not_enforced:
            yield Finding(
                check="enforcement",
                severity=Severity.WARNING,
                what=f"not enforced on this host: {what}",
                why="an app that misbehaves can take more of the host than its manifest says",
                mend="boot with the unified cgroup hierarchy (kernel option systemd.unified_cgroup_hierarchy=1)"
                if "cgroup" in what
                else "enable AppArmor in the kernel (apparmor=1 security=apparmor)",
            )

    def _storage_driver(self) -> Iterator[Finding]:
        if self.podman.graph_driver == "overlay":
            yield Finding(check="storage-driver", severity=Severity.OK, what="images are stored with overlay")
        else:
            yield Finding(
                check="storage-driver",
                severity=Severity.WARNING,
                what=f"images are stored with {self.podman.graph_driver}, not overlay",
                why="each container takes a full copy of its image",
                mend=_SETUP,
            )

    def _subordinate_ids(self) -> Iterator[Finding]:
        granted = sum(entry.size for entry in self.podman.uid_map if entry.container_id > 0)
        apps = max(0, (granted // 65536) - 1)
        if granted < _IDS_NEEDED:
            user = pwd.getpwuid(os.getuid()).pw_name
            yield Finding(
                check="subordinate-ids",
                severity=Severity.WARNING if apps >= 10 else Severity.ERROR,
                what=f"user {user} has {granted} subordinate ids, enough for {apps} apps",
                why="each app has a range of user ids of its own, so that none can touch another's files",
                mend=_SETUP,
            )
        else:
            yield Finding(check="subordinate-ids", severity=Severity.OK, what="each app has user ids of its own")

    def _disk(self) -> Iterator[Finding]:
        total, free = host.disk(self.config.root)
        text = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB are free under {self.config.root}"
        if free < _LITTLE_DISK:
            yield Finding(
                check="disk",
                severity=Severity.ERROR if free < _LITTLE_DISK / 10 else Severity.WARNING,
                what=text,
                why="databases are damaged when a disk runs full",
                mend="remove apps or files that you do not need, or move the data to a larger disk",
            )
        else:
            yield Finding(check="disk", severity=Severity.OK, what=text)

    def _memory(self) -> Iterator[Finding]:
        total, available = host.memory()
        text = f"{available / _GIB:.1f} of {total / _GIB:.1f} GiB of memory are available"
        if available < _LITTLE_MEMORY / 4:
            yield Finding(
                check="memory",
                severity=Severity.WARNING,
                what=text,
                why="the kernel kills processes when memory runs out",
                mend="stop an app, or lower the memory that it may use",
            )
        else:
            yield Finding(check="memory", severity=Severity.OK, what=text)

    def _clock(self) -> Iterator[Finding]:
        synchronised = Path("/run/systemd/timesync/synchronized").exists()
        if Path("/run/systemd/system").is_dir() and not synchronised:
            yield Finding(
                check="clock",
                severity=Severity.NOTE,
                what="the clock is not known to be synchronised",
                why="Bitcoin refuses blocks, and logins fail, when the clock is far off",
                mend="timedatectl set-ntp true",
            )

    def _tun(self) -> Iterator[Finding]:
        tun = Path("/dev/net/tun")
        if not tun.exists() or not os.access(tun, os.R_OK | os.W_OK):
            yield Finding(
                check="tun",
                severity=Severity.ERROR,
                what="/dev/net/tun cannot be opened",
                why="apps that may reach the internet cannot",
                mend="modprobe tun && chmod 0666 /dev/net/tun",
            )

    def _key_file(self) -> Iterator[Finding]:
        key = self.config.root / "node.key"
        if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
            yield Finding(
                check="key-file",
                severity=Severity.ERROR,
                what=f"{key} can be read by others",
                why="it opens every secret of this node",
                mend=f"chmod 0600 {key}",
            )
