"""What the kernel says of a process (proc(5))."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
"""By number (linux/capability.h)."""
_FILTER = "2"
"""Seccomp mode: a filter."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How a process is held."""

    uid_base: int
    """User of the host that is root in the process's user namespace."""
    bounding: int
    """Capabilities that it, or what it starts, may ever have; a bit each."""
    no_new_privileges: bool
    seccomp_filter: bool
    security_label: str
    """Of AppArmor or SELinux; empty where there is neither."""

    def capabilities_beyond(self, allowed: Collection[str]) -> str:
        """Return the capabilities that it has beyond those that are allowed, with commas."""
        names = (f"CAP_{name}" for number, name in enumerate(_CAPABILITIES) if self.bounding >> number & 1)
        return ", ".join(name for name in names if name not in allowed)


def read_process(proc: Path, pid: int) -> ProcessStatus | None:
    """Return how a process is held; None where it has ended."""
    folder = proc / str(pid)
    try:
        # A process calls itself what it likes (PR_SET_NAME of prctl(2)); only its line breaks are escaped.
        lines = (line.partition(":") for line in _text(folder / "status").split("\n"))
        fields = {key: value.strip() for key, _, value in lines}
        first = (folder / "uid_map").read_text().split()
        return ProcessStatus(
            uid_base=int(first[1]),
            bounding=int(fields["CapBnd"], 16),
            no_new_privileges=fields["NoNewPrivs"] == "1",
            seccomp_filter=fields["Seccomp"] == _FILTER,
            security_label=_label(folder),
        )
    except (OSError, KeyError, IndexError, ValueError):
        return None


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace")


def _label(folder: Path) -> str:
    try:
        return _text(folder / "attr/current").strip("\0\n ")
    except OSError:
        return ""  # the kernel has neither
